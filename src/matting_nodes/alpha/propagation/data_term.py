"""Where the samples pull α to, how strongly, and where a change of the trimap changes that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from ...arrays import BACKGROUND, FOREGROUND, UNKNOWN, Trimap
from ...solvers.boxes import Region, corner, sides, whole
from ...solvers.parallel import in_parallel

GROWN, VOTED, UNSURE = 0.03, 0.01, 3e-4
"""Weight, against the Laplacian's, of pixels that a region grew into, of confident votes, and of
votes without any confidence."""
TOGETHER = 9
"""Side of the square over which changes of pulls are averaged, in pixels."""
SLIGHT, ALONE = 0.003, 0.0005
"""Pulls change something if α would, on average, by more than this; or if one does by this."""

FEWEST = 16384
"""Pixels that are worth a thread of their own."""

Floats = NDArray[np.float32]
Marks = NDArray[np.bool_]


def pull(trimap: Trimap, grown: Trimap, votes: Floats, box: Region | None = None) -> Floats:
    """Return where the samples pull α to in a box, and how strongly, (2, h, w).

    Known pixels are not pulled: theirs is what they are known to be.

    Parameters
    ----------
    trimap, grown : (H, W) uint8
        As it is, and with its regions grown.
    votes : (2, H, W) float32, 0..1
        α and a confidence.
    box : Region, optional
        The whole picture if not given.
    """
    box = box or whole(trimap.shape)
    result: Floats = np.empty((2, *sides(box)), np.float32)
    settings = np.array([GROWN, VOTED, UNSURE], np.float32)
    _in_rows(_pull, box, trimap, grown, votes, *corner(box), settings, result)
    return result


def begun(now: Trimap, was: Trimap, values: Floats, pulled: Floats, box: Region) -> Floats:
    """Return α in a box as it was found, or else is pulled to.

    Parameters
    ----------
    now, was : (H, W) uint8
        The trimap, and what it was when α was found.
    values : (H, W) float32
        α as it was found.
    pulled : (2, h, w) float32
        Of the box, as `pull` returns it.
    """
    result: Floats = np.empty(sides(box), np.float32)
    _in_rows(_begin, box, now, was, values, pulled, *corner(box), result)
    return result


def changed(
    now: Trimap, was: Trimap, pulled: Floats, before: Floats, start: Floats, box: Region
) -> Marks:
    """Return the pixels of a box that are known otherwise, or pulled elsewhere, than before.

    Parameters
    ----------
    now, was : (H, W) uint8
        The trimap, and what it was before.
    pulled : (2, h, w) float32
        Of the box, as `pull` returns it.
    before : (2, H, W) float32
        What that was before.
    start : (h, w) float32
        α in the box before.
    """
    import cv2

    result, more = np.empty(sides(box), bool), np.empty(sides(box), np.float32)
    _in_rows(_compare, box, now, was, pulled, before, start, *corner(box), result, more)
    together, strength = (cv2.blur(plane, (TOGETHER, TOGETHER)) for plane in (more, pulled[1]))
    result |= (more > ALONE) | (together > SLIGHT * strength)
    return result


def chosen(colors: Floats, pulled: Floats, solve: Marks, box: Region) -> tuple[Floats, Floats]:
    """Return colors (N, 3) and pulls (2, N) of the pixels to solve for.

    Parameters
    ----------
    colors : (H, W, 3) float32
    pulled : (2, h, w) float32
        Of the box.
    solve : (h, w) bool
        The same.
    """
    count = np.count_nonzero(solve)
    some: Floats = np.empty((count, 3), np.float32)
    pulls: Floats = np.empty((2, count), np.float32)
    _choose(colors, pulled, solve, *corner(box), some, pulls)
    return some, pulls


def take(
    now: Trimap,
    solved: Marks,
    pulled: Floats,
    found: Floats,
    box: Region,
    trimap: Trimap,
    before: Floats,
    values: Floats,
    alpha: Floats,
) -> None:
    """Take over what was solved for in a box into the trimap, the pulls, α, and α in 0..1.

    What was not solved for is still what it was for the older pulls: they stay, changes add up.

    Parameters
    ----------
    now : (H, W) uint8
        The trimap as it is.
    solved : (h, w) bool
    pulled : (2, h, w) float32
    found : (h, w) float32
        Of the box.
    trimap, before, values, alpha : (H, W) and (2, H, W) arrays
        What to write to.
    """
    _in_rows(_take, box, now, solved, pulled, found, *corner(box), trimap, before, values, alpha)


def _in_rows(kernel: Callable[..., None], box: Region, *arguments: Any) -> None:
    height, width = sides(box)
    in_parallel(kernel, height, *arguments, smallest=1 + FEWEST // max(1, width))


@numba.njit(cache=True, nogil=True)
def _pull(start, stop, trimap, grown, votes, top, left, settings, result):
    certain, voted, unsure = settings
    for row in range(start, stop):
        y = top + row
        for column in range(result.shape[2]):
            x = left + column
            if grown[y, x] == UNKNOWN:
                result[0, row, column] = votes[0, y, x]
                result[1, row, column] = voted * votes[1, y, x] + unsure
            else:
                result[0, row, column] = grown[y, x] == FOREGROUND
                result[1, row, column] = certain * votes[1, y, x] + unsure
            if not BACKGROUND < trimap[y, x] < FOREGROUND:
                result[1, row, column] = 0


@numba.njit(cache=True, nogil=True)
def _begin(start, stop, now, was, values, pulled, top, left, result):
    for row in range(start, stop):
        y = top + row
        for column in range(result.shape[1]):
            x = left + column
            found = BACKGROUND < now[y, x] < FOREGROUND and BACKGROUND < was[y, x] < FOREGROUND
            result[row, column] = values[y, x] if found else pulled[0, row, column]


@numba.njit(cache=True, nogil=True)
def _compare(start, stop, now, was, pulled, before, found, top, left, result, more):
    """Mark the pixels that are known otherwise; say how much more each one is pulled."""
    for row in range(start, stop):
        y = top + row
        for column in range(result.shape[1]):
            x = left + column
            free = BACKGROUND < now[y, x] < FOREGROUND and BACKGROUND < was[y, x] < FOREGROUND
            result[row, column] = now[y, x] != was[y, x] and not free
            # One alone hardly moves, many together do.
            here = found[row, column]
            more[row, column] = abs(
                pulled[1, row, column] * (pulled[0, row, column] - here)
                - before[1, y, x] * (before[0, y, x] - here)
            )


@numba.njit(cache=True, nogil=True)
def _choose(colors, pulled, solve, top, left, some, pulls):
    i = 0
    for row in range(solve.shape[0]):
        for column in range(solve.shape[1]):
            if solve[row, column]:
                for c in range(3):
                    some[i, c] = colors[top + row, left + column, c]
                pulls[0, i], pulls[1, i] = pulled[0, row, column], pulled[1, row, column]
                i += 1


@numba.njit(cache=True, nogil=True)
def _take(start, stop, now, solved, pulled, found, top, left, trimap, before, values, alpha):
    for row in range(start, stop):
        y = top + row
        for column in range(found.shape[1]):
            x = left + column
            trimap[y, x] = now[y, x]
            if solved[row, column] or not BACKGROUND < now[y, x] < FOREGROUND:
                before[0, y, x], before[1, y, x] = pulled[0, row, column], pulled[1, row, column]
            values[y, x] = found[row, column]
            alpha[y, x] = min(np.float32(1), max(np.float32(0), found[row, column]))
