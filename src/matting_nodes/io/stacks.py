"""Many frames in and out of files: sequences in folders, planes and channels in TIFF."""

from __future__ import annotations

import io as streams
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError, ParameterError, SizeMismatchError
from .images import READABLE, Bits, quantized, read_image, write_whole

# Channels of a color, without and with an alpha.
COLORS = (3, 4)


def pictures_in(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the pictures of a folder in the order of their names, hidden ones left out.

    Raises
    ------
    FileError
        If there is none.
    """
    folder = Path(folder)
    found = [path for path in folder.iterdir() if path.suffix.lower() in READABLE]
    found = sorted(path for path in found if path.is_file() and not path.name.startswith("."))
    if not found:
        raise FileError(
            f"{folder} holds no pictures",
            f"They are files of type {', '.join(READABLE)}",
            "Choose another folder",
        )
    return found


def read_stack(path: str | os.PathLike[str], channel: int = 0) -> list[NDArray[Any]]:
    """Read every frame of a file, or of a folder of pictures.

    Parameters
    ----------
    path : path
        A picture, a TIFF of any number of planes, times and channels, or a folder.
    channel : int
        Which channel, counted from 1, to take as grey; 0 takes colors as they are.

    Returns
    -------
    list of (H, W), (H, W, 3) or (H, W, 4) arrays
        In the file's own type; times before planes, as they are stored.

    Raises
    ------
    FileError
        If something cannot be read.
    SizeMismatchError
        If the pictures of a folder differ in size or channels.
    ParameterError
        If there is no such channel, or one has to be chosen.
    """
    path = Path(path)
    if path.is_dir():
        frames = [read_image(picture) for picture in pictures_in(path)]
        _check_alike(path, frames)
    else:
        frames = _planes(path) or [read_image(path)]
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


def _planes(path: Path) -> list[NDArray[Any]]:
    """Return the planes of a TIFF with several, or with measured channels; else nothing."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return []
    from tifffile import TiffFile

    try:
        with TiffFile(path) as file:
            series = file.series[0]
            if len(file.series) > 1 or series.axes in ("YX", "YXS", "SYX"):
                return []
            return _flattened(series.asarray(), series.axes)
    except (OSError, ValueError, IndexError) as error:
        raise FileError(
            f"{path} cannot be read: {error}",
            "It must be a whole TIFF",
            "Open it in another program and save it again",
        ) from error


def _flattened(array: NDArray[Any], axes: str) -> list[NDArray[Any]]:
    """Return an array of any axes as frames, channels last."""
    channels = "S" if "S" in axes else "C"
    last = [axes.index(axis) for axis in ("Y", "X", channels) if axis in axes]
    array = np.moveaxis(array, last, range(-len(last), 0))
    frames = array.reshape(-1, *array.shape[-len(last) :])
    return list(frames[..., 0] if frames.shape[3:] == (1,) else frames)


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
        Of each channel.

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
