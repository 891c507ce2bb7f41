"""A clip in, a clip out: decode, follow, solve, composite and encode, one frame at a time."""

from __future__ import annotations

import os
import time as clock
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Alpha, Image, Trimap, unknown
from ..errors import EmptyRegionError, FileError, ParameterError, SizeMismatchError
from ..job import Job
from .backgrounds import TRANSPARENT, Background
from .carrying import carried
from .keyframes import KeyFrames
from .matting import Matte, Matting, as_image
from .reader import ClipInfo, Reader, exact, is_address
from .threads import prefetched
from .writer import DEEP, FORMATS, PICTURES, Codec, Content, Writer, chosen_codec

MARGIN = 16
"""How far around soft pixels colors are estimated, in pixels."""
WARM_UP = 12
"""Frames that are solved again before a resumed movie goes on: more say nothing new."""


@dataclass(frozen=True)
class ClipTask:
    """What is to be done with a clip.

    Parameters
    ----------
    source : str, path or binary file
        A file, or the address of a camera or a stream.
    target : str
        A movie, a folder for pictures, or an address.
    trimap : (H, W) uint8, optional
        Of the first frame between the in and out points.
    keyframes : KeyFrames or path, optional
        Trimaps of some frames, which are carried both ways; or the folder that holds them. A folder
        that does not exist is made, with the trimap of the first frame.
    background : str or (h, w, 3) array
        "transparent", a color, a picture or a clip, or the path of one.
    content : {"auto", "composite", "cutout", "alpha"}
        auto is a composite if there is a background, else a cutout.
    codec : str
        "auto" leaves it to the target's ending.
    start, stop : float, seconds
        In and out points.
    matting : Matting
        How mattes are made.
    resume, force : bool
        Go on with a target that was cut short; overwrite one.
    """

    source: Any
    target: str
    trimap: Trimap | None = None
    keyframes: KeyFrames | Path | None = None
    background: str | Image = TRANSPARENT
    content: Any = "auto"
    codec: Codec = "auto"
    start: float = 0.0
    stop: float | None = None
    matting: Matting = field(default_factory=Matting)
    resume: bool = False
    force: bool = False


@dataclass
class ClipPlan:
    """A checked task: all that can be refused is, before the first frame is computed."""

    task: ClipTask
    reader: Reader
    content: Content
    codec: str
    keys: KeyFrames

    @property
    def info(self) -> ClipInfo:
        """What the clip says of itself."""
        return self.reader.info

    @property
    def length(self) -> float:
        """Seconds between the in and out points; 0 if the clip does not say how long it is."""
        duration = self.info.duration
        stop = min(duration, self.task.stop) if self.task.stop and duration else self.task.stop
        return max(0.0, (stop or duration) - self.task.start)

    def described(self) -> str:
        """Return in words what would be done."""
        info, task = self.info, self.task
        length = f"{self.length:.2f} s" if self.length else "until it ends"
        keys = ", ".join(f"{float(key):.2f} s" for key in sorted(self.keys.trimaps))
        found = f"trimaps at {keys}" if keys else f"an object found by {task.matting.network}"
        encoder = FORMATS[self.codec].encoder if self.codec in FORMATS else self.codec
        sound = "audio copied" if info.has_audio and self.codec not in PICTURES else "no audio"
        return (
            f"{self.reader.name}: {info.width} × {info.height}, {float(info.rate):.2f} frames a "
            f"second, from {task.start:.2f} s, {length}\n"
            f"{task.matting.method} from {found}\n"
            f"{task.target}: {self.content}, {encoder}, {sound}"
        )


@dataclass
class ClipReport:
    """What was done."""

    frames: int = 0
    """Frames that were written, without those that were there."""
    seconds: float = 0.0
    notices: list[str] = field(default_factory=list)


def plan(task: ClipTask) -> ClipPlan:
    """Check a task.

    Parameters
    ----------
    task : ClipTask

    Raises
    ------
    MattingError
        If the source cannot be read, or parameters and files do not fit together.
    """
    reader = Reader(task.source)
    if task.stop is not None and task.stop <= task.start:
        raise ParameterError(
            f"The out point is {task.stop:g} s, the in point {task.start:g} s",
            "The out point comes later",
            "Swap them",
        )
    content = task.content
    if content == "auto":
        is_clear = isinstance(task.background, str) and task.background == TRANSPARENT
        content = "cutout" if is_clear else "composite"
    codec = chosen_codec(task.target, task.codec, content)
    _check_apart(task)
    keys = KeyFrames()
    if isinstance(task.keyframes, KeyFrames):
        keys = KeyFrames(dict(task.keyframes.trimaps))
    elif task.keyframes is not None and task.keyframes.exists():
        keys = KeyFrames.read(task.keyframes, _first(reader), reader.info)
    if task.trimap is not None:
        keys.trimaps[exact(task.start)] = task.trimap
    size = (reader.info.height, reader.info.width)
    for key, trimap in keys.trimaps.items():
        if trimap.shape != size:
            raise SizeMismatchError(
                f"The trimap at {float(key):.2f} s is {trimap.shape[1]} × {trimap.shape[0]} pixels",
                f"The clip is {size[1]} × {size[0]}",
                "Draw it on a frame of this clip",
            )
        if unknown(trimap).all():
            raise EmptyRegionError(
                f"The trimap at {float(key):.2f} s is unknown everywhere",
                "A trimap says where the object or its background is",
                "Paint some of both, or leave the trimap out to have the object found",
            )
    return ClipPlan(task, reader, content, codec, keys)


def _check_apart(task: ClipTask) -> None:
    """Refuse to write into what is read: it would be gone before it was read."""
    target = Path(task.target)
    for name, used in (("source", task.source), ("background", task.background)):
        if not isinstance(used, str | os.PathLike) or is_address(os.fspath(used)):
            continue
        if Path(used).is_file() and target.is_file() and target.samefile(used):
            raise FileError(
                f"{task.target} is also the {name}",
                "A clip is read while its mattes are written",
                "Choose another target",
            )


def matte_clip(
    task: ClipTask | ClipPlan,
    job: Job | None = None,
    show: Callable[[NDArray[Any]], None] | None = None,
) -> ClipReport:
    """Matte a clip.

    Frames flow through in bounded memory. Whatever ends the work, frames that were done are in the
    target, which plays.

    Parameters
    ----------
    task : ClipTask or ClipPlan
    job : Job, optional
        Reports progress, and stops the work when it is cancelled.
    show : callable(picture), optional
        Is given each frame that is written.

    Raises
    ------
    MattingError
        If something cannot be used, read or written.
    Cancelled
        If the job was cancelled.
    """
    made = task if isinstance(task, ClipPlan) else plan(task)
    job, report = job or Job(), ClipReport()
    began = clock.monotonic()
    with ExitStack() as stack:
        writer = stack.enter_context(_writer(made))
        pictures = closing(prefetched(_pictures(made, writer.done, report.notices), job.check))
        for picture, time in stack.enter_context(pictures):
            writer.write(picture, time)
            report.frames += 1
            report.seconds = clock.monotonic() - began
            if show:
                show(picture)
            _tell(job, made, writer.done, report, float(time))
    return report


def _writer(made: ClipPlan) -> Writer:
    task = made.task
    return Writer(
        task.target,
        made.codec,
        made.content,
        made.reader,
        start=task.start,
        stop=task.stop,
        resume=task.resume,
        force=task.force,
    )


def _tell(job: Job, made: ClipPlan, number: int, report: ClipReport, time: float) -> None:
    speed = report.frames / max(report.seconds, 1e-6)
    text = f"Frame {number}, {speed:.1f} a second"
    if not made.length:
        job.step(0, message=text)
        return
    left = max(0.0, made.length - time) * float(made.info.rate) / max(speed, 1e-6)
    text += f", {int(left) // 60}:{int(left) % 60:02d} left"
    job.step(min(time, made.length), made.length, text)


def _pictures(
    made: ClipPlan, done: int, notices: list[str]
) -> Iterator[tuple[NDArray[Any], Fraction]]:
    """Yield the pictures to write and their times, from a frame on."""
    task, info = made.task, made.info
    background = (
        Background(task.background, info.height, info.width, notices.append)
        if made.content == "composite"
        else None
    )
    start = exact(task.start)
    with closing(prefetched(mattes(made, done))) as found:
        for matte in found:
            if matte.number < done:
                continue
            time = max(Fraction(0), matte.time - start)
            yield picture_of(matte, made.content, made.codec, background, time), time


def picture_of(
    matte: Matte, content: Content, codec: str, background: Background | None, time: Fraction
) -> NDArray[Any]:
    """Return what is written of a frame.

    Parameters
    ----------
    matte : Matte
    content : {"composite", "cutout", "alpha"}
    codec : str
        Says how many bits are stored.
    background : Background, optional
        What comes behind the object of a composite.
    time : Fraction, seconds
        Since the first frame that is written; at least that of the call before.
    """
    deep = codec in DEEP
    if content == "alpha":
        return in_whole_numbers(matte.alpha, deep)
    if content == "cutout":
        return cut_out(matte.picture, matte.alpha, deep)
    assert background is not None
    return composited(matte.picture, matte.alpha, background.at(time))


def mattes(made: ClipPlan, done: int = 0) -> Iterator[Matte]:
    """Yield the mattes of a clip.

    Parameters
    ----------
    made : ClipPlan
    done : int
        Frames that need none; the last of them are yielded nevertheless.
    """
    task, rate = made.task, made.info.rate
    # A live picture does not wait for later frames.
    matting = replace(task.matting, ahead=0) if made.reader.is_live else task.matting
    trimaps = None
    with ExitStack() as stack:
        if _is_carried_back(made):
            trimaps = stack.enter_context(closing(prefetched(_carried(made))))
        for matte in matting.mattes(
            made.reader.frames(task.start, task.stop),
            lambda _index, time: made.keys.at(time, rate),
            trimaps,
            solve_from=max(0, done - WARM_UP),
        ):
            if matte.number == 0:
                _keep_first(made, matte)
            yield matte


def _is_carried_back(made: ClipPlan) -> bool:
    """Return whether a key frame lies after the in point: it counts for frames before it too."""
    later = [k for k in made.keys.trimaps if k > made.task.start + 0.5 / float(made.info.rate)]
    return bool(later) and not made.reader.is_live


def _carried(made: ClipPlan) -> Iterator[tuple[int, Trimap]]:
    """Yield the trimaps of all frames, from a clip that is read for them alone."""
    task, keys = made.task, {}

    def pictures() -> Iterator[NDArray[Any]]:
        for index, frame in enumerate(made.reader.frames(task.start, task.stop)):
            key = made.keys.at(frame.time, made.info.rate)
            if key is not None:
                keys[index] = key
            yield frame.picture

    return carried(pictures(), keys, 0)


def _keep_first(made: ClipPlan, matte: Matte) -> None:
    """Write the first trimap to a sidecar that does not exist yet."""
    folder = made.task.keyframes
    if isinstance(folder, Path) and not folder.exists():
        keys = KeyFrames(dict(made.keys.trimaps) or {matte.time: matte.trimap})
        keys.write(folder, _first(made.reader), made.info)


def _first(reader: Reader) -> NDArray[Any]:
    return next(reader.frames()).picture


def composited(picture: NDArray[Any], alpha: Alpha, behind: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the object of a frame over a background, (H, W, 3) uint8.

    Parameters
    ----------
    picture : (H, W, 3) uint8 or uint16
    alpha : (H, W) float32, 0..1
    behind : (H, W, 3) uint8
    """
    result = behind.copy()
    box, colors = _object_colors(picture, alpha)
    part = alpha[box][..., None]
    # αF + (1 − α)B
    mixed = part * colors + (1 - part) * (behind[box] * np.float32(1 / 255))
    result[box] = in_whole_numbers(mixed, deep=False)
    return result


def cut_out(picture: NDArray[Any], alpha: Alpha, deep: bool) -> NDArray[Any]:
    """Return the object of a frame with straight alpha, (H, W, 4); nothing is black elsewhere.

    Parameters
    ----------
    picture : (H, W, 3) uint8 or uint16
    alpha : (H, W) float32, 0..1
    deep : bool
        uint16 rather than uint8.
    """
    result = np.zeros((*alpha.shape, 4), np.uint16 if deep else np.uint8)
    box, colors = _object_colors(picture, alpha)
    result[box] = in_whole_numbers(np.dstack([colors, alpha[box]]), deep)
    return result


def _object_colors(picture: NDArray[Any], alpha: Alpha) -> tuple[tuple[slice, slice], Image]:
    """Return a box around the object, and its colors there, unmixed where α is soft."""
    from ..foreground.multilevel import multilevel

    box = _box(alpha > 0, 0)
    colors = as_image(picture[box])
    soft = _box((alpha[box] > 0) & (alpha[box] < 1), MARGIN)
    if alpha[box][soft].size:
        part = alpha[box][soft]
        unmixed, _ = multilevel(
            np.ascontiguousarray(colors[soft]),
            np.ascontiguousarray(part),
            device="cpu",
            job=Job(),
        )
        colors[soft] = np.where(part[..., None] < 1, unmixed, colors[soft])
    return box, colors


def _box(marks: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """Return the smallest box around some pixels, with a margin; an empty one if there are none."""
    slices = []
    for axis, length in ((1, marks.shape[0]), (0, marks.shape[1])):
        found = np.flatnonzero(marks.any(axis=axis))
        if not len(found):
            return slice(0, 0), slice(0, 0)
        slices.append(slice(max(0, found[0] - margin), min(length, found[-1] + 1 + margin)))
    return slices[0], slices[1]


def in_whole_numbers(values: NDArray[np.float32], deep: bool) -> NDArray[Any]:
    """Return values in 0..1 as uint8, or as uint16 if `deep`.

    Parameters
    ----------
    values : float32 array
    deep : bool
    """
    top = np.float32(65535 if deep else 255)
    return (values * top + np.float32(0.5)).astype(np.uint16 if deep else np.uint8)
