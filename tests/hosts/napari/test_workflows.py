"""Workflows of ComfyUI opened in napari: real files, a real window."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from matting_nodes import alpha_matte, read_image, sample_data, write_image
from matting_nodes.errors import FileError
from matting_nodes.graph import Document, Graph, as_python
from matting_nodes.hosts.napari import _reproduce as again
from matting_nodes.hosts.napari._trimap import is_trimap, labels_to_trimap, tag, trimap_to_labels
from matting_nodes.hosts.napari._workflows import checked

PLUGIN = "matting-nodes"
LOAD, SEGMENT, MATTE = "MattingNodesLoadPicture", "MattingNodesSegment", "MattingNodesAlphaMatte"


@pytest.fixture
def comfy(tmp_path):
    """ComfyUI's folders, with a small picture and its trimap among the inputs."""
    for name in ("input", "output"):
        (tmp_path / name).mkdir()
    size = (170, 110)
    photo = cv2.resize(sample_data.lemur(), size, interpolation=cv2.INTER_AREA)
    trimap = cv2.resize(sample_data.lemur_trimap(), size, interpolation=cv2.INTER_NEAREST)
    write_image(tmp_path / "input/photo.png", photo)
    write_image(tmp_path / "input/painted.png", labels_to_trimap(trimap_to_labels(trimap)))
    return tmp_path


def entry(kind, **inputs):
    return {"class_type": kind, "inputs": inputs}


PAINTED = {
    "1": entry("LoadImage", image="photo.png"),
    "2": entry("LoadImage", image="painted.png"),
    "3": entry("ImageToMask", image=["2", 0], channel="red"),
    "4": entry(
        MATTE, image=["1", 0], trimap=["3", 0], method="closed_form", **{"method.epsilon": 1e-5}
    ),
    "5": entry("MattingNodesSavePicture", alpha=["4", 0], filename_prefix="matte"),
}


def saved_by_comfyui(path, prompt):
    """A PNG with the texts that ComfyUI's Save Image writes: prompt and workflow."""
    document = Document.read(json.dumps(prompt).encode())
    document.save(path.with_suffix(".page"), "ui")
    page = json.loads(path.with_suffix(".page").read_text("utf-8"))
    path.with_suffix(".page").unlink()
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", json.dumps(prompt))
    info.add_text("workflow", json.dumps(page))
    Image.fromarray(np.full((6, 5, 3), 9, np.uint8)).save(path, pnginfo=info, compress_level=4)
    return path


def written(folder, form):
    if form == "png":
        return saved_by_comfyui(folder / "output/ComfyUI_00001_.png", PAINTED)
    path = folder / "output" / "workflow.json"
    Document.read(json.dumps(PAINTED).encode()).save(path, form)
    return path


@pytest.fixture
def settled(viewer, dock, qtbot):
    """Waits until the graph that was opened has run; returns its dock."""

    def wait():
        graph = dock("Matting graph")
        qtbot.waitUntil(lambda: not graph.runs.running, timeout=120_000)
        return graph

    return wait


def said():
    """What napari told last."""
    from napari.utils.notifications import notification_manager

    return notification_manager.records[-1].message


@pytest.mark.parametrize("form", ["api", "ui", "png"])
def test_a_dropped_workflow_becomes_layers_and_settings(viewer, dock, comfy, settled, form):
    path = written(comfy, form)
    viewer.open(str(path), plugin=PLUGIN)
    graph = settled()
    assert graph.message.text() == ""
    trimap, photo = viewer.layers["painted"], viewer.layers["photo"]
    assert is_trimap(trimap)
    assert photo.rgb
    files = [read_image(comfy / "input" / name) for name in ("photo.png", "painted.png")]
    np.testing.assert_array_equal(labels_to_trimap(trimap.data), files[1])
    # The result is that of the files, and knows the wires to the layers.
    (alpha,) = [layer for layer in viewer.layers if tag(layer).get("kind") == "alpha"]
    expected = alpha_matte(*files, method="closed_form", epsilon=1e-5)
    np.testing.assert_array_equal(alpha.data, expected)
    script, sources = again.workflow_of(viewer, alpha.name)
    assert sorted(sources.values()) == ["painted", "photo"]
    assert "closed_form" in as_python(script)
    # The settings are in the panel, too.
    matte = dock("Image matting").nodes["alpha_matte"]
    assert matte.method.value == "closed_form"
    assert matte.parameters()["epsilon"] == 1e-5
    # And a stroke flows through.
    trimap.data[...] = np.where(trimap.data == 0, 1, trimap.data)
    trimap.refresh()
    graph.run()
    settled()
    assert (viewer.layers[alpha.name].data != expected).any()


def test_json_opens_without_being_asked_which_plugin(viewer, comfy, settled):
    viewer.open(str(written(comfy, "api")), plugin=None)
    settled()
    assert "painted" in viewer.layers


def test_pictures_that_are_not_there_are_named_and_the_settings_come(viewer, dock, comfy, settled):
    path = written(comfy, "png")
    (comfy / "input/photo.png").unlink()
    viewer.open(str(path), plugin=PLUGIN)
    assert said().startswith("Not found: photo.png. Pictures lie beside ComfyUI_00001_.png")
    settled()
    # The picture is shown as it was saved.
    assert {layer.name for layer in viewer.layers} == {"painted", "ComfyUI_00001_"}
    assert dock("Image matting").nodes["alpha_matte"].method.value == "closed_form"


def test_what_was_saved_as_a_workflow_comes_back(viewer, dock, finish, comfy, settled):
    photo = np.uint16(100 + 900 * read_image(comfy / "input/photo.png")[..., 1].astype(float) / 255)
    viewer.add_image(photo, name="photo")
    for title in ("Segment", "Make Trimap", "Alpha Matte"):
        assert finish(dock(title)) == ""
    trimap = viewer.layers["photo trimap"]
    trimap.paint((20, 30), 2)
    finish(dock("Alpha Matte"))
    expected = viewer.layers["photo alpha"].data.copy()
    labels = trimap.data.copy()
    path = again.write_workflow(viewer, "photo alpha", comfy)
    viewer.layers.clear()
    viewer.open(str(path), plugin=PLUGIN)
    settled()
    np.testing.assert_array_equal(viewer.layers["photo trimap"].data, labels)
    (alpha,) = [layer for layer in viewer.layers if tag(layer).get("kind") == "alpha"]
    difference = np.abs(alpha.data - expected)
    # Counts travel as 0..1, whose last bits differ.
    assert difference.mean() < 1e-3


def test_a_picture_without_a_workflow_of_ours_is_a_picture(viewer, comfy):
    foreign = {"3": entry("KSampler", seed=1), "9": entry("SaveImage", images=["3", 0])}
    plain = comfy / "output/plain_00002_.png"
    write_image(plain, np.full((6, 5, 3), 7, np.uint8))
    for path in (plain, saved_by_comfyui(comfy / "output/ComfyUI_00003_.png", foreign)):
        (layer,) = viewer.open(str(path), plugin=PLUGIN)
        assert layer.name == path.stem
        assert layer.data.shape == (6, 5, 3)
    # Other names are not asked about.
    shutil.copy(plain, comfy / "photo.png")
    (layer,) = viewer.open(str(comfy / "photo.png"), plugin=None)
    assert layer.data[0, 0].tolist() == [7, 7, 7]


def test_other_json_is_declined_with_its_reason(viewer, tmp_path):
    path = tmp_path / "settings.json"
    for text, reason in [
        ('{"a": 1}', "The entry a of the workflow is 1"),
        ("[1, 2", "holds no workflow"),
        (json.dumps({"1": entry("KSampler", seed=1)}), "without a node of Image matting: it has K"),
    ]:
        path.write_text(text, encoding="utf-8")
        assert viewer.open(str(path), plugin=None) == []
        assert reason in said()
        with pytest.raises(FileError if "entry" not in reason else Exception, match=reason[:20]):
            checked(path)
    assert not viewer.layers


def test_a_workflow_is_dropped_on_the_graph(viewer, dock, comfy, settled):
    graph = dock("Matting graph")
    # Of any name: it is not napari that is asked.
    path = written(comfy, "png").rename(comfy / "output/renamed.png")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    none = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    graph.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, *none))
    settled()
    assert {"photo", "painted", "photo matte"} <= {layer.name for layer in viewer.layers}
    assert (
        Graph.from_json(PAINTED).nodes["4"].class_type == graph.document.graph.nodes["4"].class_type
    )


KEPT = Path(__file__).parents[2] / "fixtures/workflows"


@pytest.mark.parametrize(
    "name", ["napari/workflow.json", "api.json", "ui.json", "ComfyUI_00001_.png"]
)
def test_what_any_version_saved_opens(viewer, settled, name):
    for version in KEPT.iterdir():
        viewer.open(str(version / name), plugin=PLUGIN)
        assert settled().message.text() == ""
        assert is_trimap(viewer.layers["painted"])
        (alpha,) = [layer for layer in viewer.layers if tag(layer).get("kind") == "alpha"]
        expected = read_image(version / "expected.png") / np.float32(65535)
        assert np.abs(alpha.data - expected).mean() < 0.01
        viewer.layers.clear()
