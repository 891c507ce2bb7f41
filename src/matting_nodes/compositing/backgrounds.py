"""New backgrounds: a picture made to fit, a checkerboard, the old one blurred."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import Alpha, Image, as_rgb
from ..resizing import resized

LIGHT_GREY, DARK_GREY = np.float32(0.95), np.float32(0.8)
# Where F is not known, pixels are weighted by this power of 1 − α: half covered, by a sixteenth.
BACKGROUND_POWER = 4
# The weight of the whole picture's mean in a blurred background, relative to the pixels nearby.
MEAN_WEIGHT = np.float32(1e-4)


def fitted(picture: Image, height: int, width: int, fit: str) -> Image:
    """Return a picture at another size.

    Parameters
    ----------
    picture : (h, w, C) float32, 0..1
    height, width : int, pixels
        The new size.
    fit : {"fill", "fit", "stretch", "tile"}
        fill crops what does not fit; fit shows the whole picture between black bars; stretch
        ignores proportions; tile repeats it from the upper left.

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
    # Where the picture is larger than the canvas, the offset is negative and it is cropped.
    canvas[max(top, 0) : top + h, max(left, 0) : left + w] = scaled[
        max(-top, 0) : height - top, max(-left, 0) : width - left
    ]
    return canvas


def checkerboard(height: int, width: int, square: int) -> Image:
    """Return a checkerboard of light and dark grey, (height, width, 3) float32.

    Parameters
    ----------
    height, width : int, pixels
        Size of the picture.
    square : int, pixels
        Side of a square.
    """
    y, x = np.indices((height, width)) // square
    grey: Image = np.where((x + y) % 2, DARK_GREY, LIGHT_GREY)[..., None]
    return as_rgb(grey)


def blurred(image: Image, alpha: Alpha, foreground: Image | None, radius: float) -> Image:
    """Return the background alone, out of focus, without the object's light.

    From I = αF + (1 − α)B only (1 − α)B is blurred, and divided by the blurred 1 − α.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        The picture, I.
    alpha : (H, W) float32, 0..1
        Its matte.
    foreground : like image, optional
        F; without it I stands for B, weighted less where more of the object is in it.
    radius : float, pixels
        Standard deviation of the Gaussian.

    Returns
    -------
    (H, W, 3) float32, 0..1
    """
    rgb, part = as_rgb(image), 1 - alpha[..., None]
    if foreground is None:
        part = part**BACKGROUND_POWER
        light = part * rgb
    else:
        light = rgb - alpha[..., None] * as_rgb(foreground)
    spread, spread_part = (_gaussian(values, radius) for values in (light, part))
    # blur((1 − α) B) / blur(1 − α); deep inside the object, far from any background, its mean.
    mean = light.sum(axis=(0, 1)) / max(float(part.sum()), 1.0)
    behind: Image = ((spread + MEAN_WEIGHT * mean) / (spread_part + MEAN_WEIGHT)).clip(0, 1)
    return behind.astype(np.float32)


def _gaussian(values: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    import cv2

    soft = cv2.GaussianBlur(values, (0, 0), max(radius, 1e-3), borderType=cv2.BORDER_REFLECT)
    return np.asarray(soft, np.float32).reshape(values.shape)
