"""Normalization: the range of a picture's values that becomes 0..1, and its inverse.

α in I = αF + (1 − α)B does not change when I, F and B are scaled and shifted together, so a matte
must not depend on the numbers in which a camera or a file stores its picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Image, Pixels, check_finite, unit_range

Mode = Literal["auto", "none", "picture", "stack", "percentiles"]
Doubles = NDArray[np.float64]

# Values beyond these are cut off by "percentiles".
PERCENTILES = (0.1, 99.9)
# A picture holds fewer bits than its type if it does not reach this share of its range (14 in 16),
USED_SHARE = 1 / 4
# or does not span this one: 12 bits above an offset, as in shifted signed integers.
SPANNED_SHARE = 1 / 16
# Types whose values float32 holds exactly.
NARROW = frozenset(np.dtype(name) for name in ("bool", "u1", "i1", "u2", "i2", "f2", "f4"))
# Of what is computed in 32 bits.
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class ValueRange:
    """The values of a picture that become 0 and 1.

    Parameters
    ----------
    low, high : () or (C,) float64
        The two values, for all channels or for each.
    by_type : bool
        Whether they are parts of the type's range, 0..1, rather than the picture's own numbers.
    """

    low: Doubles
    high: Doubles
    by_type: bool = False

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest value of all channels."""
        return float(self.low.min()), float(self.high.max())

    def normalized(self, pixels: NDArray[Any], name: str = "image") -> Image:
        """Return (H, W, C) pixels as float32 in 0..1; values outside the range are clipped.

        Parameters
        ----------
        pixels : (H, W, C) array
            In the picture's own numbers.
        name : str
            What it is called in errors.
        """
        pixels = unit_range(pixels, name) if self.by_type else pixels
        # Halved: the difference of two floats may be too large for one.
        half = self.high / 2 - self.low / 2
        if half.max() > LARGEST / 4:
            values = (pixels.astype(np.float64) / 2 - self.low / 2) / half
            return np.asarray(values.clip(0, 1), np.float32)
        kind: Any = np.float32 if pixels.dtype in NARROW else np.float64
        low, length = self.low.astype(kind), (self.high - self.low).astype(kind)
        return np.asarray(((pixels.astype(kind) - low) / length).clip(0, 1), np.float32)

    def restored(self, image: Image, difference: bool = False) -> Image:
        """Return colors in the picture's own numbers; a fourth channel, an alpha, stays.

        They are in 0..1 where the picture uses its type's range.

        Parameters
        ----------
        image : (H, W, C) float32
            Colors in 0..1.
        difference : bool
            Whether it is a difference of pictures: 0 stays 0.
        """
        colors = image[..., :3] if image.shape[2] == 4 else image
        low = 0 if difference else self.low
        own = (colors * (self.high - self.low) + low).astype(np.float32)
        return np.dstack([own, image[..., 3]]) if image.shape[2] == 4 else own


def normalized(pixels: Pixels, values: ValueRange | None, name: str) -> Image:
    """Return (H, W, C) pixels as float32 in 0..1.

    Parameters
    ----------
    pixels : (H, W, C) array
        In the picture's own numbers.
    values : ValueRange, optional
        The range that becomes 0..1; by default that of the type, as in `unit_range`.
    name : str
        Name of the input, for errors.

    Raises
    ------
    ValueRangeError
        For NaN and infinity; without a range also for floats outside 0..1, and for signed
        integers.
    """
    if values is None:
        return np.ascontiguousarray(unit_range(pixels, name))
    check_finite(pixels, name)
    return np.ascontiguousarray(values.normalized(pixels, name))


def measured(
    pictures: Iterable[Pixels], mode: Mode, name: str, per_channel: bool = False
) -> ValueRange | None:
    """Return the range of a picture, or of all pictures of a stack; None for their type's own.

    Parameters
    ----------
    pictures : iterable of (H, W, C) arrays
        At least one.
    mode : {"auto", "none", "picture", "stack", "percentiles"}
        none is the type's own range. picture and stack go from the smallest to the largest
        value of the pictures given, percentiles from the lowest thousandth to the highest.
        auto is none for 8 bits, in whatever type they come, and for pictures that reach a
        quarter of their type's range and span a sixteenth, unless it is for each channel; else
        it is picture.
    name : str
        Name of the input, for errors.
    per_channel : bool
        Whether each channel has a range of its own.

    Raises
    ------
    ValueRangeError
        For NaN and infinity.
    """
    lows, highs, top = [], [], 0.0
    for pixels in pictures:
        check_finite(pixels, name)
        top = max(top, _top(pixels) if _uses_its_type(pixels) else 0)
        if mode == "none" or (mode == "auto" and top and not per_channel):
            return None
        low, high = _extremes(pixels, mode, per_channel)
        lows.append(low)
        highs.append(high)
    lowest, highest = np.min(lows, axis=0), np.max(highs, axis=0)
    # A picture of a single value cannot be stretched: it becomes 0.
    # 1 is lost in numbers of more than 16 digits.
    step = np.maximum(1, abs(lowest) * 2.0**-52)
    with np.errstate(over="ignore"):
        above = np.where(highest > lowest, highest, lowest + step)
    return ValueRange(lowest / (top or 1), above / (top or 1), by_type=bool(top))


def in_range_of(values: ValueRange | None, pixels: NDArray[Any], name: str) -> ValueRange | None:
    """Return the range of a picture whose numbers mean the same as those of another.

    8 bits have their own range, and so have floats in 0..1 beside larger numbers.

    Parameters
    ----------
    values : ValueRange, optional
        The range of the other picture; None for its type's own.
    pixels : (H, W, C) array
        The picture.
    name : str
        Name of the input, for errors.
    """
    if values is None:
        return measured([pixels], "picture", name) if pixels.dtype.kind == "i" else None
    if values.by_type:
        return values
    unit = pixels.dtype.kind == "f" and pixels.min() >= 0 and pixels.max() <= 1 < values.high.max()
    return None if unit or pixels.dtype.itemsize == 1 else values


def _uses_its_type(pixels: NDArray[Any]) -> bool:
    """Return whether a picture has 8 bits, or uses enough of its type's range."""
    if pixels.dtype.kind == "i":
        return False
    if pixels.dtype.itemsize == 1:
        return True
    low, high, top = float(pixels.min()), float(pixels.max()), _top(pixels)
    if low < 0 or high > top:
        return False
    used = high >= USED_SHARE * top and high - low >= SPANNED_SHARE * top
    return used or low == high or _is_8_bit(pixels / top)


def _top(pixels: Pixels) -> float:
    return float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0


def _is_8_bit(values: Pixels) -> bool:
    """Return whether 8 bits hold all values: floats that a host made from them, for example."""
    steps = values * 255
    whole = np.rint(steps)
    return bool(whole.any() and np.abs(steps - whole).max() < 1e-3)


def _extremes(pixels: Pixels, mode: Mode, per_channel: bool) -> tuple[Doubles, Doubles]:
    axes = (0, 1) if per_channel else None
    if mode == "percentiles":
        low, high = np.percentile(pixels, PERCENTILES, axis=axes)
    else:
        low, high = pixels.min(axis=axes), pixels.max(axis=axes)
    return np.asarray(low, np.float64), np.asarray(high, np.float64)
