"""Live mattes: when a trimap is painted on, only what the stroke can change is solved again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import Trimap, as_pixels, as_trimap
from ...framework.frames import EmptyFrames, check_frames, count_frames, frame, naming
from ...framework.normalization import ValueRange, normalized
from ...framework.run import Frames, check, measure, provenance, settings
from ...framework.spec import NodeSpec
from ...job import Job
from ...solvers.boxes import Region, whole
from .session import MattingSession

SESSIONS = {("alpha_matte", "sampled_propagation"): MattingSession}
"""What follows a trimap, by node and method."""


@dataclass(frozen=True)
class Patch:
    """A part of a frame that is new: rows and columns of the frame of this number."""

    frame: int
    region: Region
    values: NDArray[Any]


class Follower:
    """Maps a node over frames whose trimaps are being painted, and leaves the rest as it was.

    In a stack only the painted frames are solved again, and in the frame that is being painted
    only what the stroke can change. It needs the memory of one session, and may be used by one
    thread at a time.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    parameters : mapping
        "method" and the settings, the same for every run, that `can_follow` is true for.

    Examples
    --------
    >>> from matting_nodes import alpha_matte, sample_data
    >>> image, trimap = sample_data.lemur(), sample_data.lemur_trimap()
    >>> follower = Follower(alpha_matte, {})
    >>> follower.follow({"image": [image], "trimap": [trimap]})
    >>> whole, = follower.take()
    >>> trimap[89:95, 321:327] = 255
    >>> follower.follow({"image": [image], "trimap": [trimap]})
    >>> patch, = follower.take()
    >>> patch.values.size < whole.values.size
    True
    """

    def __init__(self, spec: NodeSpec, parameters: Mapping[str, Any]) -> None:
        self._spec, self._parameters = spec, settings(spec, parameters)
        self._session_type = SESSIONS[spec.name, self._parameters["method"]]
        self._session: tuple[int, MattingSession] | None = None
        self._trimaps: dict[int, Trimap] = {}
        self._patches: list[Patch] = []
        self._empty = EmptyFrames(spec, 1)
        self._ranges: dict[str, ValueRange | None] = {}
        self._applied = self._ranges
        self.provenance: Mapping[str, Any] = {}

    @staticmethod
    def can_follow(spec: NodeSpec, parameters: Mapping[str, Any]) -> bool:
        """Return whether the node with these settings follows: by its method, on the CPU."""
        chosen = settings(spec, parameters)
        on_cpu = chosen.get("device", "auto") in ("auto", "cpu")
        return on_cpu and (spec.name, chosen.get("method")) in SESSIONS

    def follow(self, inputs: Mapping[str, Frames | None], job: Job | None = None) -> None:
        """Bring every frame up to date with its trimap; `take` gives what is new.

        Parameters
        ----------
        inputs : mapping of Frames
            As for `map_frames`. All but the trimaps must be the same in every call.
        job : Job, optional
            Takes progress, and is asked whether to stop.

        Raises
        ------
        MattingError
            For a frame that cannot be used, naming it.
        Cancelled
            If the job was cancelled. What was done by then is kept, the next call does the rest.
        """
        job = replace(job or Job(), notes={})
        count = count_frames(inputs)
        if not self._trimaps:
            if count == 1:
                check(self._spec, frame(inputs, 0), self._parameters)
            ranges, self._empty = check_frames(self._spec, inputs, self._parameters, job)
            self._ranges = dict(ranges or {})
        for index, part in job.each(range(count)):
            with naming(index, count):
                self._follow_frame(index, inputs, part)
        self._empty.refuse_if_all()
        self.provenance = provenance(self._spec, self._parameters, job, self._applied)

    @property
    def remarks(self) -> list[str]:
        """What a user should know of frames that show no object, or nothing else."""
        return self._empty.remarks

    def take(self) -> list[Patch]:
        """Return what is new since this was last asked, oldest first."""
        taken, self._patches = self._patches, []
        return taken

    def _follow_frame(self, index: int, inputs: Mapping[str, Frames | None], job: Job) -> None:
        job.check()
        trimap = as_trimap(frame({"trimap": inputs["trimap"]}, index)["trimap"]).copy()
        if index in self._trimaps and np.array_equal(trimap, self._trimaps[index]):
            return
        inputs_here, patch = frame(inputs, index), None
        with self._empty.noting(index):
            patch = self._solved(index, inputs_here["image"], trimap, job)
        if patch is None:
            alpha = self._empty.result(index, inputs_here, self._parameters).values["alpha"]
            patch = Patch(index, whole(trimap.shape), alpha)
        self._trimaps[index] = trimap
        self._patches.append(patch)

    def _solved(self, index: int, image: Any, trimap: Trimap, job: Job) -> Patch:
        if self._session and self._session[0] == index:
            session = self._session[1]
            region = session.update(trimap, job=job)
        else:
            self._session = None  # Two would take twice the memory.
            pixels = as_pixels(image, any_channels=True)
            one = {"image": [image]}
            self._applied = self._ranges or measure(self._spec, one, self._parameters)
            picture = normalized(pixels, self._applied["image"], "image")
            session = self._session_type.begin(picture, trimap, job, normalization="none")
            region = whole(trimap.shape)
            self._session = index, session
        # The next update changes the session's own.
        return Patch(index, region, session.alpha[region].copy())
