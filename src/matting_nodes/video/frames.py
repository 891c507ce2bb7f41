"""The frames of a clip by number: sought and decoded when they are asked for."""

from __future__ import annotations

import operator
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError
from .errors import import_av, reading
from .reader import ClipInfo, Reader, upright

CACHE = 256 * 2**20
"""Bytes of the frames that are kept: 380 at 640 × 360, 40 at 1920 × 1080."""


class ClipFrames:
    """A clip as an array (T, H, W, 3) whose frames are decoded when they are asked for.

    Parameters
    ----------
    source : path or binary file
        A clip; streams cannot be sought.
    cache : int, bytes
        How much of it is kept in memory.

    Attributes
    ----------
    times : list of Fraction
        When each frame is shown, in seconds since the first.

    Raises
    ------
    FileError
        If the clip cannot be read, or is a stream.
    """

    ndim = 4

    def __init__(self, source: Any, cache: int = CACHE) -> None:
        self.source, reader = source, Reader(source)
        if reader.is_live:
            raise FileError(
                f"{reader.name} is a stream or a camera",
                "Frames by number are those of a file",
                "Record it first: matting-nodes video",
            )
        self.reader, self._cache_size = reader, cache
        self._pts, self._key_pts, self._time_base = _index(reader)
        self.times = [(pts - self._pts[0]) * self._time_base for pts in self._pts]
        self.dtype = next(reader.frames()).picture.dtype
        self._kept: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._container: Any = None
        self._decoding: Iterator[Any] = iter(())
        self._at = -1
        """Number of the last frame that was decoded."""

    @property
    def info(self) -> ClipInfo:
        """What the clip says of itself."""
        return self.reader.info

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(T, H, W, 3)."""
        return len(self._pts), self.info.height, self.info.width, 3

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return len(self._pts)

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        return np.array(self[:], dtype)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        first, *rest = key if isinstance(key, tuple) else (key,)
        if first is Ellipsis:
            first, rest = slice(None), [Ellipsis, *rest]
        if isinstance(first, SupportsIndex):
            number = operator.index(first)
            if not -len(self) <= number < len(self):
                raise IndexError(f"frame {number} of {len(self)}")
            picture = self._frame(number % len(self))
            return np.asarray(picture[tuple(rest)])
        numbers = np.arange(len(self))[first]
        if not len(numbers):
            return np.zeros((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
        return np.stack([self._frame(int(number))[tuple(rest)] for number in numbers])

    def again(self) -> ClipFrames:
        """Return the same frames, to be read by another thread without waiting for this one."""
        other = object.__new__(ClipFrames)
        other.__dict__.update(self.__dict__)
        other._kept, other._lock = OrderedDict(), threading.Lock()
        other._container, other._decoding, other._at = None, iter(()), -1
        return other

    def _frame(self, number: int) -> NDArray[Any]:
        with self._lock:
            if number not in self._kept:
                self._decode_to(number)
            self._kept.move_to_end(number)
            return self._kept[number]

    def _decode_to(self, number: int) -> None:
        """Decode a frame, and keep it and those on the way to it."""
        target = self._pts[number]
        before = [pts for pts in self._key_pts if pts <= target][-1:]
        # Some files cannot be sought as exactly as they say.
        for sought in (*before, self._pts[0]):
            with reading(self.reader.name):
                if not 0 <= self._at < number or self._pts[self._at] < sought:
                    self._seek(sought)
                for frame in self._decoding:
                    at = int(np.searchsorted(self._pts, frame.pts)) if frame.pts is not None else -1
                    if not 0 <= at < len(self._pts) or self._pts[at] != frame.pts:
                        continue
                    self._at = at
                    self._keep(at, upright(frame, self.info.rotation))
                    if at >= number:
                        break
            if number in self._kept:
                return
            self._at = -1
        raise FileError(
            f"Frame {number} of {self.reader.name} cannot be decoded",
            "The file is truncated or damaged there",
            "Copy or record it again",
        )

    def _seek(self, pts: int) -> None:
        if self._container is None:
            self._container = self.reader.open()
            self._container.streams.video[0].thread_type = "AUTO"
        stream = self._container.streams.video[0]
        self._container.seek(pts, stream=stream)
        self._decoding, self._at = self._container.decode(stream), -1

    def _keep(self, number: int, picture: NDArray[Any]) -> None:
        picture.flags.writeable = False
        self._kept[number] = picture
        self._kept.move_to_end(number)
        while len(self._kept) > max(1, self._cache_size // picture.nbytes):
            self._kept.popitem(last=False)


def _index(reader: Reader) -> tuple[list[int], list[int], Fraction]:
    """Return when each frame is shown, and which of them can be sought, without decoding."""
    av = import_av()
    pts, keys = set[int](), []
    with reader.open() as container:
        stream = container.streams.video[0]
        # A truncated file has the frames that it has.
        with suppress(av.error.FFmpegError):
            for packet in container.demux(stream):
                if packet.pts is None or not packet.size or packet.is_discard:
                    continue
                pts.add(packet.pts)
                if packet.is_keyframe:
                    keys.append(packet.pts)
        if not pts:
            raise FileError(
                f"{reader.name} does not say when its frames are shown",
                "Frames are found by their times",
                "Put it into a container: ffmpeg -i CLIP -c copy clip.mkv",
            )
        return sorted(pts), sorted(keys), Fraction(stream.time_base)
