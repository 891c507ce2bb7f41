"""Boxes of pixels: rows and columns of a picture, as slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Region = tuple[slice, slice]
"""Rows and columns."""
WINDOW = 3
"""Pixels around those to be solved for that their equations read."""


def whole(shape: tuple[int, ...]) -> Region:
    """Return the box of a whole picture."""
    return slice(0, shape[0]), slice(0, shape[1])


def corner(region: Region) -> tuple[int, int]:
    """Return a box's first row and column."""
    rows, columns = region
    return rows.start, columns.start


def sides(region: Region) -> tuple[int, int]:
    """Return a box's height and width."""
    rows, columns = region
    return rows.stop - rows.start, columns.stop - columns.start


def area(region: Region) -> int:
    """Return how many pixels are in it."""
    height, width = sides(region)
    return height * width


def is_empty(region: Region) -> bool:
    """Return whether there is no pixel in it."""
    return any(s.start >= s.stop for s in region)


def bounds(marks: NDArray[np.bool_]) -> Region:
    """Return the least box that holds all marks; an empty one without any."""
    rows, columns = (np.flatnonzero(marks.any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def joined(region: Region, other: Region | None) -> Region:
    """Return the least box that holds both."""
    if other is None or is_empty(region):
        return other or region
    rows, columns = (
        slice(min(a.start, b.start), max(a.stop, b.stop))
        for a, b in zip(region, other, strict=True)
    )
    return rows, columns


def widened(region: Region, margin: int, shape: tuple[int, ...]) -> Region:
    """Return a box with a margin, within the picture."""
    rows, columns = (
        slice(max(0, s.start - margin), min(side, s.stop + margin))
        for s, side in zip(region, shape, strict=True)
    )
    return rows, columns


def shifted(region: Region, by: Region, sign: int = 1) -> Region:
    """Return a box within another counted in the picture's pixels; the reverse for sign −1."""
    rows, columns = (
        slice(s.start + sign * origin.start, s.stop + sign * origin.start)
        for s, origin in zip(region, by, strict=True)
    )
    return rows, columns
