"""Checks before solving, full contrast, and the error for want of a solution."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import (
    BACKGROUND,
    FOREGROUND,
    Alpha,
    Image,
    Trimap,
    as_pixels,
    as_trimap,
    check_same_size,
)
from ..errors import EmptyRegionError, MattingError, ShapeError, Side
from ..framework.normalization import Mode, measured, normalized


def has_both_regions(trimap: Trimap) -> None:
    """Refuse a trimap without definite foreground or without definite background.

    Raises
    ------
    EmptyRegionError
    """
    sides: dict[Side, bool] = {
        "foreground": trimap.max() == FOREGROUND,
        "background": trimap.min() == BACKGROUND,
    }
    for name, there in sides.items():
        if not there:
            raise EmptyRegionError(
                f"The trimap has no definite {name}",
                "A matte is solved from some pixels that are surely foreground and some that "
                "are surely background",
                f"Paint some {name}, or make the trimap's unknown band narrower",
                # With neither side, it is not known what the frame shows.
                missing=name if any(sides.values()) else None,
            )


def prepared(
    image: ArrayLike, trimap: ArrayLike, normalization: Mode, title: str, **beside: Alpha
) -> tuple[Image, Trimap]:
    """Return a picture and a trimap from outside, checked, as a method of 3 × 3 windows takes them.

    Parameters
    ----------
    image : (H, W, C) array
        The picture, in any form that nodes accept.
    trimap : (H, W) array
        Likewise.
    normalization : str
        As for nodes.
    title : str
        The method's.
    **beside
        What must be of the same size, by name.

    Raises
    ------
    MattingError
    """
    pixels, known = as_pixels(image, any_channels=True), as_trimap(trimap)
    picture = normalized(pixels, measured([pixels], normalization, "image"), "image")
    check_same_size({"image": picture, "trimap": known, **beside})
    check_window(picture, 3, title)
    has_both_regions(known)
    return picture, known


def check_window(image: Image, window: int, title: str) -> None:
    """Check that an image is at least as large as a window of this side in pixels.

    Raises
    ------
    ShapeError
    """
    if min(image.shape[:2]) < window:
        raise ShapeError(
            f"The image is {image.shape[1]} × {image.shape[0]} pixels",
            f"{title} looks at windows of {window} × {window} pixels",
            f"Use an image of at least {window} × {window} pixels",
        )


def full_contrast(image: Image) -> Image:
    """Return an image stretched to 0..1, all channels alike; unchanged if it has a single value.

    α stays the same when the picture, the foreground and the background are scaled together, and
    what methods compare colors to, noise and regularization, has to be scaled with them.
    """
    low, high = image.min(), image.max()
    if high == low or (low == 0 and high == 1):
        return image
    stretched: Image = ((image - low) * (1 / (high - low))).astype(np.float32)
    return stretched


def no_solution(found: str) -> MattingError:
    """Return the error of a system that could not be solved."""
    return MattingError(
        found,
        "The unknown region must be small enough to be solved from its surroundings",
        "Mark more foreground and background, or choose another method",
    )
