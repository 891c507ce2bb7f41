"""Links between unknown pixels of similar color, however far apart they lie.

Σ w (αᵢ − αⱼ)² over pairs of unknown pixels of similar color carries what is known about a color in
one place to all others where it occurs, like the intra-unknown flow of Aksoy, Aydın and Pollefeys,
"Designing Effective Inter-Pixel Information Flow", CVPR 2017. Their pairs are nearest neighbors in
color and position. Here color space is divided into cells, and a chain runs through all pixels of a
cell in a scrambled order: that takes one pass over the picture, depends on the picture alone, and
had smaller errors on the pictures it was chosen on. Links to known pixels are left out: samples
nearby say more about a color that is mostly known. Links do not leave the squares of a fixed grid,
so that a picture of any size can be solved in parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from ...arrays import BACKGROUND, FOREGROUND, Trimap
from ...solvers.boxes import Slices, corner
from ...solvers.laplacian import PARALLEL_MIN, Vector
from ...solvers.parallel import in_parallel
from ...solvers.stencil import Stencil

CELLS_PER_AXIS = 128
"""Cells into which color space is divided along each axis."""
LINKED_SIDE = 2048
"""Side in pixels of the squares that links stay within: most pictures are one or few of them."""
LINK_WEIGHT = 0.01
"""Weight of a link in the first of two solves, relative to the Laplacian's entries."""
SECOND_FACTOR, LINK_SPREAD = 3, 0.3
"""In the second solve links count so many times as much; half of that where the first one's α
differs by the second along them."""

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]
Booleans = NDArray[np.bool_]


class Links(NamedTuple):
    """The links of the N pixels to solve for, two of each."""

    neighbors: Integers
    """(N, 2) numbers of the pixels at the other ends; its own number where one is not solved for,
    or there is no link."""
    ends: Floats
    """(N, 2) α at the other ends that are not solved for."""
    weights: Floats
    """(N, 2) w; 0 where there is no link."""

    @property
    def diagonal(self) -> Floats:
        """(N,) Σ w over each pixel's links: what they add to the diagonal."""
        total: Floats = self.weights[:, 0] + self.weights[:, 1]
        return total

    @property
    def rhs(self) -> Floats:
        """(N,) Σ w αⱼ over each one's links to pixels that are not solved for."""
        result: Floats = np.empty(len(self.ends), np.float32)
        in_parallel(_sum_ends, len(result), *self, result, smallest=PARALLEL_MIN)
        return result

    def reweighed(self, alpha: Floats) -> Links:
        """Return the same with less weight where α differs along a link.

        Parameters
        ----------
        alpha : (N,) float32
            An estimate of what is solved for.
        """
        weights = np.empty_like(self.weights)
        factors = np.float32(SECOND_FACTOR), np.float32(LINK_SPREAD**-2)
        arguments = *self, alpha, *factors, weights
        in_parallel(_reweigh, len(alpha), *arguments, smallest=PARALLEL_MIN)
        return self._replace(weights=weights)

    def operator(self, stencil: Stencil) -> Callable[[Vector], Vector]:
        """Return the function x ↦ A x of a system, links included.

        Parameters
        ----------
        stencil : Stencil
            A with only the links' diagonal.
        """
        own = np.arange(len(self.neighbors), dtype=np.int32)[:, None]
        # A product with 0 takes less time than to ask whether there is a link.
        weights = np.where(self.neighbors == own, np.float32(0), self.weights)

        laplacian = stencil.operator()

        def matvec(x: Vector) -> Vector:
            # First the links, whose ends lie anywhere: x is still in the processor's cache.
            result = np.empty_like(x)
            arguments = self.neighbors, weights, x, result
            in_parallel(_multiply_links, len(x), *arguments, smallest=PARALLEL_MIN)
            return laplacian(x, result)

        return matvec


class ColorLinks:
    """The chains through pixels of similar color of a picture.

    Parameters
    ----------
    colors : (H, W, 3) float32
        The picture's colors, projected on its principal axes.

    Attributes
    ----------
    before, after : (H W,) int32
        The pixel before and after each one in its chain, −1 at an end.
    """

    def __init__(self, colors: Floats) -> None:
        height, width = colors.shape[:2]
        self.before: Integers = np.full(height * width, -1, np.int32)
        self.after: Integers = np.full(height * width, -1, np.int32)
        low, high = colors.min(), colors.max()
        scale = np.float32((CELLS_PER_AXIS - 1) / (high - low)) if high > low else np.float32(0)
        for rows, columns in linked_squares((height, width)):
            square = rows.start, rows.stop, columns.start, columns.stop
            steps = _stride(rows.stop - rows.start), _stride(columns.stop - columns.start)
            _chain(colors, low, scale, *square, *steps, self.before, self.after)

    def links_of(
        self, solve: Booleans, start: Floats, box: Slices, trimap: Trimap, values: Floats
    ) -> Links:
        """Return the links of the pixels to solve for.

        Parameters
        ----------
        solve : (h, w) bool
            The pixels of the box to solve for.
        start : (h, w) float32
            α of the other pixels of the box.
        box : Slices
        trimap : (H, W) uint8
            Links to pixels that are known in it are left out.
        values : (H, W) float32
            α of the pixels outside the box.
        """
        number = np.cumsum(solve, dtype=np.int32).reshape(solve.shape)
        count = number[-1, -1]
        shape = count, 2
        links = Links(np.empty(shape, np.int32), *np.zeros((2, *shape), np.float32))
        chains, around = (self.before, self.after), (start, trimap, values)
        weight = np.float32(LINK_WEIGHT)
        arguments = *chains, solve, number, *around, *corner(box), weight, *links
        in_parallel(_link, len(solve), *arguments)
        return links


def linked_squares(shape: tuple[int, int]) -> list[Slices]:
    """Return the squares that the links of a picture stay within, those at its edges cut.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the picture.
    """
    rows, columns = (
        [slice(start, min(length, start + LINKED_SIDE)) for start in range(0, length, LINKED_SIDE)]
        for length in shape
    )
    return list(product(rows, columns))


def _stride(length: int) -> int:
    """Return a step by which a row of this length is visited whole, each pixel far from the last.

    That is a step without a common divisor with the length, near its golden section.
    """
    step = max(1, int(0.618 * length))
    while math.gcd(step, length) > 1:
        step += 1
    return step


@numba.njit(cache=True, nogil=True)
def _chain(colors, low, scale, top, bottom, left, right, down, across, before, after):
    """Link each pixel of a square to the last one of its cell, in a scrambled order."""
    height, width, whole_width = bottom - top, right - left, colors.shape[1]
    last = np.full(CELLS_PER_AXIS**3, -1, np.int32)
    cells = np.empty(width, np.int32)
    cells_per_axis = np.int32(CELLS_PER_AXIS)
    y = x = 0
    for _ in range(height):
        for i in range(width):
            red = np.int32((colors[top + y, left + i, 0] - low) * scale)
            green = np.int32((colors[top + y, left + i, 1] - low) * scale)
            blue = np.int32((colors[top + y, left + i, 2] - low) * scale)
            cells[i] = (red * cells_per_axis + green) * cells_per_axis + blue
        for _ in range(width):
            # Unsigned: an index that cannot be negative needs no check for it.
            cell, at = np.uint32(cells[x]), (top + y) * whole_width + left + x
            if last[cell] >= 0:
                before[at] = last[cell]
                after[np.uint32(last[cell])] = at
            last[cell] = at
            x += across
            x -= width if x >= width else 0
        y += down
        y -= height if y >= height else 0


@numba.njit(cache=True, nogil=True)
def _link(
    first,
    stop,
    before,
    after,
    solve,
    number,
    start,
    trimap,
    values,
    top,
    left,
    weight,
    neighbors,
    ends,
    weights,
):
    height, width = solve.shape
    whole_width = trimap.shape[1]
    for row in range(first, stop):
        for column in range(width):
            if not solve[row, column]:
                continue
            i = number[row, column] - 1
            at = (top + row) * whole_width + left + column
            for side in range(2):
                j = before[at] if side == 0 else after[at]
                neighbors[i, side] = i
                if j < 0:
                    continue
                y, x = j // whole_width, j % whole_width
                if not BACKGROUND < trimap[y, x] < FOREGROUND:
                    continue
                inside = top <= y < top + height and left <= x < left + width
                weights[i, side] = weight
                if inside and solve[y - top, x - left]:
                    neighbors[i, side] = number[y - top, x - left] - 1
                else:
                    ends[i, side] = start[y - top, x - left] if inside else values[y, x]


@numba.njit(cache=True, nogil=True)
def _sum_ends(start, stop, neighbors, ends, weights, result):
    for i in range(start, stop):
        total = np.float32(0)
        for side in range(2):
            if neighbors[i, side] == i:
                total += weights[i, side] * ends[i, side]
        result[i] = total


@numba.njit(cache=True, nogil=True)
def _reweigh(start, stop, neighbors, ends, weights, alpha, factor, precision, result):
    zero, one = np.float32(0), np.float32(1)
    for i in range(start, stop):
        here = min(one, max(zero, alpha[i]))
        for side in range(2):
            j = neighbors[i, side]
            there = min(one, max(zero, ends[i, side] if j == i else alpha[j]))
            # w ← k w / (1 + (Δα / s)²)
            difference = there - here
            result[i, side] = (
                factor * weights[i, side] / (one + precision * difference * difference)
            )


@numba.njit(cache=True, nogil=True)
def _multiply_links(start, stop, neighbors, weights, values, result):
    """Write −Σ w αⱼ over the pixels linked to each that are solved for."""
    for i in range(start, stop):
        first = weights[i, 0] * values[np.uint32(neighbors[i, 0])]
        result[i] = -first - weights[i, 1] * values[np.uint32(neighbors[i, 1])]
