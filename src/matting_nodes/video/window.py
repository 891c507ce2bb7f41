"""Frames of a clip as they are solved: each knows what those before and after it say of its α."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import BACKGROUND, FOREGROUND, Trimap, unknown
from ..job import Job
from ..resizing import size_within
from .flow import LONGEST, Booleans, Floats, Motion, Tracks, fitted_shifts
from .reader import Frame

if TYPE_CHECKING:
    from .triangulation import Known

AHEAD = 32
"""Frames that are known ahead, at most. With 16, flicker was a tenth more."""
PIXELS_AHEAD = 16 * 1280 * 720
"""Pixels that are kept of them, at most."""

Shifts = Floats | None
Integers = NDArray[np.intp]


class Step(NamedTuple):
    """A frame to solve, and what others say of it."""

    number: int
    frame: Frame
    trimap: Trimap
    term: Floats | None = None
    """(2, N): Σ w α̂ and Σ w of other backgrounds, at the unknown pixels."""
    before: Shifts = None
    """How far the object was from its places in the last frame; None at a cut."""


@dataclass
class _Seen:
    """A frame of the window, and how object and background moved to its neighbors."""

    number: int
    frame: Frame
    trimap: Trimap
    band: Integers
    object_before: Shifts = None
    object_after: Shifts = None
    ground_before: Shifts = None
    ground_after: Shifts = None
    plate: Floats | None = None
    """(N, 4) float16, in the band."""
    future: Floats | None = None

    def inside(self, label: int) -> Booleans:
        """Return where the frame shows one thing alone, in the size of the flow."""
        import cv2

        height, width = self.trimap.shape
        height, width = size_within(height, width, LONGEST)
        small = cv2.resize(self.trimap, (width, height), interpolation=cv2.INTER_NEAREST)
        return np.asarray(small == label)


class Window:
    """The frames between the last one that was solved and the last one that is known.

    Parameters
    ----------
    ahead : int
        How many frames are known when one is solved, at most; 0 for a live picture.
    job : Job
        Stops the work when it is cancelled.
    """

    def __init__(self, ahead: int, job: Job) -> None:
        self._ahead, self._job = ahead, job
        self._seen: list[_Seen] = []
        self._last: _Seen | None = None
        self._plate: Known | None = None
        self._sums: Known | None = None

    def add(self, number: int, frame: Frame, trimap: Trimap, flow: Motion | None) -> Iterator[Step]:
        """Add a frame; yield those that can be solved now.

        Parameters
        ----------
        number : int
        frame : Frame
        trimap : (H, W) uint8
        flow : Motion, optional
            From this frame to the last one.
        """
        from .triangulation import plate

        seen = _Seen(number, frame, trimap, np.flatnonzero(unknown(trimap)))
        if self._last is not None and flow is not None and flow.tracks is not None:
            _fit(self._last, seen, flow.tracks)
        self._last = seen
        self._plate = plate(frame.picture, trimap, self._plate, seen.ground_before)
        seen.plate = self._plate.rows(seen.band).astype(np.float16)
        self._seen.append(seen)
        ahead = min(self._ahead, PIXELS_AHEAD // trimap.size)
        if len(self._seen) >= 2 * ahead:
            yield from self._solved(max(1, ahead))

    def rest(self) -> Iterator[Step]:
        """Yield the frames that wait for others, after the last one."""
        yield from self._solved(len(self._seen))

    def _solved(self, count: int) -> Iterator[Step]:
        from .registration import registered_moments
        from .triangulation import add_frame, triangulated

        plates = self._look_back(count)
        for seen in self._seen[:count]:
            self._job.check()
            picture, behind = seen.frame.picture, plates.pop()
            self._sums, seen.object_before = registered_moments(
                picture, behind, self._sums, seen.band, seen.object_before
            )
            sums = self._sums.values
            add_frame(sums, picture, behind, seen.band)
            assert seen.future is not None
            term = triangulated(sums, seen.future)
            yield Step(seen.number, seen.frame, seen.trimap, term, seen.object_before)
        del self._seen[:count]

    def _look_back(self, count: int) -> list[Floats]:
        """Go from the window's end to its start; return the plates of the first frames, reversed.

        What later frames say is kept beside the first ones.
        """
        from .registration import registered_moments
        from .triangulation import add_frame, combined, plate

        sums = later = None
        plates = []
        for index in range(len(self._seen) - 1, -1, -1):
            self._job.check()
            seen = self._seen[index]
            later = plate(seen.frame.picture, seen.trimap, later, seen.ground_after)
            assert seen.plate is not None
            behind = combined(seen.plate.astype(np.float32), later.rows(seen.band))
            sums, seen.object_after = registered_moments(
                seen.frame.picture, behind, sums, seen.band, seen.object_after
            )
            if index < count:
                seen.future = sums.values.copy()
                plates.append(behind)
            add_frame(sums.values, seen.frame.picture, behind, seen.band)
        return plates


def _fit(last: _Seen, seen: _Seen, tracks: Tracks) -> None:
    now, before = tracks.now, tracks.other
    for label, name in ((FOREGROUND, "object"), (BACKGROUND, "ground")):
        setattr(seen, f"{name}_before", fitted_shifts(now, before, seen.inside(label)))
        setattr(last, f"{name}_after", fitted_shifts(before, now, last.inside(label)))
