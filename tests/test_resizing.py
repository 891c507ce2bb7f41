from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.resizing import resized, size_within


def test_smooth_is_the_mean_of_what_a_pixel_covers_where_a_side_becomes_shorter():
    picture = np.arange(24, dtype=np.float32).reshape(4, 6, 1)
    means = picture.reshape(2, 2, 3, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(resized(picture, 2, 3)[..., 0], means)
    np.testing.assert_allclose(resized(picture, 2, 12), resized(picture, 2, 12, "area"))


def test_smooth_is_cubic_where_none_does():
    picture = np.random.default_rng(0).random((4, 6, 3), np.float32)
    np.testing.assert_array_equal(resized(picture, 8, 6), resized(picture, 8, 6, "cubic"))
    assert resized(picture, 4, 6) is picture


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 11)])
@pytest.mark.parametrize("how", ["lanczos", "cubic", "linear", "nearest", "area", "smooth"])
def test_axes_and_type_stay(shape, how):
    picture = np.full(shape, 100, np.uint8)
    result = resized(picture, 9, 4, how)
    assert result.shape == (9, 4, *shape[2:])
    assert result.dtype == np.uint8
    assert (result == 100).all()


def test_a_size_within_keeps_proportions_and_never_grows():
    assert size_within(400, 600, 300) == (200, 300)
    assert size_within(400, 600, 1000) == (400, 600)
    assert size_within(1, 600, 3) == (1, 3)
