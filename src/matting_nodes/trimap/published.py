"""Published recipes: trimaps pixel for pixel as well-known pipelines make them."""

from __future__ import annotations

from typing import Literal

from ..arrays import Mask, Trimap, trimap_from
from ..framework.register import method
from .band import check_remains
from .structuring_element import eroded_and_dilated

# element, its width, iterations; foreground from this value of 255, background up to that
RECIPES = {
    "square_10x5": ("square", 10, 5, 255, 0),
    "ellipse_7x6": ("ellipse", 7, 6, 255, 0),
    "smooth_ellipse_6": ("ellipse", 6, 1, 250, 5),
}


@method("make_trimap", title="Published recipe")
def published(
    mask: Mask, *, recipe: Literal["square_10x5", "ellipse_7x6", "smooth_ellipse_6"] = "ellipse_7x6"
) -> Trimap:
    """Reproduce the trimap of a published pipeline, pixel for pixel.

    Elements of an even width have no middle: as published, the band is a pixel wider towards
    one side. Elsewhere elements are odd.

    Parameters
    ----------
    mask : (H, W) float32, 0..1
        1 is foreground.
    recipe : {"square_10x5", "ellipse_7x6", "smooth_ellipse_6"}
        square_10x5: a square of 10 pixels, 5 times. ellipse_7x6: an ellipse of 7 pixels, 6
        times. smooth_ellipse_6: for soft masks, an ellipse of 10 − 4 = 6 pixels, once, with
        values up to 5 of 255 taken for background and from 250 for foreground.

    Returns
    -------
    (H, W) uint8, {0, 128, 255}

    Raises
    ------
    EmptyRegionError
        If no definite foreground or no definite background would remain.
    """
    shape, size, iterations, high, low = RECIPES[recipe]
    eroded, dilated = eroded_and_dilated(mask, shape, size, iterations)
    foreground, background = eroded >= high, dilated <= low
    reach, fix = size * iterations / 2, "Choose another recipe, or a band"
    check_remains(foreground, mask == 1, "foreground", reach, fix)
    check_remains(background, mask == 0, "background", reach, fix)
    return trimap_from(foreground, background)
