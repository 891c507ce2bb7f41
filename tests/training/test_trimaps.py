from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from matting_nodes.training.trimaps import cutout_trimap, random_trimap


@pytest.fixture
def disk():
    y, x = np.mgrid[-40:41, -40:41]
    return (20.5 - np.hypot(x, y)).clip(0, 1).astype(np.float32)


def test_soft_pixels_are_always_unknown_and_the_band_keeps_to_its_widths(disk):
    inside, outside = distance_transform_edt(disk == 1), distance_transform_edt(disk == 0)
    for seed in range(20):
        trimap = random_trimap(disk, np.random.default_rng(seed), 2, 7)
        assert (trimap[(disk > 0) & (disk < 1)] == 128).all()
        assert (disk[trimap == 255] == 1).all()
        assert (disk[trimap == 0] == 0).all()
        for distance, value in ((inside, 255), (outside, 0)):
            assert distance[trimap == value].min() > 2
            assert distance[(trimap == 128)].max() < 7 * 1.5


def test_bands_differ_on_both_sides_and_return_with_the_seed(disk):
    widths = set()
    for seed in range(20):
        trimap = random_trimap(disk, np.random.default_rng(seed), 1, 9)
        again = random_trimap(disk, np.random.default_rng(seed), 1, 9)
        np.testing.assert_array_equal(trimap, again)
        widths.add(((trimap == 255).sum(), (trimap == 0).sum()))
    assert len(widths) > 10


def test_a_cutout_is_what_lies_above_the_threshold(disk):
    trimap = cutout_trimap(disk, threshold=50, width=5)
    mask = disk > 50 / 255
    assert (mask[trimap == 255]).all()
    assert not (mask[trimap == 0]).any()
    # An ellipse 5 pixels wide reaches 2 to either side.
    row = trimap[40]
    assert list(row[57:64]) == [255, 255, 128, 128, 128, 128, 0]
