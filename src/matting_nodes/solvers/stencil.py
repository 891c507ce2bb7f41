"""Products with the matting Laplacian that read half of it: L_ij = L_ji is stored once.

They go along runs of unknown pixels, one beside another in the picture, and are vectorized.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .laplacian import PARALLEL_MIN, System, Vector, scatter
from .parallel import in_parallel

LANES = 16
"""Pixels that are processed together: a run is read up to the next multiple of it."""


class Stencil:
    """The matrix of a system, to multiply with many vectors.

    Parameters
    ----------
    system : System
        Its matrix is symmetric. The entries are copied.

    Attributes
    ----------
    system : System
        The same. Its rows are not read any more.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        positions, width = system.positions, system.width
        starts = np.flatnonzero(np.diff(positions, prepend=-2) != 1)
        counts = np.diff(starts, append=len(positions))
        stored = _stored_positions(system)
        # Where the entries of a run's pixels begin, and those of the pixels one and two rows above,
        # from two to the left of its first.
        places = [
            np.searchsorted(stored, positions[starts] - offset)
            for offset in (0, width + 2, 2 * width + 2)
        ]
        self._runs = np.stack([starts, counts, positions[starts], *places], axis=1)
        self._longest = int(counts.max()) + LANES
        self._smallest = max(1, PARALLEL_MIN * len(starts) // len(positions))
        self._stored = len(stored)
        self._padded_diagonal: Vector = np.zeros(len(positions) + LANES, system.rows.dtype)
        self.diagonal[:] = system.rows[:, 12]
        # One plane of entries after another: those of the pixels to the right, then one row below.
        self._upper: Vector = np.zeros(12 * len(stored) + 2 * LANES, system.rows.dtype)
        self._in_parallel(_copy_upper, system.rows, self._stored, self._upper)

    @property
    def diagonal(self) -> Vector:
        """(N,) The matrix's diagonal; it may be changed in place."""
        return self._padded_diagonal[:-LANES]

    def free_rows(self) -> None:
        """Drop the system's rows, once nobody needs them any more."""
        self.system = self.system._replace(rows=self.system.rows[:0].copy())

    def plane(self) -> Vector:
        """Return a plane of zeros: that of the system, with some room beyond its end."""
        return np.zeros(self.system.size + 2 * LANES, self.system.rows.dtype)

    def operator(self) -> Callable[..., Vector]:
        """Return the function x ↦ A x on vectors of unknown pixels; or x, y ↦ y + A x, in place."""
        plane = self.plane()

        def matvec(x: Vector, result: Vector | None = None) -> Vector:
            arguments = self.system.positions, x, plane
            in_parallel(scatter, len(x), *arguments, smallest=PARALLEL_MIN)
            if result is None:
                result = np.zeros_like(x)
            self._in_parallel(_add_products, *self._matrix, plane, self._longest, result)
            return result

        return matvec

    def smooth(self, plane: Vector, step: Vector, b: Vector) -> Vector:
        """Return x + step (b − A x), of the x in a plane.

        Parameters
        ----------
        plane : (M,) array
            x of the unknown pixels, 0 elsewhere, as `plane` returns it.
        step, b : (N,) arrays

        Returns
        -------
        (N,) array
        """
        result = np.empty(len(self.diagonal), plane.dtype)
        self._in_parallel(_smooth, *self._matrix, plane, self._longest, step, b, result)
        return result

    @property
    def _matrix(self) -> tuple[Any, ...]:
        return self.system.width, self._padded_diagonal, self._upper, self._stored

    def _in_parallel(self, kernel: Any, *arguments: Any) -> None:
        runs = self._runs
        in_parallel(kernel, len(runs), runs, *arguments, smallest=self._smallest)


def _stored_positions(system: System) -> NDArray[np.int64]:
    """Return where entries are stored: at unknown pixels, and where one follows in the stencil.

    So the entries with the pixels above a run lie one beside another, as those of the run do.
    """
    width = system.width
    inside = np.zeros(system.size, bool)
    inside[system.positions] = True
    across = inside.copy()
    for step in (1, 2):
        across[:-step] |= inside[step:]
    result = across.copy()
    for step in (1, 2):
        across[step:] |= inside[:-step]
    for step in (width, 2 * width):
        result[:-step] |= across[step:]
    return np.flatnonzero(result)


@numba.njit(cache=True, nogil=True)
def _copy_upper(start, stop, runs, rows, stored, upper):
    for run in range(start, stop):
        first, count, _, own = runs[run, :4]
        for k in range(12):
            into = upper[k * stored + own :]
            for i in range(count):
                into[i] = rows[first + i, 13 + k]


# Additions in a fixed order: the compiler's plain and vectorized loops give the same bits. One
# loop is written twice: with a function for it products took 1.4 times as long.
@numba.njit(cache=True, nogil=True)
def _run_products(run, width, diagonal, upper, stored, plane, sums):
    """Write (A x)_i of a run, and of some pixels after it, to `sums`."""
    first, count, position, own = run[:4]
    above = run[4:]
    total = -(-count // LANES) * LANES
    sums = sums[:total]
    own_entries = diagonal[first : first + total]
    x = plane[position - 2 : position + total + 2]
    # Of the pixel's own row: entries with the pixels to its right, and theirs with it.
    one = upper[own - 1 : own + total]
    two = upper[stored + own - 2 : stored + own + total]
    for i in range(total):
        sums[i] = (
            own_entries[i] * x[i + 2]
            + (one[i + 1] * x[i + 3] + two[i + 2] * x[i + 4])
            + (one[i] * x[i + 1] + two[i] * x[i])
        )
    for down in range(1, 3):
        at = (5 * down - 3) * stored
        x = plane[position + down * width - 2 :][: total + 4]
        a, b, c, d, e = (
            upper[at + own :][:total],
            upper[at + stored + own :][:total],
            upper[at + 2 * stored + own :][:total],
            upper[at + 3 * stored + own :][:total],
            upper[at + 4 * stored + own :][:total],
        )
        for i in range(total):
            near = (a[i] * x[i] + b[i] * x[i + 1]) + (c[i] * x[i + 2] + d[i] * x[i + 3])
            sums[i] += near + e[i] * x[i + 4]
        at += above[down - 1]
        x = plane[position - down * width - 2 :][: total + 4]
        a, b, c, d, e = (
            upper[at + 4 * stored :][:total],
            upper[at + 3 * stored + 1 :][:total],
            upper[at + 2 * stored + 2 :][:total],
            upper[at + stored + 3 :][:total],
            upper[at + 4 :][:total],
        )
        for i in range(total):
            near = (a[i] * x[i] + b[i] * x[i + 1]) + (c[i] * x[i + 2] + d[i] * x[i + 3])
            sums[i] += near + e[i] * x[i + 4]


@numba.njit(cache=True, nogil=True)
def _add_products(start, stop, runs, width, diagonal, upper, stored, plane, longest, result):
    sums = np.empty(longest, plane.dtype)
    for run in range(start, stop):
        first, count = runs[run, :2]
        _run_products(runs[run], width, diagonal, upper, stored, plane, sums)
        into = result[first : first + count]
        for i in range(count):
            into[i] += sums[i]


@numba.njit(cache=True, nogil=True)
def _smooth(start, stop, runs, width, diagonal, upper, stored, plane, longest, step, b, result):
    sums = np.empty(longest, plane.dtype)
    for run in range(start, stop):
        first, count, position = runs[run, :3]
        _run_products(runs[run], width, diagonal, upper, stored, plane, sums)
        into = result[first : first + count]
        x, steps, right = plane[position:][:count], step[first:][:count], b[first:][:count]
        for i in range(count):
            into[i] = x[i] + steps[i] * (right[i] - sums[i])
