"""What a file says of its pixels is heeded in every format that can say it."""

from __future__ import annotations

import io as streams
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from matting_nodes.arrays import Kind, as_labels
from matting_nodes.errors import FileError
from matting_nodes.io import images
from matting_nodes.io.decoding import decode, decode_bytes, size_of
from matting_nodes.io.stacks import read_stack

GREY = np.add.outer(np.arange(8), np.arange(0, 240, 20)).astype(np.uint8)
RGB = np.dstack([GREY, GREY[:, ::-1], 255 - GREY])
WIDE_GAMUT = imagecodecs.cms_profile("adobergb")


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png16(array, *, transparent=None, profile=b"", exif=b""):
    """A PNG of 16 bits, which Pillow cannot write in color."""
    color = {1: 0, 2: 4, 3: 2, 4: 6}[array.shape[2] if array.ndim == 3 else 1]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    height, width = array.shape[:2]
    data = b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0)
    )
    if profile:
        data += chunk(b"iCCP", b"p\0\0" + zlib.compress(profile))
    if exif:
        data += chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    if transparent is not None:
        data += chunk(b"tRNS", np.array(transparent, ">u2").tobytes())
    return data + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def in_bits(array, dtype):
    """8-bit values in another type, of the same part of its range."""
    if np.dtype(dtype).kind == "f":
        return (array / 255).astype(dtype)
    return (array.astype(dtype) * (np.iinfo(dtype).max // 255)).astype(dtype)


def values(array):
    """Any depth as 0..255."""
    top = 1 if array.dtype.kind == "f" else np.iinfo(array.dtype).max
    return array.astype(float) * 255 / top


def orientation_tag(orientation):
    return (274, 3, 1, orientation, True)


def write(path, name, array, *, orientation=1, profile=b""):
    """Write 8-bit values in the format of a name, turned and in a color space as it says."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    if name == "png16":
        path.write_bytes(png16(in_bits(array, np.uint16), profile=profile, exif=exif.tobytes()))
    elif name.startswith("tiff"):
        dtype = {"tiff16": np.uint16, "tiff_float": np.float32}.get(name, np.uint8)
        tifffile.imwrite(
            path,
            in_bits(array, dtype),
            photometric="rgb" if array.ndim == 3 else "minisblack",
            compression="lzw" if name == "tiff_lzw" else None,
            extratags=[orientation_tag(orientation)],
            iccprofile=profile or None,
        )
    else:
        kind, options = {
            "png": ("PNG", {}),
            "jpeg": ("JPEG", {"quality": 100, "subsampling": 0}),
            "webp": ("WEBP", {"lossless": True}),
        }[name]
        options = options | ({"icc_profile": profile} if profile else {})
        Image.fromarray(np.ascontiguousarray(array)).save(path, kind, exif=exif, **options)
    return path


FORMATS = ["png", "png16", "jpeg", "webp", "tiff", "tiff16", "tiff_float", "tiff_lzw"]
# Rounding, and JPEG's at its best.
TOLERANCE = {"jpeg": 6}
TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("orientation", TURNED)
def test_the_picture_is_turned_upright(tmp_path, name, orientation):
    stored = np.ascontiguousarray(TURNED[orientation](RGB))
    path = write(tmp_path / "a.bin", name, stored, orientation=orientation)
    upright = images.read_image(path)
    np.testing.assert_allclose(values(upright), RGB, atol=TOLERANCE.get(name, 0.01))
    assert size_of(path) == RGB.shape[1::-1]


@pytest.mark.parametrize("name", FORMATS)
def test_colors_of_another_profile_become_srgb_and_masks_stay(tmp_path, name):
    path = write(tmp_path / "a.bin", name, RGB, profile=WIDE_GAMUT)
    expected = values(
        imagecodecs.cms_transform(
            in_bits(RGB, np.float32),
            WIDE_GAMUT,
            imagecodecs.cms_profile("srgb"),
            colorspace="rgb",
            outcolorspace="rgb",
            outdtype=np.float32,
        )
    ).clip(0, 255)
    assert np.abs(expected - RGB).max() > 15
    np.testing.assert_allclose(
        values(images.read_image(path)), expected, atol=TOLERANCE.get(name, 0) + 0.6
    )
    grey = write(tmp_path / "b.bin", name, np.dstack([GREY] * 3), profile=WIDE_GAMUT)
    alpha = values(images.read(grey, Kind.ALPHA))
    np.testing.assert_allclose(alpha, GREY, atol=TOLERANCE.get(name, 0.01))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("profile", [imagecodecs.cms_profile("srgb"), b"no profile" * 20])
def test_srgb_and_damaged_profiles_change_nothing(tmp_path, name, profile):
    path = write(tmp_path / "a.bin", name, RGB, profile=profile)
    np.testing.assert_allclose(values(images.read_image(path)), RGB, atol=TOLERANCE.get(name, 0.01))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("kind", list(Kind)[:4])
def test_min_is_white_is_inverted_whatever_the_depth(tmp_path, dtype, kind):
    stored = in_bits(255 - GREY, dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite")
    np.testing.assert_allclose(values(images.read(tmp_path / "a.tif", kind)), GREY, atol=0.01)
    tifffile.imwrite(
        tmp_path / "s.tif", np.stack([stored] * 2), photometric="miniswhite", metadata=None
    )
    frames = read_stack(tmp_path / "s.tif", kind=kind)
    np.testing.assert_allclose([values(frame) for frame in frames], [GREY] * 2, atol=0.01)


TRANSPARENT = int(GREY[3, 4])
OPAQUE = np.where(GREY == TRANSPARENT, 0, 255)


def with_transparent_color(name, path):
    """Write GREY, or a palette of it, with one value transparent; return what is opaque."""
    if name == "png16":
        path.write_bytes(png16(in_bits(GREY, np.uint16), transparent=[TRANSPARENT * 257]))
    elif name == "png16_rgb":
        rgb = in_bits(np.dstack([GREY] * 3), np.uint16)
        path.write_bytes(png16(rgb, transparent=[TRANSPARENT * 257] * 3))
    elif name == "png_rgb":
        Image.fromarray(np.dstack([GREY] * 3)).save(path, "PNG", transparency=(TRANSPARENT,) * 3)
    else:
        mode = "P" if name == "png_palette" else "L"
        picture = Image.fromarray(GREY)
        if mode == "P":
            picture = Image.frombytes("P", picture.size, GREY.tobytes())
            picture.putpalette([value for value in range(256) for _ in range(3)])
        picture.save(path, "PNG", transparency=TRANSPARENT)
    return path


@pytest.mark.parametrize("name", ["png", "png_rgb", "png_palette", "png16", "png16_rgb"])
def test_a_color_that_is_declared_transparent_is(tmp_path, name):
    array = images.read_image(with_transparent_color(name, tmp_path / "a.png"))
    np.testing.assert_array_equal(values(array[..., 3]), OPAQUE)
    np.testing.assert_array_equal(values(array[..., 0]), GREY)
    alpha = images.read(tmp_path / "a.png", Kind.ALPHA)
    np.testing.assert_array_equal(values(alpha), OPAQUE)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("color", [GREY, RGB], ids=["grey", "rgb"])
@pytest.mark.parametrize(
    "extras", [["assocalpha"], ["unassalpha"], ["unspecified", "assocalpha"], ["unspecified"] * 2]
)
def test_extra_samples_are_what_the_tiff_says(tmp_path, dtype, color, extras):
    """Premultiplied colors are divided by their alpha; saved selections are no channels."""
    alpha = np.linspace(64, 255, GREY.size).round().astype(np.uint8).reshape(GREY.shape)
    colors = color.reshape(*GREY.shape, -1)
    stored = colors * (alpha[..., None] / 255 if "assocalpha" in extras else 1)
    samples = {"unspecified": GREY[::-1]}
    planes = [stored, *(samples.get(extra, alpha)[..., None] for extra in extras)]
    array = np.concatenate(planes, axis=2) / 255
    array = array if dtype == np.float32 else np.rint(array * np.iinfo(dtype).max)
    photometric = "rgb" if color is RGB else "minisblack"
    tifffile.imwrite(
        tmp_path / "a.tif",
        array.astype(dtype),
        photometric=photometric,
        extrasamples=extras,
        planarconfig="contig",
    )
    read = images.read_image(tmp_path / "a.tif")
    if set(extras) == {"unspecified"} and color is GREY:
        assert read.shape == (*GREY.shape, 3)  # Samples of grey are what was measured.
        return
    steps = 2 if dtype == np.uint8 else 0.1  # 8 bits of a product, divided by 64 of 255
    np.testing.assert_allclose(
        values(read)[..., :3].reshape(-1),
        np.broadcast_to(colors, (*GREY.shape, 3)).reshape(-1)
        if read.ndim == 3
        else colors.reshape(-1),
        atol=steps,
    )
    if "unspecified" not in extras or "assocalpha" in extras:
        np.testing.assert_allclose(values(read[..., 3]), alpha, atol=0.51)
    else:
        assert read.shape == RGB.shape


@pytest.mark.parametrize("kind", ["tiff", "jpeg"])
def test_inks_become_light(tmp_path, kind):
    inks = Image.new("CMYK", (16, 16), (0, 128, 255, 51))
    inks.save(tmp_path / "a.bin", kind.upper(), **({"quality": 100} if kind == "jpeg" else {}))
    expected = [[[204, 204 * 127 / 255, 0]]]
    np.testing.assert_allclose(
        images.read_image(tmp_path / "a.bin"), np.broadcast_to(expected, (16, 16, 3)), atol=2
    )


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({"compression": "tiff_lzw"}, 0),
        ({"compression": "jpeg", "quality": 100}, 6),
        ({"compression": "tiff_adobe_deflate"}, 0),
        ({"compression": "packbits"}, 0),
    ],
    ids=lambda value: value["compression"] if isinstance(value, dict) else "",
)
def test_every_common_compression_of_tiff_is_read(tmp_path, options, tolerance):
    Image.fromarray(RGB).save(tmp_path / "a.tif", **options)
    np.testing.assert_allclose(
        images.read_image(tmp_path / "a.tif").astype(int), RGB, atol=tolerance
    )


@pytest.mark.parametrize("compression", ["group3", "group4", None])
def test_a_fax_is_a_mask(tmp_path, compression):
    mask = GREY > 100
    Image.fromarray(mask).save(tmp_path / "a.tif", compression=compression)
    np.testing.assert_array_equal(images.read(tmp_path / "a.tif", Kind.MASK), mask * 255)


def test_twelve_bits_use_their_own_range(tmp_path):
    stored = (GREY.astype(np.uint16) * 16).clip(0, 4095)
    tifffile.imwrite(tmp_path / "a.tif", stored, bitspersample=12)
    np.testing.assert_allclose(values(images.read_image(tmp_path / "a.tif")), GREY, atol=1)


def test_of_a_cameras_two_pictures_the_first_is_meant(tmp_path):
    first, preview = Image.fromarray(RGB), Image.fromarray(255 - RGB)
    first.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[preview], quality=100)
    with Image.open(tmp_path / "a.jpg") as file:
        assert file.n_frames == 2
    expected = np.asarray(Image.open(tmp_path / "a.jpg").convert("RGB"))
    np.testing.assert_array_equal(images.read_image(tmp_path / "a.jpg"), expected)


def test_a_thumbnail_is_no_second_picture(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(RGB, photometric="rgb")
        file.write(RGB[::2, ::2], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(images.read_image(tmp_path / "a.tif"), RGB)


def test_the_numbers_of_a_palette_are_labels(tmp_path):
    labels = np.uint8([[0, 1, 1], [7, 7, 2]])
    picture = Image.frombytes("P", (3, 2), labels.tobytes())
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0] + [9] * 30)
    picture.save(tmp_path / "a.png")
    tifffile.imwrite(
        tmp_path / "a.tif", labels, photometric="palette", colormap=np.zeros((3, 256), np.uint16)
    )
    for name in ("a.png", "a.tif"):
        np.testing.assert_array_equal(images.read(tmp_path / name, Kind.LABELS), labels)
    np.testing.assert_array_equal(
        images.read_image(tmp_path / "a.png")[0], [[0, 0, 0], [255, 0, 0], [255, 0, 0]]
    )


@pytest.mark.parametrize("number", [2**31, 2**40, 2**63])
def test_labels_may_have_any_numbers(tmp_path, number):
    labels = np.array([[0, number, number + 1], [5, 5, 0]], np.uint64)
    np.testing.assert_array_equal(as_labels(labels), [[0, 2, 3], [1, 1, 0]])


def test_what_is_not_read_is_said(tmp_path):
    stream = streams.BytesIO()
    Image.fromarray(RGB).convert("LAB").save(stream, "TIFF")
    (tmp_path / "a.tif").write_bytes(stream.getvalue())
    with pytest.raises(FileError, match="colors of the kind CIELAB"):
        images.read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_a_file_in_memory_is_read_like_one_on_disk(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (20, 30, 3), np.uint8)).save(path)
    (frame,) = decode_bytes(path.read_bytes(), "a", Kind.IMAGE)
    np.testing.assert_array_equal(frame, decode(path, Kind.IMAGE)[0])
    with pytest.raises(FileError, match="claims to hold 600 pixels"):
        decode_bytes(path.read_bytes(), "a", Kind.IMAGE, most=599)
