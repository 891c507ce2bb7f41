"""Maps a one-frame node over stacks and batches, one frame in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from ..errors import MattingError, SizeMismatchError
from ..job import Job
from .run import Result, check, run
from .spec import NodeSpec


class Frames(Protocol):
    """Frames that are read when they are asked for: a list, an array, a lazy stack."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


def count_frames(inputs: Mapping[str, Frames | None]) -> int:
    """Return how many frames a batch has; inputs with one frame serve them all.

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
    spec: NodeSpec[Any],
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
        By input name. One frame serves all; None stands for an input that is not wired.
    parameters : mapping, optional
        As for `run`.
    job : Job, optional
        Progress over the batch, and cancel.

    Yields
    ------
    Result
        One a frame, in order.

    Raises
    ------
    MattingError
        For a frame that cannot be used, naming it.
    """
    job = job or Job()
    parameters = parameters or {}
    count = count_frames(inputs)
    if count > 1:
        for index in range(count):
            job.check()
            with naming(index, count):
                check(spec, frame(inputs, index), parameters)
    for index, part in job.each(range(count)):
        with naming(index, count):
            result = run(spec, frame(inputs, index), parameters, part)
        yield result


def frame(inputs: Mapping[str, Frames | None], index: int) -> dict[str, Any]:
    """Return the inputs of one frame; those with one frame serve all."""
    return {
        name: frames[index if len(frames) > 1 else 0]
        for name, frames in inputs.items()
        if frames is not None
    }


@contextmanager
def naming(index: int, count: int) -> Iterator[None]:
    """Add the frame's number to a MattingError, if there are several frames."""
    try:
        yield
    except MattingError as error:
        if count == 1:
            raise
        raise error.in_frame(index) from error
