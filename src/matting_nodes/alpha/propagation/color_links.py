"""Links between unknown pixels of like color, wherever in the picture they lie.

Σ (αᵢ − αⱼ)² over pairs of unknown pixels of like color lets what is known of a color in one place
count wherever that color is seen again, as the intra-unknown flow of Aksoy, Aydın and Pollefeys,
"Designing Effective Inter-Pixel Information Flow", CVPR 2017, does. Their pairs are the nearest
neighbors in color and place. Here color space is cut into cells, and a chain runs through all
pixels of a cell in a scrambled order: it takes one pass over the picture, depends on the picture
alone, and on the pictures it was chosen with it did better. A link whose one pixel is known counts
for nothing: a color that is mostly known is better judged by the samples around.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from ...arrays import BACKGROUND, FOREGROUND, Trimap
from ...solvers.boxes import Region, corner
from ...solvers.laplacian import FEWEST, Vector
from ...solvers.parallel import in_parallel
from .sample_grid import TILE

CELLS = 128
"""Color space is cut into so many cells along each axis."""
WEIGHT = 0.01
"""Weight of a link against the Laplacian's entries."""

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]
Marks = NDArray[np.bool_]


class Links(NamedTuple):
    """The links of the pixels that are solved for."""

    neighbors: Integers
    """(N, 2) the two pixels linked to each, or itself where there is no link."""
    diagonal: Floats
    """(N,) weight of all links of each."""
    rhs: Floats
    """(N,) weight times α of the linked pixels that are unknown, but not solved for."""
    weight: float
    """Of each link."""

    def operator(self, laplacian: Callable[[Vector], Vector]) -> Callable[[Vector], Vector]:
        """Return what multiplies by the system's matrix, given it with the links' diagonal only."""

        def matvec(values: Vector) -> Vector:
            result = laplacian(values)
            in_parallel(
                _subtract_linked,
                len(values),
                self.neighbors,
                np.float32(self.weight),
                values,
                result,
                smallest=FEWEST,
            )
            return result

        return matvec


class ColorLinks:
    """The chains through the pixels of like color of a picture.

    Parameters
    ----------
    colors : (H, W, 3) float32
        The picture on its main color axes.

    Attributes
    ----------
    before, after : (H W,) int32
        The pixel before and after each one in its chain, -1 at an end.
    """

    def __init__(self, colors: Floats) -> None:
        height, width = colors.shape[:2]
        self.before: Integers = np.full(height * width, -1, np.int32)
        self.after: Integers = np.full(height * width, -1, np.int32)
        low, high = colors.min(), colors.max()
        scale = np.float32((CELLS - 1) / (high - low)) if high > low else np.float32(0)
        _chain(colors, low, scale, _stride(height), _stride(width), self.before, self.after)

    def between(
        self, solve: Marks, start: Floats, box: Region, trimap: Trimap, values: Floats
    ) -> Links:
        """Return the links of the pixels to solve for.

        Parameters
        ----------
        solve : (h, w) bool
            Which pixels of the box these are.
        start : (h, w) float32
            α of the other pixels of the box.
        box : Region
            Rows and columns.
        trimap : (H, W) uint8
            Links to pixels that are known in it do not count.
        values : (H, W) float32
            α of the pixels beyond the box.
        """
        number = np.cumsum(solve, dtype=np.int32).reshape(solve.shape)
        links = Links(
            np.empty((number[-1, -1], 2), np.int32),
            np.zeros(number[-1, -1], np.float32),
            np.zeros(number[-1, -1], np.float32),
            WEIGHT,
        )
        chains, around = (self.before, self.after), (start, trimap, values)
        in_parallel(_link, len(solve), *chains, solve, number, *around, *corner(box), *links)
        return links

    def owed(
        self,
        solved: Marks,
        found: Floats,
        box: Region,
        now: Trimap,
        was: Trimap,
        values: Floats,
        tiles: Floats,
    ) -> None:
        """Add up how links pull, after a box was solved again, at pixels that were not.

        Parameters
        ----------
        solved : (h, w) bool
            Which pixels of the box were solved for.
        found : (h, w) float32
            α in the box.
        box : Region
            Rows and columns.
        now, was : (H, W) uint8
            The trimap, and what it was when `values` were found.
        values : (H, W) float32
            α before.
        tiles : (⌈H/16⌉, ⌈W/16⌉) float32
            Sums over the pixels of tiles, to add to.
        """
        _owe(self.before, self.after, solved, found, now, was, values, *corner(box), tiles)


def _stride(length: int) -> int:
    """Return a step that visits every place of a row of this length, far from the one before."""
    step = max(1, int(0.618 * length))
    while math.gcd(step, length) > 1:
        step += 1
    return step


@numba.njit(cache=True, nogil=True)
def _chain(colors, low, scale, down, across, before, after):
    """Link each pixel to the last one of its cell; rows and columns in a scrambled order."""
    height, width, _ = colors.shape
    last = np.full(CELLS**3, -1, np.int32)
    cells = np.empty(width, np.int32)
    cells_a_side = np.int32(CELLS)
    y = x = 0
    for _ in range(height):
        for i in range(width):
            red = np.int32((colors[y, i, 0] - low) * scale)
            green = np.int32((colors[y, i, 1] - low) * scale)
            blue = np.int32((colors[y, i, 2] - low) * scale)
            cells[i] = (red * cells_a_side + green) * cells_a_side + blue
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
def _owe(before, after, solved, found, now, was, values, top, left, tiles):
    height, width = found.shape
    whole_width = now.shape[1]
    for row in range(height):
        for column in range(width):
            y, x = top + row, left + column
            free = BACKGROUND < now[y, x] < FOREGROUND
            was_free = BACKGROUND < was[y, x] < FOREGROUND
            if free == was_free and (not free or found[row, column] == values[y, x]):
                continue
            at = y * whole_width + x
            for side in range(2):
                j = before[at] if side == 0 else after[at]
                if j < 0:
                    continue
                down, across = j // whole_width, j % whole_width
                if not BACKGROUND < now[down, across] < FOREGROUND:
                    continue
                inside = top <= down < top + height and left <= across < left + width
                if inside and solved[down - top, across - left]:
                    continue
                pull = np.float32(0)
                if free:
                    pull += found[row, column] - values[down, across]
                if was_free:
                    pull -= values[y, x] - values[down, across]
                tiles[down // TILE, across // TILE] += np.float32(WEIGHT) * pull


@numba.njit(cache=True, nogil=True)
def _subtract_linked(start, stop, neighbors, weight, values, result):
    """Subtract w Σ αⱼ over the pixels that are linked to each."""
    zero = np.float32(0)
    for i in range(start, stop):
        a, b = neighbors[i, 0], neighbors[i, 1]
        result[i] -= weight * ((values[a] if a != i else zero) + (values[b] if b != i else zero))
