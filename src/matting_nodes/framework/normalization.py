"""Normalization: which values of a picture become 0 and 1, and the way back.

α in I = αF + (1 − α)B stays what it is when I, F and B are scaled and shifted together, so
nothing of a matte may depend on the numbers that a camera or a file type happens to count in.
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
# A picture that does not reach this part of its type's range holds counts of fewer bits: 14 in 16;
USED_PART = 1 / 4
# or if it spans no more than this part: 12 bits above an offset, as in shifted signed integers.
SPANNED_PART = 1 / 16
# Types whose values float32 holds exactly.
NARROW = frozenset(np.dtype(name) for name in ("bool", "u1", "i1", "u2", "i2", "f2", "f4"))


@dataclass(frozen=True, eq=False)
class ValueRange:
    """The values of a picture that become 0 and 1.

    Parameters
    ----------
    low, high : () or (C,) float64
        For all channels or for each.
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

    def normalized(self, pixels: Pixels, name: str = "image") -> Image:
        """Return (H, W, C) pixels as float32 in 0..1; what lies outside is cut off."""
        pixels = unit_range(pixels, name) if self.by_type else pixels
        kind: Any = np.float32 if pixels.dtype in NARROW else np.float64
        low, length = self.low.astype(kind), (self.high - self.low).astype(kind)
        return np.asarray(((pixels.astype(kind) - low) / length).clip(0, 1), np.float32)

    def restored(self, image: Image) -> Image:
        """Return colors in the picture's own numbers; a fourth channel, an alpha, stays.

        They are in 0..1 where the picture uses its type's range.
        """
        colors = image[..., :3] if image.shape[2] == 4 else image
        own = (colors * (self.high - self.low) + self.low).astype(np.float32)
        return np.dstack([own, image[..., 3]]) if image.shape[2] == 4 else own


def normalized(pixels: Pixels, values: ValueRange | None, name: str) -> Image:
    """Return (H, W, C) pixels as float32 in 0..1.

    Parameters
    ----------
    pixels : (H, W, C) array
        In the picture's own numbers.
    values : ValueRange, optional
        What becomes 0 and 1; by default what the type says, as `unit_range` has it.
    name : str
        Of the input, for errors.

    Raises
    ------
    ValueRangeError
        For NaN and infinity; without a range also for floats outside 0..1, and for integers
        with a sign.
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
        Of the input, for errors.
    per_channel : bool
        A range for each channel, in place of one for all.

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
    # A picture of one value cannot be spread: the value becomes 0.
    above = np.where(highest > lowest, highest, lowest + 1)
    return ValueRange(lowest / (top or 1), above / (top or 1), by_type=bool(top))


def in_range_of(values: ValueRange | None, pixels: Pixels, name: str) -> ValueRange | None:
    """Return the range of a picture whose numbers mean what another's do.

    8 bits say their range themselves, and so do floats in 0..1 beside larger numbers.
    """
    if values is None:
        return measured([pixels], "picture", name) if pixels.dtype.kind == "i" else None
    if values.by_type:
        return values
    unit = pixels.dtype.kind == "f" and pixels.min() >= 0 and pixels.max() <= 1 < values.high.max()
    return None if unit or pixels.dtype.itemsize == 1 else values


def _uses_its_type(pixels: Pixels) -> bool:
    """Return whether a picture is of 8 bits, or reaches far enough into its type's range."""
    if pixels.dtype.kind == "i":
        return False
    if pixels.dtype.itemsize == 1:
        return True
    low, high, top = float(pixels.min()), float(pixels.max()), _top(pixels)
    if low < 0 or high > top:
        return False
    used = high >= USED_PART * top and high - low >= SPANNED_PART * top
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
