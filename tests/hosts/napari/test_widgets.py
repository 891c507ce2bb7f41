"""The widgets in a real window: what a user chooses, runs, paints, cancels and gets."""

from __future__ import annotations

import json
import time
from typing import Annotated, Literal

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
from skimage.draw import polygon2mask

from matting_nodes import (
    __version__,
    alpha_matte,
    composite,
    estimate_foreground,
    make_trimap,
    sample_data,
    segment,
)
from matting_nodes.arrays import Image, Mask
from matting_nodes.framework.parameters import PixelSize, Slider
from matting_nodes.framework.register import node
from matting_nodes.framework.spec import Method
from matting_nodes.hosts import napari as host
from matting_nodes.hosts.napari._trimap import (
    TAG,
    alpha_options,
    is_trimap,
    labels_to_trimap,
    trimap_options,
    trimap_to_labels,
)
from matting_nodes.job import Job


def test_a_toy_node_and_method_get_a_widget_that_runs(registry, viewer, finish):
    """They are in no file of the package: the widget comes from the specs alone."""

    @node(title="Toy", command="toy", step=9)
    def toy(image: Image, *, method: Method = Method("cut"), invert: bool = False) -> Mask:
        """Make a toy mask."""
        mask = method(image=image)
        return 1 - mask if invert else mask

    @toy.method(title="Cut")
    def cut(image: Image, *, level: Annotated[float, Slider(0, 1)] = 0.5) -> Mask:
        """Cut at a level."""
        return (image[..., 0] > level).astype(np.float32)

    viewer.add_image(np.uint8([[50, 100, 200]] * 3), name="steps")
    widget = host.ToyWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Toy")
    widget.fields["cut", "level"].value = 0.3
    widget.fields["", "invert"].value = True
    finish(widget)
    np.testing.assert_array_equal(viewer.layers["steps mask"].data, [[1, 0, 0]] * 3)


def test_a_node_by_other_names_gets_its_picture_and_the_size_of_its_pixels(
    registry, viewer, finish
):
    @node(title="Disk", command="disk", step=9)
    def disk(
        photo: Image,
        *,
        radius: Annotated[float, Slider(0, 100)] = 1.0,
        lengths: Literal["pixels", "world"] = "pixels",
        spacing: Annotated[float, Slider(1e-9, 1e9), PixelSize("lengths", "world")] = 1.0,
    ) -> Mask:
        """Draw a disk."""
        y, x = np.indices(photo.shape[:2])
        return (np.hypot(y, x) <= radius / spacing).astype(np.float32)

    viewer.add_image(np.zeros((9, 9), np.float32), name="photo", scale=(0.5, 0.5))
    widget = host.DiskWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Disk")
    for lengths, reach in (("pixels", 1), ("world", 2)):
        widget.fields["", "lengths"].value = lengths
        finish(widget)
        assert np.flatnonzero(viewer.layers["photo mask"].data[0]).max() == reach


def test_an_error_that_nobody_foresaw_ends_as_a_message_with_details(registry, viewer, finish):
    @node(title="Fragile", command="fragile", step=9)
    def fragile(image: Image, *, job: Job) -> Mask:
        """Stop in the middle."""
        job.step(0.5, message="Fragile")
        return image[..., 0] + np.ones(7, np.float32)

    viewer.add_image(np.uint8([[50, 100, 200]] * 3), name="secret name")
    widget = host.FragileWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Fragile")
    assert widget.copy_button.native.isHidden()
    told = finish(widget)
    assert told.startswith("Fragile: ValueError: operands could not be broadcast together")
    assert widget.run_button.text == "Run"
    assert not widget.copy_button.native.isHidden()
    widget.copy_button.native.click()
    details = QApplication.clipboard().text()
    for part in ("Traceback", "in fragile", "image: Image layer, uint8, 3 × 3", __version__):
        assert part in details
    assert "secret name" not in details
    # The next run begins anew.
    viewer.layers["secret name"].data = np.zeros((5, 7), np.uint8)
    assert finish(widget) == ""
    assert widget.copy_button.native.isHidden()
    assert viewer.layers["secret name mask"].data.all()


@pytest.fixture
def painted(viewer, fur):
    """An image layer and its trimap layer: fur that is solved in no time."""
    image, trimap = fur
    return (
        viewer.add_image(image, name="fur", rgb=True),
        viewer.add_labels(trimap_to_labels(trimap), name="painted", **trimap_options()),
    )


def test_the_pipeline_layer_by_layer_gives_the_pixels_of_python(viewer, dock, finish):
    image = np.ascontiguousarray(sample_data.lemur()[::2, ::2])
    viewer.add_image(image, name="lemur", rgb=True)
    widgets = {}
    for title in ("Segment", "Make Trimap", "Alpha Matte", "Estimate Foreground", "Composite"):
        widgets[title] = dock(title)
        # Each widget has found the layers that the last one made.
        finish(widgets[title])
    mask = segment(image)
    trimap = make_trimap(mask)
    alpha = alpha_matte(image, trimap)
    foreground, background = estimate_foreground(image, alpha)
    expected = {
        "lemur mask": mask,
        "lemur trimap": trimap_to_labels(trimap),
        "lemur alpha": alpha,
        # The foreground lies on top.
        "lemur background": background,
        "lemur foreground": foreground,
        "lemur composite": composite(image, alpha, foreground=foreground),
    }
    assert [layer.name for layer in viewer.layers] == ["lemur", *expected]
    for name, values in expected.items():
        np.testing.assert_array_equal(viewer.layers[name].data, values, err_msg=name)


def test_compare_shows_a_table_and_a_picture(viewer, dock, finish, painted):
    _, trimap = painted
    finish(dock("Alpha Matte"))
    reference = viewer.add_image(np.zeros(trimap.data.shape, np.float32), name="nothing")
    compare = dock("Compare")
    compare.layer_choices["reference"].value = compare.layer_choices["reference"].choices[-1]
    message = finish(compare)
    alpha = viewer.layers["fur alpha"].data[trimap.data == 0]
    assert f"SAD: {alpha.sum() / 1000:.5g}" in message
    assert viewer.layers["fur compare"].rgb
    assert reference.name == "nothing"


def test_a_run_updates_its_layer_and_keeps_what_the_user_set(viewer, dock, finish, painted, fur):
    matte = dock("Alpha Matte")
    finish(matte)
    layer = viewer.layers["fur alpha"]
    layer.contrast_limits, layer.colormap, layer.visible = (0.2, 0.7), "magma", False
    layer.name = "my favourite"
    before = layer.data
    painted[1].brush_size = 20
    painted[1].paint((50, 60), 1)
    finish(matte)
    assert [layer.name for layer in viewer.layers] == ["fur", "painted", "my favourite"]
    assert tuple(layer.contrast_limits) == (0.2, 0.7)
    assert layer.colormap.name == "magma"
    assert not layer.visible
    assert not np.array_equal(layer.data, before)
    np.testing.assert_array_equal(
        layer.data, alpha_matte(fur[0], labels_to_trimap(painted[1].data))
    )
    assert layer.data[50, 60] == 0


def test_a_widget_that_is_opened_again_updates_the_same_layer(viewer, dock, finish, painted):
    first = dock("Alpha Matte")
    assert finish(first) == ""
    before = list(viewer.layers)
    viewer.window.remove_dock_widget(first.native)
    again = dock("Alpha Matte")
    again.method.value = "guided_filter"
    assert finish(again) == ""
    assert list(viewer.layers) == before
    assert viewer.layers["fur alpha"].metadata[TAG]["parameters"]["method"] == "guided_filter"


def test_a_first_result_leaves_the_brush_in_hand(viewer, dock, finish, painted):
    _, trimap = painted
    widget = dock("Alpha Matte")
    viewer.layers.selection.active = trimap
    trimap.mode = "paint"
    assert finish(widget) == ""
    assert viewer.layers.selection.active == trimap
    assert trimap.mode == "paint"
    assert [layer.name for layer in viewer.layers] == ["fur", "fur alpha", "painted"]


@pytest.mark.parametrize(
    "title",
    ["Segment", "Make Trimap", "Alpha Matte", "Estimate Foreground", "Composite", "Compare"],
)
def test_a_widget_says_what_is_set(viewer, dock, title):
    widget = dock(title)
    said = repr(widget)
    assert said.startswith(f"<{title} widget (")
    assert all(f"{name}={value!r}" in said for name, value in widget.parameters().items())


def test_a_strangers_layer_of_the_same_name_is_left_alone(viewer, dock, finish, painted):
    stranger = viewer.add_points(np.zeros((1, 2)), name="fur alpha")
    finish(dock("Alpha Matte"))
    np.testing.assert_array_equal(stranger.data, [[0, 0]])
    assert "fur alpha [1]" in viewer.layers


def test_another_image_gets_another_result(viewer, dock, finish, painted, fur):
    matte = dock("Alpha Matte")
    finish(matte)
    first = viewer.layers["fur alpha"].data.copy()
    viewer.add_image(fur[0][::-1].copy(), name="other", rgb=True)
    matte.layer_choices["image"].value = matte.layer_choices["image"].choices[-1]
    finish(matte)
    np.testing.assert_array_equal(viewer.layers["fur alpha"].data, first)
    np.testing.assert_array_equal(
        viewer.layers["other alpha"].data, alpha_matte(fur[0][::-1], fur[1])
    )


def test_a_removed_result_comes_back_as_a_new_layer(viewer, dock, finish, painted):
    matte = dock("Alpha Matte")
    finish(matte)
    viewer.layers.remove("fur alpha")
    finish(matte)
    assert "fur alpha" in viewer.layers


def test_paint_on_a_trimap_is_not_overwritten(viewer, dock, finish):
    mask = np.zeros((60, 60), int)
    mask[20:40, 20:40] = 7
    viewer.add_labels(mask, name="square")
    make = dock("Make Trimap")
    make.fields["band", "inner"].value = 3
    finish(make)
    trimap = viewer.layers["square trimap"]
    finish(make)
    assert len(viewer.layers) == 2
    trimap.paint((30, 30), 1)
    by_hand = trimap.data.copy()
    make.fields["band", "inner"].value = 5
    finish(make)
    np.testing.assert_array_equal(trimap.data, by_hand)
    fresh = viewer.layers["square trimap [1]"]
    np.testing.assert_array_equal(
        labels_to_trimap(fresh.data), make_trimap(mask > 0, inner=5, outer=10)
    )


def test_a_trimap_holds_0_unknown_1_background_2_foreground(viewer, dock, finish):
    mask = np.zeros((60, 60), int)
    mask[20:40, 20:40] = 1
    viewer.add_labels(mask, name="square")
    make = dock("Make Trimap")
    make.fields["band", "inner"].value = make.fields["band", "outer"].value = 3
    finish(make)
    layer = viewer.layers["square trimap"]
    assert is_trimap(layer)
    assert [layer.data[0, 0], layer.data[20, 20], layer.data[30, 30]] == [1, 0, 2]
    colors = [layer.get_color(label) for label in (0, 1, 2)]
    assert colors[0] is None or colors[0][3] == 0
    assert colors[1][3] == colors[2][3] == 1


def test_undo_takes_a_stroke_back(viewer, dock, finish, painted, fur):
    matte = dock("Alpha Matte")
    painted[1].brush_size = 15
    painted[1].paint((50, 60), 1)
    painted[1].undo()
    finish(matte)
    np.testing.assert_array_equal(viewer.layers["fur alpha"].data, alpha_matte(*fur))


DTYPES = {
    "uint8": lambda plane: np.round(plane * 255).astype(np.uint8),
    "uint16": lambda plane: np.round(plane * 65535).astype(np.uint16),
    "float32": lambda plane: plane.astype(np.float32),
    "float64": lambda plane: plane.astype(np.float64),
    "int16": lambda plane: np.round((plane - plane.min()) / np.ptp(plane) * 4000 - 1000).astype(
        np.int16
    ),
    "float of any range": lambda plane: (plane - plane.min()) / np.ptp(plane) * 500 + 20,
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_grey_images_of_every_type(viewer, dock, finish, fur, dtype):
    image, trimap = fur
    plane = image.mean(axis=2)
    viewer.add_image(DTYPES[dtype](plane), name="grey")
    viewer.add_labels(trimap_to_labels(trimap), **trimap_options())
    assert finish(dock("Alpha Matte")) == ""
    result = viewer.layers["grey alpha"].data
    stretched = (plane - plane.min()) / np.ptp(plane)
    expected = alpha_matte(stretched if dtype == "int16" or "any" in dtype else plane, trimap)
    assert np.abs(result - expected).mean() < 2e-3


def test_how_a_layer_is_displayed_says_nothing_of_its_values(viewer, dock, finish, fur):
    image, trimap = fur
    counts = np.round(image.mean(axis=2) * 300 + 100).astype(np.uint16)
    layer = viewer.add_image(counts, name="grey")
    layer.contrast_limits_range = layer.contrast_limits = (150, 200)
    viewer.add_labels(trimap_to_labels(trimap), **trimap_options())
    assert finish(dock("Alpha Matte")) == ""
    alpha = viewer.layers["grey alpha"]
    np.testing.assert_array_equal(alpha.data, alpha_matte(counts, trimap))
    low, high = int(counts.min()), int(counts.max())
    assert alpha.metadata[TAG]["ranges"] == {"image": [low, high]}


def test_a_composite_of_counts_is_in_counts_and_seen(viewer, dock, finish, fur):
    image, trimap = fur
    counts = np.round(image.mean(axis=2) * 300 + 100).astype(np.uint16)
    viewer.add_image(counts, name="grey")
    viewer.add_image((trimap == 255).astype(np.float32), name="alpha", **alpha_options())
    assert finish(dock("Composite")) == ""
    composite = viewer.layers["grey composite"]
    assert composite.contrast_limits == [counts.min(), counts.max()]
    np.testing.assert_allclose(composite.data[trimap == 255], counts[trimap == 255], rtol=1e-5)
    np.testing.assert_allclose(composite.data[trimap == 0], counts.max(), rtol=1e-5)


def test_planes_without_the_object_are_told(viewer, dock, finish, fur):
    image, trimap = fur
    viewer.add_image(np.stack([image[..., 0]] * 2), name="stack")
    empty = np.zeros_like(trimap)
    labels = trimap_to_labels(np.stack([trimap, empty]))
    viewer.add_labels(labels, **trimap_options())
    assert "Frame 1 shows no object" in finish(dock("Alpha Matte"))
    assert not viewer.layers["stack alpha"].data[1].any()


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_color_images_with_and_without_alpha(viewer, dock, finish, fur, channels, dtype):
    image, trimap = fur
    data = np.dstack([image, np.full(trimap.shape, 0.5, np.float32)])[..., :channels]
    viewer.add_image(DTYPES[dtype](data), name="color", rgb=True)
    viewer.add_labels(trimap_to_labels(trimap), **trimap_options())
    finish(dock("Alpha Matte"))
    expected = alpha_matte(DTYPES[dtype](image), trimap)
    np.testing.assert_array_equal(viewer.layers["color alpha"].data, expected)


PLACE = {
    "scale": (0.5, 0.107, 0.107),
    "translate": (3.0, 1.5, -2.0),
    "rotate": 30.0,
    "affine": np.array([[1, 0, 0, 5], [0, 1, 0.1, 6], [0, 0, 1, 7], [0, 0, 0, 1.0]]),
    "units": ("second", "micrometer", "micrometer"),
}


def test_results_lie_where_their_image_lies(viewer, dock, finish, fur):
    image, trimap = fur
    stack = np.stack([image, image[::-1]])
    place = PLACE | {"rotate": (10.0, 20.0, 30.0)}
    source = viewer.add_image(stack, name="stack", rgb=True, **place)
    viewer.add_labels(trimap_to_labels(np.stack([trimap] * 2)), **trimap_options(), **place)
    finish(dock("Alpha Matte"))
    result = viewer.layers["stack alpha"]
    for name in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_allclose(getattr(result, name), getattr(source, name))
    np.testing.assert_allclose(result.affine.affine_matrix, source.affine.affine_matrix)
    assert result.units == source.units
    assert result.axis_labels == source.axis_labels
    np.testing.assert_allclose(result.data_to_world((1, 20, 30)), source.data_to_world((1, 20, 30)))


def test_stacks_run_plane_by_plane_and_one_trimap_serves_all(viewer, dock, finish, fur):
    image, trimap = fur
    planes = [image, image[::-1], 1 - image]
    stack = np.stack(planes).mean(axis=-1).reshape(3, 1, *trimap.shape)
    viewer.add_image(stack, name="stack")
    viewer.add_labels(trimap_to_labels(trimap), **trimap_options())
    finish(dock("Alpha Matte"))
    result = viewer.layers["stack alpha"].data
    assert result.shape == stack.shape
    for plane, alpha in zip(stack[:, 0], result[:, 0], strict=True):
        np.testing.assert_array_equal(alpha, alpha_matte(plane, trimap))


def test_lazy_and_multiscale_layers_are_read_at_full_resolution(viewer, dock, finish, fur):
    dask = pytest.importorskip("dask.array")
    image, trimap = fur
    viewer.add_image(
        [dask.from_array(image), dask.from_array(image[::2, ::2])], name="pyramid", rgb=True
    )
    viewer.add_labels(trimap_to_labels(trimap), **trimap_options())
    finish(dock("Alpha Matte"))
    np.testing.assert_array_equal(viewer.layers["pyramid alpha"].data, alpha_matte(image, trimap))


def test_metadata_says_how_a_layer_was_made(viewer, dock, finish, painted):
    matte = dock("Alpha Matte")
    matte.method.value = "closed_form"
    matte.fields["closed_form", "epsilon"].value = 1e-6
    finish(matte)
    made = viewer.layers["fur alpha"].metadata["matting_nodes"]
    assert made.pop("inputs_sha256").keys() == {"image", "trimap"}
    assert made == {
        "kind": "alpha",
        "output": "alpha",
        "base": "fur",
        "node": "alpha_matte",
        "parameters": {
            "method": "closed_form",
            "device": "auto",
            "normalization": "auto",
            "per_channel": False,
            "epsilon": 1e-6,
            "iterations": 10_000,
        },
        "version": __version__,
        "ranges": {"image": None},
        "inputs": {"image": "fur", "trimap": "painted"},
    }


def test_a_box_is_drawn_in_the_world_of_its_own_layer(viewer, dock, finish):
    """The shapes layer has other units than the image: pixels of 0.5, and an offset."""
    image = np.ascontiguousarray(sample_data.lemur()[::4, ::4])
    viewer.add_image(image, name="small", rgb=True, scale=(2, 2))
    corners = np.array([[24.0, 74.0], [24.0, 270.0], [219.0, 270.0], [219.0, 74.0]]) - 1
    viewer.add_shapes([corners - 10], shape_type="rectangle", name="box", translate=(10, 10))
    widget = dock("Segment")
    widget.layer_choices["box"].value = widget.layer_choices["box"].choices[-1]
    finish(widget)
    expected = segment(image, box=(37, 12, 135, 110))
    np.testing.assert_array_equal(viewer.layers["small mask"].data, expected)


def test_a_polygon_is_a_rough_mask_in_the_world_of_its_own_layer(viewer, dock, finish):
    image = np.ascontiguousarray(sample_data.lemur()[::4, ::4])
    viewer.add_image(image, name="small", rgb=True, scale=(2, 2))
    outline = np.array([[30.0, 90.0], [10.0, 160.0], [40.0, 260.0], [218.0, 270.0], [218.0, 80.0]])
    viewer.add_shapes([outline], shape_type="polygon", name="around")
    widget = dock("Segment")
    choice = widget.layer_choices["mask"]
    choice.value = choice.choices[-1]
    finish(widget)
    inside = polygon2mask(image.shape[:2], outline / 2)
    expected = segment(image, mask=inside)
    np.testing.assert_array_equal(viewer.layers["small mask"].data, expected)
    assert 0 < expected.sum() < expected.size / 2


def test_points_are_set_in_the_world_of_their_own_layer(viewer, dock, finish):
    image = np.ascontiguousarray(sample_data.lemur()[::4, ::4])
    viewer.add_image(image, name="small", rgb=True, scale=(2, 2))
    viewer.add_points([[100.0, 170.0], [180.0, 140.0]], name="on it")
    widget = dock("Segment")
    choice = widget.layer_choices["foreground_points"]
    choice.value = choice.choices[-1]
    finish(widget)
    expected = segment(image, foreground_points=[(85, 50), (70, 90)])
    np.testing.assert_array_equal(viewer.layers["small mask"].data, expected)


def test_one_label_can_be_chosen_by_showing_it_alone(viewer, dock, finish):
    labels = np.zeros((60, 60), int)
    labels[10:30, 10:30], labels[35:55, 35:55] = 1, 2
    layer = viewer.add_labels(labels, name="two")
    layer.show_selected_label, layer.selected_label = True, 2
    make = dock("Make Trimap")
    make.fields["band", "inner"].value = make.fields["band", "outer"].value = 2
    finish(make)
    expected = make_trimap(labels == 2, inner=2, outer=2)
    np.testing.assert_array_equal(labels_to_trimap(viewer.layers["two trimap"].data), expected)


def shown(widget):
    return {key for key, field in widget.fields.items() if not field.native.isHidden()}


def test_a_physical_radius_uses_the_layers_scale(viewer, dock, finish):
    labels = np.zeros((60, 60), int)
    labels[10:50, 10:50] = 1
    layer = viewer.add_labels(labels, name="cell", scale=(0.5, 0.5))
    make = dock("Make Trimap")
    make.fields["band", "unit"].value = "physical"
    make.fields["band", "inner"].value = make.fields["band", "outer"].value = 2
    finish(make)
    result = viewer.layers["cell trimap"]
    np.testing.assert_array_equal(
        labels_to_trimap(result.data), make_trimap(labels > 0, inner=4, outer=4)
    )
    assert result.metadata["matting_nodes"]["parameters"]["pixel_size"] == 0.5
    layer.scale = (0.5, 0.7)
    assert "0.5 high and 0.7 wide" in finish(make)


def test_a_pixel_size_can_be_set_by_hand(viewer, dock, finish):
    labels = np.zeros((60, 60), int)
    labels[10:50, 10:50] = 1
    viewer.add_labels(labels, name="cell", scale=(0.5, 0.5))
    make = dock("Make Trimap")
    make.fields["band", "unit"].value = "physical"
    make.fields["band", "pixel_size"].value = 0.107
    make.fields["band", "inner"].value = make.fields["band", "outer"].value = 0.5
    finish(make)
    np.testing.assert_array_equal(
        labels_to_trimap(viewer.layers["cell trimap"].data),
        make_trimap(labels > 0, inner=0.5 / 0.107, outer=0.5 / 0.107),
    )


def test_touching_labels_of_a_layer_are_kept_apart(viewer, dock, finish):
    labels = np.zeros((40, 60), int)
    labels[10:30, 10:30], labels[10:30, 30:50] = 1, 2
    viewer.add_labels(labels, name="two")
    make = dock("Make Trimap")
    make.method.value = "per_label"
    make.layer_choices["labels"].value = make.layer_choices["labels"].choices[-1]
    for name in ("inner", "outer"):
        make.fields["per_label", name].value = 3
    finish(make)
    assert (viewer.layers["two trimap"].data[20, 27:33] == 0).all()


def test_only_the_chosen_methods_fields_are_shown(viewer, dock):
    widget = dock("Segment")
    assert {owner for owner, _ in shown(widget)} == {"grabcut"}
    widget.method.value = "threshold"
    assert {owner for owner, _ in shown(widget)} == {"threshold"}


def test_the_choice_of_a_method_tells_its_licence_and_what_it_costs(
    viewer, dock, tmp_path, monkeypatch
):
    monkeypatch.setenv("MATTING_NODES_CACHE", str(tmp_path))
    measured = {"cpu (2 threads)": {"gca": {"seconds": 4.2}}}
    (tmp_path / "costs.json").write_text(json.dumps({"auto": "cpu (2 threads)", "costs": measured}))
    (line,) = [
        line
        for line in dock("Alpha Matte").method.tooltip.splitlines()
        if line.startswith("GCA (network)")
    ]
    assert "non-commercial" in line
    assert line.endswith("About 4.2 s a megapixel on cpu (2 threads).")


def test_advanced_fields_are_folded_away(viewer, dock):
    matte = dock("Alpha Matte")
    matte.method.value = "closed_form"
    assert shown(matte) == set()
    matte.advanced.value = True
    assert shown(matte) == {key for key in matte.fields if key[0] in ("", "closed_form")}


# bad input: a message, and every layer as it was


def snapshot(viewer):
    return [(layer.name, np.array(layer.data, copy=True)) for layer in viewer.layers]


def refused(viewer, finish, widget):
    before = snapshot(viewer)
    message = finish(widget)
    assert [name for name, _ in before] == [layer.name for layer in viewer.layers]
    for (name, data), layer in zip(before, viewer.layers, strict=True):
        np.testing.assert_array_equal(layer.data, data, err_msg=name)
    assert "Traceback" not in message
    return message


def test_a_plain_labels_layer_is_no_trimap(viewer, dock, finish, fur):
    viewer.add_image(fur[0], name="fur", rgb=True)
    viewer.add_labels((fur[1] > 200).astype(int), name="a mask")
    matte = dock("Alpha Matte")
    assert matte.layer_choices["trimap"].value is None
    matte.layer_choices["trimap"].value = matte.layer_choices["trimap"].choices[-1]
    message = refused(viewer, finish, matte)
    assert "a mask is a Labels layer without the trimap tag" in message
    assert "Make a trimap from it with Make Trimap" in message


def test_a_trimap_with_other_labels_is_refused(viewer, dock, finish, painted):
    painted[1].paint((50, 60), 3)
    assert "painted holds the label 3" in refused(viewer, finish, dock("Alpha Matte"))


def test_no_layer_at_all(viewer, dock, finish):
    assert "has no layer to work on" in refused(viewer, finish, dock("Segment"))


def test_a_missing_trimap_is_named(viewer, dock, finish, fur):
    viewer.add_image(fur[0], rgb=True)
    assert "Alpha Matte got no trimap" in refused(viewer, finish, dock("Alpha Matte"))


def test_an_all_unknown_trimap(viewer, dock, finish, painted):
    painted[1].data = np.zeros_like(painted[1].data)
    assert "no definite foreground" in refused(viewer, finish, dock("Alpha Matte"))


def test_layers_of_different_sizes(viewer, dock, finish, fur):
    viewer.add_image(fur[0][:50], name="half", rgb=True)
    viewer.add_labels(trimap_to_labels(fur[1]), name="painted", **trimap_options())
    message = refused(viewer, finish, dock("Alpha Matte"))
    assert "painted is 120 × 100 pixels and half is 120 × 50" in message


def test_stacks_of_different_lengths(viewer, dock, finish, fur):
    viewer.add_image(np.stack([fur[0]] * 2), name="two", rgb=True)
    viewer.add_labels(trimap_to_labels(np.stack([fur[1]] * 3)), **trimap_options())
    assert "image (2,), trimap (3,)" in refused(viewer, finish, dock("Alpha Matte"))


def test_the_bad_plane_of_a_stack_is_named(viewer, dock, finish, fur):
    trimaps = np.stack([fur[1]] * 3)
    trimaps[1] = 128
    viewer.add_image(np.stack([fur[0]] * 3), name="three", rgb=True)
    viewer.add_labels(trimap_to_labels(trimaps), **trimap_options())
    message = refused(viewer, finish, dock("Alpha Matte"))
    assert "Frame 1: The trimap has no definite" in message


def test_nan_is_named(viewer, dock, finish, fur):
    grey = fur[0].mean(axis=2)
    grey[3, 4] = np.nan
    viewer.add_image(grey, name="with nan", contrast_limits=(0, 1))
    viewer.add_labels(trimap_to_labels(fur[1]), **trimap_options())
    assert "1 values that are NaN" in refused(viewer, finish, dock("Alpha Matte"))


# off the UI thread


@pytest.fixture
def slow(viewer, lemur):
    """A matte that takes seconds: the whole lemur, nearly all of it unknown."""
    trimap = np.full(lemur.shape[:2], 128, np.uint8)
    trimap[:20], trimap[200:260, 300:380] = 0, 255
    viewer.add_image(lemur, name="lemur", rgb=True)
    viewer.add_labels(trimap_to_labels(trimap), name="rough", **trimap_options())


def test_the_window_lives_while_a_matte_is_solved(viewer, dock, qtbot, slow):
    matte = dock("Alpha Matte")
    ticks = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    began = time.perf_counter()
    matte.run()
    assert time.perf_counter() - began < 1
    assert matte.running
    assert matte.run_button.text == "Cancel"
    timer.start(20)
    qtbot.waitUntil(lambda: matte.progress_bar.value > 100, timeout=60_000)
    qtbot.waitUntil(lambda: len(ticks) > 10, timeout=60_000)
    matte.cancel()
    qtbot.waitUntil(lambda: not matte.running, timeout=120_000)
    timer.stop()


def test_no_button_moves_when_progress_is_shown(viewer, dock, qtbot, slow):
    matte = dock("Alpha Matte")
    matte.native.window().show()
    QApplication.processEvents()
    place = matte.run_button.native.geometry(), matte.live.switch.native.geometry()
    matte.run()
    qtbot.waitUntil(lambda: matte.progress_bar.visible, timeout=60_000)
    QApplication.processEvents()
    assert (matte.run_button.native.geometry(), matte.live.switch.native.geometry()) == place
    matte.cancel()
    qtbot.waitUntil(lambda: not matte.running, timeout=120_000)


def test_a_cancel_changes_no_layer_and_the_next_run_works(viewer, dock, qtbot, slow):
    matte = dock("Alpha Matte")
    matte.run()
    qtbot.waitUntil(lambda: matte.progress_bar.value > 0, timeout=60_000)
    matte.run_button.changed.emit(True)
    assert matte.run_button.text == "Cancelling…"
    qtbot.waitUntil(lambda: not matte.running, timeout=120_000)
    assert [layer.name for layer in viewer.layers] == ["lemur", "rough"]
    assert matte.message.value == "Cancelled; no layer was changed."
    assert matte.run_button.text == "Run"
    segmenting = dock("Segment")
    segmenting.run()
    qtbot.waitUntil(lambda: not segmenting.running, timeout=60_000)
    assert "lemur mask" in viewer.layers


def test_a_second_run_does_not_begin_beside_the_first(viewer, dock, qtbot, painted):
    matte = dock("Alpha Matte")
    matte.run()
    matte.run()
    qtbot.waitUntil(lambda: not matte.running, timeout=60_000)
    assert [layer.name for layer in viewer.layers] == ["fur", "painted", "fur alpha"]


def test_layers_may_go_while_a_run_is_under_way(viewer, dock, qtbot, painted):
    matte = dock("Alpha Matte")
    matte.run()
    viewer.layers.clear()
    qtbot.waitUntil(lambda: not matte.running, timeout=60_000)
    matte.run()
    assert "has no layer to work on" in matte.message.value


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float32"])
def test_masks_of_other_plugins_go_straight_into_make_trimap(viewer, dock, finish, dtype):
    """As a picture of 0 and 1 in an Image layer, beside a grey picture that is no mask."""
    mask = np.zeros((60, 60), dtype)
    mask[20:40, 20:40] = 1
    viewer.add_image(mask, name="foreign mask")
    viewer.add_image(np.random.default_rng(0).random((60, 60)), name="micrograph")
    make = dock("Make Trimap")
    choice = make.layer_choices["mask"]
    assert choice.value is None
    choice.value = viewer.layers["foreign mask"]
    make.fields["band", "inner"].value = make.fields["band", "outer"].value = 3
    finish(make)
    trimap = viewer.layers["foreign mask trimap"]
    np.testing.assert_array_equal(
        labels_to_trimap(trimap.data), make_trimap(mask == 1, inner=3, outer=3)
    )


def test_a_soft_mask_in_an_image_layer_keeps_its_doubt(viewer, dock, finish):
    soft = np.tile(np.linspace(0, 1, 50, dtype=np.float32), (20, 1))
    viewer.add_image(soft, name="probabilities")
    make = dock("Make Trimap")
    make.layer_choices["mask"].value = viewer.layers["probabilities"]
    make.method.value = "soft"
    finish(make)
    made = labels_to_trimap(viewer.layers["probabilities trimap"].data)
    np.testing.assert_array_equal(made == 128, (soft > 0.05) & (soft < 0.95))


def test_an_id_photo_of_the_face_in_a_rectangle(viewer, dock, finish):
    portrait = np.full((200, 150, 3), 128, np.uint8)
    alpha = np.zeros((200, 150), np.float32)
    alpha[20:, 40:110] = 1
    viewer.add_image(portrait, name="portrait", rgb=True)
    viewer.add_image(alpha, name="alpha")
    viewer.add_shapes([[[30, 45], [30, 105], [90, 105], [90, 45]]], name="face")
    widget = dock("ID Photo")
    for name, layer in (("image", "portrait"), ("alpha", "alpha"), ("face", "face")):
        choice = widget.layer_choices[name]
        choice.value = next(c for c in choice.choices if getattr(c, "name", "") == layer)
    assert "head, allowed 70 to 80 %: ok" in finish(widget)
    shapes = {layer.data.shape for layer in viewer.layers if layer.name not in ("alpha", "face")}
    assert {(531, 413, 3), (1181, 1772, 3)} <= shapes
