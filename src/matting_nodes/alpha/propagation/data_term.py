"""The data term Σ w (α − α̂)² of the samples, and where a change of the trimap changes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from ...arrays import BACKGROUND, FOREGROUND, UNKNOWN, Trimap
from ...solvers.boxes import Slices, corner, sides, whole
from ...solvers.parallel import in_parallel

EXPANDED_WEIGHT, PAIR_WEIGHT, BASE_WEIGHT = 0.03, 0.01, 3e-4
"""Weights, relative to the Laplacian's: of pixels that a region expanded into and of estimates by
pairs, both at full confidence; and of any estimate, in addition."""
WINDOW_SIDE = 9
"""Side of the window over which changes of the data term are averaged, in pixels."""
MEAN_TOLERANCE, PIXEL_TOLERANCE = 0.003, 0.0005
"""Changes of the data term that an update follows: if their mean would move α by more than the
first; or if one of them, w (α̂ − α), is greater than the second."""
PARALLEL_MIN = 16384
"""Pixels that are worth a thread of their own."""

Floats = NDArray[np.float32]
Booleans = NDArray[np.bool_]


def data_term(
    trimap: Trimap, expanded: Trimap, estimates: Floats, box: Slices | None = None
) -> Floats:
    """Return α̂ and its weight w in a box; w is 0 where the trimap is known.

    Parameters
    ----------
    trimap, expanded : (H, W) uint8
        The trimap, and the same with its regions expanded.
    estimates : (2, H, W) float32, 0..1
        α̂ of each unknown pixel and its confidence, as `ColorSamples` has them.
    box : Slices, optional
        The whole picture if not given.

    Returns
    -------
    (2, h, w) float32
    """
    box = box or whole(trimap.shape)
    result: Floats = np.empty((2, *sides(box)), np.float32)
    weights = np.array([EXPANDED_WEIGHT, PAIR_WEIGHT, BASE_WEIGHT], np.float32)
    _over_rows(_weigh, box, trimap, expanded, estimates, *corner(box), weights, result)
    return result


def initial_guess(
    trimap: Trimap, solved_trimap: Trimap, alpha: Floats, term: Floats, box: Slices
) -> Floats:
    """Return α in a box to begin a solve with: the last solution where there is one, else α̂.

    Parameters
    ----------
    trimap, solved_trimap : (H, W) uint8
        The trimap, and what it was when `alpha` was solved for.
    alpha : (H, W) float32
        The last solution.
    term : (2, h, w) float32
        α̂ and w in the box.
    box : Slices

    Returns
    -------
    (h, w) float32
    """
    result: Floats = np.empty(sides(box), np.float32)
    _over_rows(_guess, box, trimap, solved_trimap, alpha, term, *corner(box), result)
    return result


def changed_pixels(
    trimap: Trimap,
    solved_trimap: Trimap,
    term: Floats,
    solved_term: Floats,
    alpha: Floats,
    box: Slices,
) -> Booleans:
    """Return the pixels of a box whose label or data term has changed enough to move α.

    Parameters
    ----------
    trimap, solved_trimap : (H, W) uint8
        The trimap, and what it was when `alpha` was solved for.
    term : (2, h, w) float32
        α̂ and w in the box.
    solved_term : (2, H, W) float32
        What they were when `alpha` was solved for.
    alpha : (h, w) float32
        The last solution in the box.
    box : Slices

    Returns
    -------
    (h, w) bool
    """
    import cv2

    result, change = np.empty(sides(box), bool), np.empty(sides(box), np.float32)
    arguments = trimap, solved_trimap, term, solved_term, alpha, *corner(box)
    _over_rows(_compare, box, *arguments, result, change)
    # A pixel alone hardly moves, many together do: by mean(change) / mean(w).
    window = (WINDOW_SIDE, WINDOW_SIDE)
    mean_change, mean_weight = (cv2.blur(plane, window) for plane in (change, term[1]))
    result |= (change > PIXEL_TOLERANCE) | (mean_change > MEAN_TOLERANCE * mean_weight)
    return result


def gather_unknowns(
    colors: Floats, term: Floats, solve: Booleans, box: Slices
) -> tuple[Floats, Floats]:
    """Return the colors and the data term of the pixels to solve for.

    Parameters
    ----------
    colors : (H, W, 3) float32
    term : (2, h, w) float32
        α̂ and w in the box.
    solve : (h, w) bool
        The pixels of the box to solve for.
    box : Slices

    Returns
    -------
    colors : (N, 3) float32
    term : (2, N) float32
    """
    count = np.count_nonzero(solve)
    some_colors: Floats = np.empty((count, 3), np.float32)
    some_terms: Floats = np.empty((2, count), np.float32)
    _gather(colors, term, solve, *corner(box), some_colors, some_terms)
    return some_colors, some_terms


def commit(
    trimap: Trimap,
    solved: Booleans,
    term: Floats,
    solution: Floats,
    box: Slices,
    solved_trimap: Trimap,
    solved_term: Floats,
    solved_alpha: Floats,
    alpha: Floats,
) -> None:
    """Write the solution in a box, and what it was solved for, into a session's arrays.

    Pixels that were not solved for keep the data term of their last solution, so that small
    changes add up.

    Parameters
    ----------
    trimap : (H, W) uint8
        The trimap as it is now.
    solved : (h, w) bool
        The pixels of the box that were solved for.
    term : (2, h, w) float32
        α̂ and w in the box.
    solution : (h, w) float32
        α in the box, not clipped.
    box : Slices
    solved_trimap, solved_term, solved_alpha, alpha : (H, W) or (2, H, W) arrays
        Written to: the trimap, the data term, α as solved for, and α clipped to 0..1.
    """
    arrays = solved_trimap, solved_term, solved_alpha, alpha
    _over_rows(_commit, box, trimap, solved, term, solution, *corner(box), *arrays)


def _over_rows(kernel: Callable[..., None], box: Slices, *arguments: Any) -> None:
    height, width = sides(box)
    in_parallel(kernel, height, *arguments, smallest=1 + PARALLEL_MIN // max(1, width))


@numba.njit(cache=True, nogil=True)
def _weigh(start, stop, trimap, expanded, estimates, top, left, weights, result):
    expanded_weight, pair_weight, base_weight = weights
    for row in range(start, stop):
        y = top + row
        for column in range(result.shape[2]):
            x = left + column
            # w = w_kind · confidence + w_base
            if expanded[y, x] == UNKNOWN:
                result[0, row, column] = estimates[0, y, x]
                result[1, row, column] = pair_weight * estimates[1, y, x] + base_weight
            else:
                result[0, row, column] = expanded[y, x] == FOREGROUND
                result[1, row, column] = expanded_weight * estimates[1, y, x] + base_weight
            if not BACKGROUND < trimap[y, x] < FOREGROUND:
                result[1, row, column] = 0


@numba.njit(cache=True, nogil=True)
def _guess(start, stop, trimap, solved_trimap, alpha, term, top, left, result):
    for row in range(start, stop):
        y = top + row
        for column in range(result.shape[1]):
            x = left + column
            is_solved = (
                BACKGROUND < trimap[y, x] < FOREGROUND
                and BACKGROUND < solved_trimap[y, x] < FOREGROUND
            )
            result[row, column] = alpha[y, x] if is_solved else term[0, row, column]


@numba.njit(cache=True, nogil=True)
def _compare(
    start, stop, trimap, solved_trimap, term, solved_term, alpha, top, left, result, change
):
    """Mark the pixels whose label changed; return by how much each one's gradient did."""
    for row in range(start, stop):
        y = top + row
        for column in range(result.shape[1]):
            x = left + column
            stays_unknown = (
                BACKGROUND < trimap[y, x] < FOREGROUND
                and BACKGROUND < solved_trimap[y, x] < FOREGROUND
            )
            result[row, column] = trimap[y, x] != solved_trimap[y, x] and not stays_unknown
            # |w (α̂ − α) − w_old (α̂_old − α)|
            a = alpha[row, column]
            change[row, column] = abs(
                term[1, row, column] * (term[0, row, column] - a)
                - solved_term[1, y, x] * (solved_term[0, y, x] - a)
            )


@numba.njit(cache=True, nogil=True)
def _gather(colors, term, solve, top, left, some_colors, some_terms):
    i = 0
    for row in range(solve.shape[0]):
        for column in range(solve.shape[1]):
            if solve[row, column]:
                for c in range(3):
                    some_colors[i, c] = colors[top + row, left + column, c]
                some_terms[0, i], some_terms[1, i] = term[0, row, column], term[1, row, column]
                i += 1


@numba.njit(cache=True, nogil=True)
def _commit(
    start,
    stop,
    trimap,
    solved,
    term,
    solution,
    top,
    left,
    solved_trimap,
    solved_term,
    solved_alpha,
    alpha,
):
    for row in range(start, stop):
        y = top + row
        for column in range(solution.shape[1]):
            x = left + column
            solved_trimap[y, x] = trimap[y, x]
            if solved[row, column] or not BACKGROUND < trimap[y, x] < FOREGROUND:
                solved_term[0, y, x] = term[0, row, column]
                solved_term[1, y, x] = term[1, row, column]
            solved_alpha[y, x] = solution[row, column]
            alpha[y, x] = min(np.float32(1), max(np.float32(0), solution[row, column]))
