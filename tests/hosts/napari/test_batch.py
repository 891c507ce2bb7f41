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


@pytest.mark.parametrize("result", RESULTS)
def test_every_result_is_a_workflow_that_the_command_line_runs(panel, result):
    from matting_nodes.graph import check

    steps = {name: panel.nodes[name] for name in panel.batch._steps}
    graph = workflow(steps, result)
    check(Graph.from_json(graph.to_json()))
