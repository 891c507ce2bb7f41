"""Small masks whose answer a person can check; the real host is asked in hosts/comfyui."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import grey_dilation, grey_erosion

from matting_nodes.errors import ShapeError, SizeMismatchError
from matting_nodes.graph.types import masks
from matting_nodes.job import Job


def mask(*rows):
    return np.array([rows], np.float32)


def test_a_mask_may_come_without_its_batch_axis():
    assert masks.mask_to_image(mask([0, 1])[0]).shape == (1, 1, 2, 3)


def test_inverting_turns_it_around():
    np.testing.assert_array_equal(masks.invert_mask(mask([0, 0.25, 1])), mask([1, 0.75, 0]))


def test_a_threshold_is_not_reached_by_the_value_itself():
    np.testing.assert_array_equal(
        masks.threshold_mask(mask([0.2, 0.5, 0.6]), value=0.5), mask([0, 0, 1])
    )


def test_a_missing_channel_is_told():
    image = np.zeros((1, 2, 2, 3), np.float32)
    with pytest.raises(ShapeError, match=r"has 3 channels\. alpha is the fourth"):
        masks.image_to_mask(image, channel="alpha")


@pytest.mark.parametrize(
    ("expand", "tapered", "total"), [(1, True, 5), (1, False, 9), (2, True, 13), (-1, True, 0)]
)
def test_growing_one_pixel(expand, tapered, total):
    one = np.zeros((1, 7, 7), np.float32)
    one[0, 3, 3] = 1
    assert masks.grow_mask(one, expand=expand, tapered_corners=tapered, job=Job()).sum() == total


@pytest.mark.parametrize("tapered", [True, False])
@pytest.mark.parametrize(("expand", "grown"), [(4, grey_dilation), (-3, grey_erosion)])
def test_growing_soft_masks_gives_the_pixels_of_comfyui(expand, grown, tapered):
    soft = np.random.default_rng(0).random((2, 37, 29), np.float32)
    corner = 0 if tapered else 1
    footprint = np.array([[corner, 1, corner], [1, 1, 1], [corner, 1, corner]])
    expected = soft
    for _ in range(abs(expand)):  # as ComfyUI's node does it
        expected = np.stack([grown(frame, footprint=footprint) for frame in expected])
    found = masks.grow_mask(soft, expand=expand, tapered_corners=tapered, job=Job())
    np.testing.assert_array_equal(found, expected)


def test_a_rectangle_beside_the_mask_is_refused():
    square = mask([1, 0, 0], [0, 0, 1])
    cropped = masks.crop_mask(square, x=1, y=0, width=9, height=9)
    np.testing.assert_array_equal(cropped, mask([0, 0], [0, 1]))
    with pytest.raises(ShapeError, match=r"begins at \(3, 0\) and the mask is 3 × 2 pixels"):
        masks.crop_mask(square, x=3, y=0, width=9, height=9)


def test_batches_that_do_not_go_together_are_refused():
    three, two = np.ones((3, 4, 4), np.float32), np.ones((2, 4, 4), np.float32)
    assert masks.mask_composite(three, two[:1]).shape == (3, 4, 4)
    with pytest.raises(SizeMismatchError, match="destination has 3 masks and the source 2"):
        masks.mask_composite(three, two)


def test_feathering_fades_in_equal_steps():
    row = masks.feather_mask(np.ones((1, 1, 6), np.float32), left=3, right=2)
    np.testing.assert_allclose(row[0, 0], [1 / 3, 2 / 3, 1, 1, 1, 0.5])


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("multiply", [0.5, 0.25, 0]),
        ("add", [0.5, 1, 0.5]),
        ("subtract", [0.5, 0, 0]),
    ],
)
def test_masks_are_combined_where_they_overlap(operation, expected):
    """The second lies one pixel to the right, and one of its pixels is outside."""
    below, above = mask([0.5, 0.5, 0]), mask([0.5, 0.5, 0.5])
    result = masks.mask_composite(below, above, x=1, operation=operation)
    np.testing.assert_array_equal(result, mask([0.5, *expected[1:]]))
    np.testing.assert_array_equal(below, mask([0.5, 0.5, 0]))
