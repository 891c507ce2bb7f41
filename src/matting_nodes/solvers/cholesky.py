"""A Cholesky factor of the matting Laplacian, by nested dissection of the picture.

The unknown pixels are divided by separators two pixels wide, the halves again, until they are small
(George, SIAM J. Numer. Anal. 1973). The pixels of a separator are eliminated after those on both
sides of it, as one supernode, so that fill-in stays within dense blocks (the multifrontal method of
Duff and Reid, ACM TOMS 1983). The factor is stored in 32 bits: accurate enough to precondition
conjugate gradients, which then need few iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .laplacian import System

LEAF_SIZE = 128
"""Greatest number of pixels that are not divided further."""
DIAGONAL_SHIFT = 1e-10
"""Added to the diagonal, whose entries are about 1, so that rounding leaves all pivots positive."""

Integers = NDArray[np.integer[Any]]
Matrix = NDArray[np.float64]


@dataclass
class Supernode:
    """Pixels start..stop of the elimination order, eliminated together, and their fill-in."""

    start: int
    stop: int
    children: list[Supernode]
    border: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    """Later pixels, ascending, in whose rows the columns of these have entries or fill-in."""

    @property
    def shape(self) -> tuple[int, int]:
        """Its number of pixels, and that of its border."""
        return self.stop - self.start, len(self.border)


class Cholesky:
    """The factorization A = P L Lᵀ Pᵀ of a matting system; called with b, it returns A⁻¹ b.

    Parameters
    ----------
    system : System
        The equations, A.
    callback : callable(done, total)
        Told how many pixels have been eliminated; it may raise.
    """

    def __init__(self, system: System, callback: Callable[[int, int], None]) -> None:
        from threadpoolctl import threadpool_limits

        self.system = system
        self.parts, self.order = dissect(*system.coordinates)
        self.number = np.full(system.size, -1, np.int32)
        self.number[system.positions[self.order]] = np.arange(len(self.order))
        for part in self.parts:
            part.border = _border(part, self._neighbor_numbers(part))
        self.shapes = np.array([part.shape for part in self.parts])
        self.borders = np.concatenate([part.border for part in self.parts])
        own, more = self.shapes.T
        self.entries = np.empty((own * (own + 1) // 2 + own * more).sum(), np.float32)
        filled = 0
        updates: dict[int, Matrix] = {}
        # The blocks are small: several BLAS threads would only wait for each other.
        with threadpool_limits(1, "blas"):
            for part in self.parts:
                filled = self._eliminate(part, updates, filled)
                callback(part.stop, len(self.order))
        del self.number

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return (P L Lᵀ Pᵀ)⁻¹ b."""
        solved = values[self.order].astype(np.float32)
        _solve(self.entries, self.shapes, self.borders, solved)
        result = np.empty_like(values)
        result[self.order] = solved
        return result

    def _neighbor_numbers(self, part: Supernode) -> Integers:
        """Return the numbers of the pixels in a supernode's rows, (n, 25); −1 for no entry."""
        own = self.order[part.start : part.stop]
        around = self.number[self.system.positions[own][:, None] + self.system.offsets]
        # The end of a picture's row is next to the start of another in the plane, but not in L.
        return np.where(self.system.rows[own] == 0, -1, around)

    def _eliminate(self, part: Supernode, updates: dict[int, Matrix], filled: int) -> int:
        from scipy.linalg.blas import dsyrk, dtrsm
        from scipy.linalg.lapack import dpotrf

        own, more = part.shape
        corner = np.zeros((own, own), order="F")
        side, rest = np.zeros((more, own), order="F"), np.zeros((more, more), order="F")
        entries = self.system.rows[self.order[part.start : part.stop]]
        _gather(entries, self._neighbor_numbers(part), part.start, part.border, corner, side)
        for child in part.children:
            if len(child.border):
                update = updates.pop(child.start)
                _extend_add(update, child.border, part.start, part.border, corner, side, rest)
        # [C Sᵀ; S R]:  factor C = L Lᵀ,  S ← S L⁻ᵀ,  R ← R − S Sᵀ (the Schur complement)
        factor, _ = dpotrf(corner, lower=1, overwrite_a=1)
        if more:
            side = dtrsm(1.0, factor, side, side=1, lower=1, trans_a=1, overwrite_b=1)
            updates[part.start] = dsyrk(-1.0, side, 1.0, rest, lower=1, overwrite_c=1)
        return int(_store(factor, side, self.entries, filled))


def dissect(y: Integers, x: Integers) -> tuple[list[Supernode], Integers]:
    """Return the supernodes, each after its children, and the elimination order of the pixels.

    Parameters
    ----------
    y, x : (N,) int
        Row and column of each pixel.
    """
    parts: list[Supernode] = []
    order: list[Integers] = []

    def cut(members: Integers, start: int) -> list[Supernode]:
        children: list[Supernode] = []
        if len(members) > LEAF_SIZE:
            before, after, members = _split(y, x, members)
            children = cut(before, start) + cut(after, start + len(before))
            start += len(before) + len(after)
        if not len(members):
            return children
        parts.append(Supernode(start, start + len(members), children))
        order.append(members)
        return [parts[-1]]

    cut(np.arange(len(y)), 0)
    return parts, np.concatenate(order)


def _split(y: Integers, x: Integers, members: Integers) -> tuple[Integers, Integers, Integers]:
    """Return the pixels before a separator, those behind it, and its own.

    A separator is two rows or columns, whichever cross the longer side: among those that leave 30
    to 70 % of the pixels on each side, the one with fewest pixels.
    """
    rows, columns = y[members], x[members]
    along = rows if np.ptp(rows) > np.ptp(columns) else columns
    along = along - along.min()
    counts = np.bincount(along)
    behind = np.cumsum(counts)
    middle = (behind[:-1] >= 0.3 * len(members)) & (behind[:-1] <= 0.7 * len(members))
    middle[np.searchsorted(behind, len(members) / 2) - 1] = True
    lines = counts[:-1] + counts[1:]
    line = np.flatnonzero(middle)[lines[middle].argmin()]
    return members[along < line], members[along > line + 1], members[(along - line) // 2 == 0]


def _border(part: Supernode, around: Integers) -> Integers:
    joined = np.concatenate([around.ravel(), *(child.border for child in part.children)])
    return np.unique(joined[joined >= part.stop])


@numba.njit(cache=True, nogil=True)
def _gather(entries, around, start, border, corner, side):
    """Write a supernode's equations into its blocks C and S."""
    own = len(corner)
    for column in range(own):
        for k in range(25):
            row = around[column, k] - start
            if column <= row < own:
                corner[row, column] = entries[column, k] + (
                    DIAGONAL_SHIFT if row == column else 0.0
                )
            elif row >= own:
                side[np.searchsorted(border, row + start), column] = entries[column, k]


@numba.njit(cache=True, nogil=True)
def _extend_add(update, numbers, start, border, corner, side, rest):
    """Add a child's Schur complement, of which only the lower triangle is set."""
    own = len(corner)
    positions = np.empty(len(numbers), np.int64)
    for i in range(len(numbers)):
        inside = numbers[i] < start + own
        positions[i] = numbers[i] - start if inside else own + np.searchsorted(border, numbers[i])
    for j in range(len(numbers)):
        column = positions[j]
        for i in range(j, len(numbers)):
            row = positions[i]
            if row < own:
                corner[row, column] += update[i, j]
            elif column < own:
                side[row - own, column] += update[i, j]
            else:
                rest[row - own, column - own] += update[i, j]


@numba.njit(cache=True, nogil=True)
def _store(factor, side, entries, filled):
    """Store L row by row, the triangle C first, then S; return the new number of entries."""
    own = len(factor)
    for row in range(own):
        entries[filled : filled + row + 1] = factor[row, : row + 1]
        filled += row + 1
    for row in range(len(side)):
        entries[filled : filled + own] = side[row]
        filled += own
    return filled


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _solve(entries, shapes, borders, x):
    """Solve L Lᵀ x = b in place."""
    # L y = b: x_i ← (x_i − Σ_{j<i} L_ij x_j) / L_ii, supernode by supernode
    start, at, edge = 0, 0, 0
    for own, more in shapes:
        for i in range(start, start + own):
            for j in range(i - start):
                x[i] -= entries[at + j] * x[start + j]
            x[i] /= entries[at + i - start]
            at += i - start + 1
        for i in borders[edge : edge + more]:
            total = np.float32(0)
            for j in range(own):
                total += entries[at + j] * x[start + j]
            x[i] -= total
            at += own
        start, edge = start + own, edge + more
    # Lᵀ x = y, in the reverse order
    for own, more in shapes[::-1]:
        start, edge = start - own, edge - more
        for i in borders[edge : edge + more][::-1]:
            at -= own
            for j in range(own):
                x[start + j] -= entries[at + j] * x[i]
        for i in range(start + own - 1, start - 1, -1):
            at -= i - start + 1
            x[i] /= entries[at + i - start]
            for j in range(i - start):
                x[start + j] -= entries[at + j] * x[i]
