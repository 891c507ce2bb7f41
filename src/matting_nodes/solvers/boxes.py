"""Boxes of pixels: rows and columns of a picture, as slices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError

Region = tuple[slice, slice]
"""Rows and columns."""
WINDOW = 3
"""Pixels around those to be solved for that their equations read."""


def whole(shape: tuple[int, ...]) -> Region:
    """Return the box of a whole picture."""
    return slice(0, shape[0]), slice(0, shape[1])


def resolved(region: Any, shape: tuple[int, ...]) -> Region:
    """Return rows and columns as NumPy reads such slices: open, negative or too long ones too.

    Raises
    ------
    ParameterError
        If they are not two slices of whole numbers, in steps of 1.

    Examples
    --------
    >>> resolved(np.s_[-20:, :], (100, 60))
    (slice(80, 100, None), slice(0, 60, None))
    """
    try:
        rows, columns = (part.indices(side) for part, side in zip(region, shape, strict=True))
    except (AttributeError, TypeError, ValueError):
        rows = columns = (0, 0, 0)
    if rows[2] != 1 or columns[2] != 1:
        raise ParameterError(
            f"region is {region!r}",
            "It is two slices, rows and columns, in whole pixels and steps of 1",
            "Give it as numpy.s_[top:bottom, left:right]",
        )
    return slice(rows[0], max(rows[:2])), slice(columns[0], max(columns[:2]))


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
