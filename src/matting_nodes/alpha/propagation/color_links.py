"""Links between unknown pixels of similar color, however far apart they lie.

Σ w (αᵢ − αⱼ)² over pairs of unknown pixels of similar color carries what is known about a color in
one place to all others where it occurs, like the intra-unknown flow of Aksoy, Aydın and Pollefeys,
"Designing Effective Inter-Pixel Information Flow", CVPR 2017. Their pairs are nearest neighbors in
color and position. Here color space is divided into cells, and a chain runs through all pixels of a
cell in a scrambled order: that takes one pass over the picture, depends on the picture alone, and
had smaller errors on the pictures it was chosen on. Links to known pixels are left out: samples
nearby say more about a color that is mostly known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from ...arrays import BACKGROUND, FOREGROUND, Trimap
from ...solvers.boxes import Slices, corner
from ...solvers.laplacian import PARALLEL_MIN, Vector
from ...solvers.parallel import in_parallel
from .sample_grid import TILE

CELLS_PER_AXIS = 128
"""Cells into which color space is divided along each axis."""
LINK_WEIGHT = 0.01
"""Weight of a link, relative to the Laplacian's entries."""

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]
Booleans = NDArray[np.bool_]


class Links(NamedTuple):
    """The links of the N pixels to solve for."""

    neighbors: Integers
    """(N, 2) numbers of the two pixels linked to each; its own number where there is no link."""
    diagonal: Floats
    """(N,) sum of the weights of each pixel's links."""
    rhs: Floats
    """(N,) Σ w αⱼ over each one's links to unknown pixels that are not solved for."""
    weight: float
    """Weight w of a link."""

    def operator(self, laplacian: Callable[[Vector], Vector]) -> Callable[[Vector], Vector]:
        """Return the function x ↦ A x of a system, links included.

        Parameters
        ----------
        laplacian : callable
            The same with only the links' diagonal.
        """

        def matvec(x: Vector) -> Vector:
            result = laplacian(x)
            arguments = self.neighbors, np.float32(self.weight), x, result
            in_parallel(_subtract_links, len(x), *arguments, smallest=PARALLEL_MIN)
            return result

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
        _chain(colors, low, scale, _stride(height), _stride(width), self.before, self.after)

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
        links = Links(
            np.empty((number[-1, -1], 2), np.int32),
            np.zeros(number[-1, -1], np.float32),
            np.zeros(number[-1, -1], np.float32),
            LINK_WEIGHT,
        )
        chains, around = (self.before, self.after), (start, trimap, values)
        in_parallel(_link, len(solve), *chains, solve, number, *around, *corner(box), *links)
        return links

    def add_residuals(
        self,
        solved: Booleans,
        solution: Floats,
        box: Slices,
        trimap: Trimap,
        solved_trimap: Trimap,
        values: Floats,
        residuals: Floats,
    ) -> None:
        """Add the residuals that links from a box leave at pixels that were not solved for.

        Parameters
        ----------
        solved : (h, w) bool
            The pixels of the box that were solved for.
        solution : (h, w) float32
            Their new α, and that of the other pixels of the box.
        box : Slices
        trimap, solved_trimap : (H, W) uint8
            The trimap, and what it was when `values` was solved for.
        values : (H, W) float32
            The previous α.
        residuals : (⌈H/16⌉, ⌈W/16⌉) float32
            Sums of the residuals in each tile, to add to.
        """
        arrays = solved, solution, trimap, solved_trimap, values, *corner(box), residuals
        _add_residuals(self.before, self.after, *arrays)


def _stride(length: int) -> int:
    """Return a step by which a row of this length is visited whole, each pixel far from the last.

    That is a step without a common divisor with the length, near its golden section.
    """
    step = max(1, int(0.618 * length))
    while math.gcd(step, length) > 1:
        step += 1
    return step


@numba.njit(cache=True, nogil=True)
def _chain(colors, low, scale, down, across, before, after):
    """Link each pixel to the last one of its cell; rows and columns come in a scrambled order."""
    height, width, _ = colors.shape
    last = np.full(CELLS_PER_AXIS**3, -1, np.int32)
    cells = np.empty(width, np.int32)
    cells_per_axis = np.int32(CELLS_PER_AXIS)
    y = x = 0
    for _ in range(height):
        for i in range(width):
            red = np.int32((colors[y, i, 0] - low) * scale)
            green = np.int32((colors[y, i, 1] - low) * scale)
            blue = np.int32((colors[y, i, 2] - low) * scale)
            cells[i] = (red * cells_per_axis + green) * cells_per_axis + blue
        for _ in range(width):
            # Unsigned: an index that cannot be negative needs no check for it.
            cell, at = np.uint32(cells[x]), y * width + x
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
    neighbors,
    diagonal,
    rhs,
    weight,
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
                diagonal[i] += np.float32(weight)
                if inside and solve[y - top, x - left]:
                    neighbors[i, side] = number[y - top, x - left] - 1
                else:
                    alpha = start[y - top, x - left] if inside else values[y, x]
                    rhs[i] += np.float32(weight) * alpha


@numba.njit(cache=True, nogil=True)
def _add_residuals(
    before, after, solved, solution, trimap, solved_trimap, values, top, left, residuals
):
    height, width = solution.shape
    whole_width = trimap.shape[1]
    for row in range(height):
        for column in range(width):
            y, x = top + row, left + column
            is_unknown = BACKGROUND < trimap[y, x] < FOREGROUND
            was_unknown = BACKGROUND < solved_trimap[y, x] < FOREGROUND
            unchanged = not is_unknown or solution[row, column] == values[y, x]
            if is_unknown == was_unknown and unchanged:
                continue
            at = y * whole_width + x
            for side in range(2):
                j = before[at] if side == 0 else after[at]
                if j < 0:
                    continue
                down, across = j // whole_width, j % whole_width
                if not BACKGROUND < trimap[down, across] < FOREGROUND:
                    continue
                inside = top <= down < top + height and left <= across < left + width
                if inside and solved[down - top, across - left]:
                    continue
                # w (αᵢ − αⱼ) of the link as it is, less what it was when j was solved for.
                change = np.float32(0)
                if is_unknown:
                    change += solution[row, column] - values[down, across]
                if was_unknown:
                    change -= values[y, x] - values[down, across]
                residuals[down // TILE, across // TILE] += np.float32(LINK_WEIGHT) * change


@numba.njit(cache=True, nogil=True)
def _subtract_links(start, stop, neighbors, weight, values, result):
    """Subtract w Σ αⱼ over the pixels linked to each."""
    zero = np.float32(0)
    for i in range(start, stop):
        a, b = neighbors[i, 0], neighbors[i, 1]
        result[i] -= weight * ((values[a] if a != i else zero) + (values[b] if b != i else zero))
