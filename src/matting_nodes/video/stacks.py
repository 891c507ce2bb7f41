"""Stacks of pictures as movies."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError
from ..job import Job
from .clip import in_whole_numbers
from .frames import ClipFrames
from .reader import FALLBACK_RATE, ClipInfo, Reader
from .writer import DEEP, Content, Writer, chosen_codec


class StackSource(Reader):
    """What a writer asks a clip for, of a stack that was none: its size and rate, no sound."""

    def __init__(self, height: int, width: int, rate: Fraction = FALLBACK_RATE) -> None:
        self.name, self._source = "The stack", ""
        self.info = ClipInfo(height, width, rate, 1 / rate, 0.0, 0, 0, False, False)


def write_stack(
    target: str,
    stack: Any,
    *,
    limits: Sequence[float] | None = None,
    clip: ClipFrames | None = None,
    job: Job | None = None,
) -> None:
    """Write a stack of pictures as a movie, one frame at a time.

    Parameters
    ----------
    target : str
        .mp4, .mov, .mkv or .webm; an existing file is replaced.
    stack : array (T, H, W), (T, H, W, 3) or (T, H, W, 4)
        Grey, colors, or straight colors with alpha; any library's array.
    limits : (low, high), optional
        Which values are black and white; by default 0 and 1, or 0 and what the integers reach.
    clip : ClipFrames, optional
        What it was made from: gives times and sound, if it has as many frames.
    job : Job, optional
        Reports progress, and stops the work when it is cancelled; what was done plays.

    Raises
    ------
    MattingError
        If it is no such stack, or cannot be written.
    """
    job, shape = job or Job(), tuple(stack.shape)
    channels = shape[3] if len(shape) == 4 else 1
    if len(shape) not in (3, 4) or channels not in (1, 3, 4) or not all(shape):
        raise ShapeError(
            f"A movie was to be written of an array of {' × '.join(map(str, shape))}",
            "It has axes time, y, x, and 3 or 4 channels at the end if it is colored",
            "Save one axis of the stack at a time",
        )
    contents: dict[int, Content] = {1: "alpha", 3: "composite", 4: "cutout"}
    content = contents[channels]
    codec = chosen_codec(target, "auto", content)
    if clip is None or clip.shape[:3] != shape[:3]:
        source: Reader = StackSource(*shape[1:3])
        times = [index / source.info.rate for index in range(shape[0])]
    else:
        source, times = clip.reader, clip.times
    with Writer(target, codec, content, source, force=True) as writer:
        for index, time in enumerate(times):
            job.step(index, len(times), f"Frame {index + 1} of {len(times)}")
            picture = np.asarray(stack[index]).reshape(shape[1:] if channels > 1 else shape[1:3])
            writer.write(_whole(picture, limits, codec in DEEP), time)


def _whole(picture: NDArray[Any], limits: Sequence[float] | None, deep: bool) -> NDArray[Any]:
    if picture.dtype == np.uint8 and limits is None and not deep:
        return picture
    top = 1.0 if picture.dtype.kind == "f" else float(np.iinfo(picture.dtype).max)
    low, high = limits or (0.0, top)
    scaled = (picture.astype(np.float32) - np.float32(low)) / np.float32(max(high - low, 1e-12))
    # NaN, which no movie can hold, is black.
    return in_whole_numbers(np.nan_to_num(scaled).clip(0, 1), deep)
