"""The matting Laplacian of Levin et al., assembled for unknown pixels only.

    L_ij = Σ_k [δ_ij − (1 + (I_i − μ_k)ᵀ (Σ_k + ε/9)⁻¹ (I_j − μ_k)) / 9]

over the 3 × 3 windows k that hold both i and j, of mean color μ_k and covariance Σ_k. So a row has
25 entries, one per pixel of the 5 × 5 around its own. No column numbers are stored: vectors are
scattered into a plane laid out like the picture, and row i reads around `positions[i]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from ..arrays import Image
from .boxes import STENCIL_MARGIN, Slices, bounds, widened
from .parallel import in_parallel

Vector = NDArray[np.floating[Any]]

STRIP_HEIGHT = 32
"""Height of the strips that one thread assembles at a time, in pixels."""
PLANE_MARGIN = 3
"""Rows above and below the picture in a plane, so that reads around its corners stay inside."""
LANES = 32
"""Windows of a row that are assembled together: the compiler vectorizes over them."""
PARALLEL_MIN = 8192
"""Rows of a matrix that are worth a thread of their own."""
SUMMED_TOGETHER = 2**16
"""Products that one thread adds up."""


class System(NamedTuple):
    """The linear equations L α = b of the unknown pixels."""

    positions: NDArray[np.int64]
    """(N,) index of each unknown pixel in a plane."""
    rows: Vector
    """(N, 25) entries of L, including those in the columns of known pixels."""
    offsets: NDArray[np.int64]
    """(25,) from the position of a pixel to those of its row's entries."""
    width: int
    """Width of the picture, in pixels."""
    size: int
    """Length of a plane: the picture, row by row, with `PLANE_MARGIN` rows above and below it."""

    @property
    def coordinates(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of each unknown pixel, counted from the plane's first row."""
        return np.divmod(self.positions, self.width)

    def operator(self) -> Callable[[Vector], Vector]:
        """Return the function x ↦ L x on vectors of unknown pixels."""
        plane: Vector = np.zeros(self.size, self.rows.dtype)

        def matvec(x: Vector) -> Vector:
            arguments = self.positions, x, plane
            in_parallel(scatter, len(x), *arguments, smallest=PARALLEL_MIN)
            return _times_plane(self.rows, self.positions, self.offsets, plane)

        return matvec


def matting_system(
    image: Image,
    solve: NDArray[np.bool_],
    known: Vector,
    epsilon: float,
    dtype: type = np.float64,
) -> tuple[System, Vector]:
    """Return the equations of the unknown pixels U, and the right-hand side b = −L_UK α_K.

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
        Type of the entries.

    Returns
    -------
    system : System
    b : (N,) array
    """
    return system_from_rows(laplacian_rows(image, solve, epsilon, dtype), solve, known)


def system_from_rows(
    rows: Vector, solve: NDArray[np.bool_], known: NDArray[Any]
) -> tuple[System, Vector]:
    """Return the same, from rows that were assembled before.

    Parameters
    ----------
    rows : (N, 25) array
        As `laplacian_rows` returns them.
    solve, known : (H, W) arrays
        As for `matting_system`.
    """
    width = solve.shape[1]
    margin = PLANE_MARGIN * width
    step = np.arange(-2, 3)
    offsets = (step[:, None] * width + step).ravel()
    positions = np.flatnonzero(solve) + margin
    system = System(positions, rows, offsets, width, solve.size + 2 * margin)
    plane: Vector = np.zeros(system.size, rows.dtype)
    plane[margin:-margin] = known.ravel()
    return system, -_times_plane(rows, positions, offsets, plane)


def laplacian_rows(
    image: Image, solve: NDArray[np.bool_], epsilon: float, dtype: type = np.float64
) -> Vector:
    """Return the Laplacian's rows of some pixels, (N, 25).

    Parameters
    ----------
    image, solve, epsilon, dtype
        As for `matting_system`.
    """
    read = widened(bounds(solve), STENCIL_MARGIN, solve.shape)
    image, solve = image[read], solve[read]
    height, width = solve.shape
    inside = np.flatnonzero(solve)
    starts = np.searchsorted(inside, np.arange(height + 1) * width)
    rows: Vector = np.zeros((len(inside), 25), dtype)
    strips = (height + STRIP_HEIGHT - 1) // STRIP_HEIGHT
    in_parallel(_assemble_strips, strips, image, solve, inside, starts, epsilon, rows)
    return rows


class RowCache:
    """The Laplacian's rows of a picture: cached for some pixels, assembled on demand for others.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        The picture.
    solve : (H, W) bool
        The pixels whose rows are cached.
    epsilon, dtype
        As for `matting_system`.

    Attributes
    ----------
    rows : (N, 25) array
        The cached rows. Their diagonal may be written to: a copy of it is kept.
    """

    def __init__(self, image: Image, solve: NDArray[np.bool_], epsilon: float, dtype: type) -> None:
        self._image, self._epsilon = image, epsilon
        self.rows = laplacian_rows(image, solve, epsilon, dtype)
        self._diagonal = self.rows[:, 12].copy()
        self._number = np.full(solve.shape, -1, np.int32)
        self._number[solve] = np.arange(len(self.rows), dtype=np.int32)

    def of(self, box: Slices, solve: NDArray[np.bool_]) -> Vector:
        """Return a copy of the rows of some pixels of a box.

        Parameters
        ----------
        box : Slices
            Has all windows of these pixels inside it.
        solve : (h, w) bool
            The pixels.

        Returns
        -------
        (N, 25) array
        """
        number = self._number[box].ravel().take(np.flatnonzero(solve))
        rows: Vector = np.empty((len(number), 25), self.rows.dtype)
        arguments = self.rows, self._diagonal, number, rows
        in_parallel(_copy_rows, len(number), *arguments, smallest=PARALLEL_MIN)
        missing = number < 0
        if missing.any():
            rows[missing] = self._assemble_rows(box, solve & (self._number[box] < 0))
        return rows

    def _assemble_rows(self, box: Slices, solve: NDArray[np.bool_]) -> Vector:
        return laplacian_rows(self._image[box], solve, self._epsilon, self.rows.dtype.type)


@numba.njit(cache=True, nogil=True)
def _assemble_strips(start, stop, image, solve, inside, starts, epsilon, rows):
    height, width, channels = image.shape
    for strip in range(start, stop):
        top, bottom = strip * STRIP_HEIGHT, min(height, (strip + 1) * STRIP_HEIGHT)
        below = min(height - 1, bottom + 1)
        number = np.full((STRIP_HEIGHT + 4, width), -1, np.int64)
        for i in range(starts[top], starts[bottom]):
            number[inside[i] // width - top + 2, inside[i] % width] = i
        white = np.empty((9, channels, LANES))
        root = np.empty((channels, channels, LANES))
        # Sums of three rows of pixels, row y in y % 3: it is complete after the windows below it.
        sums = np.zeros((3, 25, LANES + 2))
        for left in range(1, width - 1, LANES):
            right = min(left + LANES, width - 1)
            if not solve[max(0, top - 2) : bottom + 2, left - 1 : right + 1].any():
                continue
            for y in range(max(1, top - 1), below):
                first, end = _needed_windows(solve, y, left, right)
                if first < end:
                    _whiten(image, y, first, end - first, epsilon, white, root)
                    _add_windows(white, y, first - left, end - first, sums)
                _flush_sums(sums, y - 1, number[y - top + 1], left - 1, right + 1, rows)
            for y in range(below - 1, below + 1):
                _flush_sums(sums, y, number[y - top + 2], left - 1, right + 1, rows)


@numba.njit(cache=True, nogil=True)
def _needed_windows(solve, y, left, right):
    """Return the range of windows, of those in left..right of row y, that have an unknown pixel."""
    while left < right and not _has_unknown(solve, y, left):
        left += 1
    while left < right and not _has_unknown(solve, y, right - 1):
        right -= 1
    return left, right


@numba.njit(cache=True, nogil=True)
def _has_unknown(solve, y, x):
    """Return whether a window has an unknown pixel."""
    # L_ij is needed only if i or j is unknown.
    for row in range(y - 1, y + 2):
        for column in range(x - 1, x + 2):
            if solve[row, column]:
                return True
    return False


# NumPy's division has no check for zero, which would keep the loops from being vectorized.
@numba.njit(cache=True, nogil=True, error_model="numpy")
def _whiten(image, y, x, count, epsilon, white, root):
    """Whiten the colors of windows: w_k = G⁻¹ (I_k − μ), where G Gᵀ = Σ (I_k − μ)(I_k − μ)ᵀ + ε.

    Then w_i · w_j = (I_i − μ)ᵀ (Σ + ε/9)⁻¹ (I_j − μ) / 9.
    """
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
    # C = Σ (I_k − μ)(I_k − μ)ᵀ + ε, its lower triangle
    for a in range(channels):
        for b in range(a + 1):
            root[a, b] = epsilon if a == b else 0.0
            for k in range(9):
                for t in range(count):
                    root[a, b, t] += white[k, a, t] * white[k, b, t]
    # Cholesky in place: G_ab = (C_ab − Σ_c G_ac G_bc) / G_bb
    for a in range(channels):
        for b in range(a + 1):
            for c in range(b):
                for t in range(count):
                    root[a, b, t] -= root[a, c, t] * root[b, c, t]
            for t in range(count):
                # On the diagonal 1 / G_bb is stored: multiplying is faster than dividing.
                if a == b:
                    root[a, b, t] = 1 / np.sqrt(root[a, b, t])
                else:
                    root[a, b, t] *= root[b, b, t]
    # G w = I − μ, from the top down
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
def _flush_sums(sums, y, number, left, right, rows):
    """Add the sums of a row of pixels to the matrix, and clear them for another row."""
    for x in range(left, right):
        if number[x] >= 0:
            for k in range(25):
                rows[number[x], k] += sums[y % 3, k, x - left]
    sums[y % 3] = 0


def _times_plane(
    rows: Vector, positions: NDArray[np.int64], offsets: NDArray[np.int64], plane: Vector
) -> Vector:
    """Return the product of rows and a plane, one entry per unknown pixel."""
    result = np.empty(len(rows), rows.dtype)
    in_parallel(
        _multiply, len(rows), rows, positions, offsets, plane, result, smallest=PARALLEL_MIN
    )
    return result


@numba.njit(cache=True, nogil=True)
def _multiply(start, stop, rows, positions, offsets, plane, result):
    """Write the product of rows and a plane: (L x)_i = Σ_k L_ik x_k."""
    rows, positions, result = rows[start:stop], positions[start:stop], result[start:stop]
    # Unsigned: an index that cannot be negative needs no check for it.
    one, two, three, four = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    down = np.uint64(offsets[5] - offsets[0])
    for i in range(len(rows)):
        at = np.uint64(positions[i] + offsets[0])
        entry = np.float32(0)  # a plain 0 would turn 32 bits into 64
        for k in range(0, 25, 5):
            # Written out, since the compiler does not unroll a loop of five.
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
def _copy_rows(start, stop, rows, diagonal, number, result):
    for i in range(start, stop):
        if number[i] >= 0:
            result[i] = rows[number[i]]
            result[i, 12] = diagonal[number[i]]


@numba.njit(cache=True, nogil=True)
def scatter(start, stop, positions, values, plane):
    """Write a vector of unknown pixels into a plane.

    Parameters
    ----------
    start, stop : int
        The pixels to do.
    positions : (N,) int64
        As a `System` has them.
    values : (N,) array
    plane : (M,) array
        Written to.
    """
    for i in range(start, stop):
        plane[positions[i]] = values[i]


def inner(a: Vector, b: Vector) -> float:
    """Return a · b, summed in 64 bits; the same bits on any number of threads.

    Parameters
    ----------
    a, b : (N,) arrays
    """
    sums = np.empty(-(-len(a) // SUMMED_TOGETHER))
    in_parallel(_sum_products, len(sums), a, b, sums)
    return float(sums.sum())


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _sum_products(start, stop, a, b, sums):
    for part in range(start, stop):
        # Over slices, whose indices need no check, the loop is vectorized.
        first = part * SUMMED_TOGETHER
        left, right = a[first : first + SUMMED_TOGETHER], b[first : first + SUMMED_TOGETHER]
        total = 0.0
        for i in range(len(left)):
            total += np.float64(left[i]) * np.float64(right[i])
        sums[part] = total
