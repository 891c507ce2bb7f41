"""Networks in a real window."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from napari.layers import Image, Labels

from matting_nodes import map_frames, segment
from matting_nodes.hosts.napari._trimap import trimap_options, trimap_to_labels
from matting_nodes.models import catalog
from matting_nodes.models.pool import POOL


def test_torchvision_and_the_window_live_in_one_process(viewer, dock, finish, fur, tmp_path):
    """By way of torchvision comes Triton with an LLVM, where Mesa has brought another."""
    viewer.add_image(fur[0], name="fur", rgb=True)
    torch.manual_seed(0)
    path = tmp_path / "lraspp.pth"
    torch.save(catalog.model("lraspp_mobilenet_v3_large").build().state_dict(), path)
    widget = dock("Segment")
    widget.method.value = "semantic"
    widget.fields["semantic", "network"].value = "lraspp_mobilenet_v3_large"
    widget.fields["semantic", "weights"].value = str(path)
    assert finish(widget) == ""
    assert set(np.unique(viewer.layers["fur mask"].data)) <= {0, 1}
    assert POOL.free() == 1


@pytest.fixture
def red_channel(tmp_path):
    """An ONNX file whose network gives a picture's first channel."""
    from onnx import TensorProto, helper, numpy_helper, save_model

    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    weight = numpy_helper.from_array(np.float32([1, 0, 0]).reshape(1, 3, 1, 1), "w")
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", [value("x", [1, 3, "h", "w"])], [value("y", None)])
    graph.initializer.append(weight)
    opsets = [helper.make_opsetid("", 13)]
    save_model(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "red.onnx")
    return str(tmp_path / "red.onnx")


def test_a_soft_mask_is_an_image_and_goes_into_the_soft_thresholds(
    viewer, dock, finish, fur, red_channel
):
    viewer.add_image(fur[0], name="fur", rgb=True)
    widget = dock("Segment")
    widget.method.value = "onnx"
    for name, value in {"file": red_channel, "preset": "custom", "soft": True}.items():
        widget.fields["onnx", name].value = value
    assert finish(widget) == ""
    layer = viewer.layers["fur mask"]
    assert isinstance(layer, Image)
    np.testing.assert_allclose(layer.data, fur[0][..., 0], atol=1e-6)
    trimap = dock("Make Trimap")
    trimap.method.value = "soft"
    assert trimap.layer_choices["mask"].value.name == "fur mask"
    trimap.fields["soft", "low"].value, trimap.fields["soft", "high"].value = 0.2, 0.6
    assert finish(trimap) == ""
    labels = viewer.layers["fur trimap"].data
    expected = np.select([layer.data <= 0.2, layer.data >= 0.6], [1, 2])
    assert (labels == expected).mean() > 0.99
    # It is no picture to be segmented again.
    assert [layer.name for layer in widget.layer_choices["image"].candidates()] == ["fur"]
    widget.fields["onnx", "soft"].value = False
    finish(widget)
    hard = viewer.layers["fur mask [1]"]
    assert isinstance(hard, Labels)
    np.testing.assert_array_equal(hard.data, fur[0][..., 0] > 0.5)


def test_alpha_matte_runs_without_a_trimap_where_the_method_needs_none(
    viewer, dock, finish, fur, tmp_path
):
    viewer.add_image(fur[0], name="fur", rgb=True)
    viewer.add_labels(trimap_to_labels(fur[1]), name="fur trimap", **trimap_options(base="fur"))
    torch.manual_seed(0)
    path = tmp_path / "modnet.ckpt"
    torch.save(catalog.model("modnet").build().state_dict(), path)
    widget = dock("Alpha Matte")
    trimap = widget.layer_choices["trimap"]
    assert trimap.value.name == "fur trimap"
    widget.method.value = "modnet"
    assert trimap.value is None
    widget.fields["modnet", "weights"].value = str(path)
    widget.fields["modnet", "shorter_side"].value = 64
    assert widget.run_button.enabled
    assert finish(widget) == ""
    whole = viewer.layers["fur alpha"].data
    trimap.value = trimap.candidates()[0]
    assert finish(widget) == ""
    guided, unknown = viewer.layers["fur alpha"].data, (fur[1] > 0) & (fur[1] < 255)
    np.testing.assert_array_equal(guided[unknown], whole[unknown])
    np.testing.assert_array_equal(guided[~unknown], (fur[1] == 255)[~unknown])
    viewer.layers.remove("fur trimap")
    widget.method.value = "closed_form"
    assert not widget.run_button.enabled
    assert "no trimap yet" in widget.run_button.tooltip
    POOL.free()


def test_points_in_one_plane_are_followed_through_the_stack(viewer, dock, finish, lemur, tmp_path):
    pytest.importorskip("transformers")
    torch.manual_seed(0)
    state = catalog.model("sam2_tiny_video").build().state_dict()
    # So that random weights see the object everywhere.
    state["mask_decoder.pred_obj_score_head.proj_out.bias"] += 100
    path = tmp_path / "sam2.pth"
    torch.save(state, path)
    planes = np.stack([lemur[100:180, 150:250], lemur[104:184, 156:256]])
    viewer.add_image(planes, name="stack", rgb=True)
    viewer.add_points([[1, 30, 60], [1, 40, 50]], name="on it")
    widget = dock("Segment")
    widget.method.value = "sam2_video"
    widget.fields["sam2_video", "weights"].value = str(path)
    widget.fields["sam2_video", "soft"].value = True
    choice = widget.layer_choices["foreground_points"]
    choice.value = choice.choices[-1]
    assert finish(widget) == ""
    points = [None, [(60.0, 30.0), (50.0, 40.0)]]
    settings = {"method": "sam2_video", "weights": str(path), "soft": True}
    inputs = {"image": planes, "foreground_points": points}
    expected = [r.values["mask"] for r in map_frames(segment, inputs, settings)]
    assert np.ptp(expected[0]) > 0
    np.testing.assert_allclose(viewer.layers["stack mask"].data, expected, atol=1e-5)
    POOL.free()
