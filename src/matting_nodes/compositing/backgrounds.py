"""New backgrounds: a picture made to fit, a checkerboard, the picture itself blurred."""

from __future__ import annotations

import numpy as np

from ..arrays import Image, as_rgb

LIGHT, DARK = np.float32(0.95), np.float32(0.8)


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
        return _resized(rgb, height, width)
    pick = max if fit == "fill" else min
    scale = pick(height / h, width / w)
    scaled = _resized(rgb, max(1, round(h * scale)), max(1, round(w * scale)))
    canvas = np.zeros((height, width, 3), np.float32)
    h, w = scaled.shape[:2]
    top, left = (height - h) // 2, (width - w) // 2
    # Where the picture reaches beyond the canvas, the offset is negative and it is cut.
    canvas[max(top, 0) : top + h, max(left, 0) : left + w] = scaled[
        max(-top, 0) : height - top, max(-left, 0) : width - left
    ]
    return canvas


def checkerboard(height: int, width: int, square: int) -> Image:
    """Return light and dark grey squares of so many pixels, (height, width, 3)."""
    y, x = np.indices((height, width)) // square
    grey: Image = np.where((x + y) % 2, DARK, LIGHT)[..., None]
    return as_rgb(grey)


def blurred(image: Image, radius: float) -> Image:
    """Return an image under a Gaussian of this standard deviation in pixels, as RGB."""
    import cv2

    soft = cv2.GaussianBlur(as_rgb(image), (0, 0), max(radius, 1e-3), borderType=cv2.BORDER_REFLECT)
    return np.asarray(soft, np.float32).reshape(*image.shape[:2], 3)


def _resized(picture: Image, height: int, width: int) -> Image:
    import cv2

    smaller = height < picture.shape[0] or width < picture.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    resized = cv2.resize(picture, (width, height), interpolation=how)
    return np.asarray(resized, np.float32).clip(0, 1)
