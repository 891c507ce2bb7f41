"""Print sizes: a portrait cropped and scaled as photo studios and passport offices want it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Alpha
from ..errors import EmptyRegionError
from ..resizing import resized

# width and height in millimetres
PRINT_SIZES = {
    "25x35_mm": (25.0, 35.0),
    "33x48_mm": (33.0, 48.0),
    "35x45_mm": (35.0, 45.0),
    "35x49_mm": (35.0, 49.0),
    "51x51_mm": (50.8, 50.8),
}
# What photo studios print behind a portrait.
ID_COLORS = {"id_white": "#ffffff", "id_blue": "#438edb", "id_red": "#ff0000"}
# The share of the crop's height that stays free above the head.
HEADROOM = 0.1


@dataclass(frozen=True)
class Crop:
    """A rectangle to crop a picture to, in pixels; it may reach beyond the picture's border."""

    top: int
    left: int
    height: int
    width: int

    def apply(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Return the cropped picture; beyond the border the nearest pixels repeat."""
        rows, columns, _ = self._indices(picture.shape)
        return picture[np.ix_(rows, columns)]

    def apply_to_alpha(self, alpha: Alpha) -> Alpha:
        """Return the cropped alpha; beyond the border it is 0."""
        *_, inside = self._indices(alpha.shape)
        return self.apply(alpha) * inside

    def _indices(self, shape: tuple[int, ...]) -> tuple[Any, Any, NDArray[np.float32]]:
        rows = np.arange(self.top, self.top + self.height)
        columns = np.arange(self.left, self.left + self.width)
        in_rows, in_columns = rows.clip(0, shape[0] - 1), columns.clip(0, shape[1] - 1)
        inside = np.outer(rows == in_rows, columns == in_columns).astype(np.float32)
        return in_rows, in_columns, inside


def portrait_crop(alpha: Alpha, size: str) -> Crop:
    """Return the crop of a portrait: down to the object's lower end, its head in the middle.

    Parameters
    ----------
    alpha : (H, W) float32, 0..1
    size : str
        One of PRINT_SIZES, for the crop's proportions.

    Raises
    ------
    EmptyRegionError
        If no pixel is mostly foreground.
    """
    object_ = alpha > 0.5
    rows = np.flatnonzero(object_.any(axis=1))
    if not len(rows):
        raise EmptyRegionError(
            "No pixel of the alpha is above 0.5",
            "A print size is framed around the object",
            "Give the alpha of a portrait, or choose the print size none",
        )
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    # The upper third of a portrait is its head.
    head = object_[top : top + math.ceil((bottom - top) / 3)]
    middle = float(np.nonzero(head)[1].mean()) + 0.5
    width_mm, height_mm = PRINT_SIZES[size]
    height = math.ceil((bottom - top) / (1 - HEADROOM))
    width = max(1, round(height * width_mm / height_mm))
    return Crop(bottom - height, round(middle - width / 2), height, width)


def printed(picture: NDArray[np.float32], size: str, resolution: int) -> NDArray[np.float32]:
    """Return a picture resized to the pixels of a print of this size and resolution.

    Parameters
    ----------
    picture : (H, W, 3) or (H, W, 4) float32, 0..1
        Straight colors, perhaps with an alpha.
    size : str
        One of PRINT_SIZES.
    resolution : int, dots per inch
    """
    width, height = (round(side / 25.4 * resolution) for side in PRINT_SIZES[size])
    return resized_print(picture, width, height)


def resized_print(picture: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Return a picture at the size of a print in pixels.

    Parameters
    ----------
    picture : (H, W, 3) or (H, W, 4) float32, 0..1
        Straight colors, perhaps with an alpha.
    width, height : int, pixels
        The print's.
    """
    if picture.shape[2] == 3:
        return resized(picture, height, width).clip(0, 1)
    # Colors are weighted by alpha, or those of clear pixels would bleed in.
    alpha = picture[..., 3:]
    mixed = resized(np.dstack([picture[..., :3] * alpha, alpha]), height, width).clip(0, 1)
    plain = resized(np.ascontiguousarray(picture[..., :3]), height, width).clip(0, 1)
    part = mixed[..., 3:]
    straight = np.where(part > 1e-3, mixed[..., :3] / np.maximum(part, 1e-3), plain)
    return np.dstack([straight, part]).clip(0, 1)
