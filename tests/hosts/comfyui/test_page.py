"""ComfyUI's page in a real browser, by real mouse events: needs Chromium and Playwright too."""

from __future__ import annotations

import json
import os
import re
import shutil
import urllib.error
from pathlib import Path

import numpy as np
import pytest

from matting_nodes import alpha_matte, read_image, sample_data, write_image
from matting_nodes.graph import Folders, Graph, evaluate
from matting_nodes.trimap.painting import painted, strokes_from

from .conftest import COMFYUI, ROOT

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = os.environ.get("CHROMIUM", shutil.which("chromium") or "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not COMFYUI, reason="COMFYUI_PATH names no ComfyUI checkout"),
    pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
READY = "!!(window.app?.graph && window.app.loadApiJson)"
# Where screenshots go, for people to look at.
SHOTS = os.environ.get("PAGE_SCREENSHOTS", "")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=["classic", "nodes 2.0"])
def page(server, browser, request):
    """The page, in the mode in which nodes are drawn on a canvas, and in that of elements."""
    server.post("/settings/Comfy.VueNodes.Enabled", request.param != "classic")
    server.post("/settings/Comfy.TutorialCompleted", True)
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.mode = request.param
    page.goto(server.url)
    page.wait_for_function(READY, timeout=120_000)
    page.wait_for_timeout(1500)
    page.keyboard.press("Escape")
    yield page
    page.close()


def shoot(page, name):
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}-{page.mode.replace(' ', '')}.png")


def load(page, graph):
    page.evaluate("graph => window.app.loadApiJson(graph, 'test')", graph)
    page.wait_for_timeout(800)


def run(page, server):
    """Queue what the page shows, and return its history once it has run."""
    answer = page.evaluate("async () => { await window.app.queuePrompt(0); return true; }")
    assert answer
    for _ in range(1200):
        queue = server.get("/queue")
        if not queue["queue_running"] and not queue["queue_pending"]:
            break
        page.wait_for_timeout(100)
    history = server.get("/history?max_items=1")
    return next(iter(history.values()))


def exported(page):
    return page.evaluate("async () => (await window.app.graphToPrompt()).output")


@pytest.fixture
def editing(server):
    """A workflow that ends in Edit Trimap and a preview, over a small picture with a trimap."""
    image = np.ascontiguousarray(sample_data.lemur()[::4, ::4])
    trimap = np.ascontiguousarray(sample_data.lemur_trimap()[::4, ::4])
    write_image(server.base / "input/small.png", image, force=True)
    write_image(server.base / "input/small-trimap.png", trimap, force=True)
    graph = {
        "1": {"class_type": "MattingNodesLoadPicture", "inputs": {"image": "small.png"}},
        "2": {
            "class_type": "LoadImageMask",
            "inputs": {"image": "small-trimap.png", "channel": "red"},
        },
        "3": {
            "class_type": "MattingNodesEditTrimap",
            "inputs": {"image": ["1", 0], "trimap": ["2", 0], "strokes": ""},
        },
        "4": {"class_type": "MaskPreview", "inputs": {"mask": ["3", 0]}},
    }
    return graph, image, trimap


def press_button(page, kind, label):
    """Press a node's button with the mouse, wherever the mode draws it."""
    node = f"const n = window.app.canvas.graph.nodes.find(n => n.comfyClass?.endsWith('{kind}'));"
    page.evaluate(f"() => {{ {node} window.app.canvas.centerOnNode(n); }}")
    page.wait_for_timeout(500)
    if page.mode == "classic":
        x, y = page.evaluate(
            f"() => {{ {node} const w = n.widgets.find(w => w.name === '{label}');"
            " const c = window.app.canvas, box = c.canvas.getBoundingClientRect();"
            " const at = c.ds.convertOffsetToCanvas([n.pos[0] + n.size[0] / 2,"
            " n.pos[1] + w.last_y + 10]); return [at[0] + box.left, at[1] + box.top]; }"
        )
        page.mouse.click(x, y)
    else:
        page.get_by_role("button", name=label).first.click()


def press_edit(page, kind="EditTrimap", label="Edit trimap", told="strokes"):
    press_button(page, kind, label)
    page.wait_for_selector(".mn-editor", timeout=20_000)
    page.wait_for_function(
        "told => document.querySelector('.mn-status').textContent.includes(told)",
        arg=told,
        timeout=60_000,
    )


def on_screen(page, place, size):
    """Return where a place of the picture is on the screen."""
    box = page.locator(".mn-view canvas").bounding_box()
    scale = box["width"] / size[0]
    return [box["x"] + (place[0] + 0.5) * scale, box["y"] + (place[1] + 0.5) * scale]


def drag(page, start, stop, size):
    """Paint with the mouse from one place of the picture to another, in its pixels."""
    page.mouse.move(*on_screen(page, start, size))
    page.mouse.down()
    middle = (start[0] + stop[0]) / 2, (start[1] + stop[1]) / 2
    page.mouse.move(*on_screen(page, middle, size))
    page.mouse.move(*on_screen(page, stop, size))
    page.mouse.up()
    page.wait_for_timeout(100)


def settled(page):
    page.wait_for_function(
        "() => / ms$/.test(document.querySelector('.mn-status').textContent)", timeout=120_000
    )


def test_a_trimap_is_painted_on_the_node_and_the_matte_follows(page, server, editing):
    graph, image, trimap = editing
    load(page, graph)
    run(page, server)
    shoot(page, "before")
    press_edit(page)
    size = image.shape[1::-1]
    page.keyboard.press("3")
    drag(page, (70, 40), (90, 60), size)
    settled(page)
    page.keyboard.press("4")
    drag(page, (60, 20), (60, 30), size)
    settled(page)
    shoot(page, "trimap")
    page.keyboard.press("v")
    page.wait_for_timeout(200)
    settled(page)
    shoot(page, "matte")
    page.keyboard.press("1")
    drag(page, (10, 10), (20, 10), size)
    settled(page)
    page.keyboard.press("v")
    page.wait_for_timeout(200)
    settled(page)
    shoot(page, "cutout")
    # What the editor shows is the matte of what was painted.
    shown = page.evaluate(
        "() => { const e = document.querySelector('.mn-editor').editor.alpha;"
        " return Array.from(e.getContext('2d').getImageData(0, 0, e.width, e.height).data)"
        " .filter((_, n) => n % 4 === 0); }"
    )
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".mn-editor", state="detached")
    strokes = strokes_from(exported(page)["3"]["inputs"]["strokes"])
    assert [(s.tool, s.value) for s in strokes] == [
        ("brush", "foreground"),
        ("hair", "foreground"),
        ("brush", "background"),
    ]
    expected = painted(trimap, strokes, image)
    matte = alpha_matte(image, expected)
    difference = np.abs(np.reshape(shown, matte.shape) / 255 - matte)
    assert difference.max() < 0.03
    assert difference.mean() < 0.002
    # The workflow runs the same without the page.
    history = server.run(exported(page))
    (preview,) = history["outputs"]["4"]["images"]
    np.testing.assert_allclose(server.picture(preview)[..., 0], expected, atol=1)
    saved = page.evaluate("() => JSON.stringify(window.app.graph.serialize())")
    assert "hair" in json.dumps(json.loads(saved)["nodes"])


def test_undo_and_cancel_leave_the_strokes(page, server, editing):
    graph, image, _ = editing
    kept = '{"strokes":[{"tool":"brush","value":"unknown","radius":3,"points":[[5,5]],"frame":0}]}'
    graph["3"]["inputs"]["strokes"] = kept
    load(page, graph)
    run(page, server)
    press_edit(page)
    drag(page, (70, 40), (90, 60), image.shape[1::-1])
    settled(page)
    for _ in range(2):
        page.keyboard.press("Control+z")
    settled(page)
    assert "0 strokes" in page.locator(".mn-status").text_content()
    page.keyboard.press("Control+y")
    settled(page)
    page.keyboard.press("Escape")
    page.wait_for_selector(".mn-editor", state="detached")
    assert exported(page)["3"]["inputs"] == graph["3"]["inputs"]


def test_undo_in_the_editor_is_none_in_the_graph(page, server, editing):
    graph, image, _ = editing
    load(page, graph)
    run(page, server)
    press_edit(page)
    page.evaluate("() => (window.before = window.app.canvas.graph.nodes[0])")
    for _ in range(2):
        drag(page, (70, 40), (90, 60), image.shape[1::-1])
    page.locator("[data-name=undo]").click()
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+y")
    settled(page)
    page.wait_for_timeout(500)
    assert page.evaluate("() => window.before === window.app.canvas.graph.nodes[0]")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".mn-editor", state="detached")
    assert len(strokes_from(exported(page)["3"]["inputs"]["strokes"])) == 1


@pytest.fixture
def marking(server):
    """A workflow that segments what is marked in a small picture."""
    image = np.ascontiguousarray(sample_data.lemur()[::2, ::2])
    write_image(server.base / "input/half.png", image, force=True)
    names = ("box", "foreground_points", "background_points")
    names += ("foreground_scribbles", "background_scribbles")
    wires = {name: ["2", slot] for slot, name in enumerate(names)}
    graph = {
        "1": {"class_type": "MattingNodesLoadPicture", "inputs": {"image": "half.png"}},
        "2": {"class_type": "MattingNodesMarkObject", "inputs": {"image": ["1", 0], "marks": ""}},
        "3": {
            "class_type": "MattingNodesSegment",
            "inputs": {"image": ["1", 0], "method": "grabcut", **wires},
        },
        "4": {"class_type": "MaskToImage", "inputs": {"mask": ["3", 0]}},
        "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "m"}},
    }
    return graph, image


def press_mark(page):
    press_edit(page, "MarkObject", "Mark object", "points")


def test_an_object_is_marked_on_the_node(page, server, marking, tmp_path):
    graph, image = marking
    size = image.shape[1::-1]
    load(page, graph)
    run(page, server)
    press_mark(page)
    drag(page, (30, 10), (300, 215), size)
    page.mouse.click(*on_screen(page, (170, 100), size))
    page.mouse.click(*on_screen(page, (36, 16), size), button="right")
    page.keyboard.down("Alt")
    page.mouse.click(*on_screen(page, (290, 20), size))
    page.keyboard.up("Alt")
    page.mouse.click(*on_screen(page, (100, 100), size))
    page.keyboard.press("Control+z")
    page.keyboard.press("3")
    drag(page, (150, 150), (190, 150), size)
    # Zoomed, marks lie where the pointer is.
    page.mouse.move(*on_screen(page, (40, 200), size))
    page.mouse.wheel(0, -240)
    page.keyboard.press("1")
    drag(page, (36, 205), (50, 205), size)
    shoot(page, "marks")
    assert page.locator(".mn-status").text_content() == "3 points · a box · 2 scribbles"
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".mn-editor", state="detached")
    api = exported(page)
    marks = json.loads(api["2"]["inputs"]["marks"])["strokes"]
    assert [(m["tool"], m["value"]) for m in marks] == [
        ("box", "foreground"),
        ("point", "foreground"),
        ("point", "background"),
        ("point", "background"),
        ("brush", "foreground"),
        ("brush", "background"),
    ]
    places = [(30, 10), (170, 100), (36, 16), (290, 20), (150, 150), (36, 205)]
    np.testing.assert_allclose([m["points"][0] for m in marks], places, atol=0.5)
    history = run(page, server)
    shoot(page, "marked")
    (saved,) = history["outputs"]["5"]["images"]
    mask = server.picture(saved)
    assert mask[100, 170].min() == 255
    assert mask[205, 40].max() == mask[16, 36].max() == 0
    # The workflow says the same without the page: pixel for pixel.
    (outcome,) = evaluate(Graph.from_json(api), Folders(server.base / "input", tmp_path))
    np.testing.assert_array_equal(read_image(outcome.files[0]), mask)


def test_marks_are_left_as_they_were_by_cancel(page, server, marking):
    graph, _ = marking
    kept = (
        '{"strokes":[{"tool":"point","value":"foreground","radius":1,"points":[[9,9]],"frame":0}]}'
    )
    graph["2"]["inputs"]["marks"] = kept
    load(page, graph)
    run(page, server)
    press_mark(page)
    page.locator("[data-name=clear]").click()
    assert page.locator(".mn-status").text_content() == "0 points · no box · 0 scribbles"
    page.keyboard.press("Escape")
    page.wait_for_selector(".mn-editor", state="detached")
    assert exported(page)["2"]["inputs"]["marks"] == kept


def test_the_editor_opens_inside_a_subgraph(page, server, editing):
    graph, image, _ = editing
    load(page, graph)
    page.evaluate(
        "() => { const g = window.app.graph;"
        " const n = g.nodes.find(n => n.comfyClass?.endsWith('EditTrimap'));"
        " const { subgraph, node } = g.convertToSubgraph(new Set([n]));"
        " window.holder = node; window.inner = subgraph; }"
    )
    run(page, server)
    page.evaluate("() => window.app.canvas.openSubgraph(window.inner, window.holder)")
    page.wait_for_timeout(800)
    press_edit(page)
    page.keyboard.press("3")
    drag(page, (70, 40), (90, 60), image.shape[1::-1])
    settled(page)
    shoot(page, "subgraph")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".mn-editor", state="detached")
    (api,) = [n for n in exported(page).values() if n["class_type"].endswith("EditTrimap")]
    (stroke,) = strokes_from(api["inputs"]["strokes"])
    assert (stroke.tool, stroke.value) == ("brush", "foreground")


def test_a_color_is_picked(page):
    inputs = {"network": "auto", "color": "tomato", "device": "auto"}
    graph = {"1": {"class_type": "MattingNodesCutout", "inputs": inputs}}
    load(page, graph)
    press_button(page, "Cutout", "Pick color")
    page.wait_for_selector(".mn-color", state="attached")
    assert page.evaluate("() => document.querySelector('.mn-color').value") == "#ff6347"
    # The system's own dialog is beyond a page's reach: what it tells the page is what it does.
    page.evaluate(
        "() => { const p = document.querySelector('.mn-color'); p.value = '#204060';"
        " p.dispatchEvent(new Event('input')); p.dispatchEvent(new Event('change')); }"
    )
    assert exported(page)["1"]["inputs"] == inputs | {"color": "#204060"}
    saved = page.evaluate("() => JSON.parse(JSON.stringify(window.app.graph.serialize()))")
    assert saved["nodes"][0]["widgets_values"][:3] == ["auto", "#204060", "auto"]
    shoot(page, "color")


def test_methods_keep_their_values_when_they_are_switched(page):
    load(page, {"1": {"class_type": "MattingNodesMakeTrimap", "inputs": {"method": "band"}}})
    values = page.evaluate(
        """() => {
          const node = window.app.graph.nodes[0];
          const widget = name => node.widgets.find(w => w.name === name);
          const choose = value => {
            widget('method').value = value;
            widget('method').callback?.(value);
          };
          widget('method.inner').value = 17;
          choose('structuring_element');
          choose('band');
          return [widget('method.inner').value, widget('method.outer').value];
        }"""
    )
    assert values[0] == 17
    assert values[1] == 10


def test_numbers_of_compare_stand_on_the_node(page, server, editing):
    graph, _, _ = editing
    graph["3"] = {
        "class_type": "MattingNodesCompare",
        "inputs": {"alpha": ["2", 0], "reference": ["2", 0]},
    }
    graph["4"] = {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}}
    load(page, graph)
    history = run(page, server)
    assert "SAD 0" in history["outputs"]["3"]["text"][0]
    page.wait_for_timeout(500)
    text = page.evaluate(
        "() => window.app.graph.nodes.find(n => n.comfyClass?.endsWith('Compare'))"
        ".widgets.find(w => w.name === 'result')?.value"
    )
    assert text.startswith("SAD 0")
    shoot(page, "compare")


# A picture, and a folder of pictures, which its first one stands for.
@pytest.mark.parametrize(("template", "width"), [("cutout", 680), ("video", 340)])
def test_samples_are_seen_before_a_template_has_run(page, template, width):
    graph = json.loads((ROOT / f"examples/{template}.json").read_text(encoding="utf-8"))
    page.evaluate("graph => window.app.loadGraphData(graph)", graph)
    page.wait_for_function(
        "width => window.app.graph.nodes.some(n => n.comfyClass?.endsWith('LoadPicture')"
        " && n.imgs?.[0]?.naturalWidth === width)"
        " || [...document.images].some(i => i.naturalWidth === width)",
        arg=width,
        timeout=20_000,
    )
    shoot(page, "template")


TEMPLATES = sorted(path.stem for path in (ROOT / "examples").glob("*.json"))


def test_templates_open_whole_and_in_order(page):
    for name in TEMPLATES:
        graph = json.loads((ROOT / f"examples/{name}.json").read_text(encoding="utf-8"))
        page.evaluate("graph => window.app.loadGraphData(graph)", graph)
        page.wait_for_timeout(700)
        nodes = page.evaluate(
            "() => window.app.graph.nodes.map(n => [n.title, !n.constructor.nodeData"
            " && n.type !== 'MarkdownNote', [...n.pos, ...n.size]])"
        )
        assert not [title for title, missing, _ in nodes if missing], name
        assert "What to do" in [title for title, *_ in nodes]
        # No node begins on another.
        boxes = {title + str(n): place for n, (title, _, place) in enumerate(nodes)}
        for one, (x, y, width, height) in boxes.items():
            for other, (left, top, *_) in boxes.items():
                assert one == other or not (x <= left < x + width and y <= top < y + height), name
        page.evaluate("() => window.app.canvas.fitViewToSelectionAnimated?.()")
        page.keyboard.press(".")
        page.wait_for_timeout(800)
        shoot(page, f"template-{name}")


# Of the band's width, and of the radius once the method is another.
TIPS = {
    "zh": ["未知带向前景内和向背景内延伸多远，按所选单位。", "结构元素的半径。"],
    "ja": ["帯が前景側と背景側へどこまで広がるか（単位に従う）。", "構造要素の半径。"],
}


def tips(page):
    """Return the tooltips of a parameter of two methods of Make Trimap."""
    return page.evaluate(
        """() => {
          const node = window.LiteGraph.createNode('MattingNodesMakeTrimap');
          window.app.graph.add(node);
          const tip = name => node.widgets.find(w => w.name === `method.${name}`).tooltip;
          const first = tip('inner');
          node.widgets.find(w => w.name === 'method').value = 'structuring_element';
          return [first, tip('radius')];
        }"""
    )


KEYS = re.compile(r"Ctrl\+\w+|Escape")


@pytest.mark.parametrize(
    ("language", "title", "labels"),
    [("zh", "生成三分图 (Trimap)", ["方法", "向内"]), ("ja", "トライマップ作成", ["手法", "内側"])],
)
def test_the_page_speaks_its_users_language(page, server, editing, language, title, labels):
    server.post("/settings/Comfy.Locale", language)
    try:
        page.reload()
        page.wait_for_function(READY, timeout=120_000)
        page.wait_for_timeout(1500)
        node = page.evaluate(
            """() => {
              const node = window.LiteGraph.createNode('MattingNodesMakeTrimap');
              window.app.graph.add(node);
              return [node.title, node.inputs[0].localized_name ?? node.inputs[0].label,
                      node.widgets.slice(0, 2).map(w => w.label)];
            }"""
        )
        assert node == [title, {"zh": "遮罩", "ja": "マスク"}[language], labels]
        assert tips(page) == TIPS[language]
        load(page, editing[0])
        run(page, server)
        # In the classic canvas a button is found by its name, which stays.
        shown = {"zh": "编辑三分图", "ja": "トライマップを編集"}[language]
        label = "Edit trimap" if page.mode == "classic" else shown
        press_edit(page, label=label, told={"zh": "条笔画", "ja": "ストローク"}[language])
        said = page.evaluate(
            "() => [...document.querySelectorAll('.mn-bar button')]"
            ".flatMap(b => [b.textContent, b.title])"
        )
        # Signs and keys aside, nothing is English.
        english = [text for text in said if re.search("[a-z]{3}", KEYS.sub("", text))]
        assert len(said) > 20
        assert english == []
        shoot(page, f"language-{language}")
    finally:
        server.post("/settings/Comfy.Locale", "en")


def test_a_box_of_another_package_can_be_wired(page):
    """Its socket takes core's boxes, BBOX and SEGS, and nothing else."""
    found = page.evaluate(
        """() => {
          const node = window.LiteGraph.createNode('MattingNodesSegment');
          const {type} = node.inputs.find(i => i.name === 'box');
          const fits = kind => window.LiteGraph.isValidConnection(kind, type);
          return ['BOUNDING_BOX', 'BBOX', 'SEGS', 'MASK'].map(fits);
        }"""
    )
    assert found == [True, True, True, False]


def test_cutout_opens_into_its_steps_and_gives_the_same(page, server):
    listed = server.get("/global_subgraphs")
    (key,) = [k for k, entry in listed.items() if entry["name"] == "Cutout in steps"]
    graph = json.loads(server.get(f"/global_subgraphs/{key}")["data"])
    page.evaluate("graph => window.app.loadGraphData(graph)", graph)
    page.wait_for_timeout(800)
    page.evaluate(
        """() => {
          const graph = window.app.graph;
          const steps = graph.nodes[0];
          const add = (type, x, y) => {
            const node = window.LiteGraph.createNode(type);
            node.pos = [x, y];
            graph.add(node);
            return node;
          };
          const photo = add('MattingNodesLoadPicture', -400, 0);
          photo.widgets.find(w => w.name === 'image').value = 'lemur.png';
          const cutout = add('MattingNodesCutout', 0, 300);
          cutout.widgets.find(w => w.name === 'network').value = 'grabcut';
          photo.connect(0, steps, 0);
          photo.connect(0, cutout, 0);
          for (const [n, node] of [steps, cutout].entries())
            for (const slot of [0, 1]) {
              const save = add('SaveImage', 500 + 400 * slot, 400 * n);
              save.widgets[0].value = `steps${n}${slot}`;
              node.connect(slot, save, 0);
            }
        }"""
    )
    history = run(page, server)
    saved = [e["images"][0] for e in history["outputs"].values() if "images" in e]
    pictures = {
        entry["filename"][:7]: server.picture(entry)
        for entry in saved
        if entry["filename"].startswith("steps")
    }
    assert pictures["steps00"].shape[2] == 4
    for slot in "01":
        np.testing.assert_array_equal(pictures[f"steps0{slot}"], pictures[f"steps1{slot}"])
    shoot(page, "steps")


@pytest.mark.parametrize(
    ("language", "title", "image"), [("zh", "标记主体", "图像"), ("ja", "対象をマーク", "画像")]
)
def test_names_come_in_other_languages(server, language, title, image):
    names = server.get("/i18n")[language]["nodeDefs"]
    assert names["MattingNodesMarkObject"]["display_name"] == title
    assert names["MattingNodesMarkObject"]["inputs"]["image"]["name"] == image
    assert set(names) >= {name for name in server.get("/object_info") if "MattingNodes" in name}


def test_an_unknown_method_is_told_before_anything_runs(server):
    graph = {
        "1": {"class_type": "MattingNodesLoadPicture", "inputs": {"file": "lemur.png [sample]"}},
        "2": {
            "class_type": "MattingNodesSegment",
            "inputs": {"image": ["1", 0], "method": "closed_form"},
        },
        "3": {"class_type": "MaskPreview", "inputs": {"mask": ["2", 0]}},
    }
    with pytest.raises(urllib.error.HTTPError) as caught:
        server.queue(graph)
    told = caught.value.read().decode()
    assert "no method 'closed_form': that is a method of Alpha Matte" in told
    assert told.count("closed_form'") < 5  # once, not for every input
    graph["2"]["inputs"]["method"] = "threshold"
    assert server.run(graph)["status"]["status_str"] == "success"


# Values of widgets by position, as pages saved them before GrabCut had `start` and the band
# `largest_hole`; the second trimap is older than `normalization`, too.
BEFORE = [
    (
        "MattingNodesSegment",
        ["grabcut", 5, 1024, 0, 500, "cpu", "auto", True],
        {"method.largest_hole": 500, "method.start": "saliency", "device": "cpu"}
        | {"normalization": "auto", "per_channel": True},
    ),
    (
        "MattingNodesMakeTrimap",
        ["band", 15, 25, "px", 1, 400, "auto", "stack", False],
        {"method.pixel_size": 1, "method.largest_hole": 1, "smallest_region": 400}
        | {"device": "auto", "normalization": "stack", "per_channel": False},
    ),
    (
        "MattingNodesMakeTrimap",
        ["band", 15, 25, "px", 1, 400, "cpu"],
        {"method.largest_hole": 1, "smallest_region": 400, "device": "cpu"}
        | {"normalization": "auto", "per_channel": False},
    ),
]


def test_a_template_says_which_model_is_missing(page):
    graph = json.loads((ROOT / "examples/core_remove_background.json").read_text(encoding="utf-8"))
    page.evaluate("graph => window.app.loadGraphData(graph)", graph)
    page.get_by_text("birefnet.safetensors is missing").wait_for(timeout=10_000)
    shoot(page, "missing-model")


@pytest.mark.parametrize(("type_", "values", "expected"), BEFORE)
def test_a_workflow_that_was_saved_before_keeps_its_values(page, type_, values, expected):
    node = {"id": 1, "type": type_, "pos": [0, 0], "size": [300, 400], "mode": 0, "order": 0}
    node |= {"flags": {}, "inputs": [], "outputs": [], "properties": {}, "widgets_values": values}
    graph = {"last_node_id": 1, "last_link_id": 0, "nodes": [node], "links": [], "version": 0.4}
    page.evaluate("graph => window.app.loadGraphData(graph)", graph)
    page.wait_for_timeout(800)
    inputs = exported(page)["1"]["inputs"]
    assert {name: inputs[name] for name in expected} == expected
    # And what is saved now comes back as it is.
    saved = page.evaluate("() => JSON.parse(JSON.stringify(window.app.graph.serialize()))")
    page.evaluate("graph => window.app.loadGraphData(graph)", saved)
    page.wait_for_timeout(800)
    assert exported(page)["1"]["inputs"] == inputs
