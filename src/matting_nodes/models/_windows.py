"""Where tiles lie: windows of one size, whose cores cover every unknown pixel once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Span:
    """A window along one axis, from `start` to `stop`, and the core of it that is kept."""

    start: int
    stop: int
    first: int
    last: int

    @property
    def window(self) -> slice:
        """What the network sees."""
        return slice(self.start, self.stop)

    @property
    def core(self) -> slice:
        """What is kept, in the picture."""
        return slice(self.first, self.last)

    @property
    def kept(self) -> slice:
        """What is kept, in the window."""
        return slice(self.first - self.start, self.last - self.start)


def spans(begin: int, end: int, length: int, tile: int, margin: int) -> list[Span]:
    """Cover `begin` to `end` of an axis by windows of one size with margins around their cores.

    At the ends of the axis there is no margin: the picture ends there for the network as well.

    Parameters
    ----------
    begin, end : int, pixels
        The part of the axis to cover.
    length : int, pixels
        Length of the whole axis.
    tile : int, pixels
        Length of a window.
    margin : int, pixels
        How much of a window is cut off at each end.

    Examples
    --------
    >>> [(s.window, s.core) for s in spans(0, 100, 100, 60, 10)]
    [(slice(0, 60, None), slice(0, 50, None)), (slice(40, 100, None), slice(50, 100, None))]
    """
    if length <= tile:
        return [Span(0, length, begin, end)]
    covered: list[Span] = []
    while begin < end:
        start = min(max(begin - margin, 0), length - tile)
        stop = start + tile
        last = min(end, length if stop == length else stop - margin)
        covered.append(Span(start, stop, begin, last))
        begin = last
    return covered


def surroundings(unknown: NDArray[np.bool_], margin: int, stride: int) -> tuple[slice, slice]:
    """Return rows and columns of the unknown pixels and a margin around, on the stride's grid.

    Parameters
    ----------
    unknown : (H, W) bool
        Pixels that are wanted; one at least.
    margin : int, pixels
        How far around them, a multiple of the stride.
    stride : int, pixels
        Step of the grid.
    """
    reach = [_reach(unknown, axis, stride) for axis in (0, 1)]
    rows, columns = (
        slice(max(0, begin - margin), min(length, end + margin))
        for (begin, end), length in zip(reach, unknown.shape, strict=True)
    )
    return rows, columns


def windows(
    unknown: NDArray[np.bool_], tile: int, margin: int, stride: int
) -> list[tuple[Span, Span]]:
    """Return the windows, rows and columns, whose cores hold unknown pixels.

    All begin at multiples of the stride, as long as `tile` and `margin` are such multiples.

    Parameters
    ----------
    unknown : (H, W) bool
        Pixels that are wanted; one at least.
    tile : int, pixels
        Side of a window.
    margin : int, pixels
        How much of a window is cut off on each side.
    stride : int, pixels
        Step of the grid.
    """
    covered = [
        spans(*_reach(unknown, axis, stride), unknown.shape[axis], tile, margin) for axis in (0, 1)
    ]
    return [(r, c) for r, c in product(*covered) if unknown[r.core, c.core].any()]


def _reach(unknown: NDArray[np.bool_], axis: int, stride: int) -> tuple[int, int]:
    """Return where the unknown pixels begin and end along an axis, on the stride's grid."""
    (where,) = np.nonzero(unknown.any(axis=1 - axis))
    end = -(-(int(where[-1]) + 1) // stride) * stride
    return int(where[0]) // stride * stride, min(unknown.shape[axis], end)


def ramp(span: Span, length: int, margin: int) -> NDArray[np.float32]:
    """Return weights along a window that fall towards its sides, save at the picture's ends.

    Parameters
    ----------
    span : Span
        The window along one axis.
    length : int, pixels
        Length of the whole axis.
    margin : int, pixels
        Half the width of the ramp.
    """
    size = span.stop - span.start
    steps = (np.arange(size, dtype=np.float32) + 0.5) / (2 * margin)
    rising = np.ones(size, np.float32) if span.start == 0 else steps
    falling = np.ones(size, np.float32) if span.stop == length else steps[::-1]
    weights: NDArray[np.float32] = np.minimum(np.minimum(rising, falling), 1)
    return weights
