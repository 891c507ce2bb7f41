"""A folder through the steps of the panel, in a real window, on real files."""

from __future__ import annotations

import time

import numpy as np
import pytest

from matting_nodes import (
    alpha_matte,
    composite,
    estimate_foreground,
    make_trimap,
    read_image,
    sample_data,
    segment,
    write_image,
)
from matting_nodes.graph import Graph
from matting_nodes.hosts.napari._batch import RESULTS, workflow


@pytest.fixture
def panel(dock):
    return dock("Image matting")


@pytest.fixture
def photos(tmp_path):
    """Two pictures, and a third file that was cut off on its way."""
    folder = tmp_path / "photos"
    folder.mkdir()
    lemur = sample_data.lemur()[::2, ::2]
    write_image(folder / "lemur.png", lemur)
    write_image(folder / "mirrored.png", lemur[:, ::-1])
    whole = (folder / "lemur.png").read_bytes()
    (folder / "broken.png").write_bytes(whole[: len(whole) // 3])
    return folder


@pytest.fixture
def run_batch(panel, qtbot):
    """Runs a folder to its end and returns the rows of the table by picture."""

    def run(folder):
        panel.batch.folder.value = folder
        panel.batch.run()
        qtbot.waitUntil(lambda: not panel.batch.running, timeout=120_000)
        return {name: row for name, *row in panel.batch.table.rows()}

    return run


def test_a_folder_gets_what_the_steps_give_and_the_table_says_what_failed(
    panel, photos, run_batch, qtbot
):
    panel.nodes["make_trimap"].fields["band", "inner"].value = 4
    panel.batch.result.value = "alpha"
    rows = run_batch(photos)
    assert {name: row[0] for name, row in rows.items()} == {
        "lemur": "done",
        "mirrored": "done",
        "broken": "failed",
    }
    assert "broken.png" in rows["broken"][1]
    results = photos.with_name("photos-results")
    assert sorted(p.name for p in results.glob("*.png")) == [
        "alpha_lemur.png",
        "alpha_mirrored.png",
    ]
    photo = read_image(photos / "lemur.png")
    alpha = alpha_matte(photo, make_trimap(segment(photo), inner=4))
    saved = read_image(results / "alpha_lemur.png") / 65535
    np.testing.assert_allclose(saved, alpha, atol=2e-5)
    assert "2 done, 0 done before, 1 failed" in panel.batch.message.value
    # What is up to date is left; what has changed since is done again.
    assert [row[0] for row in run_batch(photos).values()].count("done before") == 2
    panel.nodes["make_trimap"].fields["band", "inner"].value = 6
    assert [row[0] for row in run_batch(photos).values()].count("done") == 2


def test_a_composite_is_that_of_the_steps(panel, photos, run_batch):
    (photos / "broken.png").unlink()
    panel.nodes["composite"].fields["", "color"].value = "white"
    assert {row[0] for row in run_batch(photos).values()} == {"done"}
    photo = read_image(photos / "mirrored.png")
    alpha = alpha_matte(photo, make_trimap(segment(photo)))
    foreground, _ = estimate_foreground(photo, alpha)
    expected = composite(photo, alpha, foreground=foreground, color="white")
    saved = read_image(photos.with_name("photos-results") / "composite_mirrored.png")
    assert np.abs(saved / 255 - expected).max() < 0.003


def test_cancel_stops_within_a_second_and_keeps_what_is_done(panel, photos, qtbot):
    lemur = sample_data.lemur()
    for number in range(30):
        write_image(photos / f"{number}.png", lemur)
    panel.batch.folder.value = photos
    panel.batch.run()
    qtbot.waitUntil(lambda: panel.batch.table.view.rowCount() > 0, timeout=120_000)
    began = time.monotonic()
    panel.batch.run_button.native.click()
    qtbot.waitUntil(lambda: not panel.batch.running)
    assert time.monotonic() - began < 1
    assert panel.batch.message.value.startswith("Cancelled; Run goes on from there. ")
    assert panel.batch.table.view.rowCount() < 30


def test_what_cannot_be_done_is_said_before_any_picture(viewer, panel, tmp_path, run_batch):
    panel.batch.run()
    assert "There is no folder of pictures yet" in panel.batch.message.value
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run_batch(empty) == {}
    assert "holds no pictures" in panel.batch.message.value
    panel.nodes["make_trimap"].fields["band", "unit"].value = "physical"
    assert run_batch(empty) == {}
    assert "Make Trimap has a length in physical units" in panel.batch.message.value
    panel.nodes["make_trimap"].fields["band", "unit"].value = "px"
    layer = viewer.add_image(np.zeros((9, 9, 3)), name="beach")
    panel.nodes["composite"].layer_choices["background"].value = layer
    assert run_batch(empty) == {}
    assert "Composite takes the layer beach as its background" in panel.batch.message.value


@pytest.fixture
def trimaps(tmp_path, photos):
    """A trimap for each picture, as drawn by hand, under their names."""
    (photos / "broken.png").unlink()
    folder = tmp_path / "trimaps"
    folder.mkdir()
    trimap = sample_data.lemur_trimap()[::2, ::2]
    write_image(folder / "lemur.tif", trimap)
    write_image(folder / "mirrored.png", trimap[:, ::-1])
    return folder


def test_trimaps_drawn_by_hand_and_a_background_are_taken_from_files(
    panel, photos, trimaps, tmp_path, run_batch
):
    beach = np.full((50, 40, 3), (0.1, 0.5, 0.9), np.float32)
    write_image(tmp_path / "beach.png", beach)
    panel.batch.trimaps.value, panel.batch.background.value = trimaps, tmp_path / "beach.png"
    assert {row[0] for row in run_batch(photos).values()} == {"done"}
    photo = read_image(photos / "mirrored.png")
    alpha = alpha_matte(photo, read_image(trimaps / "mirrored.png"))
    foreground, _ = estimate_foreground(photo, alpha)
    behind = read_image(tmp_path / "beach.png")
    expected = composite(photo, alpha, foreground=foreground, background=behind)
    saved = read_image(photos.with_name("photos-results") / "composite_mirrored.png")
    assert np.abs(saved / 255 - expected).max() < 0.003
    # It is done again for the picture whose trimap was painted on, and for no other.
    painted = read_image(trimaps / "mirrored.png").copy()
    painted[painted == 128] = 255
    write_image(trimaps / "mirrored.png", painted, force=True)
    again = run_batch(photos)
    assert (again["mirrored"][0], again["lemur"][0]) == ("done", "done before")


def test_trimaps_of_other_names_are_refused(panel, photos, trimaps, run_batch):
    (trimaps / "lemur.tif").rename(trimaps / "lemur 2.tif")
    panel.batch.trimaps.value = trimaps
    assert run_batch(photos) == {}
    assert "do not hold pictures of the same names" in panel.batch.message.value
    panel.batch.result.value = "mask"
    assert run_batch(photos) == {}
    assert "There is no mask to save" in panel.batch.message.value
    panel.batch.trimaps.value = trimaps / "nowhere"
    assert run_batch(photos) == {}
    assert "does not exist" in panel.batch.message.value


def test_what_is_drawn_for_segment_serves_every_picture(viewer, panel, photos, run_batch):
    (photos / "broken.png").unlink()
    photo = read_image(photos / "mirrored.png")
    viewer.add_image(photo, name="mirrored", rgb=True)
    height, width = photo.shape[:2]
    top, left, bottom, right = 10, width // 3, height - 30, width - 20
    viewer.add_shapes(
        [[[top, left], [top, right], [bottom, right], [bottom, left]]],
        shape_type="rectangle",
        name="box",
    )
    strokes = np.zeros((height, width), np.uint8)
    strokes[height // 2 : height // 2 + 4, left + 30 : right - 30] = 1
    viewer.add_labels(strokes, name="strokes")
    segment_step = panel.nodes["segment"]
    for wire, name in (("box", "box"), ("foreground_scribbles", "strokes")):
        segment_step.layer_choices[wire].value = viewer.layers[name].__wrapped__
    panel.batch.prompts.value, panel.batch.result.value = True, "mask"
    assert {row[0] for row in run_batch(photos).values()} == {"done"}
    results = photos.with_name("photos-results")
    # napari's pixels have their centers, and the core's their corners, at whole numbers.
    box = (left, top, right + 1, bottom + 1)
    for name in ("lemur", "mirrored"):
        mask = segment(
            read_image(photos / f"{name}.png"), box=box, foreground_scribbles=strokes > 0
        )
        saved = read_image(results / f"mask_{name}.png") / 65535
        assert ((saved > 0.5) == (mask > 0.5)).mean() > 0.999
    assert {row[0] for row in run_batch(photos).values()} == {"done before"}
    viewer.layers["strokes"].data = np.flipud(strokes)
    assert {row[0] for row in run_batch(photos).values()} == {"done"}


@pytest.mark.parametrize("result", RESULTS)
def test_every_result_is_a_workflow_that_the_command_line_runs(panel, result):
    from matting_nodes.graph import check

    steps = {name: panel.nodes[name] for name in panel.batch._steps}
    graph = workflow(steps, result)
    check(Graph.from_json(graph.to_json()))
