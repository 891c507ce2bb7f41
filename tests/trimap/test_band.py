from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.errors import EmptyRegionError
from matting_nodes.nodes.make_trimap import make_trimap
from matting_nodes.trimap.band import distance_to


def test_on_a_row_by_hand():
    mask = np.float32([[0, 0, 0, 0, 1, 1, 1, 1]])
    np.testing.assert_array_equal(
        make_trimap(mask, inner=1, outer=2), [[0, 0, 128, 128, 128, 255, 255, 255]]
    )


def test_no_band_keeps_the_mask():
    mask = np.eye(5)
    np.testing.assert_array_equal(make_trimap(mask, inner=0, outer=0), mask * 255)


def test_soft_values_are_unknown():
    mask = np.float32([[0, 0, 0.5, 1, 1]])
    np.testing.assert_array_equal(make_trimap(mask, inner=0, outer=0), [[0, 0, 128, 255, 255]])


def test_the_band_is_round():
    """A single pixel grows to the disk of all pixels not farther away than the radius."""
    mask = np.zeros((41, 41))
    mask[20, 20] = 1
    trimap = make_trimap(mask, inner=0, outer=13.5)
    y, x = np.indices(mask.shape) - 20
    np.testing.assert_array_equal(trimap == 0, np.hypot(y, x) > 13.5)


def test_distances_are_exact():
    """Against the distance to every pixel of the region, one by one."""
    region = np.random.default_rng(1).random((60, 70)) > 0.995
    points = np.argwhere(region)
    y, x = np.indices(region.shape)
    brute = np.min([np.hypot(y - p, x - q) for p, q in points], axis=0)
    for _ in range(10):
        np.testing.assert_array_equal(distance_to(region), brute.astype(np.float32))


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        (np.zeros((9, 9)), "The mask has no definite foreground"),
        (np.ones((9, 9)), "The mask has no definite background"),
        (np.eye(9), "A band of 10 px leaves no definite foreground"),
        (np.pad(np.ones((50, 50)), 5), "A band of 10 px leaves no definite background"),
        (np.zeros((1, 1)), "The mask has no definite foreground"),
    ],
)
def test_a_trimap_without_both_regions_is_refused(mask, told):
    with pytest.raises(EmptyRegionError, match=told):
        make_trimap(mask)


@pytest.mark.parametrize("method", ["band", "structuring_element"])
def test_a_small_hole_of_the_mask_is_filled_and_a_large_one_kept(method):
    mask = np.zeros((100, 100))
    mask[10:90, 10:90] = 1
    mask[30:34, 30:34] = mask[50:70, 50:70] = 0  # an eye, and a gap
    trimap = make_trimap(mask, method=method)
    assert trimap[32, 32] == 255
    assert trimap[60, 60] != 255
    assert make_trimap(mask, method=method, largest_hole=0)[32, 32] == 128
    assert make_trimap(mask, method=method, largest_hole=10)[60, 60] == 255
