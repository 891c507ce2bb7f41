from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from matting_nodes.arrays import Kind
from matting_nodes.errors import FileError
from matting_nodes.io import images


@pytest.mark.parametrize(
    ("name", "bits", "step"),
    [("a.png", 8, 1 / 255), ("a.png", 16, 1 / 65535), ("a.tif", 16, 1 / 65535), ("a.tif", 32, 0)],
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_come_back_as_they_were(tmp_path, name, bits, step, channels):
    picture = np.random.default_rng(0).random((7, 9, channels), np.float32)
    back = images.read_image(images.write_image(tmp_path / name, picture, bits=bits))
    values = back if back.dtype.kind == "f" else back / np.iinfo(back.dtype).max
    assert back.dtype.itemsize * 8 == bits
    np.testing.assert_allclose(values.reshape(picture.shape), picture, atol=step / 2 + 1e-7)


def test_an_alpha_is_written_in_16_bits_and_a_trimap_in_8(tmp_path):
    alpha = np.float32([[0, 0.123456, 1]])
    trimap = np.uint8([[0, 128, 255]])
    assert images.read_image(images.write(tmp_path / "a.png", alpha, Kind.ALPHA)).dtype == np.uint16
    written = images.read_image(images.write(tmp_path / "t.png", trimap, Kind.TRIMAP))
    assert written.dtype == np.uint8
    np.testing.assert_array_equal(written, trimap)


def test_names_may_hold_spaces_and_other_scripts(tmp_path):
    path = tmp_path / "мой снимок 画像.png"
    images.write_image(path, np.ones((2, 2)), bits=16)
    np.testing.assert_array_equal(images.read_image(path), np.full((2, 2), 65535))


def test_pictures_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 10)).save(tmp_path / "turned.jpg", exif=exif)
    assert images.read_image(tmp_path / "turned.jpg").shape == (20, 10, 3)


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 0), ("L", 0), ("P", 3), ("LA", 4), ("CMYK", 3)]
)
def test_every_common_mode_is_read(tmp_path, mode, channels):
    path = tmp_path / ("a.tif.jpg" if mode == "CMYK" else "a.png")
    Image.new(mode, (5, 4)).save(path)
    assert images.read_image(path).shape == ((4, 5, channels) if channels else (4, 5))


def test_an_alpha_may_be_the_transparency_of_a_picture(tmp_path):
    cutout = np.zeros((2, 2, 4), np.uint8)
    cutout[0, 0] = 200, 10, 10, 255
    images.write_image(tmp_path / "cutout.png", cutout)
    np.testing.assert_array_equal(images.read(tmp_path / "cutout.png", Kind.ALPHA), cutout[..., 3])


def test_a_colored_picture_is_no_mask(tmp_path, lemur):
    images.write_image(tmp_path / "photo.png", lemur)
    with pytest.raises(FileError, match=r"photo\.png is a colored picture"):
        images.read(tmp_path / "photo.png", Kind.MASK)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_a_truncated_file_is_refused_by_name(tmp_path, lemur, suffix):
    whole, part = tmp_path / f"whole{suffix}", tmp_path / f"part{suffix}"
    images.write_image(whole, lemur)
    part.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(FileError, match=rf"part\{suffix} cannot be read"):
        images.read_image(part)


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    with pytest.raises(FileError, match=r"notes\.png cannot be read"):
        images.read_image(tmp_path / "notes.png")
    with pytest.raises(FileError, match=r"absent\.png is not a file"):
        images.read_image(tmp_path / "absent.png")


def test_several_pictures_in_one_file_are_refused(tmp_path):
    frames = [Image.new("L", (4, 4), value) for value in (0, 255)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    with pytest.raises(FileError, match="one picture"):
        images.read_image(tmp_path / "a.tif")


def test_files_are_not_overwritten_unless_told(tmp_path):
    path = tmp_path / "a.png"
    images.write_image(path, np.zeros((2, 2)))
    before = path.read_bytes()
    with pytest.raises(FileError, match="exists"):
        images.write_image(path, np.ones((2, 2)))
    assert path.read_bytes() == before
    images.write_image(path, np.ones((2, 2)), force=True)
    assert path.read_bytes() != before


def test_a_full_disk_leaves_the_old_file_and_no_half_one(tmp_path, lemur):
    """A real small disk: the shell's file size limit makes the write fail midway."""
    import subprocess
    import sys

    path = tmp_path / "a.png"
    images.write_image(path, np.zeros((2, 2)))
    before = path.read_bytes()
    script = (
        "import numpy, resource, signal; from matting_nodes import sample_data\n"
        "from matting_nodes.io import images\n"
        "from matting_nodes.errors import FileError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"try: images.write_image({str(path)!r}, sample_data.lemur(), force=True)\n"
        "except FileError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "cannot be written: File too large" in done.stdout
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "bits"), [("a.gif", None), ("a", None), ("a.jpg", 16), ("a.png", 32)]
)
def test_what_a_format_cannot_hold_is_refused(tmp_path, name, bits):
    with pytest.raises(FileError):
        images.write_image(tmp_path / name, np.zeros((2, 2)), bits=bits)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileError, match="nowhere does not exist"):
        images.write_image(tmp_path / "nowhere" / "a.png", np.zeros((2, 2)))


def test_a_folder_is_made_for_a_file_else_the_file_is_named(tmp_path):
    path = tmp_path / "new" / "folder" / "a.png"
    images.write_image(images.make_folder_for(path), np.zeros((2, 2)))
    with pytest.raises(FileError, match=r"b\.png cannot be written: its folder cannot be made"):
        images.make_folder_for(path / "b.png")


def test_what_jpeg_cannot_hold_is_refused_before_it_is_written(tmp_path):
    with pytest.raises(FileError, match="JPEG holds 8 bits without transparency"):
        images.write_image(tmp_path / "a.jpg", np.zeros((2, 2, 4), np.float32))
    assert not list(tmp_path.iterdir())


def test_an_animation_is_refused_with_its_number_of_pictures(tmp_path):
    frames = [Image.new("L", (4, 4), value) for value in (0, 100, 255)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    with pytest.raises(FileError, match="holds 3 frames"):
        images.read_image(tmp_path / "a.webp")


def test_a_wrong_ending_does_not_matter_for_what_pillow_reads(tmp_path, lemur):
    images.write_image(tmp_path / "photo.jpg", lemur)
    (tmp_path / "photo.jpg").rename(tmp_path / "photo.png")
    assert images.read_image(tmp_path / "photo.png").shape == lemur.shape
