"""New backgrounds: a picture made to fit, a checkerboard, the old one blurred."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Alpha, Image, as_rgb
from ..resizing import resized

LIGHT, DARK = np.float32(0.95), np.float32(0.8)
# The power of (1 − α) that pixels count with where F is not known: half covered, a sixteenth.
MOSTLY_BACKGROUND = 4
# The weight of the whole picture's mean in a blurred background, beside what is near.
TRACE = np.float32(1e-4)


def fitted(picture: Image, height: int, width: int, fit: str) -> Image:
    """Return a picture at another size.

    Parameters
    ----------
    picture : (h, w, C) float32, 0..1
    height, width : int, pixels
        The size wanted.
    fit : {"fill", "fit", "stretch", "tile"}
        fill covers all, cutting off what is too much; fit shows the whole picture between
        black bars; stretch gives up its proportions; tile repeats it from the upper left.

    Returns
    -------
    (height, width, 3) float32, 0..1
    """
    rgb = as_rgb(picture)
    h, w = rgb.shape[:2]
    if (h, w) == (height, width):
        return rgb
    if fit == "tile":
        return np.tile(rgb, (-(-height // h), -(-width // w), 1))[:height, :width]
    if fit == "stretch":
        return resized(rgb, height, width).clip(0, 1)
    pick = max if fit == "fill" else min
    scale = pick(height / h, width / w)
    scaled = resized(rgb, max(1, round(h * scale)), max(1, round(w * scale))).clip(0, 1)
    canvas = np.zeros((height, width, 3), np.float32)
    h, w = scaled.shape[:2]
    top, left = (height - h) // 2, (width - w) // 2
    # Where the picture reaches beyond the canvas, the offset is negative and it is cut.
    canvas[max(top, 0) : top + h, max(left, 0) : left + w] = scaled[
        max(-top, 0) : height - top, max(-left, 0) : width - left
    ]
    return canvas


def checkerboard(height: int, width: int, square: int) -> Image:
    """Return light and dark grey squares of so many pixels, (height, width, 3).

    Parameters
    ----------
    height, width : int, pixels
        Size of the picture.
    square : int, pixels
        Side of a square.
    """
    y, x = np.indices((height, width)) // square
    grey: Image = np.where((x + y) % 2, DARK, LIGHT)[..., None]
    return as_rgb(grey)


def blurred(image: Image, alpha: Alpha, foreground: Image | None, radius: float) -> Image:
    """Return the background alone, out of focus: nothing of the object shines into it.

    Of every pixel I = αF + (1 − α)B only the light (1 − α)B is spread, and divided by the
    (1 − α) that was spread with it.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        The picture, I.
    alpha : (H, W) float32, 0..1
        Its matte.
    foreground : like image, optional
        F; without it I stands for B, the less the more of the object is in it.
    radius : float, pixels
        Standard deviation of the Gaussian.

    Returns
    -------
    (H, W, 3) float32, 0..1
    """
    rgb, part = as_rgb(image), 1 - alpha[..., None]
    if foreground is None:
        part = part**MOSTLY_BACKGROUND
        light = part * rgb
    else:
        light = rgb - alpha[..., None] * as_rgb(foreground)
    spread, spread_part = (_gaussian(values, radius) for values in (light, part))
    # Where no background is near, deep inside the object, it is the mean of all.
    mean = light.sum(axis=(0, 1)) / max(float(part.sum()), 1.0)
    behind: Image = ((spread + TRACE * mean) / (spread_part + TRACE)).clip(0, 1)
    return behind.astype(np.float32)


def _gaussian(values: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    import cv2

    soft = cv2.GaussianBlur(values, (0, 0), max(radius, 1e-3), borderType=cv2.BORDER_REFLECT)
    return np.asarray(soft, np.float32).reshape(values.shape)
