"""Prompts belong to the plane that they were drawn in, and shapes cover what napari says."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels, Points, Shapes

from matting_nodes import sample_data, segment
from matting_nodes.arrays import Kind
from matting_nodes.errors import MissingInputError
from matting_nodes.hosts.napari._places import Grid
from matting_nodes.hosts.napari._prompts import prompts
from matting_nodes.hosts.napari._trimap import trimap_options, trimap_to_labels


@pytest.fixture
def stack():
    """The grid of three planes of 40 × 60 pixels, two apart in the world."""
    layer = Image(np.zeros((3, 40, 60)), scale=(2, 1, 1), name="stack")
    return Grid.of(layer, {"image": layer})


def rectangle(top, left, bottom, right, plane=None):
    corners = np.array([(top, left), (top, right), (bottom, right), (bottom, left)], float)
    return corners if plane is None else np.column_stack([np.full(4, plane), corners])


def test_every_plane_has_its_own_box(stack):
    boxes = [rectangle(1, 2, 11, 12, plane=0), rectangle(5, 6, 25, 26, plane=4)]
    # The last box of a plane counts, or the selected one.
    layer = Shapes([rectangle(0, 0, 3, 3, plane=4), *boxes])
    first, middle, last = prompts(layer, Kind.BOX, stack)
    assert first == (2.5, 1.5, 12.5, 11.5)
    assert middle is None
    assert last == (6.5, 5.5, 26.5, 25.5)
    layer.selected_data = {0}
    assert prompts(layer, Kind.BOX, stack) == [first, None, (0.5, 0.5, 3.5, 3.5)]


def test_points_count_in_their_plane(stack):
    layer = Points([[0, 1, 2], [2.2, 3, 4], [0, 5, 6]])
    assert prompts(layer, Kind.POINTS, stack) == [[(2, 1), (6, 5)], [(4, 3)], None]


def test_what_is_drawn_without_planes_serves_them_all(stack):
    (box,) = prompts(Shapes([rectangle(1, 2, 11, 12)]), Kind.BOX, stack)
    assert box == (2.5, 1.5, 12.5, 11.5)
    # A layer may have axes that the picture lacks.
    flat = Image(np.zeros((40, 60)))
    layer = Points([[7, 1, 2], [9, 3, 4]])
    (points,) = prompts(layer, Kind.POINTS, Grid.of(flat, {"image": flat}))
    assert points == [(2, 1), (4, 3)]


def test_planes_in_time_and_depth():
    layer = Image(np.zeros((2, 3, 8, 9)))
    points = prompts(
        Points([[1, 2, 5, 6], [0, 1, 3, 4]]), Kind.POINTS, Grid.of(layer, {"i": layer})
    )
    assert points == [None, [(4, 3)], None, None, None, [(6, 5)]]
    # One without time serves all times.
    points = prompts(Points([[2, 5, 6]]), Kind.POINTS, Grid.of(layer, {"i": layer}))
    assert points == [None, None, [(6, 5)]] * 2


@pytest.mark.parametrize(
    ("shape_type", "vertices"),
    [
        ("rectangle", rectangle(5, 10, 25, 50)),
        ("ellipse", rectangle(5, 10, 25, 50)),
        ("polygon", [(3, 3), (30, 20), (10, 55)]),
        ("path", [(3, 3), (30, 20), (10, 55), (3, 3)]),
        ("line", [(3, 3), (30, 20)]),
    ],
)
def test_shapes_cover_what_napari_rasterizes(shape_type, vertices):
    """An ellipse is no rectangle, and a path has no inside."""
    picture = Image(np.zeros((40, 60)), scale=(0.5, 0.5), translate=(3, 4))
    there = np.array(vertices) * 0.5 + (3, 4)
    shapes = Shapes([there], shape_type=shape_type)
    (inside,) = prompts(shapes, Kind.MASK, Grid.of(picture, {"image": picture}))
    expected = Shapes([vertices], shape_type=shape_type).to_masks((40, 60))[0]
    assert (inside != expected).mean() < 0.002  # of rounding at the very edge
    # Pixels of both edges count; a path has those beneath it.
    area = {"rectangle": 21 * 41, "ellipse": np.pi * 200, "polygon": 607.5, "path": 121, "line": 28}
    assert inside.sum() == pytest.approx(area[shape_type], rel=0.07)


def test_a_turned_ellipse_stays_one():
    picture = Image(np.zeros((60, 60)))
    shapes = Shapes(
        [rectangle(-20, -10, 20, 10)], shape_type="ellipse", rotate=30, translate=(30, 30)
    )
    (inside,) = prompts(shapes, Kind.MASK, Grid.of(picture, {"image": picture}))
    y, x = np.indices((60, 60)) - 30
    angle = np.deg2rad(30)
    along = y * np.cos(angle) + x * np.sin(angle)
    across = -y * np.sin(angle) + x * np.cos(angle)
    expected = (along / 20) ** 2 + (across / 10) ** 2 <= 1
    assert (inside & expected).sum() / (inside | expected).sum() > 0.93


def test_outlines_lie_in_their_planes(stack):
    layer = Shapes([rectangle(1, 2, 11, 12, plane=2), rectangle(8, 9, 21, 22, plane=2)])
    first, middle, last = prompts(layer, Kind.MASK, stack)
    assert first is None
    assert last is None
    both = Shapes([rectangle(1, 2, 11, 12), rectangle(8, 9, 21, 22)]).to_masks((40, 60)).any(axis=0)
    np.testing.assert_array_equal(middle, both)


@pytest.mark.parametrize("kind", [Kind.BOX, Kind.POINTS, Kind.MASK])
def test_prompts_beside_the_stack_are_refused(stack, kind):
    for drawn in ([], [rectangle(1, 2, 11, 12, plane=50)]):
        layer = (
            Points(np.concatenate([np.empty((0, 3)), *drawn]))
            if kind is Kind.POINTS
            else Shapes(drawn, ndim=3)
        )
        with pytest.raises(MissingInputError, match="holds nothing that lies on stack"):
            prompts(layer, kind, stack)


def test_segment_takes_each_planes_box_and_leaves_the_others_empty(viewer, dock, finish):
    image = np.ascontiguousarray(sample_data.lemur()[::8, ::8])
    viewer.add_image(np.stack([image, image[:, ::-1], image]), name="small", rgb=True)
    box = (18, 6, 67, 55)
    top, left, bottom, right = 5.5, 17.5, 54.5, 66.5
    width = image.shape[1] - 1
    viewer.add_shapes(
        [
            rectangle(top, left, bottom, right, plane=0),
            rectangle(top, width - right, bottom, width - left, plane=1),
        ],
        name="boxes",
    )
    widget = dock("Segment")
    widget.layer_choices["box"].value = widget.layer_choices["box"].choices[-1]
    finish(widget)
    masks = viewer.layers["small mask"].data
    np.testing.assert_array_equal(masks[0], segment(image, box=box))
    mirrored = (width + 1 - box[2], box[1], width + 1 - box[0], box[3])
    np.testing.assert_array_equal(masks[1], segment(image[:, ::-1], box=mirrored))
    assert [mask.any() for mask in masks] == [True, True, False]


def test_a_label_of_minus_one_is_refused(viewer, dock, finish, fur):
    labels = trimap_to_labels(fur[1]).astype(np.int8)
    labels[5, 5] = -1
    viewer.add_image(fur[0], rgb=True)
    viewer.add_layer(Labels(labels, name="painted", **trimap_options()))
    assert "painted holds the label -1" in finish(dock("Alpha Matte"))
