"""Layers are used where they lie in the world: real layers, moved, scaled, turned, mirrored."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels

from matting_nodes import alpha_matte, make_trimap
from matting_nodes.errors import MattingError, ParameterError
from matting_nodes.hosts.napari._layers import frames, grid_of
from matting_nodes.hosts.napari._places import pixel_size
from matting_nodes.hosts.napari._trimap import labels_to_trimap, trimap_options, trimap_to_labels

INPUTS = {wire.name: wire for wire in alpha_matte.inputs}


@pytest.fixture
def fur(fur):
    """The fur, with a trimap of three values."""
    return fur[0], labels_to_trimap(trimap_to_labels(fur[1]))


def trimap_layer(trimap, **place):
    return Labels(trimap_to_labels(trimap), name="painted", **trimap_options(), **place)


def doubled(plane):
    return np.repeat(np.repeat(plane, 2, axis=0), 2, axis=1)


def seen(picture, trimap, index=0):
    """Return the trimap's plane as Alpha Matte gets it."""
    grid = grid_of(alpha_matte, {"image": picture, "trimap": trimap})
    return frames(trimap, INPUTS["trimap"], grid)[index]


@pytest.mark.parametrize(
    "place",
    [
        {"scale": (0.65, 0.65), "translate": (1000, -2000)},
        {"rotate": 30, "shear": [0.2]},
        {"affine": [[0, 2, 5], [2, 0, 7], [0, 0, 1]]},
        {"scale": (-1, 1), "translate": (99, 0)},
    ],
)
def test_layers_of_one_place_are_taken_pixel_by_pixel(fur, place):
    picture = Image(fur[0], rgb=True, **place)
    np.testing.assert_array_equal(seen(picture, trimap_layer(fur[1], **place)), fur[1])


@pytest.mark.parametrize(
    ("transform", "place"),
    [
        (lambda a: a[::-1], {"scale": (-1, 1), "translate": (99, 0)}),
        (lambda a: a.swapaxes(0, 1), {"affine": [[0, 1, 0], [1, 0, 0], [0, 0, 1]]}),
        (doubled, {"scale": (0.5, 0.5), "translate": (-0.25, -0.25)}),
        (lambda a: np.pad(a, ((7, 3), (5, 9)), mode="edge"), {"translate": (-7, -5)}),
    ],
)
def test_a_layer_that_lies_otherwise_is_resampled_through_the_world(fur, transform, place):
    """Mirrored, turned, finer, or larger than the picture: on the screen they are the same."""
    picture = Image(fur[0], rgb=True)
    np.testing.assert_array_equal(seen(picture, trimap_layer(transform(fur[1]), **place)), fur[1])


def test_a_coarser_layer_serves_a_fine_picture(fur):
    """Pixels of 2 × 2, whose centers lie between those of the picture."""
    coarse = fur[1][::2, ::2]
    layer = trimap_layer(coarse, scale=(2, 2), translate=(0.5, 0.5))
    np.testing.assert_array_equal(seen(Image(fur[0], rgb=True), layer), doubled(coarse))


def test_soft_values_are_interpolated_and_hard_ones_are_not(fur):
    ramp = np.tile(np.linspace(0, 1, 60, dtype=np.float32), (50, 1))
    picture = Image(fur[0], rgb=True)
    layers = {"image": picture, "mask": Image(ramp, scale=(2, 2), translate=(0.5, 0.5))}
    mask = next(wire for wire in make_trimap.inputs if wire.name == "mask")
    soft = frames(layers["mask"], mask, grid_of(make_trimap, layers))[0]
    inner = np.linspace(0, 1, 60)[0] + (np.arange(1, 119) - 0.5) / 2 / 59
    np.testing.assert_allclose(soft[50, 1:119], inner, atol=1e-6)
    layers["mask"] = Labels((ramp > 0.5).astype(int), scale=(2, 2), translate=(0.5, 0.5))
    hard = frames(layers["mask"], mask, grid_of(make_trimap, layers))[0]
    np.testing.assert_array_equal(hard, doubled(ramp > 0.5))


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (
            {"translate": (10, 0)},
            "does not cover fur, which lies at its rows -10 to 89 of 100",
        ),
        ({"scale": (0.5, 0.5)}, "rows 0 to 198 of 100 and columns 0 to 238 of 120"),
        ({"rotate": 10}, "painted does not cover fur"),
    ],
)
def test_a_layer_that_does_not_cover_the_picture_is_refused(fur, place, told):
    with pytest.raises(MattingError, match=told) as caught:
        seen(Image(fur[0], rgb=True, name="fur"), trimap_layer(fur[1], **place))
    assert "Copy all to clipboard" in caught.value.fix


def test_units_of_length_are_converted(fur):
    picture = Image(fur[0], rgb=True, scale=(0.5, 0.5), units=("um", "um"))
    layer = trimap_layer(fur[1], scale=(500, 500), units=("nm", "nm"))
    np.testing.assert_array_equal(seen(picture, layer), fur[1])
    with pytest.raises(MattingError, match="does not cover"):
        seen(picture, trimap_layer(fur[1], scale=(0.5, 0.5), units=("nm", "nm")))


def test_stacks_must_lie_on_each_other(fur):
    stack = Image(np.stack([fur[0]] * 3), rgb=True, scale=(2, 1, 1), name="stack")
    three = np.stack([fur[1], fur[1][::-1], fur[1]])
    np.testing.assert_array_equal(seen(stack, trimap_layer(three, scale=(2, 1, 1)), 1), three[1])
    # A single plane serves them all, and is resampled like any.
    np.testing.assert_array_equal(seen(stack, trimap_layer(fur[1]), 2), fur[1])
    for place in ({"scale": (2, 1, 1), "translate": (2, 0, 0)}, {}):
        with pytest.raises(MattingError, match="planes of painted do not lie on those of stack"):
            seen(stack, trimap_layer(three, **place))
    with pytest.raises(MattingError, match="painted is a stack and does not lie on fur"):
        seen(Image(fur[0], rgb=True, name="fur"), trimap_layer(three[:, ::2, ::2], scale=(1, 2, 2)))


def test_the_size_of_a_pixel_in_the_world():
    assert pixel_size(Image(np.zeros((3, 4, 5)), scale=(9, 0.5, 0.5))) == 0.5
    assert pixel_size(Image(np.zeros((4, 5)), scale=(-0.5, 0.5))) == 0.5
    turned = [[0, -0.25, 3], [0.25, 0, 7], [0, 0, 1]]
    assert pixel_size(Image(np.zeros((4, 5)), scale=(2, 2), affine=turned)) == 0.5
    for askew in ({"scale": (1, 2)}, {"shear": [0.5]}):
        with pytest.raises(ParameterError, match="A band in physical units needs square pixels"):
            pixel_size(Image(np.zeros((4, 5)), **askew))


def test_moving_a_layer_into_place_lets_it_run(viewer, dock, finish, fur):
    """The trimap was made beside the picture; what is wrong is told until it lies on it."""
    place = {"scale": (2.0, 2.0), "translate": (50.0, 60.0)}
    viewer.add_image(fur[0], name="fur", rgb=True, **place)
    layer = viewer.add_labels(trimap_to_labels(fur[1]), name="painted", **trimap_options())
    matte = dock("Alpha Matte")
    matte.layer_choices["trimap"].value = matte.layer_choices["trimap"].choices[-1]
    assert not matte.run_button.enabled
    assert "painted does not cover fur" in matte.run_button.tooltip
    layer.scale, layer.translate = place["scale"], place["translate"]
    assert matte.run_button.enabled
    matte.method.value = "guided_filter"
    finish(matte)
    expected = alpha_matte(*fur, method="guided_filter")
    np.testing.assert_array_equal(viewer.layers["fur alpha"].data, expected)
    np.testing.assert_array_equal(viewer.layers["fur alpha"].translate, place["translate"])
    layer.translate = (60.0, 60.0)
    assert not matte.run_button.enabled


def test_a_physical_band_on_a_mirrored_layer_with_an_affine(viewer, dock, finish):
    mask = np.zeros((60, 60), np.uint8)
    mask[20:40, 20:40] = 1
    affine = np.diag([0.5, 0.5, 1.0])
    viewer.add_labels(mask, name="mask", scale=(-1, 1), affine=affine)
    widget = dock("Make Trimap")
    for name, value in (("inner", 1.5), ("outer", 2.5), ("unit", "physical")):
        widget.fields["band", name].value = value
    finish(widget)
    expected = make_trimap(mask, inner=3, outer=5)
    np.testing.assert_array_equal(viewer.layers["mask trimap"].data, trimap_to_labels(expected))
