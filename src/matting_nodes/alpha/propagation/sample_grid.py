"""The tiles whose pixels share samples: what each holds, how far and how densely it samples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from ...arrays import BACKGROUND, FOREGROUND, UNKNOWN, Trimap
from ...job import Job
from ...solvers.boxes import Slices, corner, union

TILE = 16
"""Side of a tile, in pixels."""
SPACINGS = np.array([0, 1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512])
"""Possible distances between samples, in pixels: few, so that a stroke seldom changes one."""
REACH_FACTOR = 1.5
"""Least reach of a tile, in distances to the nearest tile that holds the region."""
CHUNK_SIZE = 256
"""Tiles that are processed between two checks for a cancel."""
INTERLEAVING = 16
"""Stride, in tiles, at which tiles are ordered within the chunks."""

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


class TileBatch(NamedTuple):
    """Some tiles of a grid, and how each of them samples."""

    corners: Integers
    """(T, 2) first row and column."""
    reaches: Integers
    """(T, 2) how far around the tile background and foreground are sampled, in pixels."""
    spacings: Integers
    """(T, 2) side of the squares of which one pixel each may be a sample, in pixels."""
    stale: Booleans
    """(T,) whether a tile must be sampled again even if none of its samples changed."""

    def to_resample(self, changed: Booleans) -> TileBatch:
        """Return the tiles that are stale or marked as changed, (T,) bool."""
        keep = self.stale | changed
        return TileBatch(
            self.corners[keep], self.reaches[keep], self.spacings[keep], self.stale[keep]
        )

    def chunks(self, job: Job) -> Iterator[tuple[Integers, Integers, Integers]]:
        """Yield corners, reaches and spacings of some tiles at a time, reporting to the job."""
        count = len(self.corners)
        # Each thread gets a run of tiles: interleaved, so that no run has all the slow ones.
        order = np.concatenate([np.arange(i, count, INTERLEAVING) for i in range(INTERLEAVING)])
        for start in range(0, count, CHUNK_SIZE):
            job.step(start, count, "Sampling colors")
            chunk = order[start : start + CHUNK_SIZE]
            yield self.corners[chunk], self.reaches[chunk], self.spacings[chunk]


class SampleGrid:
    """What each tile of a picture holds, and how far around it and how densely it samples.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the picture.
    min_reach : float, pixels
        The least reach of a tile.
    target_count : int
        About how many samples of a region a tile has if the region has as many pixels within
        reach; at most twice as many.

    Attributes
    ----------
    counts : (3, h, w) int64
        Background, foreground and unknown pixels of each tile.
    """

    def __init__(self, shape: tuple[int, int], min_reach: float, target_count: int) -> None:
        height, width = (-(-side // TILE) for side in shape)
        self._min_reach, self._target_count = min_reach, target_count
        self.counts = np.zeros((3, height, width), np.int64)
        self._reaches = self._spacings = np.zeros((2, height, width), np.int64)

    def affected_tiles(self, labels: Trimap, region: Slices, before: Trimap) -> TileBatch:
        """Return the tiles with unknown pixels that have a changed pixel within reach.

        Parameters
        ----------
        labels : (H, W) uint8, {0, 128, 255}
            The labels of the picture as they are now.
        region : Slices
            Whole tiles; all others are unchanged.
        before : (h, w) uint8
            The previous labels of the region.
        """
        changes = np.zeros(self.counts.shape[1:], np.int64)
        _count_labels(labels, before, *corner(region), self.counts, changes)
        reaches_before = self._reaches
        self._reaches = self._compute_reaches()
        changed = (reaches_before != self._reaches).any(axis=0) | (changes > 0)
        rows, columns = np.nonzero(self.counts[2] > 0)
        farthest = self._reaches.max(axis=0)[rows, columns]
        affected = changed[rows, columns] | (_sum_within(changes, farthest, rows, columns) > 0)
        rows, columns = rows[affected], columns[affected]
        reaches, spacings = self._reaches[:, rows, columns], self._spacings[:, rows, columns]
        wanted = self._wanted_spacings(rows, columns)
        # A tile that had to sample more densely than wanted may now do with the wanted spacing.
        stale = changed[rows, columns] | (spacings != wanted).any(axis=0)
        spacings = np.where(stale, wanted, spacings)
        return TileBatch(TILE * np.stack([rows, columns], axis=1), reaches.T, spacings.T, stale)

    def first_tiles(self, region: Slices) -> TileBatch:
        """Return the tiles of a region with unknown pixels, as the first update samples them.

        Parameters
        ----------
        region : Slices
            Whole tiles of a picture whose `counts` were filled in from elsewhere.
        """
        if not self._reaches.any():
            self._reaches = self._compute_reaches()
        box = tuple(slice(s.start // TILE, -(-s.stop // TILE)) for s in region)
        rows, columns = np.nonzero(self.counts[2][box] > 0)
        rows, columns = rows + box[0].start, columns + box[1].start
        return TileBatch(
            TILE * np.stack([rows, columns], axis=1),
            np.ascontiguousarray(self._reaches[:, rows, columns].T),
            np.ascontiguousarray(self._wanted_spacings(rows, columns).T),
            np.ones(len(rows), bool),
        )

    def _wanted_spacings(self, rows: Integers, columns: Integers) -> Integers:
        """Return the spacings of some tiles that give them about as many samples as aimed at."""
        reaches = self._reaches[:, rows, columns]
        inside = [
            _sum_within(*pair, rows, columns) for pair in zip(self.counts, reaches, strict=False)
        ]
        # n pixels, one sample per square of side s: n / s² samples.
        exact = np.sqrt(inside) / math.sqrt(self._target_count)
        wanted: Integers = SPACINGS[np.searchsorted(SPACINGS, exact, "right") - 1].clip(1)
        return wanted

    def record_spacings(self, tiles: TileBatch) -> None:
        """Remember the spacings at which tiles were sampled in the end."""
        rows, columns = (tiles.corners // TILE).T
        self._spacings[:, rows, columns] = tiles.spacings.T

    def _compute_reaches(self) -> Integers:
        """Return how far each tile samples background and foreground, in pixels."""
        import cv2

        empty = (self.counts[:2] == 0).astype(np.uint8)
        distance = TILE * np.stack([cv2.distanceTransform(side, cv2.DIST_L2, 5) for side in empty])
        reaches: Integers = np.maximum(self._min_reach, REACH_FACTOR * distance).astype(np.int64)
        return reaches


def aligned_to_tiles(region: Slices) -> Slices:
    """Return the smallest box of whole tiles around a box."""
    rows, columns = (slice(s.start // TILE * TILE, -(-s.stop // TILE) * TILE) for s in region)
    return rows, columns


def union_with_tiles(region: Slices, corners: Integers) -> Slices:
    """Return the smallest box around a box and the tiles with these corners, (T, 2).

    Parameters
    ----------
    region : Slices
    corners : (T, 2) int
        First row and column of each tile.
    """
    if len(corners) == 0:
        return region
    (top, left), (below, right) = corners.min(axis=0), corners.max(axis=0) + TILE
    return union(region, (slice(int(top), int(below)), slice(int(left), int(right))))


def label_counts(labels: Trimap) -> Integers:
    """Return how much background, foreground and unknown each tile of some labels has, (3, h, w).

    Parameters
    ----------
    labels : (H, W) uint8, {0, 128, 255}
        Begin at a corner of a tile.
    """
    counts = np.zeros((3, *(-(-side // TILE) for side in labels.shape)), np.int64)
    _count_labels(labels, labels, 0, 0, counts, np.zeros(counts.shape[1:], np.int64))
    return counts


@numba.njit(cache=True, nogil=True)
def _count_labels(labels, before, top, left, counts, changes):
    """Count the labels in each tile of a region, and how many of its pixels changed."""
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
            counts[2, row, column], changes[row, column] = unknown, different


@numba.njit(cache=True, nogil=True)
def _sum_within(counts, reaches, rows, columns):
    """Return for each of some tiles the sum of the counts of the tiles within its reach, pixels."""
    height, width = counts.shape
    # Summed-area table: S(y, x) = Σ counts above and left of (y, x).
    sums = np.zeros((height + 1, width + 1), np.int64)
    for y in range(height):
        row = 0
        for x in range(width):
            row += counts[y, x]
            sums[y + 1, x + 1] = sums[y, x + 1] + row
    result = np.empty(len(rows), np.int64)
    for i in range(len(rows)):
        tiles = -(-reaches[i] // TILE)
        top, left = max(0, rows[i] - tiles), max(0, columns[i] - tiles)
        bottom, right = min(height, rows[i] + tiles + 1), min(width, columns[i] + tiles + 1)
        result[i] = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return result
