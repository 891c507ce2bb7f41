"""What a file declares of its size, checked against the limit and the file before it is decoded.

A few bytes can declare a picture of any size, and a few thousand can decode to gigabytes.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import FileError

# Pixels, as in Pillow; a larger size, which a few bytes can claim, is an attack on the memory.
LARGEST = 178_956_970
# The most bytes that one byte decodes to. Codecs of whole pictures have no such limit.
MOST_FROM_A_BYTE = {
    "NONE": 1,
    "PACKBITS": 64,
    "ADOBE_DEFLATE": 1040,
    "DEFLATE": 1040,
    "LZW": 1500,
    "LZMA": 10_000,
    "ZSTD": 40_000,
}
# Codecs whose strips and tiles are files with sizes of their own.
PICTURES = ("JPEG", "JPEG2000", "JP2000", "APERIO", "WEBP", "PNG", "LERC", "JPEGXR", "JPEGXL")
# Pixels by which these may be larger than the strip or tile: blocks of 8 and 16 are filled.
FILL = 16
# Bytes after the pixels that some writers leave in a PNG.
SPARE = 65536
CHUNK = 2**24
ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
# Where the size of JPEG 2000, and of JPEG XL alone or in a box, begins.
_STARTS = re.compile(rb"\xff\x4f\xff\x51|^\xff\x0a|jxlc\xff\x0a|jxlp....\xff\x0a", re.DOTALL)
JXL = b"JXL \r\n\x87\n"
# Width to height, as JPEG XL numbers them.
RATIOS = (1, 12 / 10, 4 / 3, 3 / 2, 16 / 9, 5 / 4, 2)
# Markers of JPEG with a size: all frames, and that of JPEG-LS.
FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}


def check_pixels(path: Path, pixels: int, most: int | None = None) -> None:
    """Refuse a file that claims to hold more pixels than are read.

    Parameters
    ----------
    path : Path
        The file, for the error.
    pixels : int
        How many pixels it claims to hold.
    most : int, optional
        How many it may hold, by default LARGEST.

    Raises
    ------
    FileError
    """
    most = LARGEST if most is None else most
    if pixels > most:
        raise FileError(
            f"{path} claims to hold {pixels} pixels",
            f"At most {most} are read: a broken file could fill the memory",
            "Cut or scale it down first, or hand the array over in Python",
        )


def check_tiff(path: Path, series: Any, held: int) -> None:
    """Refuse a TIFF that declares more than its bytes can hold, or whose parts do.

    Parameters
    ----------
    path : Path
        The file.
    series : tifffile.TiffPageSeries
        What is to be decoded.
    held : int
        The file's bytes.

    Raises
    ------
    FileError
    """
    page = series.keyframe
    check_pixels(path, page.imagewidth * page.imagelength)
    if series.dtype is None or series.dtype.kind not in "buif":
        raise FileError(
            f"{path} holds numbers of the type {series.dtype}",
            "Whole and real numbers are read",
            "Save their real part or their magnitude",
        )
    name = getattr(page.compression, "name", str(page.compression))
    if any(codec in name for codec in PICTURES):
        for size, data in _parts(series):
            _check_part(path, size, data)
    elif name in MOST_FROM_A_BYTE and all(page.databytecounts):
        # Planes that are not there are black, as where a measurement was broken off.
        in_parts = series.dataoffset is None
        missing = sum(each is None for each in series.pages) if in_parts else 0
        bits = page.bitspersample
        bits = bits if isinstance(bits, int) else min(bits)
        declared = (series.size - missing * page.size) * bits // 8
        if declared > held * MOST_FROM_A_BYTE[name]:
            raise _more(path, f"{declared} bytes of samples", f"its {held} bytes")


def check_chain(path: Path, file: BinaryIO) -> None:
    """Refuse a TIFF whose pages lead back to an earlier one: its reader would never end.

    Parameters
    ----------
    path : Path
        The file, for the error.
    file : binary file
        Its content, from the beginning.

    Raises
    ------
    FileError
    """
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    counted, entry, link = ("Q", 20, "Q") if big else ("H", 12, "I")
    at = struct.unpack(order + link, head[8:16] if big else head[4:8])[0]
    seen: set[int] = set()
    while at:
        if at in seen:
            raise _more(path, "a page that is followed by an earlier one", "a file")
        seen.add(at)
        file.seek(at)
        count = file.read(struct.calcsize(counted))
        if len(count) < struct.calcsize(counted):
            return  # for the reader to judge
        file.seek(entry * struct.unpack(order + counted, count)[0], 1)
        following = file.read(struct.calcsize(link))
        if len(following) < struct.calcsize(link):
            return
        at = struct.unpack(order + link, following)[0]


def _parts(series: Any) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Yield the width and height of every strip or tile that is there, and its bytes."""
    page = series.keyframe
    tiled = page.is_tiled
    across = page.tilewidth if tiled else page.imagewidth
    down = page.tilelength if tiled else min(page.rowsperstrip, page.imagelength)
    for each in series.pages:
        segments = zip(each.dataoffsets, each.databytecounts, strict=True) if each else ()
        for at, count in segments:
            if count:
                page.parent.filehandle.seek(at)
                yield (across, down), page.parent.filehandle.read(count)


def _check_part(path: Path, size: tuple[int, int], data: bytes) -> None:
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        stored_png(path, data)
    found = size_in(data)
    if found is None or found[0] > size[0] + FILL or found[1] > size[1] + FILL:
        told = "an unknown size" if found is None else f"{found[0]} × {found[1]} pixels"
        raise _more(path, f"a part of {told}", f"its place of {size[0]} × {size[1]}")


def _more(path: Path, found: str, place: str) -> FileError:
    return FileError(
        f"{path} cannot be read: it declares {found}, more than {place} can hold",
        "It must be whole, and not fill the memory",
        "Open it in another program and save it again",
    )


def size_in(data: bytes) -> tuple[int, int] | None:
    """Return the width and height that an encoded picture declares, without decoding it.

    Parameters
    ----------
    data : bytes
        JPEG of any kind, JPEG 2000, JPEG XL, PNG, WebP or LERC.

    Returns
    -------
    (int, int) or None
        None if they are not told.
    """
    if len(data) < 20:
        return None
    try:
        if data[:2] == b"\xff\xd8":
            return _size_in_jpeg(data)
        if data[:4] == b"\x89PNG":
            return struct.unpack(">II", data[16:24])
        if data[:4] == b"RIFF":
            return _size_in_webp(data)
        if data[:6] == b"Lerc2 ":
            (version,) = struct.unpack("<i", data[6:10])
            down, across = struct.unpack("<ii", data[14:22] if version > 2 else data[10:18])
            return across, down
        # A box before the picture may hold another that looks like it: the largest counts.
        starts = [match.end() for match in _STARTS.finditer(data)]
        read = _size_in_jxl if JXL in data[:64] or data[:2] == b"\xff\x0a" else _size_in_jp2
        return max(read(data[at : at + 20]) for at in starts)
    except (struct.error, IndexError, ValueError):
        return None


def _size_in_jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in FRAMES:
            down, across = struct.unpack(">HH", data[at + 5 : at + 9])
            return across, down
        at += 1 if marker == 0xFF else 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None


def _size_in_jp2(data: bytes) -> tuple[int, int]:
    x, y, left, top = struct.unpack(">IIII", data[4:20])
    return x - left, y - top


def _size_in_jxl(data: bytes) -> tuple[int, int]:
    bits = int.from_bytes(data, "little")

    def take(count: int) -> int:
        nonlocal bits
        number, bits = bits & ((1 << count) - 1), bits >> count
        return number

    by_eight = take(1)

    def side() -> int:
        return 8 * (1 + take(5)) if by_eight else 1 + take((9, 13, 18, 30)[take(2)])

    down, ratio = side(), take(3)
    across = down * RATIOS[ratio - 1] if ratio else side()
    return int(across), down


def _size_in_webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        numbers = [int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27)]
        return numbers[0], numbers[1]
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    across, down = struct.unpack("<HH", data[26:30])
    return across & 0x3FFF, down & 0x3FFF


def stored_png(path: Path, data: bytes) -> bytes:
    """Return a PNG with its pixels inflated as far as its size says, and stored so.

    Decoders inflate to the end of the stream, which may come after gigabytes.

    Parameters
    ----------
    path : Path
        The file, for the error.
    data : bytes
        A PNG. A damaged one comes back as it is, for the decoder to judge.

    Raises
    ------
    FileError
        If it holds more than its size says.
    """
    from imagecodecs import DeflateError, deflate_decode

    try:
        chunks = list(_chunks(data))
        bytes_ = _bytes_in(chunks[0][1])
        pixels = b"".join(body for kind, body in chunks if kind == b"IDAT")
        check_pixels(path, math.prod(struct.unpack(">II", chunks[0][1][:8])))
        raw = deflate_decode(pixels, out=bytes_ + SPARE)
    except (struct.error, IndexError, KeyError):
        return data
    except DeflateError as error:
        if "INSUFFICIENT_SPACE" in str(error):
            raise _more(path, "more pixels", "its width and height") from error
        return data
    if len(raw) < bytes_:
        return data
    stored = memoryview(zlib.compress(memoryview(raw)[:bytes_], 0))
    del raw, pixels  # each is as large as the picture
    parts = [(b"IDAT", stored[at : at + CHUNK]) for at in range(0, len(stored), CHUNK)]
    before = [chunk for chunk in chunks if chunk[0] not in (b"IDAT", b"IEND")]
    framed: list[bytes | memoryview] = [data[:8]]
    end = (b"IEND", memoryview(b""))
    for kind, body in (*before, *parts, end):
        sum_ = zlib.crc32(body, zlib.crc32(kind))
        framed += [struct.pack(">I", len(body)), kind, body, struct.pack(">I", sum_)]
    return b"".join(framed)


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    at, view = 8, memoryview(data)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind = data[at + 4 : at + 8]
        yield kind, view[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IEND":
            return


def _bytes_in(header: memoryview) -> int:
    """Return how many bytes the pixels of a PNG are, with one for the filter of each row."""
    across, down, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    steps = ADAM7 if interlaced else ((0, 0, 1, 1),)
    sizes = [(-(-(across - x) // dx), -(-(down - y) // dy)) for x, y, dx, dy in steps]
    return sum(h * (1 + -(-w * bits // 8)) for w, h in sizes if w > 0 and h > 0)
