"""One decoder for all formats: it reads a file and converts its content by the same steps.

Readers of PNG, TIFF and Pillow's formats return pixels and how they are to be interpreted
(`Encoded`); then depth, min-is-white, palette, transparency, premultiplied colors, inks, color
profile and orientation are one function each. The result is upright, straight and sRGB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from io import SEEK_END, BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Kind
from ..errors import DependencyError, FileError, MattingError
from ..memory import reserved
from .declared import LARGEST, check_chain, check_pixels, check_tiff, stored_png

Pixels = NDArray[Any]
Color = Literal["grey", "rgb", "cmyk", "palette", "channels"]
# What a sample after the colors of a pixel is: their alpha, straight or multiplied into them, or
# a selection or mask that some program has saved.
Extra = Literal["alpha", "premultiplied", "spare"]

READABLE = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
# What Pillow is asked to open: others read less than a file holds, or run programs.
PILLOW = ("PNG", "JPEG", "BMP", "DIB", "GIF", "PPM", "TIFF", "WEBP", "JPEG2000")
# The decoded samples, what they are converted to, and what that needs; of their bytes. Measured
# on every kind of file: at most 3.8.
WORKING = 4
# Samples that are converted at a time.
BLOCK = 2**20
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Bytes of a pixel in Pillow's modes of 8 bits, with four in all others.
BYTES = {"1": 1, "L": 1, "RGB": 3}
# Only a PNG with one of these can say which way is up.
MAY_BE_TURNED = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")
HEAD = 65536  # bytes, in which a PNG says so before its pixels
ORIENTATION, ICC_PROFILE = 0x0112, 34675
COUNTS = {"grey": 1, "rgb": 3, "cmyk": 4, "palette": 1}
SPACES = {"grey": b"GRAY", "rgb": b"RGB ", "cmyk": b"CMYK"}
# Little CMS's cmsFLAGS_NOOPTIMIZE: its tables for 16 bits are off by two levels of 255 in shadows.
NO_OPTIMIZATION = 0x0100
# Profiles that change no color by more than this are sRGB under another name.
SAME_COLOR = 2 / 255


@dataclass(frozen=True)
class Encoded:
    """The pixels of a file, and how they are to be interpreted.

    Parameters
    ----------
    frames : list of (H, W) or (H, W, S) arrays
        Samples as they are stored; all frames have one shape and type.
    color : {"grey", "rgb", "cmyk", "palette", "channels"}
        What the first samples of a pixel are; channels are measurements, which are not converted.
    extras : tuple of {"alpha", "premultiplied", "spare"}
        What the samples after the colors are.
    bits : int
        Number of bits that are used in a sample.
    min_is_white : bool
        Whether 0 is white.
    palette : (N, 3) uint8, optional
        The colors that numbers stand for.
    orientation : int
        As EXIF and TIFF count it, 1 to 8; 1 is upright.
    profile : bytes
        An ICC profile, or nothing.
    """

    frames: list[Pixels]
    color: Color
    extras: tuple[Extra, ...] = ()
    bits: int = 8
    min_is_white: bool = False
    palette: NDArray[np.uint8] | None = None
    orientation: int = 1
    profile: bytes = b""


def decode(path: Path, kind: Kind) -> list[Pixels]:
    """Return all frames of a file.

    Parameters
    ----------
    path : Path
        A PNG, JPEG, TIFF, WebP or BMP file, whatever its ending.
    kind : Kind
        Color profiles are applied to images only; for labels, numbers in a palette are kept.

    Returns
    -------
    list of (H, W), (H, W, 3), (H, W, 4) arrays, or (H, W, C) for measurements
        Upright; colors in sRGB, straight; 8 bits and less as uint8, up to 16 as uint16.

    Raises
    ------
    FileError
        If the file is missing or unreadable.
    DependencyError
        If a package that decodes is not installed.
    MemoryLimitError
        If the memory that is free is too small.
    """
    with _told(path):
        if not path.is_file():
            raise FileError(f"{path} is not a file", "The picture must exist", "Check the path")
        with path.open("rb") as stream:
            return _decoded(path, stream, kind, None)


def decode_bytes(data: bytes, name: str, kind: Kind, most: int = LARGEST) -> list[Pixels]:
    """Return all frames of a file from a stranger, in memory; nothing is written to disk.

    Parameters
    ----------
    data : bytes
        The file's content.
    name : str
        What the file is called in errors.
    kind : Kind
        As for `decode`, which this is otherwise like.
    most : int
        How many pixels all frames together may have.

    Raises
    ------
    FileError
    DependencyError
    MemoryLimitError
    """
    path = Path(name)
    with _told(path):
        return _decoded(path, BytesIO(data), kind, most)


def _decoded(path: Path, stream: BinaryIO, kind: Kind, most: int | None) -> list[Pixels]:
    with ExitStack() as room:  # memory that is held until the frames are handed over
        encoded = _encoded(path, stream, kind, room, most)
        return [decoded(frame, encoded, kind) for frame in encoded.frames]


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Raise what decoders raise as errors of ours that name the file."""
    try:
        yield
    except MattingError:
        raise
    except ImportError as error:
        raise DependencyError(
            f"{path} cannot be decoded: {error}",
            "Pictures are decoded by imagecodecs, tifffile and Pillow",
            f"Run: pip install {error.name or 'imagecodecs'}",
        ) from error
    except Exception as error:  # Decoders raise errors of many kinds for a broken file.
        raise FileError(
            f"{path} cannot be read: {error}",
            f"It must be a whole picture of type {', '.join(READABLE)} that you may read",
            "Check the rights, or open it in another program and save it again",
        ) from error


def open_picture(file: Path | BinaryIO) -> Any:
    """Return a file opened by Pillow, if it is of a type that is read right and is no program.

    Parameters
    ----------
    file : Path or binary file
        The file, or its content.

    Raises
    ------
    Exception
        The decoder's own, if the file is not such a picture.
    """
    from PIL import Image

    # Pillow has it since 11.3.
    avif = ("AVIF",) if find_spec("PIL.AvifImagePlugin") else ()
    return Image.open(file, formats=PILLOW + avif)


def size_of(path: Path) -> tuple[int, int]:
    """Return the width and the height of an upright picture from the head of its file.

    Raises
    ------
    Exception
        The decoder's own, if the file is not a picture.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if head[:4] in TIFF:
        from tifffile import TiffFile

        with path.open("rb") as stream:
            check_chain(path, stream)
        with TiffFile(path) as file:
            page = file.series[0].keyframe
            size, turned = (page.imagewidth, page.imagelength), _tag(page, ORIENTATION, 1) >= 5
    else:
        with open_picture(path) as picture:
            data = head if picture.format == "PNG" else b""
            size, turned = picture.size, _orientation(picture, data) >= 5
    return size[::-1] if turned else size


# Reading: one function for each family of formats.


def _encoded(
    path: Path, stream: BinaryIO, kind: Kind, room: ExitStack, most: int | None
) -> Encoded:
    magic = stream.read(4)
    stream.seek(0)
    if magic in TIFF:
        return _read_tiff(path, stream, room, most)
    return _read_other(path, stream, kind, room, most)


def _hold(room: ExitStack, path: Path, count: float) -> None:
    """Hold the memory for so many bytes of decoded samples."""
    room.enter_context(reserved(WORKING * count, f"{path.name} with {count:.0f} bytes of samples"))


def _read_tiff(path: Path, stream: BinaryIO, room: ExitStack, most: int | None) -> Encoded:
    from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, TiffFile

    check_chain(path, stream)
    stream.seek(0)
    with TiffFile(stream) as file:
        # Thumbnails and the smaller levels of a pyramid are not pictures of their own.
        series = [s for s in file.series if not s.keyframe.is_reduced]
        if len(series) != 1:
            raise FileError(
                f"{path} holds {len(series)} pictures of different kinds",
                "It must hold one, or the frames of one stack",
                "Save what is meant as a file of its own",
            )
        page, axes = series[0].keyframe, series[0].axes
        held = stream.seek(0, SEEK_END)
        check_tiff(path, series[0], held)
        if most is not None:  # a stack of one's own may be large; each of its frames may not
            check_pixels(path, page.imagewidth * page.imagelength * len(series[0].pages), most)
        photometric, compression = page.photometric, page.compression
        if photometric == PHOTOMETRIC.YCBCR and compression != COMPRESSION.JPEG:
            stream.seek(0)
            return _read_other(path, stream, Kind.IMAGE, room, most)
        colors: dict[int, Color] = {
            PHOTOMETRIC.MINISWHITE: "grey",
            PHOTOMETRIC.MINISBLACK: "grey",
            PHOTOMETRIC.RGB: "rgb",
            PHOTOMETRIC.YCBCR: "rgb",  # as RGB out of the JPEG decoder
            PHOTOMETRIC.PALETTE: "palette",
            PHOTOMETRIC.SEPARATED: "cmyk",
        }
        if photometric not in colors:
            raise FileError(
                f"{path} holds colors of the kind {getattr(photometric, 'name', photometric)}",
                "Grey, RGB, CMYK, YCbCr and palettes are read",
                "Save it as RGB",
            )
        _hold(room, path, series[0].size * series[0].dtype.itemsize)
        frames = flattened(series[0].asarray(), axes)
        color = colors[photometric]
        meanings: dict[int, Extra] = {
            EXTRASAMPLE.ASSOCALPHA: "premultiplied",
            EXTRASAMPLE.UNASSALPHA: "alpha",
        }
        extras = tuple(meanings.get(extra, "spare") for extra in page.extrasamples)
        count = frames[0].shape[2] if frames[0].ndim == 3 else 1
        if color == "rgb" and count == 4 and not extras:
            extras = ("alpha",)  # as in Pillow, where the writer has not declared it
        # Several samples of grey without an alpha are the channels of a measurement.
        measured = "S" not in axes or (color == "grey" and set(extras) <= {"spare"})
        if count > 1 and measured:
            color, extras = "channels", ()
        palette = None
        if color == "palette":
            palette = (np.asarray(page.colormap).T >> 8).astype(np.uint8)
        bits = page.bitspersample
        return Encoded(
            frames,
            color,
            extras,
            bits if isinstance(bits, int) else max(bits),
            photometric == PHOTOMETRIC.MINISWHITE,
            palette,
            int(_tag(page, ORIENTATION, 1)),
            bytes(_tag(page, ICC_PROFILE, b"")),
        )


def _tag(page: Any, code: int, default: Any) -> Any:
    tag = page.tags.get(code)
    return default if tag is None else tag.value


def flattened(array: Pixels, axes: str) -> list[Pixels]:
    """Return an array of any axes as frames, channels last.

    Parameters
    ----------
    array : array
        Pixels of a file.
    axes : str
        One letter for each axis, as tifffile names them; Y, X, and perhaps S or C for channels.
    """
    channels = "S" if "S" in axes else "C"
    last = [axes.index(axis) for axis in ("Y", "X", channels) if axis in axes]
    array = np.moveaxis(array, last, range(-len(last), 0))
    frames = array.reshape(-1, *array.shape[-len(last) :])
    return list(frames[..., 0] if frames.shape[3:] == (1,) else frames)


def _read_other(
    path: Path, stream: BinaryIO, kind: Kind, room: ExitStack, most: int | None
) -> Encoded:
    with open_picture(stream) as picture:
        count = getattr(picture, "n_frames", 1)
        # The other pictures of a camera's MPO are previews and depth: the first is meant.
        count = 1 if picture.format == "MPO" else count
        pixels = count * picture.size[0] * picture.size[1]
        check_pixels(path, pixels, most)
        _check_depth(path, picture)
        is_png = picture.format == "PNG"
        deep = is_png and any("16" in str(tile.args) for tile in picture.tile)
        _hold(room, path, pixels * BYTES.get(picture.mode, 4) * (2 if deep else 1))
        if count > 1:
            return _read_animation(picture)
        data = b""
        if is_png:
            stream.seek(0)
            data = stream.read()
        frame, color, extras = _samples(path, picture, data, kind)
        return Encoded(
            [frame],
            color,
            extras,
            8 * frame.dtype.itemsize,
            orientation=_orientation(picture, data),
            profile=picture.info.get("icc_profile") or b"",
        )


def _check_depth(path: Path, picture: Any) -> None:
    """Refuse colors of 16 bits that Pillow would reduce to 8."""
    # As its reader of PPM tells its decoder: the mode and the largest value.
    says = picture.tile[0].args if picture.format == "PPM" and picture.tile else ()
    if picture.mode == "RGB" and isinstance(says, tuple) and says[1:2] > (255,):
        raise FileError(
            f"{path} is a PPM with colors up to {says[1]}",
            "Of PPM, 8 bits a color are read",
            "Save it as PNG or TIFF",
        )


def _read_animation(picture: Any) -> Encoded:
    """Return the frames of a GIF, an animated PNG or WebP as a player shows them."""
    from PIL import ImageSequence

    # Frames may hold only what changes, and differ in mode: Pillow lays them over each other.
    frames = [np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(picture)]
    profile = picture.info.get("icc_profile") or b""
    if all(frame[..., 3].min() == 255 for frame in frames):
        return Encoded([frame[..., :3] for frame in frames], "rgb", profile=profile)
    return Encoded(frames, "rgb", ("alpha",), profile=profile)


def _samples(
    path: Path, picture: Any, data: bytes, kind: Kind
) -> tuple[Pixels, Color, tuple[Extra, ...]]:
    """Return the pixels of Pillow's formats, and what their samples are."""
    if kind is Kind.LABELS and picture.mode == "P":
        return np.asarray(picture), "grey", ()
    if data:
        # Pillow reduces colors of 16 bits to 8, and drops transparent colors.
        from imagecodecs import png_decode

        frame = png_decode(stored_png(path, data))
    elif picture.mode.startswith("I;16") or (picture.format == "PPM" and picture.mode == "I"):
        frame = np.asarray(picture).astype(np.uint16)
    elif picture.mode == "CMYK":
        return np.asarray(picture), "cmyk", ()
    else:
        kept = ("L", "LA", "RGB", "RGBA", "I", "F")
        transparent = "transparency" in picture.info or "A" in picture.getbands()
        mode = {"1": "L"}.get(picture.mode, "RGBA" if transparent else "RGB")
        frame = np.asarray(picture if picture.mode in kept else picture.convert(mode))
    samples = frame.shape[2] if frame.ndim == 3 else 1
    return frame, "grey" if samples < 3 else "rgb", ("alpha",) if samples in (2, 4) else ()


def _orientation(picture: Any, data: bytes) -> int:
    # Pillow decodes the whole PNG to look for an orientation, which few have.
    if data and not any(mark in data for mark in MAY_BE_TURNED):
        return 1
    return int(picture.getexif().get(ORIENTATION, 1))


# The steps, for every format.


def decoded(frame: Pixels, encoded: Encoded, kind: Kind) -> Pixels:
    """Return one frame, converted by all steps.

    Parameters
    ----------
    frame : (H, W) or (H, W, S) array
        Pixels as they are stored.
    encoded : Encoded
        How they are to be interpreted.
    kind : Kind
        As for `decode`.
    """
    if encoded.palette is None:
        frame = in_full_depth(frame, encoded.bits)
    elif kind is not Kind.LABELS:
        frame = encoded.palette[frame]
    if encoded.color == "channels":
        frame = inverted(frame) if encoded.min_is_white else frame
    else:
        colors, alpha = parted(frame, encoded)
        colors = inverted(colors) if encoded.min_is_white else colors
        if encoded.color == "cmyk" or (encoded.profile and kind is Kind.IMAGE):
            colors = in_srgb(colors, encoded.color, encoded.profile)
        frame = joined(colors, alpha)
    return np.ascontiguousarray(UPRIGHT.get(encoded.orientation, UPRIGHT[1])(frame))


def in_blocks(step: Callable[..., Pixels], *arrays: Pixels) -> Pixels:
    """Return what a step makes of each pixel, some rows at a time: it may take much memory.

    Parameters
    ----------
    step : callable
        Takes rows of each of the arrays.
    arrays : (H, W) or (H, W, S) arrays
        Of one height.
    """
    height, rows = len(arrays[0]), max(1, BLOCK // arrays[0][0].size)
    first = step(*(array[:rows] for array in arrays))
    if height <= rows:
        return first
    whole = np.empty((height, *first.shape[1:]), first.dtype)
    for at in range(0, height, rows):
        whole[at : at + rows] = step(*(array[at : at + rows] for array in arrays))
    return whole


def in_full_depth(frame: Pixels, bits: int) -> Pixels:
    """Return pixels that use the full range of their type; single bits become 0 and 255.

    Parameters
    ----------
    frame : array
        Pixels.
    bits : int
        How many of a sample's bits are used.
    """
    if frame.dtype == np.bool_:
        return np.where(frame, np.uint8(255), np.uint8(0))
    full = 8 * frame.dtype.itemsize
    if frame.dtype.kind != "u" or bits >= full or full > 16:
        return frame
    factor = (2**full - 1) / (2**bits - 1)
    return in_blocks(lambda rows: np.rint(rows * factor).astype(rows.dtype), frame)


def inverted(frame: Pixels) -> Pixels:
    """Return the negative."""
    return 1 - frame if frame.dtype.kind == "f" else ~frame


def parted(frame: Pixels, encoded: Encoded) -> tuple[Pixels, Pixels | None]:
    """Return the straight colors and the alpha; other samples are left out.

    Parameters
    ----------
    frame : (H, W) or (H, W, S) array
        Pixels in full depth.
    encoded : Encoded
        How they are to be interpreted.
    """
    count = COUNTS.get(encoded.color, 1) if encoded.palette is None else 3
    if frame.ndim == 2 or frame.shape[2] == count:
        return frame, None
    colors = frame[..., :count] if count > 1 else frame[..., 0]
    place = next((i for i, extra in enumerate(encoded.extras) if extra != "spare"), None)
    if place is None:
        return colors, None
    alpha = frame[..., count + place]
    if encoded.extras[place] == "premultiplied":
        colors = in_blocks(unmultiplied, colors, alpha)
    return colors, alpha


def unmultiplied(colors: Pixels, alpha: Pixels) -> Pixels:
    """Return premultiplied colors divided by their alpha; where that is 0, they are 0.

    Parameters
    ----------
    colors : (H, W) or (H, W, 3) array
        Premultiplied colors.
    alpha : (H, W) array
        Their alpha, of the same type.
    """
    top = 1 if colors.dtype.kind == "f" else np.iinfo(colors.dtype).max
    part = (alpha / top)[(...,) + (None,) * (colors.ndim - 2)]
    straight = np.divide(colors, part, out=np.zeros(colors.shape), where=part > 0)
    rounded = straight if colors.dtype.kind == "f" else np.floor(straight + 0.5)
    return rounded.clip(0, top).astype(colors.dtype)


def joined(colors: Pixels, alpha: Pixels | None) -> Pixels:
    """Return grey or RGB colors, or RGBA if there is an alpha.

    Parameters
    ----------
    colors : (H, W) or (H, W, 3) array
    alpha : (H, W) array, optional
    """
    if alpha is None:
        return colors
    rgb = np.dstack([colors] * 3) if colors.ndim == 2 else colors
    return np.dstack([rgb, alpha])


def in_srgb(colors: Pixels, color: Color, profile: bytes) -> Pixels:
    """Return colors in sRGB: by their profile if it fits, else unchanged; inks by subtraction.

    Parameters
    ----------
    colors : (H, W) or (H, W, S) array
        Grey, RGB or CMYK.
    color : {"grey", "rgb", "cmyk"}
        Which of these they are.
    profile : bytes
        An ICC profile; it fits if it is for the same colors.
    """
    fits = profile[16:20] == SPACES.get(color)
    within = colors.dtype in (np.uint8, np.uint16) or (
        colors.dtype == np.float32 and colors.min() >= 0 and colors.max() <= 1
    )
    if fits and within:
        if color != "cmyk" and is_srgb(profile, color):
            return colors
        try:
            return _transformed(colors, color, profile)
        except RuntimeError:
            pass  # A damaged profile is ignored.
    return in_blocks(without_inks, colors) if color == "cmyk" else colors


@lru_cache(maxsize=16)
def is_srgb(profile: bytes, color: Color) -> bool:
    """Return whether a profile leaves colors unchanged; true for a damaged one.

    Parameters
    ----------
    profile : bytes
        An ICC profile.
    color : {"grey", "rgb"}
        The colors that it is for.
    """
    steps = np.linspace(0, 65535, 9).astype(np.uint16)
    colors = np.stack(np.meshgrid(*[steps] * 3), axis=-1).reshape(81, 9, 3)
    probes = colors[..., 0] if color == "grey" else colors
    try:
        moved = np.abs(_transformed(probes, color, profile).astype(float) - probes)
    except RuntimeError:
        return True
    return bool(moved.max() <= SAME_COLOR * 65535)


def _transformed(colors: Pixels, color: Color, profile: bytes) -> Pixels:
    """Return colors in sRGB in their own type, by Little CMS.

    Raises
    ------
    RuntimeError
        If the profile is damaged.
    """
    from imagecodecs import cms_profile, cms_transform

    spaces = {"grey": "gray", "rgb": "rgb", "cmyk": "cmyk"}
    rgb: Pixels = cms_transform(
        np.ascontiguousarray(colors),
        profile,
        cms_profile("srgb"),
        colorspace=spaces[color],
        outcolorspace="rgb",
        outdtype=colors.dtype,
        flags=NO_OPTIMIZATION,
    )
    rgb = rgb.clip(0, 1) if rgb.dtype.kind == "f" else rgb
    return rgb[..., 1] if color == "grey" else rgb


def without_inks(inks: Pixels) -> Pixels:
    """Return the RGB of cyan, magenta, yellow and black without a profile: (1 − C)(1 − K)."""
    top = 1 if inks.dtype.kind == "f" else np.iinfo(inks.dtype).max
    light = 1 - inks.astype(np.float64) / top
    rgb = light[..., :3] * light[..., 3:] * top
    return (rgb if inks.dtype.kind == "f" else np.floor(rgb + 0.5)).astype(inks.dtype)


UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda frame: frame,
    2: lambda frame: frame[:, ::-1],
    3: lambda frame: frame[::-1, ::-1],
    4: lambda frame: frame[::-1],
    5: lambda frame: frame.swapaxes(0, 1),
    6: lambda frame: np.rot90(frame, -1),
    7: lambda frame: frame[::-1, ::-1].swapaxes(0, 1),
    8: lambda frame: np.rot90(frame),
}
"""Functions that turn a picture of each orientation upright."""
