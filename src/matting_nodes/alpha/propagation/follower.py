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
from ...framework.run import Frames, check, complete_parameters, measure, provenance
from ...framework.spec import NodeSpec
from ...job import Job
from ...solvers.boxes import Slices, whole
from .refined_session import RefinedSession
from .session import MattingSession

Session = MattingSession | RefinedSession
SESSIONS: dict[tuple[str, str], type[Session]] = {
    ("alpha_matte", "sampled_propagation"): MattingSession,
    ("alpha_matte", "refined_propagation"): RefinedSession,
}
"""The methods that can follow a trimap, and their sessions."""


@dataclass(frozen=True)
class Patch:
    """New values of a box of a frame."""

    frame: int
    region: Slices
    values: NDArray[Any]


class Follower:
    """Maps a node over frames whose trimaps are being painted, and solves only what has changed.

    In a stack only the painted frames are solved again, and in the frame that is being painted
    only what the stroke can change. It needs the memory of one session, and may be used by one
    thread at a time.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    parameters : mapping
        "method" and the method's parameters, for which `can_follow` is true.

    Examples
    --------
    >>> from matting_nodes import alpha_matte, sample_data
    >>> image, trimap = sample_data.lemur(), sample_data.lemur_trimap()
    >>> follower = Follower(alpha_matte, {})
    >>> follower.follow({"image": [image], "trimap": [trimap]})
    >>> whole, = follower.pop_patches()
    >>> trimap[89:95, 321:327] = 255
    >>> follower.follow({"image": [image], "trimap": [trimap]})
    >>> patch, = follower.pop_patches()
    >>> patch.values.size < whole.values.size
    True
    """

    def __init__(self, spec: NodeSpec, parameters: Mapping[str, Any]) -> None:
        self._spec, self._parameters = spec, complete_parameters(spec, parameters)
        self._session_type = SESSIONS[spec.name, self._parameters["method"]]
        self._session: tuple[int, Session] | None = None
        self._trimaps: dict[int, Trimap] = {}
        self._patches: list[Patch] = []
        self._empty = EmptyFrames(spec, 1)
        self._ranges: dict[str, ValueRange | None] = {}
        self._applied = self._ranges
        self.provenance: Mapping[str, Any] = {}

    @staticmethod
    def can_follow(spec: NodeSpec, parameters: Mapping[str, Any]) -> bool:
        """Return whether a node can follow trimaps with these parameters: some methods, on the CPU.

        Parameters
        ----------
        spec : NodeSpec
            The node.
        parameters : mapping
            "method" and the method's parameters; defaults for what is missing.
        """
        complete = complete_parameters(spec, parameters)
        on_cpu = complete.get("device", "auto") in ("auto", "cpu")
        return on_cpu and (spec.name, complete.get("method")) in SESSIONS

    def follow(
        self,
        inputs: Mapping[str, Frames | None],
        job: Job | None = None,
        *,
        settle: bool = True,
    ) -> None:
        """Bring every frame up to date with its trimap; `pop_patches` returns what is new.

        Parameters
        ----------
        inputs : mapping of Frames
            As for `map_frames`. All but the trimaps must be the same in every call.
        job : Job, optional
            Reports progress, and stops the work when it is cancelled.
        settle : bool
            Whether to bring all of a painted frame up to date, or only what is near the strokes;
            then `settle` has to be called in the end.

        Raises
        ------
        MattingError
            For a frame that cannot be used, naming it.
        Cancelled
            If the job was cancelled. Finished frames are kept, the next call does the rest.
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
                self._follow_frame(index, inputs, part, settle)
        self._empty.refuse_if_all()
        self.provenance = provenance(self._spec, self._parameters, job, self._applied)

    @property
    def settled(self) -> bool:
        """Whether all frames are up to date everywhere."""
        return self._session is None or self._session[1].settled

    def settle(self, job: Job | None = None) -> None:
        """Bring the painted frame up to date everywhere; `pop_patches` returns what is new.

        Parameters
        ----------
        job : Job, optional
            Reports progress, and stops the work when it is cancelled.

        Raises
        ------
        Cancelled
            If the job was cancelled; the frame is left unchanged.
        """
        if self._session is not None and not self.settled:
            index, session = self._session
            # The frame's last trimap may have been noted as empty: its patch stays as it is.
            with self._empty.noting(index):
                region = session.settle(job)
                self._patches.append(Patch(index, region, session.alpha[region].copy()))

    @property
    def remarks(self) -> list[str]:
        """What a user should know about frames that show no object, or nothing else."""
        return self._empty.remarks

    def pop_patches(self) -> list[Patch]:
        """Return the patches that are new since the last call, oldest first."""
        patches, self._patches = self._patches, []
        return patches

    def _follow_frame(
        self, index: int, inputs: Mapping[str, Frames | None], job: Job, settle: bool
    ) -> None:
        job.check()
        trimap = as_trimap(frame({"trimap": inputs["trimap"]}, index)["trimap"]).copy()
        if index in self._trimaps and np.array_equal(trimap, self._trimaps[index]):
            return
        inputs_here, patch = frame(inputs, index), None
        with self._empty.noting(index):
            patch = self._solved(index, inputs_here["image"], trimap, job, settle)
        if patch is None:
            alpha = self._empty.result(index, inputs_here, self._parameters).values["alpha"]
            patch = Patch(index, whole(trimap.shape), alpha)
        self._trimaps[index] = trimap
        self._patches.append(patch)

    def _solved(self, index: int, image: Any, trimap: Trimap, job: Job, settle: bool) -> Patch:
        if self._session and self._session[0] == index:
            session = self._session[1]
            region = session.update(trimap, job=job, settle=settle)
        else:
            self.settle(job)
            self._session = None  # Two would need twice the memory.
            pixels = as_pixels(image, any_channels=True)
            one = {"image": [image]}
            self._applied = self._ranges or measure(self._spec, one, self._parameters)
            picture = normalized(pixels, self._applied["image"], "image")
            # Picture and numbers are those that the node would be given.
            given = {name: self._parameters[name] for name in self._session_type.OPTIONS}
            session = self._session_type.begin(picture, trimap, job, normalization="none", **given)
            region = whole(trimap.shape)
            self._session = index, session
        # A copy, since the next update changes the session's own.
        return Patch(index, region, session.alpha[region].copy())
