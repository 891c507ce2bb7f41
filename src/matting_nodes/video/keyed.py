"""Trimaps of a clip some of which are painted: which frames they are carried to, and from where."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import UNKNOWN, Trimap
from ..job import Job
from ..trimap.planes import carry_between
from .carrying import carried

By = Literal["motion", "shape", "both"]


class Span(NamedTuple):
    """Frames that are carried in one go, key frames at its ends included."""

    first: int
    last: int


class Sources(NamedTuple):
    """The key frames on both sides of a frame, each with its checksum; -1 for none."""

    before: int
    before_sum: int
    after: int
    after_sum: int


NONE = -1


@dataclass
class Carrying:
    """What was carried, and from what: so that what is stale is known, and nothing else is redone.

    Parameters
    ----------
    sums : dict of int to int
        Checksums of the trimaps as they were carried, by number of frame. A frame that differs from
        its own was painted over since, and is a key frame.
    sources : dict of int to Sources
        The key frames that each was carried from.
    """

    sums: dict[int, int] = field(default_factory=dict)
    sources: dict[int, Sources] = field(default_factory=dict)

    def is_key(self, number: int, sum_: int, empty: bool) -> bool:
        """Return whether a frame was painted by hand.

        Parameters
        ----------
        number : int
        sum_ : int
            Its `checksum` now.
        empty : bool
            Whether all of it is unknown, as before anybody painted.
        """
        return not empty and self.sums.get(number) != sum_

    def stale(self, keys: Mapping[int, int], count: int) -> list[int]:
        """Return the frames that are not carried from the key frames beside them as they are now.

        Parameters
        ----------
        keys : mapping of int to int
            Checksums of key frames by number.
        count : int
            Number of frames.
        """
        if not keys:
            return []
        sources = sources_of(keys, count)
        return [
            number
            for number in range(count)
            if number not in keys and self.sources.get(number) != sources[number]
        ]

    def remember(self, number: int, sum_: int, sources: Sources) -> None:
        """Note that a frame was carried.

        Parameters
        ----------
        number, sum_ : int
            The frame, and the checksum of its trimap.
        sources : Sources
        """
        self.sums[number], self.sources[number] = sum_, sources

    def outdate(self) -> None:
        """Note that all that was carried is to be carried in another way; it stays no key frame."""
        self.sources.clear()

    def forget(self, number: int) -> None:
        """Note that what was carried to a frame is there no more.

        Parameters
        ----------
        number : int
        """
        self.sums.pop(number, None)
        self.sources.pop(number, None)


def sources_of(keys: Mapping[int, int], count: int) -> list[Sources]:
    """Return the key frames beside every frame of a clip.

    Parameters
    ----------
    keys : mapping of int to int
        Checksums of key frames by number.
    count : int

    Examples
    --------
    >>> sources_of({1: 7}, 3)[2]
    Sources(before=1, before_sum=7, after=-1, after_sum=-1)
    """
    numbers = np.array(sorted(keys), int)
    found = []
    for number in range(count):
        at = int(np.searchsorted(numbers, number, "right"))
        before = int(numbers[at - 1]) if at else NONE
        at = int(np.searchsorted(numbers, number, "left"))
        after = int(numbers[at]) if at < len(numbers) else NONE
        found.append(Sources(before, keys.get(before, NONE), after, keys.get(after, NONE)))
    return found


def spans(stale: Sequence[int], keys: Iterable[int], count: int) -> list[Span]:
    """Return what is to be carried again: from key frame to key frame, around stale frames.

    Parameters
    ----------
    stale : sequence of int
        Numbers of frames, ascending.
    keys : iterable of int
        Numbers of key frames.
    count : int

    Examples
    --------
    >>> spans([3, 4, 12], {0, 5, 10}, 15)
    [Span(first=0, last=5), Span(first=10, last=14)]
    """
    ends = sorted({0, *keys, count - 1})
    wanted = [Span(a, b) for a, b in pairwise(ends)] or [Span(0, 0)]
    inside = np.array(stale, int)
    return [s for s in wanted if ((inside >= s.first) & (inside <= s.last)).any()]


def carried_in(
    pictures: Any,
    keys: Mapping[int, Trimap],
    span: Span,
    job: Job | None = None,
    by: By = "motion",
) -> Iterator[tuple[int, Trimap]]:
    """Yield the trimaps of the frames of a span that are no key frames.

    Parameters
    ----------
    pictures : sequence of (H, W, 3) uint8 or uint16
        All frames of the clip, by number.
    keys : mapping of int to (H, W) uint8
        Trimaps by number of frame.
    span : Span
        One that `spans` returned.
    job : Job, optional
        Reports progress, and stops the work when it is cancelled.
    by : {"motion", "shape", "both"}
        motion follows the optical flow of the pictures; shape interpolates the trimaps' outlines,
        as between the planes of a solid (`trimap.planes.carry_between`); both keeps what the two
        agree on, and the rest is unknown.
    """
    inside = {n - span.first: t for n, t in keys.items() if span.first <= n <= span.last}
    numbers = range(span.first, span.last + 1)
    shapes = None if by == "motion" else carry_between(inside, len(numbers), job=job).trimaps
    if shapes is not None and by == "shape":
        yield from ((span.first + n, t) for n, t in enumerate(shapes) if n not in inside)
        return
    for index, trimap in carried((pictures[n] for n in numbers), inside, len(numbers), job):
        if index in inside:
            continue
        if shapes is not None:
            trimap = np.where(shapes[index] == trimap, trimap, UNKNOWN).astype(np.uint8)
        yield span.first + index, trimap


def checksum(labels: NDArray[Any]) -> int:
    """Return the checksum of a frame's labels.

    Parameters
    ----------
    labels : (H, W) integer array
    """
    return zlib.crc32(np.ascontiguousarray(labels).data)
