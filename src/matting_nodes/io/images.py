"""Pictures in and out of files: 8 and 16 bits, float TIFF, written whole or not at all."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Kind
from ..errors import FileError
from .decoding import decode, decode_bytes

Bits = Literal[8, 16, 32]

WRITABLE = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


def read_image(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read a picture as a viewer shows it.

    Parameters
    ----------
    path : path
        A PNG, JPEG, TIFF, WebP or BMP file.

    Returns
    -------
    (H, W), (H, W, 3) or (H, W, 4) array; (H, W, C) for the channels of a measurement
        In the file's own depth; straight sRGB, converted where the file has another color
        profile; turned upright by the file's orientation.

    Raises
    ------
    FileError
        If the file is missing, unreadable, or holds more than one picture.
    """
    return _one(Path(path), Kind.IMAGE)


def _one(path: Path, kind: Kind) -> NDArray[Any]:
    from .ome_zarr import is_zarr, read_plane

    if is_zarr(path):
        return read_plane(path, colors=kind is Kind.IMAGE)
    return _only(decode(path, kind), path)


def _only(frames: list[NDArray[Any]], path: Path) -> NDArray[Any]:
    if len(frames) != 1:
        raise FileError(
            f"{path} holds {len(frames)} frames of shape {frames[0].shape}",
            "It must hold one picture",
            "Save the frame that is meant as a file of its own, or use napari for stacks",
        )
    return frames[0]


def read(path: str | os.PathLike[str], kind: Kind) -> NDArray[Any]:
    """Read a picture file as a value of this kind.

    Masks, trimaps, alphas and labels are grey pictures: files with one channel or three equal
    ones, or the alpha channel of a picture with transparency. Color profiles are not applied to
    them. For labels the numbers of a palette are read, for other kinds its colors.

    Parameters
    ----------
    path : path
        A PNG, JPEG, TIFF, WebP or BMP file.
    kind : Kind
        The kind of value to return.

    Raises
    ------
    FileError
    """
    return as_plane(_one(Path(path), kind), kind, Path(path))


def read_bytes(data: bytes, name: str, kind: Kind, most: int) -> NDArray[Any]:
    """Read the content of a picture file from a stranger as a value of this kind.

    Parameters
    ----------
    data : bytes
        The file's content.
    name : str
        What the file is called in errors.
    kind : Kind
        The kind of value to return.
    most : int
        How many pixels it may have.

    Raises
    ------
    FileError
    """
    return as_plane(_only(decode_bytes(data, name, kind, most), Path(name)), kind, Path(name))


def as_plane(array: NDArray[Any], kind: Kind, path: Path) -> NDArray[Any]:
    """Return a frame that was read as a value of this kind.

    Parameters
    ----------
    array : (H, W), (H, W, 3) or (H, W, 4) array
        The frame.
    kind : Kind
        The kind of value to return.
    path : Path
        Its file, for the error.

    Raises
    ------
    FileError
        If a mask, trimap, alpha or label map is colored.
    """
    if kind is Kind.IMAGE or array.ndim == 2:
        return array
    if array.shape[2] == 4 and array[..., 3].min() != array[..., 3].max():
        return array[..., 3]
    if any((array[..., 0] != array[..., channel]).any() for channel in range(array.shape[2])[:3]):
        raise FileError(
            f"{path} is a colored picture",
            f"A {kind.value} is a grey picture, or the alpha channel of one with transparency",
            f"Give the {kind.value}'s own file",
        )
    return array[..., 0]


def check_writable(path: str | os.PathLike[str], force: bool = False) -> Path:
    """Return the path if a picture may be written there.

    Parameters
    ----------
    path : path
        Ends in one of WRITABLE.
    force : bool
        Whether an existing file may be overwritten.

    Raises
    ------
    FileError
        If its type is not known, its folder is missing, or it exists and `force` is false.
    """
    path = Path(path)
    check_ending(path, "Pictures", WRITABLE)
    return check_target(path, force)


def check_ending(path: Path, what: str, endings: tuple[str, ...]) -> None:
    """Refuse a file of another type than these.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What is written, with a capital: "Pictures".
    endings : tuple of str
        Of the types that it can be written as.

    Raises
    ------
    FileError
    """
    if path.suffix.lower() not in endings:
        raise FileError(
            f"{path} has the type {path.suffix or 'none'}",
            f"{what} are written as {', '.join(endings)}",
            "Choose one of these endings",
        )


def check_target(path: Path, force: bool = False) -> Path:
    """Return the path if a file may be written there.

    Parameters
    ----------
    path : Path
        The file.
    force : bool
        Whether an existing file may be overwritten.

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
    texts: Mapping[str, str] | None = None,
) -> Path:
    """Write a picture, whole or not at all.

    Parameters
    ----------
    path : path
        Ends in .png, .jpg or .tif.
    picture : (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) array
        Float in 0..1, or uint8, which is written unchanged. Float beyond 0..1 is a picture in
        its own numbers: a TIFF keeps them, a PNG stores them as whole numbers of 16 bits.
    bits : {8, 16, 32}, optional
        Bits per channel. By default 16 for a grey PNG (an alpha), and for a picture in its own
        numbers; 32 for TIFF, else 8.
    force : bool
        Overwrite an existing file.
    texts : mapping of str to str, optional
        What a PNG is to hold beside its pixels, by keyword; other files leave it out.

    Raises
    ------
    FileError
        If the file cannot be written; nothing is left of it then.
    """
    target = check_writable(path, force)
    write_whole(target, encoded(target.name, picture, bits=bits, texts=texts))
    return target


def encoded(
    name: str,
    picture: NDArray[Any],
    *,
    bits: Bits | None = None,
    texts: Mapping[str, str] | None = None,
) -> bytes:
    """Return the content of a picture's file.

    Parameters
    ----------
    name : str
        The file's name, whose ending is one of WRITABLE.
    picture, bits, texts
        As for `write_image`.

    Raises
    ------
    FileError
        If the format cannot hold the picture.
    """
    array = picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
    suffix = Path(name).suffix.lower()
    tiff, jpeg = suffix.startswith(".tif"), suffix.startswith(".j")
    own = is_in_own_numbers(array)
    deep = suffix == ".png" and (array.ndim == 2 or own)
    depth = bits or (32 if tiff else 16 if deep else 8)
    if (jpeg and (depth != 8 or array.shape[2:] == (4,))) or (depth == 32 and not tiff):
        raise FileError(
            f"{name} is to hold {depth} bits and {array.shape[2:] or (1,)} channels",
            "JPEG holds 8 bits without transparency, PNG 8 or 16 bits, TIFF 8, 16 or 32",
            "Choose .png or .tif",
        )
    data = _encode(counted(array, depth) if own else quantized(array, depth), suffix)
    return with_texts(data, texts) if texts and suffix == ".png" else data


def with_texts(png: bytes, texts: Mapping[str, str]) -> bytes:
    """Return a PNG with texts as tEXt chunks after its header, where readers look first.

    Parameters
    ----------
    png : bytes
        A PNG file.
    texts : mapping of str to str
        ASCII, by keyword.
    """
    header = 33  # bytes: the signature of 8 and the IHDR chunk of 25
    chunks = [b"tEXt" + f"{name}\0{text}".encode("ascii") for name, text in texts.items()]
    framed = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    ]
    return png[:header] + b"".join(framed) + png[header:]


def is_in_own_numbers(picture: NDArray[Any]) -> bool:
    """Return whether a picture is in the numbers of its source rather than in 0..1."""
    colors = picture[..., :3] if picture.ndim == 3 else picture
    return picture.dtype.kind == "f" and bool(colors.min() < 0 or colors.max() > 1)


def counted(picture: NDArray[Any], depth: int) -> NDArray[Any]:
    """Return a picture in its own numbers as a file of this depth stores it.

    Parameters
    ----------
    picture : (H, W), (H, W, 3) or (H, W, 4) float array
        In its own numbers; a fourth channel is an alpha in 0..1.
    depth : {8, 16, 32}
        Bits per channel.

    Raises
    ------
    FileError
        If whole numbers of 16 bits cannot store it.
    """
    if depth == 32:
        return picture.astype(np.float32)
    colors = picture[..., :3] if picture.ndim == 3 else picture
    low, high = float(colors.min()), float(colors.max())
    if depth == 8 or low < 0 or high > 65535:
        raise FileError(
            f"The picture has values from {low:g} to {high:g}, and is to hold {depth} bits",
            "Values beyond 0..1 are kept as they are: TIFF holds all, a PNG of 16 bits whole "
            "numbers from 0 to 65535",
            "Choose .tif, or bring the picture to 0..1 first",
        )
    whole = np.floor(colors + 0.5)
    if picture.shape[2:] == (4,):
        whole = np.dstack([whole, np.floor(picture[..., 3] * 65535.0 + 0.5)])
    return whole.astype(np.uint16)


def write(
    path: str | os.PathLike[str],
    value: NDArray[Any],
    kind: Kind,
    *,
    bits: Bits | None = None,
    force: bool = False,
) -> Path:
    """Write a value of this kind: trimaps and hard masks as 8-bit grey, alphas as 16-bit.

    Parameters
    ----------
    path : path
        Ends in .png, .jpg or .tif.
    value : (H, W) or (H, W, C) array
        The value.
    kind : Kind
        What it is.
    bits : {8, 16, 32}, optional
        As for `write_image`.
    force : bool
        Overwrite an existing file.

    Raises
    ------
    FileError
    """
    return write_image(path, as_stored(value, kind), bits=bits, force=force)


def as_stored(value: NDArray[Any], kind: Kind) -> NDArray[Any]:
    """Return a value as its file holds it: trimaps and hard masks as uint8.

    Parameters
    ----------
    value : (H, W) or (H, W, C) array
        The value.
    kind : Kind
        What it is.
    """
    if kind is Kind.TRIMAP or (kind is Kind.MASK and np.isin(value, (0, 1)).all()):
        return value if value.dtype == np.uint8 else (value * 255).astype(np.uint8)
    return value


def quantized(array: NDArray[Any], depth: int) -> NDArray[Any]:
    """Return values in 0..1 rounded to 8 or 16 bits, or as 32-bit floats; uint8 is unchanged.

    Parameters
    ----------
    array : array
        uint8, or float in 0..1.
    depth : {8, 16, 32}
        Bits per value.
    """
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
    """Make the folder of a file if it does not exist, and return the file's path.

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

    Parameters
    ----------
    target : Path
        The file, in a folder that exists.
    data : bytes
        Its content.

    Raises
    ------
    FileError
        If it cannot be written; nothing is left of it then.
    """
    with replacing(target) as part:
        part.write_bytes(data)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a file next to the target to write to; at the end it replaces the target.

    A reader sees the old file or the new one, never half of one.

    Raises
    ------
    FileError
        If it cannot be written; nothing is left of it then, nor after a Ctrl-C.
    """
    # Names may be as long as the system allows: this one is no longer than theirs.
    name = f"{target.name[:20]}.{zlib.crc32(target.name.encode(errors='surrogatepass')):x}"
    part = target.with_name(f".{name}.{os.getpid()}.part")
    try:
        part.touch()  # If it cannot be written, this raises before the work is done.
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
