"""Boxes: rectangles of pixels, as slices of rows and columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError

Slices = tuple[slice, slice]
"""A box: rows and columns, with start and stop counted in pixels."""
STENCIL_MARGIN = 3
"""How far around the unknowns their equations read, in pixels."""


def whole(shape: tuple[int, ...]) -> Slices:
    """Return the box of a whole picture."""
    return slice(0, shape[0]), slice(0, shape[1])


def resolved(region: Any, shape: tuple[int, ...]) -> Slices:
    """Return rows and columns as NumPy reads such slices: open, negative or too long ones too.

    Parameters
    ----------
    region : (slice, slice)
        What a caller gave.
    shape : tuple of int
        Height and width of the picture.

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


def corner(box: Slices) -> tuple[int, int]:
    """Return a box's first row and column."""
    rows, columns = box
    return rows.start, columns.start


def sides(box: Slices) -> tuple[int, int]:
    """Return a box's height and width."""
    rows, columns = box
    return rows.stop - rows.start, columns.stop - columns.start


def area(box: Slices) -> int:
    """Return the number of pixels in a box."""
    height, width = sides(box)
    return height * width


def is_empty(box: Slices) -> bool:
    """Return whether a box has no pixel."""
    return any(s.start >= s.stop for s in box)


def bounds(marks: NDArray[np.bool_]) -> Slices:
    """Return the smallest box around all marked pixels; an empty one if there are none."""
    rows, columns = (np.flatnonzero(marks.any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def union(box: Slices, other: Slices | None) -> Slices:
    """Return the smallest box around two boxes.

    Parameters
    ----------
    box : Slices
        May be empty.
    other : Slices, optional
        None counts as empty.
    """
    if other is None or is_empty(box):
        return other or box
    rows, columns = (
        slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(box, other, strict=True)
    )
    return rows, columns


def widened(box: Slices, margin: int, shape: tuple[int, ...]) -> Slices:
    """Return a box with a margin around it, cut off at the picture's border.

    Parameters
    ----------
    box : Slices
    margin : int, pixels
    shape : tuple of int
        Height and width of the picture.
    """
    rows, columns = (
        slice(max(0, s.start - margin), min(side, s.stop + margin))
        for s, side in zip(box, shape, strict=True)
    )
    return rows, columns


def shifted(box: Slices, origin: Slices, sign: int = 1) -> Slices:
    """Return a box moved by the corner of another.

    Parameters
    ----------
    box, origin : Slices
    sign : {1, -1}
        1 turns pixels counted within `origin` into the picture's, −1 the reverse.
    """
    rows, columns = (
        slice(s.start + sign * start, s.stop + sign * start)
        for s, start in zip(box, corner(origin), strict=True)
    )
    return rows, columns
