"""The page in a real browser, with its mouse and keyboard."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from matting_nodes import sample_data

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=60_000)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="needs Debian's chromium"),
]


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser, server):
    """Opens pages; a script's error, or a look elsewhere, fails the test."""
    contexts, wrong = [], []

    def start(url: str = server.url, **options):
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda r: wrong.append(r.url) if not is_own(r.url, url) else None)
        page.goto(url)
        expect(page.locator("#parameters details").first).to_be_attached()
        return page

    yield start
    for context in contexts:
        context.close()
    assert not wrong


def is_own(address: str, url: str) -> bool:
    return address.startswith((url, "blob:", "data:", "ws" + url.removeprefix("http")))


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> Path:
    """The lemur at half its size."""
    path = tmp_path_factory.mktemp("photos") / "my lemur.png"
    cv2.imwrite(str(path), np.round(sample_data.lemur()[::2, ::2, ::-1] * 255).astype(np.uint8))
    return path


@pytest.fixture(scope="module")
def beach(photo) -> Path:
    path = photo.with_name("beach.jpg")
    Image.fromarray(np.round(sample_data.beach() * 255).astype(np.uint8)).save(path)
    return path


def done(page, count: int = 0) -> None:
    expect(page.locator("#status")).to_have_text(
        re.compile(rf"^Done in .*· strokes and marks: {count}$")
    )


def upload(page, path: Path) -> None:
    page.set_input_files("#file-image", path)
    done(page)


def canvas(page, step: str):
    return page.locator(f"figure[data-step={step}] canvas")


def downloaded(page, what: str) -> bytes:
    with page.expect_download() as waiting:
        page.click(f"#downloads button[data-what={what}]")
    return Path(waiting.value.path()).read_bytes()


def pixels(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def drag(page, step: str, *path: tuple[float, float]) -> None:
    """Drag the mouse over a step; places are parts of its canvas."""
    box = canvas(page, step).bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def test_two_uploads_paint_undo_download(open_page, photo, beach, tmp_path):
    page = open_page()
    upload(page, photo)
    page.check("input[value=picture]")
    page.set_input_files("#file-background", beach)
    expect(page.locator(".drop[data-what=background] [data-name]")).to_have_text("beach.jpg")
    done(page)
    before = pixels(downloaded(page, "trimap"))
    assert pixels(downloaded(page, "composite")).shape == (*before.shape, 3)
    page.click("#tool-foreground")
    drag(page, "trimap", (0.1, 0.2), (0.2, 0.3), (0.3, 0.2))
    done(page, 1)
    painted = pixels(downloaded(page, "trimap"))
    assert (painted != before).sum() > 100
    assert set(np.unique(painted[painted != before])) == {255}
    alpha = pixels(downloaded(page, "alpha"))
    assert alpha.dtype == np.uint16
    assert (alpha[painted == 255] == 65535).all()
    cutout = pixels(downloaded(page, "cutout"))
    assert cutout.shape == (*before.shape, 4)
    np.testing.assert_array_equal(cutout[..., 3], np.round(alpha / 257))

    # The workflow gives the same pictures without the page.
    workflow = json.loads(downloaded(page, "workflow"))
    for source in (photo, beach):
        shutil.copy(source, tmp_path / source.name.replace(" ", "_"))
    (tmp_path / "workflow.json").write_text(json.dumps(workflow))
    command = [sys.executable, "-m", "matting_nodes", "run", "workflow.json", "--quiet"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    made = {path.name.split("_")[0]: path for path in (tmp_path / "output").glob("*.png")}
    assert set(made) == {"composite", "cutout", "alpha"}
    same = cv2.imread(str(made["alpha"]), cv2.IMREAD_UNCHANGED)
    # Solved at once, and after a stroke: within what an update may be off.
    assert abs(same.astype(float) - alpha).max() < 0.03 * 65535
    assert abs(same.astype(float) - alpha).mean() < 0.001 * 65535

    page.click("#undo")
    done(page)
    np.testing.assert_array_equal(pixels(downloaded(page, "trimap")), before)
    page.click("#redo")
    done(page, 1)
    np.testing.assert_array_equal(pixels(downloaded(page, "trimap")), painted)


def test_a_box_and_points_choose_the_object(open_page, photo):
    page = open_page()
    upload(page, photo)
    page.click("#tool-box")
    drag(page, "image", (0.3, 0.3), (0.6, 0.6))
    done(page, 1)
    trimap = pixels(downloaded(page, "trimap"))
    columns, width = np.nonzero(trimap == 255)[1], trimap.shape[1]
    assert columns.min() > 0.2 * width
    assert columns.max() < 0.7 * width
    page.click("#tool-object")
    drag(page, "image", (0.5, 0.5))
    done(page, 2)
    assert "MattingNodesMarkObject" in downloaded(page, "workflow").decode()


def test_sliders_reach_the_nodes(open_page, photo):
    page = open_page()
    upload(page, photo)
    before = pixels(downloaded(page, "trimap"))
    page.click("details[data-step=make_trimap] > summary")
    page.fill("#make_trimap-outer", "15")
    page.press("#make_trimap-outer", "Tab")
    expect(page.locator("#status")).to_have_text(re.compile("Working|Done"))
    done(page)
    wider = pixels(downloaded(page, "trimap"))
    assert (wider == 128).sum() > 1.3 * (before == 128).sum()
    page.check("input[value=color]")
    page.fill("#color", "#123456")
    done(page)
    expect(page.locator("#progress")).to_be_hidden()
    page.wait_for_timeout(500)
    composite = pixels(downloaded(page, "composite"))
    assert composite[0, 0].tolist() == [0x56, 0x34, 0x12]


def test_with_the_keyboard_alone(open_page):
    page = open_page()
    page.locator("#sample").focus()
    page.keyboard.press("Enter")
    done(page)
    before = pixels(downloaded(page, "trimap"))
    canvas(page, "trimap").focus()
    page.keyboard.press("b")
    expect(page.locator("#tool-background")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Space")
    done(page, 1)
    painted = pixels(downloaded(page, "trimap"))
    assert set(np.unique(painted[painted != before])) == {0}
    canvas(page, "trimap").focus()
    page.keyboard.press("Control+z")
    done(page)
    np.testing.assert_array_equal(pixels(downloaded(page, "trimap")), before)
    # Everything that can be pressed can be reached, and shows that it is.
    names = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        names.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"tool-move", "tool-hair", "size", "redo", "CANVAS", "SUMMARY"} <= names


def test_zoom_is_shared_and_a_step_enlarges(open_page, photo):
    page = open_page()
    upload(page, photo)
    small = canvas(page, "alpha").bounding_box()
    page.get_by_role("button", name="Enlarge Alpha").click()
    large = canvas(page, "alpha").bounding_box()
    assert large["width"] > 2 * small["width"]
    views = [canvas(page, step).screenshot() for step in ("image", "composite")]
    box = canvas(page, "image").bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(300)
    assert canvas(page, "image").screenshot() != views[0]
    assert canvas(page, "composite").screenshot() != views[1]


def test_on_a_phone(open_page, photo):
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    upload(page, photo)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    page.locator("#tool-unknown").tap()
    canvas(page, "trimap").scroll_into_view_if_needed()
    expect(page.locator("#tool-unknown")).to_be_in_viewport()
    box = canvas(page, "trimap").bounding_box()
    page.touchscreen.tap(box["x"] + 60, box["y"] + 60)
    done(page, 1)


def png(path: Path, array: np.ndarray, **options) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def test_what_cannot_be_used_is_told_and_the_picture_kept(open_page, photo, tmp_path):
    page = open_page()
    alert = page.locator("#problem")
    page.set_input_files("#file-background", photo)  # there is no picture yet: no harm
    upload(page, photo)
    before = downloaded(page, "alpha")
    text = tmp_path / "notes.png"
    text.write_text("I am no picture")
    huge = png(tmp_path / "huge.png", np.zeros((10_000, 20_000), np.uint8))
    moving = tmp_path / "moving.gif"
    frames = [Image.new("RGB", (30, 30), color) for color in ("red", "blue")]
    frames[0].save(moving, save_all=True, append_images=frames[1:])
    empty = tmp_path / "empty.png"
    empty.touch()
    large = tmp_path / "large.tif"
    large.write_bytes(bytes(21_000_000))
    for file, words in (
        (text, "image cannot be read"),
        (huge, "200000000 pixels"),
        (moving, "holds 2 frames"),
        (empty, "empty.png is empty"),
        (large, "At most 20.0 MB are taken"),
    ):
        page.set_input_files("#file-image", file)
        expect(alert).to_contain_text(words)
        expect(page.locator(".drop[data-what=image] [data-name]")).to_have_text(photo.name)
        if file in (text, huge, moving):  # the others did not travel
            done(page)
        assert downloaded(page, "alpha") == before


def test_pictures_of_other_kinds_come_out_upright(open_page, tmp_path):
    page = open_page()
    image = np.round(sample_data.lemur()[::4, ::4] * 255).astype(np.uint8)
    turned = Image.Exif()
    turned[0x0112] = 6
    upright = np.ascontiguousarray(np.rot90(image))
    for path in (
        png(tmp_path / "turned.jpg", upright, exif=turned, quality=95),
        png(tmp_path / "grey.png", image[..., 0]),
    ):
        upload(page, path)
        assert pixels(downloaded(page, "alpha")).shape == image.shape[:2]
    cmyk = tmp_path / "cmyk.jpg"
    Image.fromarray(image).convert("CMYK").save(cmyk)
    upload(page, cmyk)
    page.set_input_files(
        "#file-background", png(tmp_path / "tall.png", np.full((90, 20, 3), 9, np.uint8))
    )
    expect(page.locator(".drop[data-what=background] [data-name]")).to_have_text("tall.png")


def test_a_network_without_weights_is_told(open_page, photo):
    page = open_page()
    upload(page, photo)
    page.click("details[data-step=segment] > summary")
    page.select_option("#segment-method", "modnet")
    expect(page.locator("#problem")).to_contain_text("A server fetches no weights by itself")
    expect(page.locator("figure[data-step=mask]")).to_have_class(re.compile("failed"))
    page.select_option("#segment-method", "grabcut")
    done(page)
    expect(page.locator("#problem")).to_be_hidden()


def test_a_trimap_is_painted_where_no_object_is_found(open_page, tmp_path):
    page = open_page()
    plain = png(tmp_path / "plain.png", np.full((120, 160, 3), 128, np.uint8))
    page.set_input_files("#file-image", plain)
    problem, status = page.locator("#problem"), page.locator("#status")
    problem.get_by_role("button", name="Paint the trimap myself").click()
    expect(status).to_have_text("Paint on the trimap · strokes and marks: 0")
    expect(problem).to_contain_text("no definite foreground")
    expect(page.locator("#tool-foreground")).to_have_attribute("aria-pressed", "true")
    drag(page, "trimap", (0.4, 0.5), (0.5, 0.5))
    expect(status).to_have_text("Paint on the trimap · strokes and marks: 1")
    expect(problem).to_contain_text("no definite background")
    page.click("#tool-background")
    drag(page, "trimap", (0.1, 0.1), (0.9, 0.1))
    done(page, 2)
    expect(problem).to_be_hidden()
    trimap, alpha = (pixels(downloaded(page, what)) for what in ("trimap", "alpha"))
    assert set(np.unique(trimap)) == {0, 128, 255}
    assert (trimap == 128).mean() > 0.5
    assert (alpha[trimap == 255] == 65535).all()
    assert (alpha[trimap == 0] == 0).all()
    # The workflow paints the same, without Segment.
    workflow = downloaded(page, "workflow")
    assert b"Segment" not in workflow
    (tmp_path / "workflow.json").write_bytes(workflow)
    command = [sys.executable, "-m", "matting_nodes", "run", "workflow.json", "--quiet"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (made,) = (tmp_path / "output").glob("alpha*.png")
    same = cv2.imread(str(made), cv2.IMREAD_UNCHANGED)
    assert abs(same.astype(float) - alpha).max() < 0.03 * 65535
    page.click("#undo")
    expect(problem).to_contain_text("no definite background")
    # Another picture is looked at as ever.
    photo = png(tmp_path / "lemur.png", np.round(sample_data.lemur()[::4, ::4] * 255).astype("u1"))
    upload(page, photo)
    expect(page.locator("input[name=start][value=mask]")).to_be_checked()


def test_a_second_tab_has_its_own_pictures(open_page, photo, tmp_path):
    first, second = open_page(), open_page()
    other = png(tmp_path / "other.png", np.round(sample_data.lemur()[::4, ::4] * 255).astype("u1"))
    upload(first, photo)
    upload(second, other)
    assert pixels(downloaded(first, "alpha")).shape == (220, 340)
    assert pixels(downloaded(second, "alpha")).shape == (110, 170)


def test_a_connection_that_breaks_off_is_taken_up_again(open_page, serve, photo):
    server = serve()
    page = open_page(server.url)
    upload(page, photo)
    drag(page, "trimap", (0.3, 0.2), (0.4, 0.3))
    done(page, 1)
    before = pixels(downloaded(page, "trimap"))
    server.restart()
    expect(page.locator("#status")).to_contain_text("are kept on this page")
    done(page, 1)
    np.testing.assert_array_equal(pixels(downloaded(page, "trimap")), before)


def test_a_page_that_was_dropped_goes_on_when_asked(open_page, serve, photo):
    server = serve("--idle-minutes", "0.1")
    page = open_page(server.url)
    upload(page, photo)
    expect(page.locator("#status")).to_contain_text("Nothing was done for a while")
    page.click("#connect")
    done(page)


def test_an_id_photo_with_its_verdicts(open_page, tmp_path):
    """The astronaut, whose face is about here."""
    from skimage import data

    page = open_page()
    upload(page, png(tmp_path / "astronaut.png", data.astronaut()[:400, 60:400]))
    make = page.get_by_role("button", name="Make an ID photo")
    make.click()
    expect(page.locator("#problem")).to_contain_text("ID Photo got no face")
    page.click("#tool-face")
    # A box from (120, 65) to (215, 195) of 340 × 400 pixels, in a canvas of 4 : 3.
    page.get_by_role("button", name="Enlarge Picture").click()
    box = canvas(page, "image").bounding_box()
    scale = min(box["width"] / 340, box["height"] / 400) * 0.97
    places = [
        (0.5 + (x - 170) * scale / box["width"], 0.5 + (y - 200) * scale / box["height"])
        for x, y in ((120, 65), (215, 195))
    ]
    drag(page, "image", *places)
    make.click()
    verdicts = page.locator("#id-verdicts li")
    expect(
        verdicts.filter(has_text=re.compile(r"^head 7[0-9.]+, allowed 70 to 80 %: ok"))
    ).to_be_visible()
    expect(page.locator("#problem")).to_be_hidden()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download photo").click()
    assert pixels(Path(waiting.value.path()).read_bytes()).shape == (531, 413, 3)


def test_nothing_stays_on_disk(server):
    assert not list(server.temporary.iterdir())


def test_accessibility(open_page, photo):
    """axe-core's rules, where it is: AXE_CORE names axe.min.js."""
    source = os.environ.get("AXE_CORE", "node_modules/axe-core/axe.min.js")
    if not Path(source).is_file():
        pytest.skip("axe-core is not there: npm install axe-core, or AXE_CORE=axe.min.js")
    for scheme in ("light", "dark"):
        # Its script is not the page's own.
        page = open_page(bypass_csp=True, color_scheme=scheme)
        upload(page, photo)
        for summary in page.locator("#parameters > details > summary").all():
            summary.click()
        for address in ("", "/docs"):
            if address:
                page.goto(page.url.rstrip("/") + address)
            page.add_script_tag(path=source)
            found = page.evaluate("axe.run()")["violations"]
            told = [(v["id"], v["impact"], [n["target"] for n in v["nodes"]][:3]) for v in found]
            assert not told
