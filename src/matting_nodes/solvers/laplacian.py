"""The matting Laplacian of Levin et al., assembled for unknown pixels only.

A row has 25 entries, the 5 × 5 pixels that share a 3 × 3 window with its own pixel, so no column
numbers are kept: vectors lie in a plane like the picture, and row i reads around `places[i]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from ..arrays import Image
from .boxes import WINDOW, Region, bounds, widened
from .parallel import in_parallel

Vector = NDArray[np.floating[Any]]

STRIP = 32
"""Rows of the picture that one thread assembles at a time."""
MARGIN = 3
"""Rows around a picture in a plane, so that reading around its corners stays within."""
LANES = 32
"""Windows of a row that are assembled together."""
FEWEST = 8192
"""Rows that are worth a thread of their own."""


class System(NamedTuple):
    """The linear equations L α = b of the unknown pixels."""

    places: NDArray[np.int64]
    """(N,) where in a plane each unknown pixel lies."""
    rows: Vector
    """(N, 25) entries of L, those of known pixels among them."""
    offsets: NDArray[np.int64]
    """(25,) from a pixel to the pixels of its row."""
    width: int
    """Of the picture, in pixels."""
    size: int
    """Length of a plane: the picture row by row, with `MARGIN` rows more above and below."""

    @property
    def coordinates(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of each unknown pixel, counted from the plane's first row."""
        return np.divmod(self.places, self.width)

    def operator(self) -> Callable[[Vector], Vector]:
        """Return what multiplies L by a vector of unknown pixels, the known ones being 0."""
        plane: Vector = np.zeros(self.size, self.rows.dtype)

        def times(values: Vector) -> Vector:
            _scatter(self.places, values, plane)
            return _product(self.rows, self.places, self.offsets, plane)

        return times


def matting_system(
    image: Image,
    solve: NDArray[np.bool_],
    known: Vector,
    epsilon: float,
    dtype: type = np.float64,
) -> tuple[System, Vector]:
    """Return the equations of the unknown pixels, and their right side b = −L_UK α_K.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        The picture, at least 3 × 3 pixels, of any number of channels.
    solve : (H, W) bool
        The unknown pixels.
    known : (H, W) array
        α of the known pixels, 0 elsewhere.
    epsilon : float
        Regularization of the windows' color covariance.
    dtype : type
        Of the entries.
    """
    return system_of(laplacian_rows(image, solve, epsilon, dtype), solve, known)


def system_of(rows: Vector, solve: NDArray[np.bool_], known: NDArray[Any]) -> tuple[System, Vector]:
    """Return the same, of rows that `laplacian_rows` has assembled."""
    width = solve.shape[1]
    margin = MARGIN * width
    step = np.arange(-2, 3)
    offsets = (step[:, None] * width + step).ravel()
    places = np.flatnonzero(solve) + margin
    system = System(places, rows, offsets, width, solve.size + 2 * margin)
    plane: Vector = np.zeros(system.size, rows.dtype)
    plane[margin:-margin] = known.ravel()
    return system, -_product(rows, places, offsets, plane)


def laplacian_rows(
    image: Image, solve: NDArray[np.bool_], epsilon: float, dtype: type = np.float64
) -> Vector:
    """Return the Laplacian's rows of some pixels, (N, 25); see `matting_system`."""
    read = widened(bounds(solve), WINDOW, solve.shape)
    image, solve = image[read], solve[read]
    height, width = solve.shape
    inside = np.flatnonzero(solve)
    starts = np.searchsorted(inside, np.arange(height + 1) * width)
    rows: Vector = np.zeros((len(inside), 25), dtype)
    strips = (height + STRIP - 1) // STRIP
    in_parallel(_assemble, strips, image, solve, inside, starts, epsilon, rows)
    return rows


class KeptRows:
    """The Laplacian's rows, assembled once for most of the pixels that are solved for again.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        The picture.
    solve : (H, W) bool
        The pixels whose rows are kept.
    epsilon, dtype
        As `matting_system` has them.

    Attributes
    ----------
    rows : (N, 25) array
        What is kept. To add to its diagonal does no harm.
    """

    def __init__(self, image: Image, solve: NDArray[np.bool_], epsilon: float, dtype: type) -> None:
        self._image, self._epsilon = image, epsilon
        self.rows = laplacian_rows(image, solve, epsilon, dtype)
        self._diagonal = self.rows[:, 12].copy()
        self._number = np.full(solve.shape, -1, np.int32)
        self._number[solve] = np.arange(len(self.rows), dtype=np.int32)

    def of(self, box: Region, solve: NDArray[np.bool_]) -> Vector:
        """Return the rows of some pixels of a box, whose windows lie in it: the caller's own."""
        number = self._number[box].ravel().take(np.flatnonzero(solve))
        rows: Vector = np.empty((len(number), 25), self.rows.dtype)
        in_parallel(_take, len(number), self.rows, self._diagonal, number, rows, smallest=FEWEST)
        missing = number < 0
        if missing.any():
            rows[missing] = self._assembled(box, solve & (self._number[box] < 0))
        return rows

    def _assembled(self, box: Region, solve: NDArray[np.bool_]) -> Vector:
        return laplacian_rows(self._image[box], solve, self._epsilon, self.rows.dtype.type)


@numba.njit(cache=True, nogil=True)
def _assemble(start, stop, image, solve, inside, starts, epsilon, rows):
    height, width, channels = image.shape
    for strip in range(start, stop):
        top, bottom = strip * STRIP, min(height, (strip + 1) * STRIP)
        below = min(height - 1, bottom + 1)
        number = np.full((STRIP + 4, width), -1, np.int64)
        for i in range(starts[top], starts[bottom]):
            number[inside[i] // width - top + 2, inside[i] % width] = i
        white = np.empty((9, channels, LANES))
        root = np.empty((channels, channels, LANES))
        # Of three rows of pixels, row y in y % 3; a row is done with the windows below it.
        sums = np.zeros((3, 25, LANES + 2))
        for left in range(1, width - 1, LANES):
            right = min(left + LANES, width - 1)
            if not solve[max(0, top - 2) : bottom + 2, left - 1 : right + 1].any():
                continue
            for y in range(max(1, top - 1), below):
                first, end = _windows(solve, y, left, right)
                if first < end:
                    _whiten(image, y, first, end - first, epsilon, white, root)
                    _add_windows(white, y, first - left, end - first, sums)
                _move(sums, y - 1, number[y - top + 1], left - 1, right + 1, rows)
            for y in range(below - 1, below + 1):
                _move(sums, y, number[y - top + 2], left - 1, right + 1, rows)


@numba.njit(cache=True, nogil=True)
def _windows(solve, y, left, right):
    """Return the first window of some in a row that has an unknown pixel, and the end of them."""
    while left < right and not _is_needed(solve, y, left):
        left += 1
    while left < right and not _is_needed(solve, y, right - 1):
        right -= 1
    return left, right


@numba.njit(cache=True, nogil=True)
def _is_needed(solve, y, x):
    """Return whether a window has an unknown pixel."""
    for row in range(y - 1, y + 2):
        for column in range(x - 1, x + 2):
            if solve[row, column]:
                return True
    return False


# Division as NumPy has it, without a check for zero: with one, it is not vectorized.
@numba.njit(cache=True, nogil=True, error_model="numpy")
def _whiten(image, y, x, count, epsilon, white, root):
    """Center windows' colors c and whiten them: w = G⁻¹ c, where G Gᵀ = Σ c cᵀ + ε."""
    channels = image.shape[2]
    mean = np.empty(LANES)
    for a in range(channels):
        mean[:] = 0
        for k in range(9):
            colors = image[y - 1 + k // 3, x - 1 + k % 3 :, a]
            for t in range(count):
                white[k, a, t] = colors[t]
                mean[t] += white[k, a, t]
        for k in range(9):
            for t in range(count):
                white[k, a, t] -= mean[t] * (1 / 9)
    for a in range(channels):
        for b in range(a + 1):
            root[a, b] = epsilon if a == b else 0.0
            for k in range(9):
                for t in range(count):
                    root[a, b, t] += white[k, a, t] * white[k, b, t]
    for a in range(channels):
        for b in range(a + 1):
            for c in range(b):
                for t in range(count):
                    root[a, b, t] -= root[a, c, t] * root[b, c, t]
            for t in range(count):
                # Of the diagonal the inverse: to multiply takes less time than to divide.
                if a == b:
                    root[a, b, t] = 1 / np.sqrt(root[a, b, t])
                else:
                    root[a, b, t] *= root[b, b, t]
    for k in range(9):
        for a in range(channels):
            for b in range(a):
                for t in range(count):
                    white[k, a, t] -= root[a, b, t] * white[k, b, t]
            for t in range(count):
                white[k, a, t] *= root[a, a, t]


@numba.njit(cache=True, nogil=True)
def _add_windows(white, y, x, count, sums):
    """Add δ_ij − (1/9 + w_i · w_j) for each pair of pixels of each window."""
    entry = np.empty(LANES)
    for i in range(9):
        for j in range(i + 1):
            entry[:] = (1.0 if i == j else 0.0) - 1 / 9
            for a in range(white.shape[1]):
                for t in range(count):
                    entry[t] -= white[i, a, t] * white[j, a, t]
            step = (j // 3 - i // 3) * 5 + j % 3 - i % 3
            into = sums[(y - 1 + i // 3) % 3, 12 + step, x + i % 3 :]
            for t in range(count):
                into[t] += entry[t]
            if i != j:
                into = sums[(y - 1 + j // 3) % 3, 12 - step, x + j % 3 :]
                for t in range(count):
                    into[t] += entry[t]


@numba.njit(cache=True, nogil=True)
def _move(sums, y, number, left, right, rows):
    """Add the sums of a row of pixels to theirs, and begin those of another."""
    for x in range(left, right):
        if number[x] >= 0:
            for k in range(25):
                rows[number[x], k] += sums[y % 3, k, x - left]
    sums[y % 3] = 0


def _product(
    rows: Vector, places: NDArray[np.int64], offsets: NDArray[np.int64], plane: Vector
) -> Vector:
    """Return rows times a plane, one entry an unknown pixel."""
    result = np.empty(len(rows), rows.dtype)
    in_parallel(_multiply, len(rows), rows, places, offsets, plane, result, smallest=FEWEST)
    return result


@numba.njit(cache=True, nogil=True)
def _multiply(start, stop, rows, places, offsets, plane, result):
    rows, places, result = rows[start:stop], places[start:stop], result[start:stop]
    # Unsigned: an index that cannot be negative needs no check for it.
    one, two, three, four = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    down = np.uint64(offsets[5] - offsets[0])
    for i in range(len(rows)):
        at = np.uint64(places[i] + offsets[0])
        entry = np.float32(0)  # a plain 0 would make 64 bits of 32
        for k in range(0, 25, 5):
            # Written out: a loop of five is not unrolled.
            entry += (
                rows[i, k] * plane[at]
                + rows[i, k + 1] * plane[at + one]
                + rows[i, k + 2] * plane[at + two]
                + rows[i, k + 3] * plane[at + three]
                + rows[i, k + 4] * plane[at + four]
            )
            at += down
        result[i] = entry


@numba.njit(cache=True, nogil=True)
def _take(start, stop, rows, diagonal, number, result):
    for i in range(start, stop):
        if number[i] >= 0:
            result[i] = rows[number[i]]
            result[i, 12] = diagonal[number[i]]


@numba.njit(cache=True, nogil=True)
def _scatter(places, values, plane):
    for i in range(len(places)):
        plane[places[i]] = values[i]


# On one thread: it is too little work to share, and its sum is the same on any number of them.
@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def inner(a, b):
    """Return a · b, summed in 64 bits."""
    total = 0.0
    for i in range(len(a)):
        total += np.float64(a[i]) * b[i]
    return total
