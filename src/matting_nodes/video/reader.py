"""Frames of files, cameras and streams, one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError, ParameterError
from .errors import import_av, reading

OPENING, WAITING = 10.0, 10.0
"""Seconds that a stream may take to open, and to send the next frame."""
EARLY_END = 1.0
"""Seconds before its stated end at which a file counts as truncated."""
FALLBACK_RATE = Fraction(25)


class Frame(NamedTuple):
    """A frame of a clip."""

    picture: NDArray[Any]
    """(H, W, 3) uint8, or uint16 if the clip has more than 8 bits; upright."""
    time: Fraction
    """Seconds since the clip's first frame."""


@dataclass(frozen=True)
class ClipInfo:
    """What a clip says of itself; 0 where it does not."""

    height: int
    width: int
    rate: Fraction
    """Mean number of frames a second."""
    time_base: Fraction
    duration: float
    frames: int
    rotation: int
    """Degrees by which decoded frames are turned counterclockwise, a multiple of 90."""
    has_audio: bool
    is_live: bool


def is_address(name: str) -> bool:
    """Return whether a clip is a stream or a camera rather than a file.

    Examples
    --------
    >>> is_address("rtsp://camera/1"), is_address("/dev/video0"), is_address("clip.mp4")
    (True, True, False)
    """
    return "://" in name or name.startswith("/dev/video")


def exact(seconds: float) -> Fraction:
    """Return a time that was given in decimals.

    Examples
    --------
    >>> exact(0.4)
    Fraction(2, 5)
    """
    return Fraction(seconds).limit_denominator(10**6)


class Reader:
    """A clip that is read from its beginning, once or several times.

    Parameters
    ----------
    source : path, str or binary file
        A file; or the address of a camera (/dev/video0) or a stream (rtsp, hls, mpegts).

    Attributes
    ----------
    name : str
        What it is called in messages.
    info : ClipInfo

    Raises
    ------
    FileError
        If there is none, it holds no video, or no frame of it can be decoded.
    """

    def __init__(self, source: str | os.PathLike[str] | Any) -> None:
        is_path = isinstance(source, str | os.PathLike)
        # Several may be open at once: a binary file is kept as bytes.
        self._source: Any = os.fspath(source) if is_path else _bytes(source)
        self.name: str = str(self._source) if is_path else "The clip"
        self.info = self._look()

    @property
    def is_live(self) -> bool:
        """Whether frames come as they are made, and only once."""
        return isinstance(self._source, str) and is_address(self._source)

    def open(self) -> Any:
        """Return PyAV's container of the clip, opened anew."""
        av = import_av()
        if isinstance(self._source, str):
            if not self.is_live and Path(self._source).is_dir():
                raise FileError(f"{self.name} is a folder", "A clip is one file", "Name a file")
            if not self.is_live and Path(self._source).is_file():
                _check_not_empty(Path(self._source))
        camera = "v4l2" if str(self.name).startswith("/dev/video") else None
        limits = (OPENING, WAITING) if self.is_live else None
        options = {"rtsp_transport": "tcp"} if str(self.name).startswith("rtsp") else {}
        with reading(self.name):
            file = self._source if isinstance(self._source, str) else BytesIO(self._source)
            return av.open(file, format=camera, timeout=limits, options=options)

    def frames(self, start: float = 0, stop: float | None = None) -> Iterator[Frame]:
        """Yield the frames between two times.

        Parameters
        ----------
        start, stop : float, seconds
            In and out points, counted from the clip's first frame; `stop` is exclusive.

        Raises
        ------
        FileError
            If a stream breaks off, or a file ends before its stated end: after its last frame.
        ParameterError
            If the clip ends before `start`.
        """
        last = None
        # 0.4 is a little more than two fifths.
        first, end = exact(start), None if stop is None else exact(stop)
        for frame in self._decoded(start):
            if end is not None and frame.time >= end:
                return
            if frame.time >= first:
                last = frame
                yield frame
        if last is None:
            raise ParameterError(
                f"The in point is {start:g} s",
                f"{self.name} lasts {self.info.duration:.2f} s",
                "Choose an earlier one",
            )
        missing = self.info.duration - float(last.time + 1 / self.info.rate)
        if not self.is_live and missing > EARLY_END:
            raise FileError(
                f"{self.name} ends after {float(last.time):.2f} of {self.info.duration:.2f} s",
                "The file is truncated or damaged; all frames before were done",
                "Copy or record it again for the rest",
            )

    def _decoded(self, start: float) -> Iterator[Frame]:
        """Yield frames from the last one that can be sought before `start`."""
        info = self.info
        with self.open() as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            first = stream.start_time or 0
            if start > 0 and not self.is_live:
                container.seek(first + int(start / stream.time_base), stream=stream)
            number, first_pts = 0, None if self.is_live else first
            with reading(self.name):
                for frame in container.decode(stream):
                    pts = frame.pts
                    if pts is None:  # such as in raw streams
                        pts = round(number / info.rate / stream.time_base)
                    if first_pts is None:
                        first_pts = pts
                    number += 1
                    yield Frame(upright(frame, info.rotation), (pts - first_pts) * stream.time_base)

    def _look(self) -> ClipInfo:
        with self.open() as container:
            if not container.streams.video:
                raise FileError(
                    f"{self.name} holds no video",
                    "A clip has at least one video stream",
                    "Choose another file",
                )
            stream = container.streams.video[0]
            with reading(self.name):
                frame = next(container.decode(stream), None)
            if frame is None:
                raise FileError(
                    f"{self.name} holds no frame that can be decoded",
                    "A clip has at least one",
                    "The file may be truncated: copy or record it again",
                )
            duration = float(stream.duration * stream.time_base) if stream.duration else 0.0
            if not duration and container.duration:
                duration = container.duration / 1e6
            rate = stream.average_rate or stream.guessed_rate or FALLBACK_RATE
            turned = round(frame.rotation / 90) * 90 % 360
            height, width = frame.height, frame.width
            if turned in (90, 270):
                height, width = width, height
            return ClipInfo(
                height=height,
                width=width,
                rate=Fraction(rate),
                time_base=Fraction(stream.time_base),
                duration=duration,
                frames=stream.frames or round(duration * rate),
                rotation=turned,
                has_audio=bool(container.streams.audio),
                is_live=self.is_live,
            )


def _bytes(file: Any) -> bytes:
    file.seek(0)
    return bytes(file.read())


def _check_not_empty(path: Path) -> None:
    with suppress(OSError):
        if path.stat().st_size == 0:
            raise FileError(f"{path} is empty", "A clip has at least one frame", "Copy it again")


def upright(frame: Any, rotation: int) -> NDArray[Any]:
    """Return the picture of a decoded frame, (H, W, 3) uint8, or uint16 if it has more than 8 bits.

    Parameters
    ----------
    frame : av.VideoFrame
    rotation : int, degrees
        Counterclockwise, a multiple of 90.
    """
    deep = max(component.bits for component in frame.format.components) > 8
    picture = frame.to_ndarray(format="rgb48le" if deep else "rgb24")
    if rotation:
        picture = np.ascontiguousarray(np.rot90(picture, rotation // 90))
    return np.asarray(picture)
