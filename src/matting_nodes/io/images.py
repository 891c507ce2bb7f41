"""Pictures in and out of files: 8 and 16 bits, float TIFF, written whole or not at all."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Kind
from ..errors import FileError

Bits = Literal[8, 16, 32]

READABLE = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
WRITABLE = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
# Pixels; more is an attack on the memory, since a few bytes can claim any size. As in Pillow.
LARGEST = 178_956_970


def read_image(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read a picture as it is stored.

    Parameters
    ----------
    path : path
        A PNG, JPEG, TIFF, WebP or BMP file.

    Returns
    -------
    (H, W), (H, W, 3) or (H, W, 4) array
        In the file's own type; straight colors; turned upright if the file says how.

    Raises
    ------
    FileError
        If the file is missing, unreadable, or holds more than one picture.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise FileError(f"{path} is not a file", "The picture must exist", "Check the path")
        if path.suffix.lower() in (".tif", ".tiff"):
            return _read_tiff(path)
        return _read_other(path)
    except FileError:
        raise
    except Exception as error:  # Decoders raise errors of many kinds for a broken file.
        raise FileError(
            f"{path} cannot be read: {error}",
            f"It must be a whole picture of type {', '.join(READABLE)} that you may read",
            "Check the rights, or open it in another program and save it again",
        ) from error


def _read_tiff(path: Path) -> NDArray[Any]:
    from tifffile import EXTRASAMPLE, PHOTOMETRIC, TiffFile

    with TiffFile(path) as file:
        series = file.series[0]
        # S and C are color samples, Y and X the plane; anything else counts pictures.
        if len(file.series) > 1 or series.axes not in ("YX", "YXS", "SYX", "YXC", "CYX"):
            raise FileError(
                f"{path} holds {len(file.series)} series, the first of shape {series.shape} "
                f"(axes {series.axes})",
                "It must hold one picture",
                "Save the frame that is meant as a file of its own, or use napari for stacks",
            )
        page = series.keyframe
        _check_pixels(path, page.imagewidth * page.imagelength)
        if page.photometric not in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB):
            return _read_other(path)  # palettes, CMYK, YCbCr …: Pillow converts them
        array = np.asarray(series.asarray())
        array = np.moveaxis(array, 0, -1) if series.axes[0] in "SC" else array
        if array.shape[2:] == (2,):
            array = array[..., [0, 0, 0, 1]]  # grey with alpha
        return _straight(array) if EXTRASAMPLE.ASSOCALPHA in page.extrasamples else array


def _straight(array: NDArray[Any]) -> NDArray[Any]:
    """Divide premultiplied colors by their alpha."""
    top = 1 if array.dtype.kind == "f" else np.iinfo(array.dtype).max
    part = array[..., 3:] / top
    colors = np.divide(array[..., :3], part, out=np.zeros(array[..., :3].shape), where=part > 0)
    rounded = colors if array.dtype.kind == "f" else np.floor(colors + 0.5)
    return np.dstack([rounded.clip(0, top), array[..., 3:]]).astype(array.dtype)


def _read_other(path: Path) -> NDArray[Any]:
    from PIL import Image, ImageOps

    data = path.read_bytes()
    # Byte 24 of a PNG is its bit depth; Pillow would cut 16-bit colors down to 8.
    if data[:4] == b"\x89PNG" and data[24] == 16:
        _check_pixels(path, math.prod(struct.unpack(">II", data[16:24])))
        return _decode_16_bit(data)
    with Image.open(path) as opened:
        if getattr(opened, "n_frames", 1) > 1:
            raise FileError(
                f"{path} holds {opened.n_frames} pictures",  # type: ignore[attr-defined]
                "It must hold one",
                "Save the frame that is meant as a file of its own",
            )
        picture = ImageOps.exif_transpose(opened)
        if picture.mode.startswith("I;16"):
            return np.asarray(picture).astype(np.uint16)
        modes = {"1": "L", "L": "L", "LA": "RGBA", "RGB": "RGB", "RGBA": "RGBA"}
        transparent = "transparency" in picture.info
        mode = modes.get(picture.mode, "RGBA" if transparent else "RGB")
        return np.asarray(picture.convert(mode))


def _check_pixels(path: Path, pixels: int) -> None:
    if pixels > LARGEST:
        raise FileError(
            f"{path} claims to hold {pixels} pixels",
            f"At most {LARGEST} are read: a broken file could fill the memory",
            "Cut or scale it down first, or hand the array over in Python",
        )


def _decode_16_bit(data: bytes) -> NDArray[Any]:
    import cv2

    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None:
        raise ValueError("the PNG data is damaged")
    if array.ndim == 2:
        return array
    order = cv2.COLOR_BGRA2RGBA if array.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(array, order))


def read(path: str | os.PathLike[str], kind: Kind) -> NDArray[Any]:
    """Read a picture file as a value of this kind.

    Masks, trimaps and alphas are grey pictures: files with one channel or three equal ones,
    or the alpha channel of a picture with transparency.

    Raises
    ------
    FileError
    """
    array = read_image(path)
    if kind is Kind.IMAGE or array.ndim == 2:
        return array
    if array.shape[2] == 4 and array[..., 3].min() != array[..., 3].max():
        return array[..., 3]
    if (array[..., 0] != array[..., 1]).any() or (array[..., 0] != array[..., 2]).any():
        raise FileError(
            f"{path} is a colored picture",
            f"A {kind.value} is a grey picture, or the alpha channel of one with transparency",
            f"Give the {kind.value}'s own file",
        )
    return array[..., 0]


def check_writable(path: str | os.PathLike[str], force: bool = False) -> Path:
    """Return the path if a picture may be written there.

    Raises
    ------
    FileError
        If its type is not known, its folder is missing, or it exists and `force` is false.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITABLE:
        raise FileError(
            f"{path} has the type {path.suffix or 'none'}",
            f"Pictures are written as {', '.join(WRITABLE)}",
            "Choose one of these endings",
        )
    return check_target(path, force)


def check_target(path: Path, force: bool = False) -> Path:
    """Return the path if a file may be written there.

    Raises
    ------
    FileError
        If its folder is missing, or it exists and `force` is false.
    """
    # Unlike Path's methods these answer False where a folder may not be looked into.
    if not os.path.isdir(path.parent):  # noqa: PTH112
        raise FileError(
            f"The folder {path.parent} does not exist, or may not be looked into: {path.name} "
            "cannot be written",
            "The folder must exist and be yours to use",
            "Make it first, or choose another",
        )
    if os.path.exists(path) and not force:  # noqa: PTH110
        raise FileError(
            f"{path} exists", "Files are not overwritten", "Choose another name, or add --force"
        )
    return path


def write_image(
    path: str | os.PathLike[str],
    picture: NDArray[Any],
    *,
    bits: Bits | None = None,
    force: bool = False,
) -> Path:
    """Write a picture, whole or not at all.

    Parameters
    ----------
    path : path
        Ends in .png, .jpg or .tif.
    picture : (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array
        Float in 0..1, or uint8, which is written as it is.
    bits : {8, 16, 32}, optional
        Of each channel. By default 16 for a grey PNG (an alpha), 32 for TIFF, else 8.
    force : bool
        Overwrite an existing file.

    Raises
    ------
    FileError
        If the file cannot be written; nothing is left of it then.
    """
    target = check_writable(path, force)
    array = picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
    suffix = target.suffix.lower()
    tiff, jpeg = suffix.startswith(".tif"), suffix.startswith(".j")
    depth = bits or (32 if tiff else 16 if suffix == ".png" and array.ndim == 2 else 8)
    if (jpeg and (depth != 8 or array.shape[2:] == (4,))) or (depth == 32 and not tiff):
        raise FileError(
            f"{target.name} is to hold {depth} bits and {array.shape[2:] or (1,)} channels",
            "JPEG holds 8 bits without transparency, PNG 8 or 16 bits, TIFF 8, 16 or 32",
            "Choose .png or .tif",
        )
    write_whole(target, _encode(quantized(array, depth), suffix))
    return target


def write(
    path: str | os.PathLike[str],
    value: NDArray[Any],
    kind: Kind,
    *,
    bits: Bits | None = None,
    force: bool = False,
) -> Path:
    """Write a value of this kind: trimaps and hard masks as 8-bit grey, alphas as 16-bit.

    Raises
    ------
    FileError
    """
    if kind is Kind.TRIMAP or (kind is Kind.MASK and np.isin(value, (0, 1)).all()):
        value = value if value.dtype == np.uint8 else (value * 255).astype(np.uint8)
    return write_image(path, value, bits=bits, force=force)


def quantized(array: NDArray[Any], depth: int) -> NDArray[Any]:
    """Return values of 0..1 rounded to so many bits; 8-bit ones stay, 32 bits are float."""
    if array.dtype == np.uint8:
        return array
    if depth == 32:
        return array.astype(np.float32)
    top = 2**depth - 1
    return np.floor(array * np.float64(top) + 0.5).astype(np.uint8 if depth == 8 else np.uint16)


def _encode(array: NDArray[Any], suffix: str) -> bytes:
    import cv2

    if suffix.startswith(".tif"):
        import io

        import tifffile

        stream = io.BytesIO()
        kind = "rgb" if array.ndim == 3 else "minisblack"
        extra = ["unassalpha"] if array.shape[2:] == (4,) else None
        tifffile.imwrite(stream, array, photometric=kind, extrasamples=extra, compression="zlib")
        return stream.getvalue()
    if array.ndim == 3:
        order = cv2.COLOR_RGBA2BGRA if array.shape[2] == 4 else cv2.COLOR_RGB2BGR
        array = cv2.cvtColor(array, order)
    _, data = cv2.imencode(suffix, array)
    return bytes(data)


def make_folder_for(path: Path) -> Path:
    """Return the path of a file whose folder is there from now on.

    Raises
    ------
    FileError
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"{path} cannot be written: its folder cannot be made: {error.strerror or error}",
            "The folder is made if it is missing",
            "Choose another folder",
        ) from error
    return path


def write_whole(target: Path, data: bytes) -> None:
    """Write a file in one step.

    Raises
    ------
    FileError
        If it cannot be written; nothing is left of it then.
    """
    with replacing(target) as part:
        part.write_bytes(data)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a file beside the target to write to; at the end it takes the target's place.

    A reader sees the old file or the new one, never half of one.

    Raises
    ------
    FileError
        If it cannot be written; nothing is left of it then, nor after a Ctrl-C.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.touch()  # What cannot be written is told before the work.
        yield part
        part.replace(target)
    except OSError as error:
        raise FileError(
            f"{target} cannot be written: {error.strerror or error}",
            "The folder must be writable and the disk must have room",
            "Choose another folder, or make room",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()
