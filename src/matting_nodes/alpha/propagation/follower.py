"""Mattes that follow their trimaps: mapped over frames again, only what changed is solved again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import Trimap, as_trimap
from ...framework.frames import Frames, count_frames, frame, naming
from ...framework.run import check, provenance, settings
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

    Of a stack only the frames that were painted on are solved again, and of the one that is
    being painted only what the stroke can change: memory is that of one session. One thread at
    a time may use it.

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

    def __init__(self, spec: NodeSpec[Any], parameters: Mapping[str, Any]) -> None:
        self._spec, self._parameters = spec, settings(spec, parameters)
        self._session_type = SESSIONS[spec.name, self._parameters["method"]]
        self._session: tuple[int, MattingSession] | None = None
        self._trimaps: dict[int, Trimap] = {}
        self._patches: list[Patch] = []
        self.provenance: Mapping[str, Any] = {}

    @staticmethod
    def can_follow(spec: NodeSpec[Any], parameters: Mapping[str, Any]) -> bool:
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
            self._check(inputs, count, job)
        for index, part in job.each(range(count)):
            with naming(index, count):
                self._follow_frame(index, inputs, part)
        self.provenance = provenance(self._spec, self._parameters, job)

    def take(self) -> list[Patch]:
        """Return what is new since this was last asked, oldest first."""
        taken, self._patches = self._patches, []
        return taken

    def _check(self, inputs: Mapping[str, Frames | None], count: int, job: Job) -> None:
        for index in range(count):
            job.check()
            with naming(index, count):
                check(self._spec, frame(inputs, index), self._parameters)

    def _follow_frame(self, index: int, inputs: Mapping[str, Frames | None], job: Job) -> None:
        job.check()
        trimap = as_trimap(frame({"trimap": inputs["trimap"]}, index)["trimap"]).copy()
        if index in self._trimaps and np.array_equal(trimap, self._trimaps[index]):
            return
        if self._session and self._session[0] == index:
            session = self._session[1]
            region = session.update(trimap, job=job)
        else:
            self._session = None  # Two would take twice the memory.
            session = self._session_type.begin(frame(inputs, index)["image"], trimap, job)
            region = whole(trimap.shape)
            self._session = index, session
        self._trimaps[index] = trimap
        # The next update changes the session's own.
        self._patches.append(Patch(index, region, session.alpha[region].copy()))
