"""Maps a one-frame node over stacks and batches, one frame in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays import FOREGROUND, Kind
from ..errors import EmptyRegionError, MattingError, SizeMismatchError
from ..job import Job
from .run import (
    Frames,
    Ranges,
    Result,
    check,
    complete_parameters,
    is_by_stack,
    measure,
    prepared,
    prepared_prompts,
    provenance,
    run,
)
from .spec import MethodSpec, NodeSpec
from .stack import Stack

# Kinds from which a frame's object can be told: the value of foreground, and their type.
MATTES = {Kind.MASK: 1, Kind.ALPHA: 1, Kind.TRIMAP: FOREGROUND}
DTYPES = {Kind.MASK: np.float32, Kind.ALPHA: np.float32, Kind.TRIMAP: np.uint8}


def count_frames(inputs: Mapping[str, Frames | None]) -> int:
    """Return the number of frames of a batch; an input with one frame is used for all.

    Raises
    ------
    SizeMismatchError
        If two inputs have different numbers of frames, both more than one.
    """
    lengths = {name: len(frames) for name, frames in inputs.items() if frames is not None}
    for name, length in lengths.items():
        if length == 0:
            raise SizeMismatchError(
                f"{name} has no frames", "A batch has at least one", "Give it a picture"
            )
    several = {name: length for name, length in lengths.items() if length != 1}
    if len(set(several.values())) > 1:
        listed = ", ".join(f"{name} has {length}" for name, length in several.items())
        raise SizeMismatchError(
            f"The inputs have different numbers of frames: {listed}",
            "They must have one frame, which then serves all, or the same number",
            "Select the same frames of each",
        )
    return max(lengths.values(), default=1)


def map_frames(
    spec: NodeSpec,
    inputs: Mapping[str, Frames | None],
    parameters: Mapping[str, Any] | None = None,
    job: Job | None = None,
) -> Iterator[Result]:
    """Run a node on every frame of a batch.

    All frames are checked before the first is computed, so that a batch is refused whole
    or not at all.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    inputs : mapping of Frames
        Frames by input name. A single frame is used for all. None is an input that is not wired,
        or in place of a frame's prompt a missing one: such a frame has no object, and its mask is
        empty. Methods that follow an object through a stack find it there, too; to them a single
        prompt is one in the first frame.
    parameters : mapping, optional
        As for `run`.
    job : Job, optional
        Reports progress over the batch, and stops the work when it is cancelled.

    Yields
    ------
    Result
        The result of each frame, in order.

    Raises
    ------
    MattingError
        For a frame that cannot be used, naming it. One of several frames that shows no object, or
        nothing but the object, is no error: the remark of its result says so. If all frames are
        like that, the error is raised at the last one.
    """
    job = job or Job()
    parameters = parameters or {}
    count = count_frames(inputs)
    chosen, sees_stack = _chosen(spec, parameters), _sees_stack(spec, parameters)
    if sees_stack:
        inputs = _prompted_in_first(spec, inputs, count)
    ranges, empty = check_frames(spec, inputs, parameters, job)
    stack = Stack(
        count,
        lambda index: prepared(spec, frame(inputs, index), parameters, ranges),
        lambda index: prepared_prompts(spec, frame(inputs, index), chosen.takes if chosen else ()),
    )
    for index, part in job.each(range(count)):
        one, result = frame(inputs, index), None
        # A method that sees all frames knows itself which one an error is about.
        with nullcontext() if sees_stack else naming(index, count), empty.noting(index):
            if not sees_stack:
                check_prompts(spec, one)
            now = replace(stack, index=index) if sees_stack else None
            result = run(spec, one, parameters, part, ranges, now)
        yield result or empty.result(index, one, parameters)
    empty.refuse_if_all()


def check_frames(
    spec: NodeSpec,
    inputs: Mapping[str, Frames | None],
    parameters: Mapping[str, Any],
    job: Job,
) -> tuple[Ranges | None, EmptyFrames]:
    """Check all frames of a batch of several before the first is computed.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    inputs : mapping of Frames
        As for `map_frames`.
    parameters : mapping
        As for `run`.
    job : Job
        Stops the check when it is cancelled.

    Returns
    -------
    ranges : mapping or None
        The range of values if all frames share one.
    empty : EmptyFrames
        The frames that need no solving.

    Raises
    ------
    MattingError
        For a frame that cannot be used, naming it.
    """
    count = count_frames(inputs)
    empty = EmptyFrames(spec, count)
    if count == 1:
        return None, empty
    given = {name: frames for name, frames in inputs.items() if frames is not None}
    ranges = measure(spec, given, parameters) if is_by_stack(spec, parameters) else None
    for index in range(count):
        job.check()
        one = frame(inputs, index)
        with naming(index, count), empty.noting(index):
            if not _sees_stack(spec, parameters):
                check_prompts(spec, one)
            check(spec, one, parameters, ranges)
    empty.refuse_if_all()
    return ranges, empty


def _chosen(spec: NodeSpec, parameters: Mapping[str, Any]) -> MethodSpec | None:
    return spec.chosen(parameters.get("method", "default"))


def _sees_stack(spec: NodeSpec, parameters: Mapping[str, Any]) -> bool:
    chosen = _chosen(spec, parameters)
    return chosen is not None and chosen.sees_stack


def _prompted_in_first(
    spec: NodeSpec, inputs: Mapping[str, Frames | None], count: int
) -> dict[str, Frames | None]:
    """Return the inputs with prompts that were given once in the first frame alone."""
    prompts = {wire.name for wire in spec.inputs if wire.group} | set(spec.groups)
    return {
        name: [frames[0], *[None] * (count - 1)]
        if frames is not None and name in prompts and len(frames) == 1
        else frames
        for name, frames in inputs.items()
    }


class EmptyFrames:
    """The frames of a stack that show no object, or nothing but it: they need no solving.

    Parameters
    ----------
    spec : NodeSpec
        The node that runs on them.
    count : int
        Number of frames of the stack.
    """

    def __init__(self, spec: NodeSpec, count: int) -> None:
        self._spec, self._count = spec, count
        self._only_mattes = all(output.kind in MATTES for output in spec.outputs)
        self._errors: dict[int, EmptyRegionError] = {}

    @contextmanager
    def noting(self, index: int) -> Iterator[None]:
        """Note an error about a missing foreground or background instead of raising it.

        Parameters
        ----------
        index : int
            Number of the frame.
        """
        try:
            yield
            self._errors.pop(index, None)
        except EmptyRegionError as error:
            if self._count == 1 or error.missing is None or not self._only_mattes:
                raise
            self._errors[index] = error

    @property
    def remarks(self) -> list[str]:
        """What a user should know about these frames."""
        return [_remark(index, error) for index, error in sorted(self._errors.items())]

    def refuse_if_all(self) -> None:
        """Refuse a stack whose frames all lack the same side.

        Raises
        ------
        EmptyRegionError
        """
        sides = {error.missing for error in self._errors.values()}
        if len(self._errors) == self._count and len(sides) == 1:
            raise self._errors[0].within(f"Each of the {self._count} frames")

    def result(
        self, index: int, inputs: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> Result:
        """Return the matte of such a frame, 0 or 1 throughout, with a remark that names it.

        Parameters
        ----------
        index : int
            Number of a frame that `noting` has noted.
        inputs : mapping
            The inputs of this frame, by name; one of them is a picture.
        parameters : mapping
            As for `run`, for the provenance.
        """
        error = self._errors[index]
        pictures = (inputs.get(wire.name) for wire in self._spec.inputs if wire.kind.is_picture)
        shape = next(np.shape(picture)[:2] for picture in pictures if picture is not None)
        whole = error.missing == "background"
        values = {
            output.name: np.full(shape, MATTES[output.kind] if whole else 0, DTYPES[output.kind])
            for output in self._spec.outputs
        }
        remark = _remark(index, error)
        record = provenance(self._spec, complete_parameters(self._spec, parameters), Job(), {})
        return Result(values, record | {"remark": remark}, remark=remark)


def _remark(index: int, error: EmptyRegionError) -> str:
    shown = "no object" if error.missing == "foreground" else "nothing but the object"
    return f"Frame {index} shows {shown}: {error.found[:1].lower()}{error.found[1:]}"


def frame(inputs: Mapping[str, Frames | None], index: int) -> dict[str, Any]:
    """Return the inputs of one frame; those with one frame serve all.

    Parameters
    ----------
    inputs : mapping of Frames
        As for `map_frames`.
    index : int
        Number of the frame.
    """
    return {
        name: frames[index if len(frames) > 1 else 0]
        for name, frames in inputs.items()
        if frames is not None
    }


def check_prompts(spec: NodeSpec, values: Mapping[str, Any]) -> None:
    """Check that a frame has a prompt, if prompts were given.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    values : mapping
        The inputs of a frame by name; None for a prompt that other frames have.

    Raises
    ------
    EmptyRegionError
        If other frames have them alone: no object of this one is meant.
    """
    prompts = [wire.name for wire in spec.inputs if wire.group and wire.name in values]
    if prompts and all(values[name] is None for name in prompts):
        raise EmptyRegionError(
            f"There is nothing here of the {' and the '.join(prompts)}",
            "Prompts belong to the frame that they were drawn in",
            "Draw them in the frames whose object is meant",
            missing="foreground",
        )


@contextmanager
def naming(index: int, count: int) -> Iterator[None]:
    """Add the frame's number to a MattingError, if there are several frames.

    Parameters
    ----------
    index : int
        Number of the frame.
    count : int
        Number of frames in all.
    """
    try:
        yield
    except MattingError as error:
        if count == 1:
            raise
        raise error.in_frame(index) from error
