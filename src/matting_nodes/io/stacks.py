"""Many frames in and out of files: sequences in folders, planes and channels in TIFF."""

from __future__ import annotations

import io as streams
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Kind
from ..errors import FileError, ParameterError, SizeMismatchError
from .decoding import READABLE, decode
from .images import Bits, as_plane, quantized, read, write_whole

# Channels of a color, without and with an alpha.
COLORS = (3, 4)


def pictures_in(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the pictures of a folder in natural order, hidden ones left out.

    Raises
    ------
    FileError
        If there is none.
    """
    folder = Path(folder)
    found = [path for path in folder.iterdir() if path.suffix.lower() in READABLE]
    found = [path for path in found if path.is_file() and not path.name.startswith(".")]
    if not found:
        raise FileError(
            f"{folder} holds no pictures",
            f"They are files of type {', '.join(READABLE)}",
            "Choose another folder",
        )
    return sorted(found, key=lambda path: natural_order(path.name))


def natural_order(name: str) -> tuple[list[str | int], str]:
    """Return a key that sorts names as people count: frame 2 before frame 10.

    Examples
    --------
    >>> sorted(["f10.png", "f2.png", "F1.png"], key=natural_order)
    ['F1.png', 'f2.png', 'f10.png']
    """
    parts = re.split(r"(\d+)", name.casefold())
    # Texts and numbers alternate, so that texts are compared with texts only.
    return [int(part) if n % 2 else part for n, part in enumerate(parts)], name


def read_stack(
    path: str | os.PathLike[str], channel: int = 0, kind: Kind = Kind.IMAGE
) -> list[NDArray[Any]]:
    """Read every frame of a file, or of a folder of pictures.

    Parameters
    ----------
    path : path
        A picture, a TIFF of any number of planes, times and channels, or a folder.
    channel : int
        Channel to read as grey, counted from 1; 0 reads colors.
    kind : Kind
        The kind of value, as for `read`.

    Returns
    -------
    list of (H, W), (H, W, 3) or (H, W, 4) arrays
        In the file's own depth; times before planes, as they are stored.

    Raises
    ------
    FileError
        If a file cannot be read.
    SizeMismatchError
        If the pictures of a folder differ in size or channels.
    ParameterError
        If there is no such channel, or one has to be chosen.
    """
    path = Path(path)
    if path.is_dir():
        frames = [read(picture, kind) for picture in pictures_in(path)]
        _check_alike(path, frames)
    else:
        frames = [as_plane(frame, kind, path) for frame in decode(path, kind)]
    return [_channel_of(frame, channel, path) for frame in frames]


def _check_alike(folder: Path, frames: Sequence[NDArray[Any]]) -> None:
    for picture, frame in zip(pictures_in(folder), frames, strict=True):
        if frame.shape != frames[0].shape:
            raise SizeMismatchError(
                f"{picture} has shape {frame.shape} and the first picture {frames[0].shape}",
                "The pictures of a sequence have one size and one number of channels",
                "Put the others into a folder of their own",
            )


def _channel_of(frame: NDArray[Any], channel: int, path: Path) -> NDArray[Any]:
    count = frame.shape[2] if frame.ndim == 3 else 1
    if channel == 0 and count in (1, *COLORS):
        return frame
    if not 1 <= channel <= count:
        raise ParameterError(
            f"{path.name} has {count} channels, and the chosen one is {channel or 'none'}",
            f"One from 1 to {count} is taken as grey",
            "Choose it",
        )
    return frame if frame.ndim == 2 else frame[..., channel - 1]


def write_stack(
    path: str | os.PathLike[str], frames: Sequence[NDArray[Any]], *, bits: Bits = 32
) -> Path:
    """Write frames as the planes of one TIFF, whole or not at all.

    Parameters
    ----------
    path : path
        Ends in .tif.
    frames : sequence of (H, W), (H, W, 3) or (H, W, 4) arrays
        Float in 0..1.
    bits : {8, 16, 32}
        Bits per channel.

    Raises
    ------
    FileError
        If the file cannot be written; nothing is left of it then.
    """
    import tifffile

    stream = streams.BytesIO()
    array = np.stack([quantized(frame, bits) for frame in frames])
    tifffile.imwrite(
        stream,
        array,
        photometric="rgb" if array.ndim == 4 else "minisblack",
        extrasamples=["unassalpha"] if array.shape[3:] == (4,) else None,
        compression="zlib",
    )
    write_whole(Path(path), stream.getvalue())
    return Path(path)
