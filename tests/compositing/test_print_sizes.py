from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.compositing.print_sizes import PRINT_SIZES, portrait_crop, printed


def portrait(height=200, width=300, middle=180):
    """A head over shoulders that reach the picture's lower border."""
    y, x = np.indices((height, width))
    head = np.hypot(y - 70, x - middle) < 40
    shoulders = (y > 130) & (abs(x - middle + 30) < 90)
    return (head | shoulders).astype(np.float32)


@pytest.mark.parametrize("size", list(PRINT_SIZES))
def test_the_head_is_in_the_middle_with_a_tenth_free_above(size):
    alpha = portrait()
    crop = portrait_crop(alpha, size)
    width, height = (int(side) for side in size.removesuffix("_mm").split("x"))
    assert crop.width / crop.height == pytest.approx(width / height, rel=0.01)
    assert crop.top + crop.height == 200
    first = np.flatnonzero(alpha.any(axis=1))[0]
    assert (first - crop.top) / crop.height == pytest.approx(0.1, abs=0.01)
    assert crop.left + crop.width / 2 == pytest.approx(180.5, abs=1)


def test_beyond_the_border_nothing_is_foreground_and_colors_repeat():
    alpha = np.ones((10, 10), np.float32)
    crop = portrait_crop(alpha, "51x51_mm")
    cut = crop.apply_to_alpha(alpha)
    assert cut.shape == (crop.height, crop.width) == (12, 12)
    assert cut.sum() == 100
    assert cut[:2].sum() == 0
    assert (crop.apply(alpha) == 1).all()


def test_clear_pixels_do_not_bleed_into_a_transparent_print():
    """A red object beside clear green: scaled down, its edge stays red."""
    picture = np.zeros((450, 350, 4), np.float32)
    picture[:, :171] = 1, 0, 0, 1
    picture[:, 171:] = 0, 1, 0, 0
    result = printed(picture, "35x45_mm", 72)
    edge = (result[..., 3] > 0.01) & (result[..., 3] < 0.99)
    assert edge.any()
    np.testing.assert_allclose(result[edge][:, :3], [[1, 0, 0]] * edge.sum(), atol=1e-3)
