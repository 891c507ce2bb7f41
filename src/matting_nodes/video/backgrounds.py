"""What lies behind the object of a clip: a color, a picture, or another clip."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import Image, Kind, as_image
from ..compositing.backgrounds import fitted
from ..errors import FileError, ParameterError
from ..framework.parameters import parse_color
from ..io.decoding import READABLE
from ..io.images import read
from .matting import as_image as as_floats
from .reader import Frame, Reader

TRANSPARENT = "transparent"


class Background:
    """What lies behind each frame, at the frames' size.

    Parameters
    ----------
    given : str or (h, w, 3) array
        A color, the path of a picture or of a clip, or a picture itself. A clip that is shorter
        begins again.
    height, width : int, pixels
    announce : callable(text)
        Told when a clip begins again.

    Raises
    ------
    MattingError
        If it is none of these.
    """

    def __init__(
        self,
        given: str | Image,
        height: int,
        width: int,
        announce: Callable[[str], None],
    ) -> None:
        self._size, self._announce = (height, width), announce
        self._frames: Iterator[tuple[Fraction, NDArray[np.uint8]]] | None = None
        self._next: tuple[Fraction, NDArray[np.uint8]] | None = None
        if not isinstance(given, str):
            self._shown = self._fitted(given)
        elif Path(given).suffix.lower() in READABLE and Path(given).is_file():
            self._shown = self._fitted(as_image(read(given, Kind.IMAGE)))
        elif Path(given).is_file():
            self._reader = Reader(given)
            self._frames = self._endless()
            _, self._shown = next(self._frames)
            self._next = next(self._frames)
        else:
            self._shown = self._fitted(np.array(_color(given), np.float32).reshape(1, 1, 3))

    def at(self, time: Fraction) -> NDArray[np.uint8]:
        """Return what lies behind a frame, (H, W, 3) uint8; not to be written to.

        Parameters
        ----------
        time : Fraction, seconds
            At least that of the call before.
        """
        while self._frames and self._next and self._next[0] <= time:
            self._shown = self._next[1]
            self._next = next(self._frames)
        return self._shown

    def _endless(self) -> Iterator[tuple[Fraction, NDArray[np.uint8]]]:
        begin = Fraction(0)
        for number in itertools.count():
            last: Frame | None = None
            if number == 1:
                self._announce("The background clip is shorter than the clip: it begins again")
            for last in self._reader.frames():
                yield begin + last.time, self._fitted(as_floats(last.picture))
            assert last is not None
            begin += last.time + 1 / self._reader.info.rate

    def _fitted(self, picture: Image) -> NDArray[np.uint8]:
        return np.rint(255 * fitted(picture, *self._size, "fill")).astype(np.uint8)


def _color(text: str) -> tuple[float, ...]:
    try:
        color = parse_color(text)
    except ValueError as error:
        if Path(text).suffix or "/" in text:
            raise FileError(
                f"{text} is not there",
                "A background is a color, a picture or a clip",
                "Check the path",
            ) from error
        color = None
    if color is None:
        raise ParameterError(
            f"background is {text!r}",
            "It is a color such as white or #00ff00, a picture, or a clip",
            "Choose one of these; leave it out for transparency",
        )
    return color
