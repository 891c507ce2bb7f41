"""A layer made again: by a script and a workflow in another process, and of another picture."""

from __future__ import annotations

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
import tifffile

from matting_nodes import sample_data, write_image
from matting_nodes.errors import FileError, GraphError
from matting_nodes.graph import as_python
from matting_nodes.hosts.napari import _reproduce as again


@pytest.fixture
def small():
    """The lemur at a third of its size."""
    return cv2.resize(sample_data.lemur(), (226, 146), interpolation=cv2.INTER_AREA)


def choose(widget, **layers):
    for name, layer in layers.items():
        choices = widget.layer_choices[name].choices
        widget.layer_choices[name].value = next(c for c in choices if c and c.name == layer)


@pytest.fixture
def pipeline(viewer, dock, finish):
    """Runs the widgets one after the other on a picture; returns the widgets."""

    def run(picture, **options):
        viewer.add_image(picture, name="photo", **options)
        widgets = {}
        for title in ("Segment", "Make Trimap", "Alpha Matte", "Estimate Foreground", "Composite"):
            widgets[title] = dock(title)
            finish(widgets[title])
        return widgets

    return run


def in_another_process(code, folder):
    environment = os.environ | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    subprocess.run([sys.executable, *code], cwd=folder, env=environment, check=True)


def read(file):
    """Return what was saved; one picture is the only plane of its file."""
    return tifffile.imread(file)[0]


RESULTS = ("mask", "trimap", "alpha", "foreground", "composite")


def shown(viewer, name):
    layer = viewer.layers[f"photo {name}"]
    if name == "trimap":
        return np.array([0.5, 0, 1], np.float32)[layer.data]
    return layer.data.astype(np.float32)


@pytest.mark.parametrize("name", RESULTS)
def test_a_saved_workflow_gives_the_same_bits(viewer, pipeline, small, tmp_path, name):
    pipeline(small)
    path = again.write_workflow(viewer, f"photo {name}", tmp_path)
    command = ["-m", "matting_nodes", "run", path.name, "--output", "out", "--quiet"]
    in_another_process(command, tmp_path)
    (file,) = (tmp_path / "out").iterdir()
    found, expected = read(file), shown(viewer, name)
    # Unknown is one half on wires, 128 of 255 in files.
    np.testing.assert_array_equal(np.round(2 * found) / 2 if name == "trimap" else found, expected)


def test_counts_of_a_camera_give_the_same_matte_again(viewer, pipeline, small, tmp_path):
    counts = np.uint16(100 + 900 * small[..., 1])
    pipeline(counts)
    path = again.write_workflow(viewer, "photo alpha", tmp_path)
    command = ["-m", "matting_nodes", "run", path.name, "--output", "out", "--quiet"]
    in_another_process(command, tmp_path)
    (file,) = (tmp_path / "out").iterdir()
    # Wires carry 0..1, whose last bits differ: a few pixels find other color samples.
    difference = np.abs(read(file) - shown(viewer, "alpha"))
    assert difference.max() < 0.03
    assert difference.mean() < 1e-3


def test_a_painted_trimap_goes_beside_the_workflow(viewer, pipeline, small, finish, tmp_path):
    widgets = pipeline(small)
    trimap = viewer.layers["photo trimap"]
    trimap.paint((60, 100), 1)
    finish(widgets["Alpha Matte"])
    path = again.write_workflow(viewer, "photo alpha", tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        "workflow.json",
        "photo.tif",
        "photo trimap.png",
    }
    in_another_process(
        ["-m", "matting_nodes", "run", path.name, "--output", "out", "--quiet"], tmp_path
    )
    (file,) = (tmp_path / "out").iterdir()
    np.testing.assert_array_equal(read(file), shown(viewer, "alpha"))
    with pytest.raises(GraphError, match="photo trimap was not made by a node, or was painted"):
        again.write_workflow(viewer, "photo trimap", tmp_path / "out")


def test_a_script_gives_the_same_bits(viewer, pipeline, small, tmp_path):
    from qtpy.QtWidgets import QApplication

    pipeline(small)
    viewer.layers.selection.active = viewer.layers["photo composite"]
    again.copy_as_python(viewer)
    script = QApplication.clipboard().text()
    graph, _ = again.workflow_of(viewer, "photo composite")
    assert script == as_python(graph)
    again.write_workflow(viewer, "photo composite", tmp_path)
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    in_another_process(["script.py", ".", "out"], tmp_path)
    (file,) = (tmp_path / "out").iterdir()
    np.testing.assert_array_equal(read(file), shown(viewer, "composite"))


def test_nothing_is_overwritten_and_no_file_is_left_half(viewer, pipeline, small, tmp_path):
    pipeline(small)
    (tmp_path / "photo.tif").write_bytes(b"mine")
    with pytest.raises(FileError, match=r"photo\.tif exists"):
        again.write_workflow(viewer, "photo alpha", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["photo.tif"]
    with pytest.raises(GraphError, match="photo was not made by a node"):
        again.write_workflow(viewer, "photo", tmp_path)


def test_another_picture_goes_the_same_way(viewer, pipeline, small, monkeypatch, qtbot, tmp_path):
    from qtpy.QtWidgets import QFileDialog

    pipeline(small)
    mirrored = np.ascontiguousarray(small[:, ::-1])
    write_image(tmp_path / "mirrored.tif", mirrored)
    monkeypatch.setattr(
        QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "mirrored.tif"), "")
    )
    viewer.layers.selection.active = viewer.layers["photo alpha"]
    again.run_on_another_picture(viewer)
    qtbot.waitUntil(lambda: "mirrored alpha" in viewer.layers, timeout=60_000)
    found = viewer.layers["mirrored alpha"].data
    assert np.abs(found[:, ::-1] - shown(viewer, "alpha")).mean() < 0.01
