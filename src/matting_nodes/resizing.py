"""Resizing pictures."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Interpolation = Literal["lanczos", "cubic", "linear", "nearest", "area", "smooth"]


def resized(
    picture: NDArray[Any], height: int, width: int, how: Interpolation = "smooth"
) -> NDArray[Any]:
    """Return a picture resized, in its own type; the picture itself at its own size.

    Parameters
    ----------
    picture : (H, W, C) or (H, W) array
        Any number of channels.
    height, width : int, pixels
        The new size.
    how : {"smooth", "lanczos", "cubic", "linear", "nearest", "area"}
        OpenCV's interpolation; smooth is area if a side becomes shorter, else cubic. Cubic and
        Lanczos overshoot at edges.

    Returns
    -------
    (height, width, C) or (height, width) array
    """
    import cv2

    if picture.shape[:2] == (height, width):
        return picture
    if how == "smooth":
        shorter = height < picture.shape[0] or width < picture.shape[1]
        how = "area" if shorter else "cubic"
    flags = {
        "lanczos": cv2.INTER_LANCZOS4,
        "cubic": cv2.INTER_CUBIC,
        "linear": cv2.INTER_LINEAR,
        "nearest": cv2.INTER_NEAREST,
        "area": cv2.INTER_AREA,
    }
    result = cv2.resize(picture, (width, height), interpolation=flags[how])
    # OpenCV drops the axis of a single channel.
    return np.asarray(result).reshape(height, width, *picture.shape[2:])


def size_within(height: int, width: int, longest: int) -> tuple[int, int]:
    """Return height and width, scaled down in proportion until neither is over `longest` pixels.

    Parameters
    ----------
    height, width : int, pixels
        The size of a picture.
    longest : int, pixels
        The greatest length of its longer side.
    """
    scale = min(1.0, longest / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
