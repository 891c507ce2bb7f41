"""Published recipes: the trimaps of well-known pipelines, pixel for pixel."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..arrays import Mask, Trimap
from ..framework.register import method
from .band import BACKGROUND_MAX, FOREGROUND_MIN, definite
from .structuring_element import from_element

# element, its width, iterations
ELEMENTS = {
    "square_10x5": ("square", 10, 5),
    "ellipse_7x6": ("ellipse", 7, 6),
    "smooth_ellipse_6": ("ellipse", 6, 1),
}


@method("make_trimap", title="Published recipe")
def published(
    mask: Mask, *, recipe: Literal["square_10x5", "ellipse_7x6", "smooth_ellipse_6"] = "ellipse_7x6"
) -> Trimap:
    """Reproduce the trimap of a published pipeline, pixel for pixel.

    Elements of an even width have no center pixel: as published, the band is a pixel wider on
    one side. Other methods have odd elements.

    Parameters
    ----------
    mask : (H, W) float32, 0..1
        1 is foreground.
    recipe : {"square_10x5", "ellipse_7x6", "smooth_ellipse_6"}
        square_10x5: a square of 10 pixels, 5 times. ellipse_7x6: an ellipse of 7 pixels, 6
        times. smooth_ellipse_6: for soft masks, an ellipse of 10 − 4 = 6 pixels, once, with
        values up to 5 of 255 counting as background and from 250 as foreground.

    Returns
    -------
    (H, W) uint8, {0, 128, 255}

    Raises
    ------
    EmptyRegionError
        If no definite foreground or no definite background would remain.
    """
    shape, size, iterations = ELEMENTS[recipe]
    mask = _snapped(mask) if recipe == "smooth_ellipse_6" else definite(mask)
    return from_element(mask, shape, size, iterations, "Choose another recipe, or a band")


def _snapped(mask: Mask) -> Mask:
    """Return a soft mask with up to 5 of 255 as 0 and from 250 as 1."""
    high = np.where(mask >= FOREGROUND_MIN, np.float32(1), mask)
    return np.where(mask <= BACKGROUND_MAX, np.float32(0), high)
