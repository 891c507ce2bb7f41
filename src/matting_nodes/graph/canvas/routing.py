"""The way of a wire on the canvas: around the nodes that lie between its ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..layout import Place, Rectangle

CLEAR, LANE, LANES = 8.0, 7.0, 5
"""Pixels between a node and the wires that pass it, between two of these; how many there are."""
BENDS = 30.0, 120.0
SAMPLES = np.linspace(0.0, 1.0, 17)[:, None]

Curve = tuple[Place, Place, Place]
"""A cubic Bézier curve without its start: two control points, and the end."""


class Router:
    """Finds ways for wires between nodes.

    Parameters
    ----------
    boxes : iterable of (left, top, width, height)
        The nodes.
    """

    def __init__(self, boxes: Iterable[Rectangle]) -> None:
        sides = np.array(list(boxes), np.float64).reshape(-1, 4)
        sides[:, 2:] += sides[:, :2]
        self._boxes = sides

    def route(self, start: Place, end: Place, number: int = 0) -> list[Curve]:
        """Return the curves that a wire consists of.

        Parameters
        ----------
        start, end : (x, y)
            Its output, and its input.
        number : int
            Which wire it is: neighboring ones keep different distances from a node.
        """
        left, _, right, _ = self._boxes.T
        between = self._boxes[(left < end[0] - 1) & (right > start[0] + 1)]
        plain = curve(start, end)
        if not len(between) or end[0] <= start[0] or not _hits(start, plain, between):
            return [plain]
        places, clear = [start], CLEAR + LANE * (number % LANES)
        for first, last, column in _columns(between):
            height = _free(column, places[-1][1], end[1], clear)
            places += [(max(first, start[0]), height), (min(last, end[0]), height)]
        return [curve(a, b) for a, b in pairwise([*places, end])]


def curve(start: Place, end: Place) -> Curve:
    """Return the curve from a place to another that leaves and arrives level.

    Parameters
    ----------
    start, end : (x, y)
        Where it leads from, and to.
    """
    across, down = end[0] - start[0], abs(end[1] - start[1])
    bend = max(BENDS[0], min(BENDS[1], abs(across) / 2 + down / 6))
    bend = min(bend, across) if across >= 0 else bend  # no loop where there is little room
    return (start[0] + bend, start[1]), (end[0] - bend, end[1]), end


def _hits(start: Place, wire: Curve, boxes: NDArray[np.float64]) -> bool:
    """Return whether a curve passes over a box."""
    t, points = SAMPLES, np.array([start, *wire])
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    x, y = (weights @ points).T[..., None]
    left, top, right, bottom = boxes.T
    return bool(((left < x) & (x < right) & (top < y) & (y < bottom)).any())


def _columns(
    boxes: NDArray[np.float64],
) -> list[tuple[float, float, list[tuple[float, float]]]]:
    """Return boxes from left to right, those together that lie in part above each other.

    Returns
    -------
    list of (left, right, [(top, bottom), …])
    """
    columns: list[tuple[float, float, list[tuple[float, float]]]] = []
    for left, top, right, bottom in boxes[boxes[:, 0].argsort()].tolist():
        if columns and left < columns[-1][1]:
            first, last, spans = columns[-1]
            columns[-1] = first, max(last, right), [*spans, (top, bottom)]
        else:
            columns.append((left, right, [(top, bottom)]))
    return columns


def _free(spans: Sequence[tuple[float, float]], height: float, end: float, clear: float) -> float:
    """Return the height at which a wire passes a column: the least way between two heights."""

    def free(y: float) -> bool:
        return not any(top - CLEAR < y < bottom + CLEAR for top, bottom in spans)

    # Between two nodes that are near each other there is no room for a lane of one's own.
    found = [y for top, bottom in spans for y in (top - clear, bottom + clear) if free(y)]
    found += [y for top, bottom in spans for y in (top - CLEAR, bottom + CLEAR) if free(y)]
    nearest = min(found, key=lambda y: abs(y - height) + abs(y - end))
    return height if free(height) else nearest
