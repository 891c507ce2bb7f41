"""Multigrid for the matting Laplacian, whose near-null space is known: linear functions of color.

L x is nearly 0 if x is, in each small window, a linear function of color. So a coarse grid has four
unknowns per block of pixels: the coefficients of 1 and of the three color channels. From level to
level 2 × 2 blocks are aggregated, and the equations with them (Galerkin: A_c = PᵀA P).

Aggregation as in Notay, "An aggregation-based algebraic multigrid method", ETNA 37 (2010), but with
V-cycles: his K-cycles save a few iterations and cost as much.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from .laplacian import System, Vector
from .parallel import in_parallel
from .stencil import Stencil

BLOCK_SIDE = 4
"""Side of the finest blocks, in pixels."""
DIRECT_MAX = 64
"""Greatest number of blocks on a level that is solved directly."""
BLOCK_DAMPING, PIXEL_DAMPING = 0.75, 0.5
"""Damping factors of block Jacobi and of pixelwise Jacobi smoothing."""
RELATIVE_RIDGE, ABSOLUTE_RIDGE = 1e-6, 1e-8
"""Added to the diagonal of a level, relative to it and absolute. A block of a single color has a
singular matrix without them."""
PARALLEL_MIN = 1024
"""Blocks that are worth a thread of their own."""

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


class Blocks(NamedTuple):
    """The n squares of a level that hold unknown pixels; their m children are pixels or blocks."""

    rows: Integers
    columns: Integers
    """(n,) position of each block, counted in blocks."""
    neighbors: Integers
    """(n, 9) numbers of the 3 × 3 blocks around each one, itself in the middle; n for none."""
    children: Integers
    """(n, 16 or 4) numbers of each block's children, followed by −1."""
    parents: Integers
    """(m,) number of each child's block."""
    sizes: NDArray[np.float64]
    """(n,) number of unknown pixels in each block."""
    colors: Floats
    """(n, 3) mean color of the unknown pixels of each block."""
    shifts: Floats
    """(m, 3) color of each child minus that of its block."""


class Level:
    """The equations of one level; its vectors are (n + 1, 4), the last row being 0.

    Parameters
    ----------
    blocks : Blocks
    entries : (n, 9, 4, 4) float32
        The matrix: a 4 × 4 entry for each block and neighbor. A ridge is added to its diagonal.
    """

    def __init__(self, blocks: Blocks, entries: Floats) -> None:
        self.blocks, self.entries = blocks, entries
        own = np.einsum("nii->ni", entries[:, 4])
        own += RELATIVE_RIDGE * own + ABSOLUTE_RIDGE

    def __len__(self) -> int:
        return len(self.entries)

    def zeros(self) -> Floats:
        """Return a vector of zeros."""
        return np.zeros((len(self) + 1, 4), np.float32)

    def residual(self, b: Floats, x: Floats) -> Floats:
        """Return b − A x.

        Parameters
        ----------
        b, x : (n + 1, 4) float32
            Vectors of this level.
        """
        result = b.copy()
        arguments = self.entries, self.blocks.neighbors, x, result
        in_parallel(_subtract_rows, len(self), *arguments, smallest=PARALLEL_MIN)
        return result

    def add_own(self, change: Floats) -> None:
        """Add to each block's own entry.

        Parameters
        ----------
        change : (n, 4, 4) float32
        """
        self.entries[:, 4] += change
        vars(self).pop("_inverse", None)

    @cached_property
    def _inverse(self) -> Floats:
        own = np.ascontiguousarray(self.entries[:, 4])
        inverse: Floats = np.empty_like(own)
        in_parallel(_invert, len(own), own, inverse, smallest=PARALLEL_MIN)
        return inverse

    def smooth(self, r: Floats, x: Floats) -> None:
        """Add ω D⁻¹ r to x in place: a step of damped block Jacobi, given the residual r of x.

        Parameters
        ----------
        r : (n + 1, 4) float32
            The residual b − A x.
        x : (n + 1, 4) float32
            Changed in place.
        """
        in_parallel(_add_products, len(self), self._inverse, r, x, smallest=PARALLEL_MIN)


class Multigrid:
    """A preconditioner: an object that, called with a vector, returns approximately A⁻¹ times it.

    Parameters
    ----------
    stencil : Stencil
        The matrix A of the unknown pixels.
    colors : (N, 3) float32
        The colors of the unknown pixels.
    """

    def __init__(self, stencil: Stencil, colors: Floats) -> None:
        self._stencil = stencil
        self._plane = stencil.plane()
        self._levels = [_finest_level(stencil.system, colors)]
        while len(self._levels[-1]) > DIRECT_MAX:
            self._levels.append(_coarser_level(self._levels[-1]))
        self._use_levels()

    def add_to_diagonal(self, change: Vector) -> None:
        """Add to the diagonal of A, which takes less time than to begin again.

        Parameters
        ----------
        change : (N,) float32
        """
        self._stencil.diagonal[:] += change
        finest = self._levels[0]
        own: Floats = np.zeros((len(finest), 4, 4), np.float32)
        arguments = finest.blocks.children, finest.blocks.shifts, change, own
        in_parallel(_project_diagonal, len(finest), *arguments, smallest=PARALLEL_MIN)
        finest.add_own(own)
        for level in self._levels[1:]:
            fine, own = own, np.zeros((len(level), 4, 4), np.float32)
            _project_own(level.blocks.children, level.blocks.shifts, fine, own)
            level.add_own(own)
        self._use_levels()

    def _use_levels(self) -> None:
        # ω / diag(A)
        self._step = np.float32(PIXEL_DAMPING) / self._stencil.diagonal
        self._coarsest = _direct_solver(self._levels[-1])

    def __call__(self, r: Vector) -> Vector:
        """Return z ≈ A⁻¹ r."""
        finest = self._levels[0]
        blocks, coarse = finest.blocks, finest.zeros()
        arguments = blocks.children, blocks.shifts, r, coarse
        in_parallel(_restrict_pixels, len(finest), *arguments, smallest=PARALLEL_MIN)
        # z = P A_c⁻¹ Pᵀ r, in a plane that is laid out like the picture
        positions, found = self._stencil.system.positions, self._cycle(0, coarse)
        prolonged = positions, blocks.parents, blocks.shifts, found, self._plane
        smallest = PARALLEL_MIN * BLOCK_SIDE**2
        in_parallel(_prolong_to_plane, len(r), *prolonged, smallest=smallest)
        # Errors within blocks, which no P x represents, are left to pixelwise Jacobi:
        # z ← z + ω D⁻¹ (r − A z)
        return self._stencil.smooth(self._plane, self._step, r)

    def _cycle(self, depth: int, b: Floats) -> Floats:
        """Return x ≈ A⁻¹ b by a V-cycle: smooth, correct on the coarser level, smooth."""
        level, x = self._levels[depth], self._levels[depth].zeros()
        if level is self._levels[-1]:
            x[:-1] = self._coarsest(b[:-1].ravel()).reshape(-1, 4)
            return x
        level.smooth(b, x)
        coarser = self._levels[depth + 1]
        blocks, coarse = coarser.blocks, coarser.zeros()
        # x ← x + P A_c⁻¹ Pᵀ (b − A x)
        _restrict(blocks.children, blocks.shifts, level.residual(b, x), coarse)
        _prolong(blocks.parents, blocks.shifts, self._cycle(depth + 1, coarse), x)
        level.smooth(level.residual(b, x), x)
        return x


def _blocks(rows: Integers, columns: Integers, sizes: Any, colors: Floats, side: int) -> Blocks:
    """Aggregate pixels or blocks that lie in the same square of `side` × `side`."""
    # With an empty border, so that every block has eight neighbors.
    number = np.full((rows.max() // side + 3, columns.max() // side + 3), -1, np.int32)
    positions = np.empty(len(rows), np.int32)
    _mark_blocks(rows, columns, side, number, positions)
    occupied = np.argwhere(number == 0).astype(np.int32)
    count = len(occupied)
    number[number == 0] = np.arange(count)
    parents = number.take(positions)
    children = np.full((count, side * side), -1, np.int32)
    sums = np.zeros((count, 4))
    _collect_children(sizes, colors, parents, children, sums)
    means = (sums[:, 1:] / sums[:, :1]).astype(np.float32)
    number[number < 0] = count
    y, x = occupied.T
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


def _finest_level(system: System, colors: Floats) -> Level:
    rows, columns = (place.astype(np.int32) for place in system.coordinates)
    blocks = _blocks(rows, columns, np.ones(len(rows)), colors, BLOCK_SIDE)
    number = np.full(system.size, -1, np.int32)
    number[system.positions] = np.arange(len(rows), dtype=np.int32)
    entries = np.zeros((len(blocks.rows), 9, 4, 4), np.float32)
    in_parallel(
        _project_pixels,
        len(entries),
        system.rows,
        system.positions,
        system.offsets,
        number,
        rows % BLOCK_SIDE,
        columns % BLOCK_SIDE,
        blocks.children,
        blocks.shifts,
        entries,
        smallest=64,
    )
    in_parallel(_mirror_lower, len(entries), blocks.neighbors, entries, smallest=PARALLEL_MIN)
    return Level(blocks, entries)


def _coarser_level(fine: Level) -> Level:
    below = fine.blocks
    blocks = _blocks(below.rows, below.columns, below.sizes, below.colors, 2)
    entries = np.zeros((len(blocks.rows), 9, 4, 4), np.float32)
    in_parallel(
        _project_blocks,
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


def _direct_solver(level: Level) -> Any:
    """Return a function that solves the equations of a level."""
    from scipy.sparse import bsr_matrix
    from scipy.sparse.linalg import splu

    count, neighbors = len(level), level.blocks.neighbors
    exists = neighbors < count
    starts = np.append(0, np.cumsum(exists.sum(axis=1)))
    matrix = bsr_matrix(
        (level.entries[exists].astype(np.float64), neighbors[exists], starts),
        shape=(4 * count, 4 * count),
    )
    # Symmetric positive definite: the transpose is the matrix, and no pivoting is needed.
    return splu(
        matrix.tocsr().T,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0,
        options={"SymmetricMode": True},
    ).solve


@numba.njit(cache=True, nogil=True)
def _mark_blocks(rows, columns, side, number, positions):
    """Mark occupied blocks with 0, and write where in `number` each child's block lies."""
    for i in range(len(rows)):
        high, wide = rows[i] // side + 1, columns[i] // side + 1
        number[high, wide] = 0
        positions[i] = high * number.shape[1] + wide


@numba.njit(cache=True, nogil=True)
def _collect_children(sizes, colors, parents, children, sums):
    """List the children of each block, and add up their sizes, and their colors by size."""
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
    """Invert 4 × 4 matrices, symmetric and positive definite (Gauss–Jordan elimination)."""
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
def _project_pixels(start, stop, rows, positions, offsets, number, y, x, children, shifts, entries):
    """Add up A_c = PᵀA P, where row i of P is (1, I_i − μ) in the columns of the pixel's block.

    Only for the neighbors that come after each block: A_c is symmetric.
    """
    for block in range(start, stop):
        for i in children[block]:
            if i < 0:
                break
            # The five rows and columns around a pixel lie in two blocks each.
            high, wide = (y[i] + 2) // BLOCK_SIDE, (x[i] + 2) // BLOCK_SIDE
            for down in range(high, high + 2):
                top, bottom = _overlap(down, y[i])
                for across in range(wide, wide + 2):
                    slot = 3 * down + across
                    if slot < 4:
                        continue
                    left, right = _overlap(across, x[i])
                    # (A P)_i = Σ_j A_ij (1, I_j − μ), in four scalars: an array of four is read and
                    # written in each step, and a function that returns four took 1.5 times as long.
                    a = b = c = d = np.float32(0)
                    for row in range(top, bottom):
                        at = positions[i] + offsets[5 * row]
                        for column in range(left, right):
                            j = number[np.uint64(at + column)]
                            if j >= 0:
                                entry = rows[i, 5 * row + column]
                                a += entry
                                b += entry * shifts[j, 0]
                                c += entry * shifts[j, 1]
                                d += entry * shifts[j, 2]
                    # A_c += (1, I_i − μ)ᵀ (A P)_i
                    for p in range(4):
                        factor = np.float32(1) if p == 0 else shifts[i, p - 1]
                        entries[block, slot, p, 0] += factor * a
                        entries[block, slot, p, 1] += factor * b
                        entries[block, slot, p, 2] += factor * c
                        entries[block, slot, p, 3] += factor * d


@numba.njit(cache=True, nogil=True)
def _mirror_lower(start, stop, neighbors, entries):
    """Fill in the entries of the neighbors that come before each block: A_ij = A_jiᵀ."""
    for block in range(start, stop):
        for k in range(4):
            j = neighbors[block, k]
            if j < len(neighbors):
                for p in range(4):
                    for q in range(4):
                        entries[block, k, p, q] = entries[j, 8 - k, q, p]


@numba.njit(cache=True, nogil=True)
def _overlap(block, at):
    """Return which of the five positions around `at` within a block lie in block 0, 1 or 2.

    Block 1 is the pixel's own.
    """
    return max(0, block * BLOCK_SIDE - at - 2), min(5, (block + 1) * BLOCK_SIDE - at - 2)


@numba.njit(cache=True, nogil=True)
def _project_blocks(start, stop, fine, neighbors, y, x, children, shifts, entries):
    """Add up A_c = PᵀA P, where the rows of P of block i are (1, (μ_i − μ)ᵀ; 0, 1).

    Color coefficients are those of the parent; the constant is the parent's plus what they make of
    the shift in color.
    """
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
                # (A P)_ij = A_ij P_j, then A_c += P_iᵀ (A P)_ij. Slices of four would take several
                # times as long as these loops.
                for p in range(4):
                    part[p, 0] = fine[i, k, p, 0]
                    for c in range(3):
                        part[p, c + 1] = fine[i, k, p, c + 1] + part[p, 0] * shifts[j, c]
                for q in range(4):
                    entries[block, slot, 0, q] += part[0, q]
                    for c in range(3):
                        entries[block, slot, c + 1, q] += part[c + 1, q] + part[0, q] * shifts[i, c]


@numba.njit(cache=True, nogil=True)
def _project_diagonal(start, stop, children, shifts, diagonal, own):
    """Add up PᵀD P, whose entries lie on the blocks' own places, as `_project_pixels` does."""
    for block in range(start, stop):
        for i in children[block]:
            if i < 0:
                break
            for p in range(4):
                factor = diagonal[i] * (np.float32(1) if p == 0 else shifts[i, p - 1])
                own[block, p, 0] += factor
                for c in range(3):
                    own[block, p, c + 1] += factor * shifts[i, c]


@numba.njit(cache=True, nogil=True)
def _project_own(children, shifts, fine, own):
    """The same on a coarser level, as `_project_blocks` does."""
    part = np.empty((4, 4), np.float32)
    for block in range(len(children)):
        for i in children[block]:
            if i < 0:
                break
            for p in range(4):
                part[p, 0] = fine[i, p, 0]
                for c in range(3):
                    part[p, c + 1] = fine[i, p, c + 1] + part[p, 0] * shifts[i, c]
            for q in range(4):
                own[block, 0, q] += part[0, q]
                for c in range(3):
                    own[block, c + 1, q] += part[c + 1, q] + part[0, q] * shifts[i, c]


@numba.njit(cache=True, nogil=True)
def _subtract_rows(start, stop, entries, neighbors, values, result):
    """Subtract A x from `result`."""
    entries, neighbors, result = entries[start:stop], neighbors[start:stop], result[start:stop]
    for i in range(len(entries)):
        # Four scalars: an array of four would be read and written in each step.
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
def _add_products(start, stop, inverse, residual, values):
    """Add ω D⁻¹ r to a vector."""
    for i in range(start, stop):
        for p in range(4):
            entry = np.float32(0)
            for q in range(4):
                entry += inverse[i, p, q] * residual[i, q]
            values[i, p] += np.float32(BLOCK_DAMPING) * entry


@numba.njit(cache=True, nogil=True)
def _restrict_pixels(start, stop, children, shifts, residual, coarse):
    """Add Pᵀ r to a vector of blocks, with a row (1, I_i − μ) of P per pixel."""
    children, coarse = children[start:stop], coarse[start:stop]
    for block in range(len(children)):
        for i in children[block]:
            if i < 0:
                break
            coarse[block, 0] += residual[i]
            for c in range(3):
                coarse[block, c + 1] += shifts[i, c] * residual[i]


@numba.njit(cache=True, nogil=True)
def _prolong_to_plane(start, stop, positions, parents, shifts, coarse, plane):
    """Write P x into a plane: x_i = x_c0 + Σ_c (I_i − μ)_c x_c of each pixel, from its block."""
    positions, parents, shifts = positions[start:stop], parents[start:stop], shifts[start:stop]
    for i in range(len(parents)):
        value = coarse[parents[i], 0]
        for c in range(3):
            value += shifts[i, c] * coarse[parents[i], c + 1]
        plane[positions[i]] = value


@numba.njit(cache=True, nogil=True)
def _restrict(children, shifts, residual, coarse):
    """Add Pᵀ r of a level to a vector of the next coarser one."""
    for block in range(len(children)):
        for i in children[block]:
            if i < 0:
                break
            coarse[block, 0] += residual[i, 0]
            for c in range(3):
                coarse[block, c + 1] += residual[i, c + 1] + shifts[i, c] * residual[i, 0]


@numba.njit(cache=True, nogil=True)
def _prolong(parents, shifts, coarse, values):
    """Add P x of the next coarser level to a vector of a level."""
    for i in range(len(parents)):
        block = parents[i]
        values[i, 0] += coarse[block, 0]
        for c in range(3):
            values[i, 0] += shifts[i, c] * coarse[block, c + 1]
            values[i, c + 1] += coarse[block, c + 1]
