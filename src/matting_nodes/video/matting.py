"""From frames to mattes: the trimap follows the object, and each matte knows the last ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..alpha._checks import full_contrast
from ..arrays import BACKGROUND, FOREGROUND, Alpha, Image, Trimap
from ..errors import EmptyRegionError, MattingError
from ..framework.run import run
from ..job import Job
from ..models import weights
from ..models.catalog import MODELS
from ..nodes._cutout import GRABCUT, NETWORKS, cutout_trimap
from ..nodes.alpha_matte import alpha_matte
from ..resizing import size_within
from .carrying import Carrier
from .flow import LONGEST, Floats, Motion, enlarged, grey, motion, places
from .reader import Frame
from .threads import prefetched
from .window import AHEAD, Step, Window

SAMPLED_PROPAGATION = "sampled_propagation"

TrimapAt = Callable[[int, Fraction], Trimap | None]


class Matte(NamedTuple):
    """A frame and its matte."""

    number: int
    """Of the frame, from 0."""
    picture: NDArray[Any]
    """(H, W, 3) uint8 or uint16."""
    time: Fraction
    alpha: Alpha
    trimap: Trimap


@dataclass(frozen=True)
class Matting:
    """How mattes are made.

    Parameters
    ----------
    method : str
        A method of Alpha Matte. Sampled propagation takes earlier frames into account, the others
        solve each frame by itself.
    parameters : mapping
        The method's own.
    network : str
        What finds the object in the first frame if it has no trimap: as for `cutout`.
    segment_every : int
        Find it again after so many frames; 0 is never. The trimap follows it in between.
    device : str
    ahead : int
        Frames that sampled propagation knows ahead of the one it solves, at most; 0 for a live
        picture, which then does not wait.
    """

    method: str = SAMPLED_PROPAGATION
    parameters: Mapping[str, Any] = field(default_factory=dict)
    network: str = "auto"
    segment_every: int = 0
    device: str = "auto"
    ahead: int = AHEAD

    def mattes(
        self,
        frames: Iterable[Frame],
        key_at: TrimapAt,
        trimaps: Iterator[tuple[int, Trimap]] | None = None,
        *,
        solve_from: int = 0,
        job: Job | None = None,
    ) -> Iterator[Matte]:
        """Yield the matte of every frame.

        Parameters
        ----------
        frames : iterable of Frame
            Read once.
        key_at : callable(index, time)
            Returns the trimap of a key frame, None for others.
        trimaps : iterator of (index, trimap), optional
            The trimaps of all frames, if they are known beforehand.
        solve_from : int
            The first frame whose matte is needed: before it, trimaps are only carried.
        job : Job, optional
            Stops the work when it is cancelled.

        Raises
        ------
        MattingError
            For a frame that cannot be used, naming it.
        """
        job = job or Job()
        follower, past = _TrimapFollower(self, key_at, trimaps, job), None
        steps = self._steps(frames, follower, solve_from, job)
        with closing(prefetched(steps, job.check)) as known:
            for step in known:
                if past is not None:
                    past = past.moved(*_places(step)) if step.before is not None else None
                alpha, past = self._alpha(step.frame, step.trimap, past, step.term, job)
                yield Matte(step.number, step.frame.picture, step.frame.time, alpha, step.trimap)

    @property
    def _knows_others(self) -> bool:
        return self.method == SAMPLED_PROPAGATION and self.device in ("auto", "cpu")

    def _steps(
        self, frames: Iterable[Frame], follower: _TrimapFollower, solve_from: int, job: Job
    ) -> Iterator[Step]:
        """Yield the frames to solve, with what is known of them."""
        window = Window(self.ahead, job)
        with closing(prefetched(with_flow(frames))) as moving:
            try:
                for index, frame, flow in moving:
                    job.check()
                    trimap = follower.step(index, frame, flow)
                    if index < solve_from:
                        continue
                    if self._knows_others:
                        yield from window.add(index, frame, trimap, flow)
                    else:
                        yield Step(index, frame, trimap)
            except MattingError:
                # A clip that breaks off gives what there is.
                yield from window.rest()
                raise
        yield from window.rest()

    def _alpha(
        self, frame: Frame, trimap: Trimap, past: Any, term: Floats | None, job: Job
    ) -> tuple[Alpha, Any]:
        for missing, side in ((0.0, FOREGROUND), (1.0, BACKGROUND)):
            if not (trimap == side).any():
                # The object has left the view, or fills it.
                return np.full(trimap.shape, missing, np.float32), None
        if self._knows_others:
            from ..alpha.propagation.clip import propagated_on

            return propagated_on(full_contrast(as_image(frame.picture)), trimap, past, job, term)
        inputs = {"image": frame.picture, "trimap": trimap}
        parameters = {"method": self.method, "device": self.device, **self.parameters}
        return run(alpha_matte, inputs, parameters, job).values["alpha"], None

    def trimap_of(self, picture: NDArray[Any], job: Job) -> Trimap:
        """Return a trimap of the object that is found in a frame.

        Parameters
        ----------
        picture : (H, W, 3) uint8 or uint16
        job : Job
            Stops the work when it is cancelled.

        Raises
        ------
        EmptyRegionError
            If no object is found.
        """
        return cutout_trimap(as_image(picture), network=self.network, device=self.device, job=job)


class _TrimapFollower:
    """The trimap of one frame after the other."""

    def __init__(
        self,
        matting: Matting,
        key_at: TrimapAt,
        trimaps: Iterator[tuple[int, Trimap]] | None,
        job: Job,
    ) -> None:
        self._matting, self._key_at, self._trimaps, self._job = matting, key_at, trimaps, job
        self._carrier: Carrier | None = None

    def step(self, index: int, frame: Frame, flow: Motion | None) -> Trimap:
        if self._trimaps is not None:
            return next(self._trimaps)[1]
        if self._carrier and flow is not None:
            self._carrier.step(flow)
        key = self._key_at(index, frame.time)
        every = self._matting.segment_every
        if key is None and (self._carrier is None or (every and index % every == 0)):
            key = self._found(frame)
        if key is not None:
            self._carrier = Carrier(key)
        assert self._carrier is not None
        return self._carrier.trimap

    def _found(self, frame: Frame) -> Trimap:
        try:
            return self._matting.trimap_of(frame.picture, self._job)
        except EmptyRegionError as error:
            if self._carrier is not None:
                return self._carrier.trimap
            raise EmptyRegionError(
                f"No object is found in the frame at {float(frame.time):.2f} s: {error.found}",
                "A clip needs one trimap, or a frame in which the object can be found",
                "Paint a trimap of a frame (--trimap), or choose a network (--network)",
            ) from error


def _places(step: Step) -> tuple[Floats, Floats]:
    """Return where each pixel of the object was in the last frame."""
    assert step.before is not None
    height, width = step.trimap.shape
    x, y = places(step.before, *size_within(height, width, LONGEST))
    motion = Motion(x, y, np.zeros(x.shape, bool))
    return enlarged(motion, height, width)[:2]


def with_flow(frames: Iterable[Frame]) -> Iterator[tuple[int, Frame, Motion | None]]:
    """Yield frames with their numbers and their motion since the one before.

    Parameters
    ----------
    frames : iterable of Frame
    """
    before = None
    for index, frame in enumerate(frames):
        now = grey(frame.picture)
        yield index, frame, None if before is None else motion(now, before)
        before = now


def as_image(picture: NDArray[Any]) -> Image:
    """Return a frame as float32, 0..1.

    Parameters
    ----------
    picture : (H, W, 3) uint8 or uint16
    """
    return picture.astype(np.float32) * np.float32(1 / np.iinfo(picture.dtype).max)


def is_ready(network: str) -> bool:
    """Return whether a network's weights are on disk; GrabCut needs none."""
    return network in ("auto", GRABCUT) or bool(
        network in NETWORKS and weights.find(MODELS[network])
    )
