"""Multigrid for the matting Laplacian: what its smooth vectors are, is known beforehand.

The Laplacian barely sees a vector that is, in each small window, a linear function of color. So a
coarse grid has four unknowns a block of pixels: the factors of 1 and of three colors. Blocks are
joined 2 × 2 from level to level, and the equations with them (Galerkin: A' = PᵀAP).

Aggregation as in Notay, "An aggregation-based algebraic multigrid method", ETNA 37 (2010), but with
V-cycles: his K-cycles save a few iterations and cost as much.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from .laplacian import System, Vector
from .parallel import in_parallel

SIDE = 4
"""Side of the finest blocks, in pixels."""
FEW = 64
"""So many blocks are solved for directly."""
DAMPING, RELAXATION = 0.75, 0.5
"""Of the smoothing by blocks, and by pixels."""
RIDGE, FLOOR = 1e-6, 1e-8
"""Added to a level's diagonal, times itself and as it is: one color alone spans no more than 1."""
FEWEST = 1024
"""Blocks that are worth a thread of their own."""

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


class Blocks(NamedTuple):
    """Squares of pixels, or of smaller blocks, that hold unknown pixels."""

    rows: Integers
    columns: Integers
    """(n,) where the blocks lie, counted in blocks."""
    neighbors: Integers
    """(n, 9) the blocks around each and itself, n where there is none."""
    children: Integers
    """(n, 16 or 4) the pixels or blocks that each is made of, -1 after the last."""
    parents: Integers
    """(m,) the same, seen from the children."""
    sizes: NDArray[np.float64]
    """(n,) unknown pixels in each."""
    colors: Floats
    """(n, 3) their mean color."""
    shifts: Floats
    """(m, 3) color of each child, less its parent's."""


class Level:
    """The equations of blocks of one size; vectors are (n + 1, 4), the last row 0.

    Parameters
    ----------
    blocks : Blocks
    entries : (n, 9, 4, 4) float32
        Of the matrix, a row of blocks with its neighbors' columns; gets a ridge.
    """

    def __init__(self, blocks: Blocks, entries: Floats) -> None:
        self.blocks, self.entries = blocks, entries
        own = np.einsum("nii->ni", entries[:, 4])
        own += RIDGE * own + FLOOR

    def __len__(self) -> int:
        return len(self.entries)

    def nothing(self) -> Floats:
        """Return the vector of zeros."""
        return np.zeros((len(self) + 1, 4), np.float32)

    def left(self, residual: Floats, values: Floats) -> Floats:
        """Return what the matrix times a vector leaves of a residual."""
        result = residual.copy()
        arguments = self.entries, self.blocks.neighbors, values, result
        in_parallel(_subtract_rows, len(self), *arguments, smallest=FEWEST)
        return result

    @cached_property
    def _inverse(self) -> Floats:
        own = np.ascontiguousarray(self.entries[:, 4])
        inverse: Floats = np.empty_like(own)
        in_parallel(_invert, len(own), own, inverse, smallest=FEWEST)
        return inverse

    def smooth(self, residual: Floats, values: Floats) -> None:
        """Add to a vector what each block alone makes of the residual."""
        _add_products(self._inverse, residual, values)


class Multigrid:
    """Returns nearly A⁻¹ times a vector of unknown pixels: a preconditioner.

    Parameters
    ----------
    system : System
        The equations of the unknown pixels, A their matrix.
    times : callable
        What multiplies A by a vector.
    colors : (N, 3) float32
        The unknown pixels' colors.
    """

    def __init__(self, system: System, times: Callable[[Vector], Vector], colors: Floats) -> None:
        self._times = times
        self._step = np.float32(RELAXATION) / system.rows[:, 12]
        self._levels = [_finest(system, colors)]
        while len(self._levels[-1]) > FEW:
            self._levels.append(_coarser(self._levels[-1]))
        self._coarsest = _factor(self._levels[-1])

    def __call__(self, residual: Vector) -> Vector:
        """Return nearly A⁻¹ times the residual."""
        finest = self._levels[0]
        blocks, coarse = finest.blocks, finest.nothing()
        arguments = blocks.children, blocks.shifts, residual, coarse
        in_parallel(_restrict_pixels, len(finest), *arguments, smallest=FEWEST)
        result = _prolonged(blocks.parents, blocks.shifts, self._cycle(0, coarse))
        # What blocks cannot see, each pixel mends for itself.
        result += self._step * (residual - self._times(result))
        return result

    def _cycle(self, depth: int, residual: Floats) -> Floats:
        """Smooth, correct by the coarser levels, smooth."""
        level, values = self._levels[depth], self._levels[depth].nothing()
        if level is self._levels[-1]:
            values[:-1] = self._coarsest(residual[:-1].ravel()).reshape(-1, 4)
            return values
        level.smooth(residual, values)
        coarser = self._levels[depth + 1]
        blocks, coarse = coarser.blocks, coarser.nothing()
        _restrict(blocks.children, blocks.shifts, level.left(residual, values), coarse)
        _prolong(blocks.parents, blocks.shifts, self._cycle(depth + 1, coarse), values)
        level.smooth(level.left(residual, values), values)
        return values


def _blocks(rows: Integers, columns: Integers, sizes: Any, colors: Floats, side: int) -> Blocks:
    """Join what lies in the same square of `side` × `side`."""
    # A border of nothing, so that every block has eight neighbors.
    number = np.full((rows.max() // side + 3, columns.max() // side + 3), -1, np.int32)
    places = np.empty(len(rows), np.int32)
    _mark(rows, columns, side, number, places)
    there = np.argwhere(number == 0).astype(np.int32)
    number[number == 0] = np.arange(len(there))
    parents = number.take(places)
    children = np.full((len(there), side * side), -1, np.int32)
    sums = np.zeros((len(there), 4))
    _join(sizes, colors, parents, children, sums)
    means = (sums[:, 1:] / sums[:, :1]).astype(np.float32)
    number[number < 0] = len(there)
    y, x = there.T
    width = number.shape[1]
    steps = [dy * width + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return Blocks(
        y - 1,
        x - 1,
        number.take((y * width + x)[:, None] + np.array(steps)),
        children,
        parents,
        sums[:, 0].copy(),
        means,
        colors - means.take(parents, axis=0),
    )


def _finest(system: System, colors: Floats) -> Level:
    rows, columns = (place.astype(np.int32) for place in system.coordinates)
    blocks = _blocks(rows, columns, np.ones(len(rows)), colors, SIDE)
    number = np.full(system.size, -1, np.int32)
    number[system.places] = np.arange(len(rows), dtype=np.int32)
    entries = np.zeros((len(blocks.rows), 9, 4, 4), np.float32)
    in_parallel(
        _join_pixels,
        len(entries),
        system.rows,
        system.places,
        system.offsets,
        number,
        rows % SIDE,
        columns % SIDE,
        blocks.children,
        blocks.shifts,
        entries,
        smallest=64,
    )
    _mirror(blocks.neighbors, entries)
    return Level(blocks, entries)


def _coarser(fine: Level) -> Level:
    below = fine.blocks
    blocks = _blocks(below.rows, below.columns, below.sizes, below.colors, 2)
    entries = np.zeros((len(blocks.rows), 9, 4, 4), np.float32)
    in_parallel(
        _join_blocks,
        len(entries),
        fine.entries,
        below.neighbors,
        below.rows % 2,
        below.columns % 2,
        blocks.children,
        blocks.shifts,
        entries,
        smallest=256,
    )
    return Level(blocks, entries)


def _factor(level: Level) -> Any:
    """Return what solves a level's equations."""
    from scipy.sparse import bsr_matrix
    from scipy.sparse.linalg import splu

    count, neighbors = len(level), level.blocks.neighbors
    there = neighbors < count
    starts = np.append(0, np.cumsum(there.sum(axis=1)))
    matrix = bsr_matrix(
        (level.entries[there].astype(np.float64), neighbors[there], starts),
        shape=(4 * count, 4 * count),
    )
    # Symmetric, so that its transpose will do, and positive definite: no pivoting is needed.
    return splu(
        matrix.tocsr().T,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0,
        options={"SymmetricMode": True},
    ).solve


@numba.njit(cache=True, nogil=True)
def _mark(rows, columns, side, number, places):
    """Mark with 0 the blocks that have something, and say where in the plane each one's lies."""
    for i in range(len(rows)):
        high, wide = rows[i] // side + 1, columns[i] // side + 1
        number[high, wide] = 0
        places[i] = high * number.shape[1] + wide


@numba.njit(cache=True, nogil=True)
def _join(sizes, colors, parents, children, sums):
    """List each block's children, and add up their sizes and colors."""
    count = np.zeros(len(children), np.int64)
    for i in range(len(parents)):
        parent = parents[i]
        children[parent, count[parent]] = i
        count[parent] += 1
        sums[parent, 0] += sizes[i]
        for c in range(3):
            sums[parent, c + 1] += sizes[i] * colors[i, c]


@numba.njit(cache=True, nogil=True)
def _invert(start, stop, matrices, result):
    """Invert small matrices, symmetric and positive definite (Gauss and Jordan)."""
    for n in range(start, stop):
        a = matrices[n].astype(np.float64)
        for p in range(4):
            pivot = 1 / a[p, p]
            a[p, p] = 1
            for j in range(4):
                a[p, j] *= pivot
            for i in range(4):
                if i != p:
                    factor = a[i, p]
                    a[i, p] = 0
                    for j in range(4):
                        a[i, j] -= factor * a[p, j]
        result[n] = a


@numba.njit(cache=True, nogil=True)
def _join_pixels(start, stop, rows, places, offsets, number, y, x, children, shifts, entries):
    """Add up PᵀAP, where a row of P is 1 and the pixel's color less the block's.

    Of the blocks around each, only those that come after it: the matrix is symmetric.
    """
    for block in range(start, stop):
        for i in children[block]:
            if i < 0:
                break
            # Five rows and columns reach into two blocks each.
            high, wide = (y[i] + 2) // SIDE, (x[i] + 2) // SIDE
            for down in range(high, high + 2):
                top, bottom = _reached(down, y[i])
                for across in range(wide, wide + 2):
                    slot = 3 * down + across
                    if slot < 4:
                        continue
                    left, right = _reached(across, x[i])
                    # Numbers of their own: an array of four is read and written each time.
                    # A function that returned all four took half as long again.
                    a = b = c = d = np.float32(0)
                    for row in range(top, bottom):
                        at = places[i] + offsets[5 * row]
                        for column in range(left, right):
                            j = number[np.uint64(at + column)]
                            if j >= 0:
                                entry = rows[i, 5 * row + column]
                                a += entry
                                b += entry * shifts[j, 0]
                                c += entry * shifts[j, 1]
                                d += entry * shifts[j, 2]
                    for p in range(4):
                        factor = np.float32(1) if p == 0 else shifts[i, p - 1]
                        entries[block, slot, p, 0] += factor * a
                        entries[block, slot, p, 1] += factor * b
                        entries[block, slot, p, 2] += factor * c
                        entries[block, slot, p, 3] += factor * d


@numba.njit(cache=True, nogil=True)
def _mirror(neighbors, entries):
    """Copy to the blocks that come before from those that come after."""
    for block in range(len(neighbors)):
        for k in range(4):
            j = neighbors[block, k]
            if j < len(neighbors):
                for p in range(4):
                    for q in range(4):
                        entries[block, k, p, q] = entries[j, 8 - k, q, p]


@numba.njit(cache=True, nogil=True)
def _reached(block, at):
    """Return which of the five around a pixel, at some place in its block, lie in a block."""
    return max(0, block * SIDE - at - 2), min(5, (block + 1) * SIDE - at - 2)


@numba.njit(cache=True, nogil=True)
def _join_blocks(start, stop, fine, neighbors, y, x, children, shifts, entries):
    """Add up PᵀAP, where 1 of a block is 1 and the shift of its parent's, and colors are colors."""
    for block in range(start, stop):
        part = np.empty((4, 4), np.float32)
        for i in children[block]:
            if i < 0:
                break
            for k in range(9):
                j = neighbors[i, k]
                if j == len(neighbors):
                    continue
                slot = (y[i] + k // 3 + 1) // 2 * 3 + (x[i] + k % 3 + 1) // 2
                # Written out: slices of four take several times as long.
                for p in range(4):
                    part[p, 0] = fine[i, k, p, 0]
                    for c in range(3):
                        part[p, c + 1] = fine[i, k, p, c + 1] + part[p, 0] * shifts[j, c]
                for q in range(4):
                    entries[block, slot, 0, q] += part[0, q]
                    for c in range(3):
                        entries[block, slot, c + 1, q] += part[c + 1, q] + part[0, q] * shifts[i, c]


@numba.njit(cache=True, nogil=True)
def _subtract_rows(start, stop, entries, neighbors, values, result):
    """Subtract a matrix times a vector from another."""
    entries, neighbors, result = entries[start:stop], neighbors[start:stop], result[start:stop]
    for i in range(len(entries)):
        # Numbers of their own: a loop over four reads and writes them each time.
        a, b, c, d = result[i, 0], result[i, 1], result[i, 2], result[i, 3]
        for k in range(9):
            j = neighbors[i, k]
            for q in range(4):
                value = values[j, q]
                a -= entries[i, k, 0, q] * value
                b -= entries[i, k, 1, q] * value
                c -= entries[i, k, 2, q] * value
                d -= entries[i, k, 3, q] * value
        result[i, 0], result[i, 1], result[i, 2], result[i, 3] = a, b, c, d


@numba.njit(cache=True, nogil=True)
def _add_products(inverse, residual, values):
    for i in range(len(inverse)):
        for p in range(4):
            entry = np.float32(0)
            for q in range(4):
                entry += inverse[i, p, q] * residual[i, q]
            values[i, p] += np.float32(DAMPING) * entry


@numba.njit(cache=True, nogil=True)
def _restrict_pixels(start, stop, children, shifts, residual, coarse):
    """Add a vector of pixels to one of blocks."""
    children, coarse = children[start:stop], coarse[start:stop]
    for block in range(len(children)):
        for i in children[block]:
            if i < 0:
                break
            coarse[block, 0] += residual[i]
            for c in range(3):
                coarse[block, c + 1] += shifts[i, c] * residual[i]


def _prolonged(parents: Integers, shifts: Floats, coarse: Floats) -> Vector:
    """Return what the blocks say of each pixel."""
    result = np.empty(len(parents), np.float32)
    fewest = FEWEST * SIDE**2
    in_parallel(_prolong_pixels, len(parents), parents, shifts, coarse, result, smallest=fewest)
    return result


@numba.njit(cache=True, nogil=True)
def _prolong_pixels(start, stop, parents, shifts, coarse, result):
    parents, shifts, result = parents[start:stop], shifts[start:stop], result[start:stop]
    for i in range(len(parents)):
        value = coarse[parents[i], 0]
        for c in range(3):
            value += shifts[i, c] * coarse[parents[i], c + 1]
        result[i] = value


@numba.njit(cache=True, nogil=True)
def _restrict(children, shifts, residual, coarse):
    for block in range(len(children)):
        for i in children[block]:
            if i < 0:
                break
            coarse[block, 0] += residual[i, 0]
            for c in range(3):
                coarse[block, c + 1] += residual[i, c + 1] + shifts[i, c] * residual[i, 0]


@numba.njit(cache=True, nogil=True)
def _prolong(parents, shifts, coarse, values):
    for i in range(len(parents)):
        block = parents[i]
        values[i, 0] += coarse[block, 0]
        for c in range(3):
            values[i, 0] += shifts[i, c] * coarse[block, c + 1]
            values[i, c + 1] += coarse[block, c + 1]
