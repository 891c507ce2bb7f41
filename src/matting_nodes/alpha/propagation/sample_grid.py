"""The tiles that share their samples: what each holds, how far around it looks, how densely."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from ...arrays import BACKGROUND, FOREGROUND, UNKNOWN, Trimap
from ...job import Job
from ...solvers.boxes import Region, corner, joined

TILE = 16
"""Side of a tile, in pixels."""
STEPS = np.array([0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512])
"""How far samples are apart: few distances, so that a stroke seldom changes them."""
REACH = 1.5
"""How far a tile looks at least, times how far the nearest tile with the region is."""
BATCH = 256
"""Tiles between two looks at the job."""
DEALT = 16
"""Neighbors among the tiles are worked on in so many runs."""

Integers = NDArray[np.int64]
Marks = NDArray[np.bool_]


class Batch(NamedTuple):
    """Tiles to be worked on."""

    corners: Integers
    """(T, 2) row and column."""
    reaches: Integers
    """(T, 2) how far around each background and foreground are sampled, in pixels."""
    steps: Integers
    """(T, 2) a pixel in so many rows and columns may be a sample."""
    anew: Marks
    """(T,) whether they have to be, whatever the samples are."""

    def where(self, changed: Marks) -> Batch:
        """Return those that have to be worked on, and those that changed."""
        keep = self.anew | changed
        return Batch(self.corners[keep], self.reaches[keep], self.steps[keep], self.anew[keep])

    def batches(self, job: Job) -> Iterator[tuple[Integers, Integers, Integers]]:
        """Yield corners, reaches and steps of some at a time, telling the job."""
        count = len(self.corners)
        # Each thread takes a run of them: dealt out, so that no run has all that take long.
        dealt = np.concatenate([np.arange(first, count, DEALT) for first in range(DEALT)])
        for start in range(0, count, BATCH):
            job.step(start, count, "Sampling colors")
            batch = dealt[start : start + BATCH]
            yield self.corners[batch], self.reaches[batch], self.steps[batch]


class Tiles:
    """What the tiles of a picture hold, and how far around and how densely each one samples.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the picture.
    near : float, pixels
        The least reach.
    least : int
        About so many samples are taken of a region, where it has as many pixels; at most twice.

    Attributes
    ----------
    counts : (3, h, w) int64
        Background, foreground and unknown pixels of each tile.
    """

    def __init__(self, shape: tuple[int, int], near: float, least: int) -> None:
        high, wide = (-(-side // TILE) for side in shape)
        self._near, self._least = near, least
        self.counts = np.zeros((3, high, wide), np.int64)
        self._reaches = self._steps = np.zeros((2, high, wide), np.int64)

    def around(self, labels: Trimap, region: Region, before: Trimap) -> Batch:
        """Return the tiles with unknown pixels from which a change can be seen.

        Parameters
        ----------
        labels : (H, W) uint8, {0, 128, 255}
            The picture's regions now.
        region : Region
            Whole tiles; all others are as they were.
        before : (h, w) uint8
            What was in the region.
        """
        moved = np.zeros(self.counts.shape[1:], np.int64)
        _count(labels, before, *corner(region), self.counts, moved)
        before_reach = self._reaches
        self._reaches = self._reach()
        changed = (before_reach != self._reaches).any(axis=0) | (moved > 0)
        rows, columns = np.nonzero(self.counts[2] > 0)
        farthest = self._reaches.max(axis=0)[rows, columns]
        seen = changed[rows, columns] | (_within(moved, farthest, rows, columns) > 0)
        rows, columns = rows[seen], columns[seen]
        reaches, steps = self._reaches[:, rows, columns], self._steps[:, rows, columns]
        inside = [_within(*pair, rows, columns) for pair in zip(self.counts, reaches, strict=False)]
        dense = np.sqrt(inside) / math.sqrt(self._least)
        wanted = STEPS[np.searchsorted(STEPS, dense, "right") - 1].clip(1)
        # Where a tile has looked closer than it should, what comes may be for all to see.
        anew = changed[rows, columns] | (steps != wanted).any(axis=0)
        steps = np.where(anew, wanted, steps)
        return Batch(TILE * np.stack([rows, columns], axis=1), reaches.T, steps.T, anew)

    def looked(self, tiles: Batch) -> None:
        """Remember with which steps tiles were sampled in the end."""
        rows, columns = (tiles.corners // TILE).T
        self._steps[:, rows, columns] = tiles.steps.T

    def _reach(self) -> Integers:
        """Return how far each tile looks for background and foreground, in pixels."""
        import cv2

        empty = (self.counts[:2] == 0).astype(np.uint8)
        away = TILE * np.stack([cv2.distanceTransform(side, cv2.DIST_L2, 5) for side in empty])
        reach: Integers = np.maximum(self._near, REACH * away).astype(np.int64)
        return reach


def whole_tiles(region: Region) -> Region:
    """Return a region made larger to whole tiles."""
    rows, columns = (slice(s.start // TILE * TILE, -(-s.stop // TILE) * TILE) for s in region)
    return rows, columns


def with_tiles(region: Region, corners: Integers) -> Region:
    """Return the least region that holds a region and tiles."""
    if len(corners) == 0:
        return region
    (top, left), (below, right) = corners.min(axis=0), corners.max(axis=0) + TILE
    return joined(region, (slice(int(top), int(below)), slice(int(left), int(right))))


@numba.njit(cache=True, nogil=True)
def _count(labels, before, top, left, counts, moved):
    """Count what the tiles of a region hold, and how many of their pixels moved."""
    bottom, right = top + before.shape[0], left + before.shape[1]
    for row in range(top // TILE, (bottom - 1) // TILE + 1):
        for column in range(left // TILE, (right - 1) // TILE + 1):
            back = front = unknown = different = 0
            for y in range(row * TILE, min(bottom, (row + 1) * TILE)):
                for x in range(column * TILE, min(right, (column + 1) * TILE)):
                    label = labels[y, x]
                    back += label == BACKGROUND
                    front += label == FOREGROUND
                    unknown += label == UNKNOWN
                    different += label != before[y - top, x - left]
            counts[0, row, column], counts[1, row, column] = back, front
            counts[2, row, column], moved[row, column] = unknown, different


@numba.njit(cache=True, nogil=True)
def _within(counts, reaches, rows, columns):
    """Return for some tiles how many there are in the tiles within their reaches, in pixels."""
    high, wide = counts.shape
    sums = np.zeros((high + 1, wide + 1), np.int64)
    for y in range(high):
        row = 0
        for x in range(wide):
            row += counts[y, x]
            sums[y + 1, x + 1] = sums[y, x + 1] + row
    result = np.empty(len(rows), np.int64)
    for i in range(len(rows)):
        away = -(-reaches[i] // TILE)
        top, left = max(0, rows[i] - away), max(0, columns[i] - away)
        bottom, right = min(high, rows[i] + away + 1), min(wide, columns[i] + away + 1)
        result[i] = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return result
