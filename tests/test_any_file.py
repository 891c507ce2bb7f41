"""Property-based: whatever a file holds, it is read as what it is or refused by name."""

from __future__ import annotations

import io as streams
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from matting_nodes.errors import FileError, MattingError
from matting_nodes.io import images
from matting_nodes.io.decoding import READABLE

EXAMPLES = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FORMATS = st.sampled_from(["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
MODES = st.sampled_from(["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16", "F"])
# Letters, spaces and signs of any script that a file name may hold.
NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/"), min_size=1, max_size=40
).filter(lambda name: name.strip(". ") and len(name.encode()) < 200)


def encoded(picture, kind):
    """Return a picture's file, or None where the format cannot hold it."""
    stream = streams.BytesIO()
    try:
        picture.save(stream, kind)
    except (OSError, ValueError, KeyError):
        return None
    return stream.getvalue()


def picture(mode, width, height, seed):
    values = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    return Image.fromarray(values).convert("I" if mode == "I;16" else mode)


def read_or_refuse(path):
    try:
        array = images.read_image(path)
    except FileError as error:
        assert path.name in error.found
        return None
    assert array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    assert array.dtype.kind in "buif"
    return array


@EXAMPLES
@given(kind=FORMATS, mode=MODES, width=st.integers(1, 40), height=st.integers(1, 40))
def test_every_mode_of_every_format_is_read_or_refused(tmp_path, kind, mode, width, height):
    data = encoded(picture(mode, width, height, seed=width), kind)
    if data is None:
        return
    path = tmp_path / "picture.bin"
    path.write_bytes(data)
    array = read_or_refuse(path.rename(tmp_path / f"picture.{kind.lower()}"))
    if array is not None:
        assert array.shape[:2] == (height, width)


@EXAMPLES
@given(kind=FORMATS, data=st.data())
def test_a_damaged_file_never_crashes_the_reader(tmp_path, kind, data):
    """Truncated anywhere, bytes flipped anywhere, under any ending."""
    whole = bytearray(encoded(picture("RGB", 24, 16, 0), kind))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        whole[place] ^= data.draw(st.integers(1, 255))
    end = data.draw(st.integers(0, len(whole)))
    path = tmp_path / f"damaged{data.draw(st.sampled_from([*READABLE, '.gif', '']))}"
    path.write_bytes(whole[:end])
    read_or_refuse(path)


@EXAMPLES
@given(name=NAMES, suffix=st.sampled_from(images.WRITABLE))
def test_a_name_in_any_script_is_written_and_read(tmp_path, name, suffix):
    path = tmp_path / f"{name}{suffix}"
    images.write_image(path, np.full((3, 4), 0.5, np.float32), force=True)
    assert images.read_image(path).shape == (3, 4)
    path.unlink()
    assert not list(tmp_path.iterdir())


@EXAMPLES
@given(
    suffix=st.sampled_from([*images.WRITABLE, ".gif", ""]),
    bits=st.sampled_from([None, 8, 16, 32]),
    channels=st.sampled_from([0, 1, 3, 4]),
)
def test_what_is_written_comes_back_or_nothing_is_left(tmp_path, suffix, bits, channels):
    values = np.random.default_rng(0).random((5, 6, channels or 1), np.float32)
    path = tmp_path / f"a{suffix}"
    try:
        images.write_image(path, values if channels else values[..., 0], bits=bits, force=True)
    except MattingError:
        assert not list(tmp_path.iterdir())
        return
    back = images.read_image(path)
    scale = np.iinfo(back.dtype).max if back.dtype.kind == "u" else 1
    # JPEG of noise is far off; it has to be a picture of that size.
    tolerance = 1 if suffix.startswith(".j") else 0.51 / 255
    assert np.abs(back.reshape(values.shape) / scale - values).max() <= tolerance
    path.unlink()


def bomb(depth):
    """A PNG of a hundred bytes that claims to be 40,000 pixels wide and high."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, depth, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0" * 99))
    return data + chunk(b"IEND", b"")


@pytest.mark.parametrize("depth", [8, 16])
def test_a_decompression_bomb_is_refused(tmp_path, depth):
    (tmp_path / "bomb.png").write_bytes(bomb(depth))
    with pytest.raises(FileError, match=r"bomb\.png .*(claims|bomb)"):
        images.read_image(tmp_path / "bomb.png")


def test_a_tiff_that_claims_more_than_it_holds_is_refused(tmp_path):
    path = tmp_path / "bomb.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8), compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["ImageWidth"].overwrite(40_000)
        file.pages[0].tags["ImageLength"].overwrite(40_000)
    with pytest.raises(FileError, match=r"bomb\.tif claims to hold 1600000000 pixels"):
        images.read_image(path)


def test_exif_orientation_turns_the_pixels(tmp_path):
    """All eight orientations of one picture come out the same way up."""
    upright = np.zeros((8, 16), np.uint8)
    upright[:4, :8] = 255
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.T,
        6: lambda a: np.rot90(a),
        7: lambda a: np.rot90(a, 2).T,
        8: lambda a: np.rot90(a, -1),
    }
    for orientation, turned in undo.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = tmp_path / f"{orientation}.png"
        Image.fromarray(np.ascontiguousarray(turned(upright))).save(path, exif=exif)
        np.testing.assert_array_equal(images.read_image(path), upright)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("mode", ["P", "CMYK", "LA", "1"])
def test_colors_are_converted_alike_in_every_format(tmp_path, mode, suffix):
    """A palette's numbers, and inks, are no colors."""
    if (mode, suffix) == ("CMYK", ".png"):
        suffix = ".jpg"
    colored = Image.new("RGB", (16, 16), (200, 40, 120)).convert(mode)
    colored.save(tmp_path / f"a{suffix}", **({"quality": 100} if suffix == ".jpg" else {}))
    expected = np.asarray(colored.convert("RGB"), int)
    array = images.read_image(tmp_path / f"a{suffix}")
    array = array[..., None] if array.ndim == 2 else array[..., :3]
    values = array * (255 if array.dtype == bool else 1)
    np.testing.assert_allclose(np.broadcast_to(values, expected.shape), expected, atol=2)


def test_premultiplied_tiff_colors_are_divided_by_their_alpha(tmp_path):
    premultiplied = np.uint8([[[100, 50, 0, 128], [0, 0, 0, 0], [10, 20, 30, 255]]])
    options = {"photometric": "rgb", "extrasamples": ["assocalpha"]}
    tifffile.imwrite(tmp_path / "a.tif", premultiplied, **options)
    expected = [[[199, 100, 0, 128], [0, 0, 0, 0], [10, 20, 30, 255]]]
    np.testing.assert_array_equal(images.read_image(tmp_path / "a.tif"), expected)


def test_a_folder_is_no_picture(tmp_path):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(FileError, match=r"folder\.png is not a file"):
        images.read_image(tmp_path / "folder.png")


AS_A_USER = """
import os, sys
import numpy as np
from matting_nodes.io import images
from matting_nodes.io.decoding import READABLE
from matting_nodes.errors import FileError
source, target, own = sys.argv[1:]
images.read_image(images.write_image(own, np.ones((2, 2))))  # imports all
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
for act in (lambda: images.read_image(source), lambda: images.write_image(target, np.ones((2, 2)))):
    try:
        act()
    except FileError as error:
        print(error)
"""


@pytest.mark.parametrize("what", ["the folder", "the file"])
def test_what_may_not_be_read_or_written_is_refused_by_name(tmp_path, what):
    """As a user without rights: root may read everything."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    inside, own = tmp_path / "inside", tmp_path / "own.png"
    inside.mkdir()
    source = images.write_image(inside / "a.png", np.ones((2, 2)))
    locked = inside if what == "the folder" else source
    locked.chmod(0)
    try:
        done = subprocess.run(
            [sys.executable, "-c", AS_A_USER, source, inside / "new.png", own],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        locked.chmod(0o755)
    reading, writing = done.stdout.splitlines()
    assert f"{source} cannot be read" in reading
    assert str(inside) in writing
    assert list(inside.iterdir()) == [source]
