"""Graphs that run while they are edited."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from PIL import Image

from matting_nodes import read_image, sample_data, write_image
from matting_nodes.errors import GraphError, MissingInputError
from matting_nodes.graph import (
    Document,
    Folders,
    Graph,
    Host,
    Link,
    Runner,
    Source,
    evaluate,
    thumbnail,
)
from matting_nodes.job import Cancelled, Job


@pytest.fixture
def folders(tmp_path, fur):
    image, trimap = fur
    (tmp_path / "in").mkdir()
    write_image(tmp_path / "in/fur.png", image)
    write_image(tmp_path / "in/trimap.png", trimap)
    return Folders(tmp_path / "in", tmp_path / "out")


@pytest.fixture
def document():
    """A matte, colors, and a picture that is saved; beside them the inverse."""
    document = Document()
    add = document.add
    photo = add("MattingNodesLoadPicture", inputs={"image": "fur.png"})
    drawn = add("MattingNodesLoadPicture", inputs={"image": "trimap.png"})
    trimap = add("ImageToMask", inputs={"image": Link(drawn), "channel": "red"})
    alpha = add(
        "MattingNodesAlphaMatte",
        inputs={"image": Link(photo), "trimap": Link(trimap), "method": "closed_form"},
    )
    laid = add("MattingNodesComposite", inputs={"image": Link(photo), "alpha": Link(alpha)})
    add("SaveImage", inputs={"images": Link(laid)})
    add("InvertMask", inputs={"mask": Link(alpha)})
    return document


def states(runner):
    return {key: run.state for key, run in runner.runs.items()}


def test_only_what_changed_runs_again_and_gives_the_same_pixels(document, folders, tmp_path):
    runner = Runner(folders)
    runner.run(document.graph)
    assert set(states(runner).values()) == {"done"}
    (file,) = runner.runs["6"].files
    (outcome,) = evaluate(document.graph, Folders(folders.input, tmp_path / "other"))
    np.testing.assert_array_equal(read_image(file), read_image(outcome.files[0]))

    runner.run(document.graph)
    assert set(states(runner).values()) == {"cached"}
    assert len(list(folders.output.iterdir())) == 1

    document.set("5", "color", "black")
    runner.run(document.graph)
    changed = {"5", "6"}
    assert {key for key, state in states(runner).items() if state == "done"} == changed
    (outcome,) = evaluate(document.graph, Folders(folders.input, tmp_path / "other"))
    again = read_image(runner.runs["6"].files[0])
    np.testing.assert_array_equal(again, read_image(outcome.files[0]))

    document.undo()
    runner.run(document.graph)
    assert set(states(runner).values()) == {"cached"}


def test_titles_and_places_run_nothing(document, folders):
    runner = Runner(folders)
    runner.run(document.graph, saving=False)
    document.rename("4", "Matte")
    document.lay_out()
    runner.run(document.graph, saving=False)
    assert "done" not in states(runner).values()


def test_a_file_that_changed_is_loaded_again(document, folders, fur):
    runner = Runner(folders)
    runner.run(document.graph)
    write_image(folders.input / "fur.png", 255 - fur[0], force=True)
    runner.run(document.graph)
    assert {k for k, state in states(runner).items() if state == "cached"} == {"2", "3"}


def test_a_file_that_was_deleted_is_written_again(document, folders):
    runner = Runner(folders)
    (file,) = runner.run(document.graph)["6"].files
    file.unlink()
    runner.run(document.graph)
    assert {k for k, state in states(runner).items() if state == "done"} == {"6"}


def test_nothing_is_saved_while_it_is_edited_and_part_of_it_can_run(document, folders):
    runner = Runner(folders)
    runner.run(document.graph, targets=["3"])
    assert states(runner) == {"2": "done", "3": "done"} | dict.fromkeys("14567", "waiting")
    runner.run(document.graph, saving=False)
    assert states(runner)["3"] == "cached"
    assert states(runner)["6"] == "waiting"
    assert not folders.output.exists()


def test_a_node_that_fails_says_why_and_the_others_run(document, folders):
    document.add("MattingNodesLoadPicture", inputs={"image": "gone.png"})
    document.add("ImageInvert", inputs={"image": Link("8")})
    document.add("MaskPreview")
    graph = document.graph
    graph = graph.with_node(Graph.from_json({"x": {"class_type": "Nobody"}}).nodes["x"])
    small = document.add("SolidMask", inputs={"width": 3, "height": 3})
    graph = graph.with_node(document.graph.nodes[small])
    wrong = document.add("MattingNodesComposite", inputs={"image": Link("1"), "alpha": Link(small)})
    graph = graph.with_node(document.graph.nodes[wrong])
    runner = Runner(folders)
    runs = runner.run(graph)
    assert {k for k, state in states(runner).items() if state == "failed"} == {
        *("8", "10", "x"),
        wrong,
    }
    assert "gone.png is not in the folder" in runs["8"].message
    assert runs["9"].state == "waiting"
    assert "waits for Node 8" in runs["9"].message
    assert isinstance(runs["10"].error, MissingInputError)
    assert "Nobody, which is not known here" in runs["x"].message
    assert runs[wrong].error.fix
    assert runs["6"].state == runs["7"].state == "done"


def test_every_step_is_told(document, folders):
    seen = []
    runner = Runner(folders, on_node=lambda key, run: seen.append((key, run.state, run.progress)))
    told = []
    runner.run(document.graph, Job(lambda fraction, message: told.append(fraction)))
    for key in document.graph.nodes:
        mine = [state for node, state, _ in seen if node == key]
        assert list(dict.fromkeys(mine)) == ["waiting", "running", "done"]
    assert any(0 < progress < 1 for key, _, progress in seen if key == "4")
    assert told[-1] == 1
    assert all(0 <= fraction <= 1 for fraction in told)


def test_a_circle_is_refused(folders):
    wired = {k: {"class_type": "InvertMask", "inputs": {"mask": [o, 0]}} for k, o in ("ab", "ba")}
    with pytest.raises(GraphError, match="depend on each other"):
        Runner(folders).run(Graph.from_json(wired))


def test_cancel_is_heard_at_once_and_keeps_what_is_done(document, folders):
    """Even by a step that never asks: here one that waits for a file that does not come."""
    stop, release = threading.Event(), threading.Event()

    class Slow(Host):
        def source(self, node):
            return Source("1", self.make) if node.id == "2" else None

        def make(self):
            stop.set()
            release.wait(30)
            return (np.ones((1, 4, 4, 3), np.float32),)

    runner = Runner(folders, Slow())
    started = []

    def cancelled():
        if stop.is_set() and not started:
            started.append(time.monotonic())
        return stop.is_set()

    with pytest.raises(Cancelled):
        runner.run(document.graph, Job(cancelled=cancelled))
    assert time.monotonic() - started[0] < 1
    assert runner.runs["1"].state == "done"
    assert runner.runs["2"].state == "waiting"
    release.set()
    runner.host = Host()
    assert runner.run(document.graph)["1"].state == "cached"
    assert runner.runs["6"].state == "done"


class Layers(Host):
    """Two layers in the place of the files, and what came back."""

    def __init__(self, folder):
        image, trimap = (
            read_image(folder / name).astype(np.float32)[None] / np.float32(255)
            for name in ("fur.png", "trimap.png")
        )
        ones = np.ones_like(trimap)
        self.pictures = {
            "fur": (image, ones, 1 - ones),
            "trimap": (np.repeat(trimap[..., None], 3, axis=3), ones, 1 - ones),
        }
        self.edits = dict.fromkeys(self.pictures, 0)
        self.taken = {}

    def source(self, node):
        name = node.inputs["image"].removesuffix(".png")
        return Source(f"{name} {self.edits[name]}", lambda: self.pictures[name])

    def sink(self, node, given):
        self.taken[node.inputs["filename_prefix"]] = given
        return True


def test_a_hosts_pictures_stand_for_files_and_it_takes_what_is_saved(document, folders, tmp_path):
    host = Layers(folders.input)
    runner = Runner(Folders(tmp_path / "empty", folders.output), host)
    runner.run(document.graph)
    assert set(states(runner).values()) == {"done"}
    assert not folders.output.exists()
    # The same workflow, with the files, on the command line.
    (outcome,) = evaluate(document.graph, folders)
    given = host.taken["ComfyUI"]["images"]
    np.testing.assert_array_equal(
        (np.float32(255) * given[0]).astype(np.uint8), read_image(outcome.files[0])
    )

    image, *others = host.pictures["fur"]
    host.pictures["fur"] = (image / 2, *others)
    runner.run(document.graph)
    assert set(states(runner).values()) == {"cached"}  # nobody said that it changed
    host.edits["fur"] += 1
    runner.run(document.graph)
    assert {k for k, state in states(runner).items() if state == "cached"} == {"2", "3"}
    assert host.taken["ComfyUI"]["images"].max() <= 1


def test_values_that_are_too_much_are_dropped_and_come_back(document, folders):
    runner = Runner(folders, most_bytes=1)
    runner.run(document.graph)
    assert not any(run.values for run in runner._kept.values())
    runner.run(document.graph)
    assert set(states(runner).values()) == {"cached"}
    assert runner.runs["5"].thumbnail is not None
    document.set("5", "color", "black")
    runner.run(document.graph)
    assert states(runner) == dict.fromkeys("123456", "done") | {"7": "cached"}


def test_thumbnails_are_made_of_what_is_there(folders):
    lemur = sample_data.lemur()
    small = thumbnail(lemur[None])
    assert small.shape == (62, 96, 3)
    assert small.dtype == np.uint8
    whole = Image.fromarray(np.round(lemur * 255).astype(np.uint8))
    exact = np.asarray(whole.resize((96, 62), Image.Resampling.BOX))
    assert abs(small.astype(int) - exact).mean() < 3
    mask = np.zeros((2, 300, 100), np.float32)
    mask[0, :150] = 1
    assert thumbnail(mask, 30).shape == (30, 10, 3)
    assert (thumbnail(mask, 30)[:15] == 255).all()
    assert (thumbnail(mask, 30)[15:] == 0).all()
    clear = np.zeros((1, 8, 8, 4), np.float32)
    assert thumbnail(clear).shape == (8, 8, 4)  # no larger than it is
    assert (thumbnail(np.full((1, 4, 4, 3), np.nan, np.float32)) == 0).all()
    for nothing in ("text", {"x": 1}, None, np.zeros((0, 4, 4)), np.zeros((1, 0, 4, 3))):
        assert thumbnail(nothing) is None
