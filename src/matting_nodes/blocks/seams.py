"""How far the borders of blocks can be seen in a result: its steps across them, against others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError
from ..io.ome_zarr import Planes, open_planes

NEAR = 16
"""Steps up to so many pixels beside a border are what its own step is compared with."""
PIECE = 4096
"""Length of the strips that are read at a time, in pixels."""


@dataclass(frozen=True)
class Seams:
    """What was measured.

    Parameters
    ----------
    across : float
        The mean step |Δα| from pixel to pixel across the borders of blocks, where a pixel on either
        side is neither 0 nor 1.
    beside : float
        The same within 16 pixels beside the borders.
    count : int
        Pixels that were measured across borders.
    """

    across: float
    beside: float
    count: int

    @property
    def ratio(self) -> float:
        """The one over the other: 1 where borders cannot be seen."""
        if self.beside == 0:
            return 1.0 if self.across == 0 else float("inf")
        return self.across / self.beside


def seams(result: Any, block: int | None = None) -> Seams:
    """Measure the steps of a blockwise matte across the borders of its blocks.

    Parameters
    ----------
    result : path, or zarr, dask or NumPy array
        The matte.
    block : int, optional
        Side of its blocks in pixels; a result of `matte_zarr` tells it itself.

    Returns
    -------
    Seams

    Raises
    ------
    MattingError
        If the result cannot be read, or the side of its blocks is not known.

    Examples
    --------
    >>> ramp = np.tile(np.linspace(0.1, 0.9, 128, dtype=np.float32), (128, 1))
    >>> round(seams(ramp, 64).ratio, 3)
    1.0
    >>> ramp[:, 64:] += 0.05
    >>> round(seams(ramp, 64).ratio, 1)
    8.9
    """
    planes = open_planes(result, "result", colors=False)
    side = block or _noted_side(result)
    if side is None or side < 2:
        raise ParameterError(
            f"The side of the blocks is {side or 'not noted in the result'}",
            "It is 2 pixels at least",
            "Give it as block (--block)",
        )
    sums: NDArray[np.float64] = np.zeros((2, 2))
    for plane in product(*map(range, planes.stack_shape)):
        for strip, at in _strips(planes, plane, side):
            steps = abs(np.diff(strip, axis=1))
            soft = (strip > 0) & (strip < 1)
            counted = soft[:, 1:] | soft[:, :-1]
            border = np.zeros(steps.shape[1], bool)
            border[at - 1] = True
            for row, chosen in enumerate((border, ~border)):
                sums[row] += steps[:, chosen][counted[:, chosen]].sum(), counted[:, chosen].sum()
    across, beside = (float(total / max(1, count)) for total, count in sums)
    return Seams(across, beside, int(sums[0, 1]))


def _noted_side(result: Any) -> int | None:
    if not isinstance(result, (str, os.PathLike)):
        return None
    import zarr

    notes: Any = zarr.open(str(result), mode="r").attrs.get("matting_nodes", {})
    side = notes.get("block") if isinstance(notes, dict) else None
    return int(side) if isinstance(side, int) else None


def _strips(
    planes: Planes, plane: tuple[int, ...], side: int
) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Yield strips along all borders, turned so that these run down; and each one's place in it."""
    for axis, other in ((1, 0), (0, 1)):
        length, along = planes.shape[axis], planes.shape[other]
        for border in range(side, length, side):
            across = slice(max(0, border - NEAR), min(length, border + NEAR))
            for start in range(0, along, PIECE):
                piece = slice(start, min(along, start + PIECE))
                box = (piece, across) if axis == 1 else (across, piece)
                strip = planes.read(plane, *box)
                top = np.iinfo(strip.dtype).max if strip.dtype.kind == "u" else 1
                strip = strip.astype(np.float32) / np.float32(top)
                yield (strip if axis == 1 else strip.T), border - across.start
