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
from ..kernels import one_at_a_time

Vector = NDArray[np.floating[Any]]

STRIP = 32
"""Rows of the picture that one thread assembles at a time."""
MARGIN = 3
"""Rows around a picture in a plane, so that reading around its corners stays within."""
CHUNK = 8192
"""Rows that one thread multiplies at a time."""
MANY = 6 * CHUNK
"""Fewer rows are left to one thread: to wake the others would take longer."""


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
    height, width = solve.shape
    margin = MARGIN * width
    inside = np.flatnonzero(solve)
    starts = np.searchsorted(inside, np.arange(height + 1) * width)
    rows: Vector = np.zeros((len(inside), 25), dtype)
    _assemble(image, solve, inside, starts, epsilon, rows)
    step = np.arange(-2, 3)
    offsets = (step[:, None] * width + step).ravel()
    system = System(inside + margin, rows, offsets, width, solve.size + 2 * margin)
    plane: Vector = np.zeros(system.size, dtype)
    plane[margin:-margin] = known.ravel()
    return system, -_product(rows, system.places, offsets, plane)


@one_at_a_time
@numba.njit(parallel=True, cache=True, nogil=True)
def _assemble(image, solve, inside, starts, epsilon, rows):
    height, width, channels = image.shape
    for strip in numba.prange((height + STRIP - 1) // STRIP):
        top, bottom = strip * STRIP, min(height, (strip + 1) * STRIP)
        number = np.full((STRIP + 4, width), -1, np.int64)
        for i in range(starts[top], starts[bottom]):
            number[inside[i] // width - top + 2, inside[i] % width] = i
        white = np.empty((9, channels))
        root = np.empty((channels, channels))
        for y in range(max(1, top - 1), min(height - 1, bottom + 1)):
            for x in range(1, width - 1):
                if solve[y - 1 : y + 2, x - 1 : x + 2].any():
                    _whiten(image, y, x, epsilon, white, root)
                    _add_window(number[y - top + 1 : y - top + 4, x - 1 : x + 2], white, rows)


@numba.njit(cache=True, nogil=True, inline="never")
def _whiten(image, y, x, epsilon, white, root):
    """Center a window's colors c and whiten them: w = G⁻¹ c, where G Gᵀ = Σ c cᵀ + ε."""
    channels = image.shape[2]
    for a in range(channels):
        mean = 0.0
        for k in range(9):
            white[k, a] = image[y - 1 + k // 3, x - 1 + k % 3, a]
            mean += white[k, a] / 9
        for k in range(9):
            white[k, a] -= mean
    for a in range(channels):
        for b in range(a + 1):
            entry = epsilon if a == b else 0.0
            for k in range(9):
                entry += white[k, a] * white[k, b]
            root[a, b] = entry
    for a in range(channels):
        for b in range(a + 1):
            for c in range(b):
                root[a, b] -= root[a, c] * root[b, c]
            root[a, b] = np.sqrt(root[a, a]) if a == b else root[a, b] / root[b, b]
    for k in range(9):
        for a in range(channels):
            for b in range(a):
                white[k, a] -= root[a, b] * white[k, b]
            white[k, a] /= root[a, a]


@numba.njit(cache=True, nogil=True, inline="never")
def _add_window(number, white, rows):
    """Add δ_ij − (1/9 + w_i · w_j) for each pair of pixels of a window."""
    for i in range(9):
        row = number[i // 3, i % 3]
        for j in range(i + 1):
            entry = (1.0 if i == j else 0.0) - 1 / 9
            for a in range(white.shape[1]):
                entry -= white[i, a] * white[j, a]
            step = (j // 3 - i // 3) * 5 + j % 3 - i % 3
            if row >= 0:
                rows[row, 12 + step] += entry
            other = number[j // 3, j % 3]
            if i != j and other >= 0:
                rows[other, 12 - step] += entry


def _product(
    rows: Vector, places: NDArray[np.int64], offsets: NDArray[np.int64], plane: Vector
) -> Vector:
    """Return rows times a plane, one entry an unknown pixel."""
    result = np.empty(len(rows), rows.dtype)
    each = _multiply_together if len(rows) >= MANY else _multiply
    each(rows, places, offsets, plane, result)
    return result


@one_at_a_time
@numba.njit(parallel=True, cache=True, nogil=True)
def _multiply_together(rows, places, offsets, plane, result):
    # In fixed chunks: where a loop is cut changes the last bits, the number of threads must not.
    for chunk in numba.prange((len(rows) + CHUNK - 1) // CHUNK):
        part = slice(chunk * CHUNK, (chunk + 1) * CHUNK)
        _multiply(rows[part], places[part], offsets, plane, result[part])


@numba.njit(cache=True, nogil=True, inline="never")
def _multiply(rows, places, offsets, plane, result):
    for i in range(len(rows)):
        entry = np.float32(0)  # a plain 0 would make 64 bits of 32
        for k in range(0, 25, 5):
            at = places[i] + offsets[k]
            # Written out: a loop of five is not unrolled.
            entry += (
                rows[i, k] * plane[at]
                + rows[i, k + 1] * plane[at + 1]
                + rows[i, k + 2] * plane[at + 2]
                + rows[i, k + 3] * plane[at + 3]
                + rows[i, k + 4] * plane[at + 4]
            )
        result[i] = entry


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
