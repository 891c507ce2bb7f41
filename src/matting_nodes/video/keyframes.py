"""Key frames beside a clip: a folder of trimaps as PNG, and a JSON that says when each counts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Kind, Trimap
from ..errors import FileError
from ..io.images import read, replacing, write
from ..resizing import resized
from .reader import ClipInfo

NAME = "keyframes.json"
VERSION = 1
THUMBNAIL = 8
"""Side of the grey thumbnail of the first frame by which a clip is recognized, in pixels."""
THUMBNAIL_TOLERANCE = 12
"""Greatest difference of its pixels, of 255: encoding a clip again changes them less."""


@dataclass
class KeyFrames:
    """The key frames of a clip.

    Parameters
    ----------
    trimaps : dict of Fraction to (H, W) uint8
        Trimaps by time, in seconds since the clip's first frame.
    """

    trimaps: dict[Fraction, Trimap] = field(default_factory=dict)

    def at(self, time: Fraction, rate: Fraction) -> Trimap | None:
        """Return the trimap of the frame at a time.

        Parameters
        ----------
        time : Fraction, seconds
        rate : Fraction
            Frames a second: a key frame counts for a frame that is nearer than half of one.
        """
        near = min(self.trimaps, key=lambda key: abs(key - time), default=None)
        return self.trimaps[near] if near is not None and abs(near - time) * rate < 0.5 else None

    def write(self, folder: Path, first: NDArray[Any], info: ClipInfo) -> None:
        """Write the sidecar; trimaps that are there and unchanged stay as they are.

        Parameters
        ----------
        folder : Path
            Made if it is missing.
        first : (H, W, 3) uint8 or uint16
            The clip's first frame.
        info : ClipInfo
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"{folder} cannot be made: {error.strerror}",
                "Key frames are kept in a folder",
                "Choose another place",
            ) from error
        entries = []
        for time, trimap in sorted(self.trimaps.items()):
            name = f"{float(time):010.4f}.png"
            write(folder / name, trimap, Kind.TRIMAP, force=True)
            entries.append({"time": f"{float(time):.4f}", "trimap": name})
        content = {
            "version": VERSION,
            "height": info.height,
            "width": info.width,
            "first_frame": thumbnail(first),
            "keyframes": entries,
        }
        with replacing(folder / NAME) as part:
            part.write_text(json.dumps(content, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path, first: NDArray[Any], info: ClipInfo) -> KeyFrames:
        """Read the sidecar of a clip.

        Parameters
        ----------
        folder : Path
        first : (H, W, 3) uint8 or uint16
            The clip's first frame.
        info : ClipInfo

        Raises
        ------
        FileError
            If it is missing, damaged, or belongs to another clip.
        """
        path = folder / NAME
        try:
            content = json.loads(path.read_text())
            entries = [(Fraction(e["time"]), folder / e["trimap"]) for e in content["keyframes"]]
            size, found = (content["height"], content["width"]), content["first_frame"]
        except FileNotFoundError as error:
            raise FileError(
                f"{path} is not there", "Key frames are a folder with this file", "Check the path"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileError(
                f"{path} cannot be read: {error!r}",
                "It lists key frames as JSON, each with a time and a trimap",
                "Mend it, or begin again without it",
            ) from error
        _check_clip(path, size, found, first, info)
        trimaps = {}
        for time, file in entries:
            trimap = read(file, Kind.TRIMAP)
            if trimap.shape != size:
                raise FileError(
                    f"{file} is {trimap.shape[1]} × {trimap.shape[0]} pixels",
                    f"The clip is {size[1]} × {size[0]}",
                    "Draw it at the clip's size",
                )
            trimaps[time] = trimap
        return cls(trimaps)


def _check_clip(
    path: Path, size: tuple[int, int], found: Any, first: NDArray[Any], info: ClipInfo
) -> None:
    """Refuse a sidecar that was made for another clip.

    Raises
    ------
    FileError
    """
    shown = f"{size[1]} × {size[0]} pixels"
    same = size == (info.height, info.width)
    if same:
        gap = _gaps(found, thumbnail(first))
        same, shown = bool(gap <= THUMBNAIL_TOLERANCE), "another first frame"
    if not same:
        raise FileError(
            f"{path} belongs to a clip with {shown}",
            f"Key frames count for one clip; this one has {info.width} × {info.height} pixels",
            "Give the key frames of this clip, or leave them out",
        )


def thumbnail(picture: NDArray[Any]) -> str:
    """Return a tiny grey version of a frame, row by row, as hexadecimal digits.

    Parameters
    ----------
    picture : (H, W, 3) uint8 or uint16
    """
    scale = 255 / np.iinfo(picture.dtype).max
    grey = picture.mean(axis=2, dtype=np.float32) * np.float32(scale)
    small = resized(grey, THUMBNAIL, THUMBNAIL, "area")
    return str(np.rint(small).astype(np.uint8).tobytes().hex())


def _gaps(found: Any, expected: str) -> int:
    """Return the greatest difference of two thumbnails."""
    try:
        pairs = zip(bytes.fromhex(found), bytes.fromhex(expected), strict=True)
        return max(abs(a - b) for a, b in pairs)
    except (TypeError, ValueError):
        return 255
