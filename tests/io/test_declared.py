"""A file that declares or decodes to more than it should is refused before it fills the memory."""

from __future__ import annotations

import io as streams
import lzma
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from matting_nodes import sample_data
from matting_nodes.errors import FileError, MattingError, MemoryLimitError
from matting_nodes.graph import Folders, Graph, evaluate
from matting_nodes.io.declared import size_in
from matting_nodes.io.images import read_image
from matting_nodes.io.stacks import read_stack
from matting_nodes.memory import GIB, LIMIT

LEMUR = (sample_data.lemur() * 255).astype(np.uint8)


def tiff(codec, data, side=100, bits=8, samples=1):
    """Return a TIFF with one strip of these bytes, whatever they are."""
    tags = {256: side, 257: side, 258: bits, 259: codec, 262: 1, 273: 0, 277: samples, 278: side}
    tags |= {279: len(data)}
    start = 8 + 2 + 12 * len(tags) + 4
    entries = [
        struct.pack("<HHII", tag, 4, 1, start if tag == 273 else value)
        for tag, value in tags.items()
    ]
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + b"".join(entries) + bytes(4) + data


def png(width, height, depth, pixels):
    def chunk(kind, body):
        body = kind + body
        return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


GREY = np.zeros((4000, 4000), np.uint8)
ZEROS = bytes(200_000_000)
# The name of TIFF's codec, and bytes that decode to far more than 100 × 100 pixels.
BOMBS = {
    "deflate": (8, zlib.compress(ZEROS)),
    "packbits": (32773, b"\x81\0" * 1_000_000),
    "zstd": (50000, imagecodecs.zstd_encode(ZEROS)),
    "jpeg": (7, imagecodecs.jpeg8_encode(GREY)),
    "jpeg2000": (34712, imagecodecs.jpeg2k_encode(GREY)),
    "jpegxl": (50002, imagecodecs.jpegxl_encode(GREY)),
    "webp": (50001, imagecodecs.webp_encode(np.dstack([GREY] * 3))),
    "png": (34933, imagecodecs.png_encode(GREY)),
    "png_with_more": (34933, png(100, 100, 8, zlib.compress(ZEROS))),
    "lerc": (34887, imagecodecs.lerc_encode(GREY)),
    "declared": (1, bytes(9000)),
}
# The most memory that a process has held, in bytes; resource's number counts its parent's too.
PEAK = """
import re
def peak():
    with open("/proc/self/status") as file:
        return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", file.read())[1])
"""
MEASURED = """
import sys
from matting_nodes.io.images import read_image
from matting_nodes.errors import FileError
from PIL import Image
small, *paths = sys.argv[1:]
read_image(small); Image.init()  # imports all
before = peak()
for path in paths:
    try:
        print("READ", path, read_image(path).shape)
    except FileError as error:
        print(error)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory in other units")
def test_bombs_are_refused_without_their_memory(tmp_path):
    small = tmp_path / "small.tif"
    tifffile.imwrite(small, LEMUR[:9, :9], compression="zlib")
    paths = []
    for name, (codec, data) in BOMBS.items():
        side = 20_000 if name == "declared" else 100
        samples = 3 if name in ("webp", "png_with_more") else 1
        paths.append(tmp_path / f"{name}.tif")
        paths[-1].write_bytes(tiff(codec, data, side, samples=samples))
    for depth in (8, 16):
        paths.append(tmp_path / f"{depth}.png")
        paths[-1].write_bytes(png(64, 64, depth, zlib.compress(ZEROS)))
    command = [sys.executable, "-c", PEAK + MEASURED, small, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *told, most = done.stdout.splitlines()
    for path, text in zip(paths, told, strict=True):
        assert text.startswith(str(path)), text
    assert int(most) < 100_000_000


def test_pages_that_lead_back_are_refused(tmp_path):
    whole = bytearray(tiff(1, bytes(10_000)))
    (count,) = struct.unpack("<H", whole[8:10])
    at = 10 + 12 * count
    whole[at : at + 4] = struct.pack("<I", 8)
    (tmp_path / "a.tif").write_bytes(whole)
    with pytest.raises(FileError, match="a page that is followed by an earlier one"):
        read_image(tmp_path / "a.tif")


def test_a_stream_that_goes_on_after_the_last_strip_is_cut(tmp_path):
    """LZMA's decoder stops by itself at the size that is asked for."""
    (tmp_path / "a.tif").write_bytes(tiff(34925, lzma.compress(ZEROS)))
    assert not read_image(tmp_path / "a.tif").any()


@pytest.mark.parametrize("size", [(17, 33), (64, 64), (300, 450), (1080, 1920), (1000, 3)])
def test_the_size_of_an_encoded_picture_is_known_before_decoding(size):
    color = np.random.default_rng(0).integers(0, 255, (*size, 3)).astype(np.uint8)
    encoded = [
        imagecodecs.jpeg8_encode(color),
        imagecodecs.ljpeg_encode(color[..., 0]),
        imagecodecs.jpeg2k_encode(color),
        imagecodecs.jpegxl_encode(color),
        imagecodecs.jpegxl_encode(color, usecontainer=True),
        imagecodecs.webp_encode(color),
        imagecodecs.webp_encode(color, lossless=True),
        imagecodecs.png_encode(color),
        imagecodecs.lerc_encode(color[..., 0]),
    ]
    assert [size_in(data) for data in encoded] == [size[::-1]] * len(encoded)
    assert all(size_in(data[:11]) is None for data in encoded)


@pytest.mark.parametrize("compression", ["jpeg", "jpeg2000", "webp", "png", "jpegxl", "zstd"])
@pytest.mark.parametrize("tile", [None, (64, 48)])
def test_whole_files_of_these_codecs_are_read(tmp_path, compression, tile):
    options = {"rowsperstrip": 100} if tile is None else {"tile": tile}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, LEMUR, compression=compression, photometric="rgb", **options)
    assert np.abs(read_image(path).astype(int) - LEMUR).mean() < 5


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "I;16"])
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (13, 21)])
def test_every_kind_of_png_keeps_its_pixels(tmp_path, mode, size):
    grey = np.random.default_rng(1).integers(0, 255, size).astype(np.uint8)
    picture = Image.fromarray(grey).convert("I" if mode == "I;16" else mode)
    picture = picture.convert("I;16") if mode == "I;16" else picture
    picture.save(tmp_path / "a.png")
    expected = imagecodecs.png_decode((tmp_path / "a.png").read_bytes())
    if mode == "LA":
        expected = np.dstack([expected[..., :1]] * 3 + [expected[..., 1:]])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), expected)


def test_a_png_with_some_bytes_after_its_pixels_is_read(tmp_path):
    rows = b"".join(b"\0" + row.tobytes() for row in LEMUR[:8, :8])
    (tmp_path / "a.png").write_bytes(png(8, 8, 8, zlib.compress(rows + bytes(100))))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), LEMUR[:8, :8])


def test_planes_that_were_never_written_are_black(tmp_path):
    """As where a measurement was broken off; but only as many as fit into the memory."""
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.full((2, 8, 8), 7, np.uint8), ome=True, metadata={"axes": "ZYX"})
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'SizeZ="2"', b'SizeZ="3"'))
    assert [frame.max() for frame in read_stack(path)] == [7, 7, 0]


def test_complex_numbers_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((4, 4), 1 + 2j, np.complex64))
    with pytest.raises(FileError, match="holds numbers of the type complex64"):
        read_image(tmp_path / "a.tif")


def test_a_damaged_stream_in_a_stack_is_refused_by_name(tmp_path):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.stack([LEMUR] * 5), compression="zlib", photometric="rgb")
    with tifffile.TiffFile(path) as file:
        at = file.pages[3].dataoffsets[0]
    whole = bytearray(path.read_bytes())
    whole[at + 100 : at + 200] = bytes(100)
    path.write_bytes(whole)
    with pytest.raises(FileError, match=r"stack\.tif cannot be read"):
        read_stack(path)
    with pytest.raises(MattingError, match=r"Node 1 .*stack\.tif cannot be"):
        loaded(path, "MattingNodesLoadPicture")


RAMP = np.linspace(0, 65535, 64 * 48).reshape(48, 64)


def pnm(kind):
    values = {
        "P5 64 48 65535": RAMP.astype(">u2"),
        "P5 64 48 1023": (RAMP / 65535 * 1023).astype(">u2"),
        "P6 64 48 65535": np.dstack([RAMP] * 3).astype(">u2"),
        "Pf 64 48 -1.0": (RAMP[::-1] / 65535).astype("<f4"),
    }[kind]
    return kind.replace(" ", "\n").encode() + b"\n" + values.tobytes()


def loaded(path, class_type):
    """Return what a loader of a graph makes of a file."""
    graph = {
        "1": {"class_type": class_type, "inputs": {"image": path.name}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    (shown,) = evaluate(Graph.from_json(graph), Folders(path.parent, path.parent))
    return shown.values[0]


@pytest.mark.parametrize("suffix", ["png", "pgm", "tif", "jpg"])
@pytest.mark.parametrize("kind", ["P5 64 48 65535", "P5 64 48 1023", "Pf 64 48 -1.0"])
def test_deep_grey_under_any_ending_is_read_right_or_refused(tmp_path, kind, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(pnm(kind))
    array = read_image(path)
    scale = 1 if array.dtype == np.float32 else 65535
    assert array.dtype in (np.uint16, np.float32)
    np.testing.assert_allclose(array / scale, RAMP / 65535, atol=1.5 / 1023)
    for class_type in ("LoadImage", "MattingNodesLoadPicture"):
        try:
            result = loaded(path, class_type)
        except MattingError as error:
            assert path.name in str(error)
        else:
            np.testing.assert_allclose(result[0, ..., 0], RAMP / 65535, atol=1 / 255)


def test_deep_colors_that_would_lose_their_depth_are_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(pnm("P6 64 48 65535"))
    with pytest.raises(FileError, match="is a PPM with colors up to 65535"):
        read_image(tmp_path / "a.png")


def test_what_does_not_fit_into_the_memory_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    stream = streams.BytesIO()
    tifffile.imwrite(stream, np.zeros((64, 1000, 1000), np.uint8), compression="zlib")
    (tmp_path / "a.tif").write_bytes(stream.getvalue())
    own = (
        int(Path("/proc/self/statm").read_text().split()[1]) * 4096 if Path("/proc").exists() else 0
    )
    monkeypatch.setenv(LIMIT, str((own + 2**27) / GIB))
    with pytest.raises(MemoryLimitError, match=r"a\.tif with 64000000 bytes of samples needs"):
        read_stack(tmp_path / "a.tif")


READERS = """
import os, sys, threading
from matting_nodes import memory
from matting_nodes.io.images import read_image
small, large = sys.argv[1:]
read_image(small)  # imports all
before = memory._own()
os.environ[memory.LIMIT] = str((before + 2**29) / memory.GIB)
threads = [threading.Thread(target=lambda: print(read_image(large).shape)) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory in other units")
def test_eight_readers_at_a_time_stay_within_the_limit(tmp_path):
    """Each may take 164 MB, and they share 512."""
    small, large = tmp_path / "small.tif", tmp_path / "large.tif"
    options = {"photometric": "rgb", "extrasamples": ["assocalpha"], "compression": "zlib"}
    for path, side in ((small, 8), (large, 3200)):
        picture = np.zeros((side, side, 4), np.uint8)
        picture[::3] = 99
        tifffile.imwrite(path, picture, **options)
    command = [sys.executable, "-c", PEAK + READERS, small, large]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *shapes, most = done.stdout.splitlines()
    assert shapes == ["(3200, 3200, 4)"] * 8
    assert int(most) < 2**29
