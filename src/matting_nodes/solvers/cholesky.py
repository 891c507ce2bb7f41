"""A Cholesky factor of the matting Laplacian, by nested dissection of the picture.

The unknown pixels are cut in two by lines two pixels wide, the halves again, until the parts are
small (George, SIAM J. Numer. Anal. 1973). Pixels of a line come after those of both its sides, so
that what elimination fills in stays within dense blocks (Duff and Reid, ACM TOMS 1983). The factor
is kept in 32 bits: exact enough to precondition conjugate gradients, which then need few rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .laplacian import System

LEAF = 128
"""Parts of at most so many pixels are not cut further."""
SHIFT = 1e-10
"""Added to the diagonal, whose entries are about 1: no pivot is lost to rounding."""

Integers = NDArray[np.integer[Any]]
Matrix = NDArray[np.float64]


@dataclass
class Part:
    """Pixels that are eliminated together, and where that fills in."""

    start: int
    stop: int
    children: list[Part]
    border: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    """Later pixels, ascending, that elimination joins to these."""

    @property
    def shape(self) -> tuple[int, int]:
        """How many pixels it has, and how many lie on its border."""
        return self.stop - self.start, len(self.border)


class Cholesky:
    """P L Lᵀ Pᵀ, the equations of a matting system; called with a vector it solves for it.

    Parameters
    ----------
    system : System
        The equations.
    watch : callable(done, total)
        Told how many pixels are eliminated; it may raise.
    """

    def __init__(self, system: System, watch: Callable[[int, int], None]) -> None:
        from threadpoolctl import threadpool_limits

        self.system = system
        self.parts, self.order = dissect(*system.coordinates)
        self.number = np.full(system.size, -1, np.int32)
        self.number[system.places[self.order]] = np.arange(len(self.order))
        for part in self.parts:
            part.border = _border(part, self._around(part))
        self.shapes = np.array([part.shape for part in self.parts])
        self.borders = np.concatenate([part.border for part in self.parts])
        own, more = self.shapes.T
        self.entries = np.empty((own * (own + 1) // 2 + own * more).sum(), np.float32)
        filled = 0
        updates: dict[int, Matrix] = {}
        # The blocks are small: threads of the linear algebra library would wait for each other.
        with threadpool_limits(1, "blas"):
            for part in self.parts:
                filled = self._eliminate(part, updates, filled)
                watch(part.stop, len(self.order))
        del self.number

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return (P L Lᵀ Pᵀ)⁻¹ times a vector."""
        solved = values[self.order].astype(np.float32)
        _solve(self.entries, self.shapes, self.borders, solved)
        result = np.empty_like(values)
        result[self.order] = solved
        return result

    def _around(self, part: Part) -> Integers:
        """Return the numbers of the pixels in the rows of a part, −1 where there is no entry."""
        own = self.order[part.start : part.stop]
        around = self.number[self.system.places[own][:, None] + self.system.offsets]
        # A plane's rows run on into each other, the picture's do not.
        return np.where(self.system.rows[own] == 0, -1, around)

    def _eliminate(self, part: Part, updates: dict[int, Matrix], filled: int) -> int:
        from scipy.linalg.blas import dsyrk, dtrsm
        from scipy.linalg.lapack import dpotrf

        own, more = part.shape
        corner = np.zeros((own, own), order="F")
        side, rest = np.zeros((more, own), order="F"), np.zeros((more, more), order="F")
        entries = self.system.rows[self.order[part.start : part.stop]]
        _gather(entries, self._around(part), part.start, part.border, corner, side)
        for child in part.children:
            if len(child.border):
                update = updates.pop(child.start)
                _extend(update, child.border, part.start, part.border, corner, side, rest)
        # [C Sᵀ; S R]:  C = L Lᵀ,  S ← S L⁻ᵀ,  R ← R − S Sᵀ
        factor, _ = dpotrf(corner, lower=1, overwrite_a=1)
        if more:
            side = dtrsm(1.0, factor, side, side=1, lower=1, trans_a=1, overwrite_b=1)
            updates[part.start] = dsyrk(-1.0, side, 1.0, rest, lower=1, overwrite_c=1)
        return int(_keep(factor, side, self.entries, filled))


def dissect(y: Integers, x: Integers) -> tuple[list[Part], Integers]:
    """Return the parts of these pixels, each after its children, and the order of elimination."""
    parts: list[Part] = []
    order: list[Integers] = []

    def cut(members: Integers, start: int) -> list[Part]:
        children: list[Part] = []
        if len(members) > LEAF:
            before, after, members = _cut(y, x, members)
            children = cut(before, start) + cut(after, start + len(before))
            start += len(before) + len(after)
        if not len(members):
            return children
        parts.append(Part(start, start + len(members), children))
        order.append(members)
        return [parts[-1]]

    cut(np.arange(len(y)), 0)
    return parts, np.concatenate(order)


def _cut(y: Integers, x: Integers, members: Integers) -> tuple[Integers, Integers, Integers]:
    """Return the pixels before a line of two pixels across, those behind it, and its own."""
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


def _border(part: Part, around: Integers) -> Integers:
    joined = np.concatenate([around.ravel(), *(child.border for child in part.children)])
    return np.unique(joined[joined >= part.stop])


@numba.njit(cache=True, nogil=True)
def _gather(entries, around, start, border, corner, side):
    """Put a part's equations into its blocks."""
    own = len(corner)
    for column in range(own):
        for k in range(25):
            row = around[column, k] - start
            if column <= row < own:
                corner[row, column] = entries[column, k] + (SHIFT if row == column else 0.0)
            elif row >= own:
                side[np.searchsorted(border, row + start), column] = entries[column, k]


@numba.njit(cache=True, nogil=True)
def _extend(update, numbers, start, border, corner, side, rest):
    """Add what a child's elimination changed (its lower half is there)."""
    own = len(corner)
    places = np.empty(len(numbers), np.int64)
    for i in range(len(numbers)):
        inside = numbers[i] < start + own
        places[i] = numbers[i] - start if inside else own + np.searchsorted(border, numbers[i])
    for j in range(len(numbers)):
        column = places[j]
        for i in range(j, len(numbers)):
            row = places[i]
            if row < own:
                corner[row, column] += update[i, j]
            elif column < own:
                side[row - own, column] += update[i, j]
            else:
                rest[row - own, column - own] += update[i, j]


@numba.njit(cache=True, nogil=True)
def _keep(factor, side, entries, filled):
    """Store the blocks row by row, the triangle of the own pixels first."""
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
    """Solve L Lᵀ x = b in place: down through all parts, then up again."""
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
