from __future__ import annotations

import numpy as np
import pytest
import tifffile

from matting_nodes import sample_data, write_image
from matting_nodes.errors import FileError, ParameterError, SizeMismatchError
from matting_nodes.io.stacks import pictures_in, read_stack, write_stack


@pytest.fixture
def planes(lemur):
    """Twelve 16-bit parts of a photo."""
    deep = (lemur[..., 0] * 65535).astype(np.uint16)
    return np.stack([deep[10 * n : 10 * n + 50, 5 * n : 5 * n + 40] for n in range(12)])


@pytest.mark.parametrize(
    ("axes", "shape", "channel", "expected"),
    [
        ("ZYX", (12,), 0, range(12)),
        ("TZYX", (3, 4), 0, range(12)),
        ("CYX", (12,), 3, [2]),
        ("ZCYX", (6, 2), 2, [1, 3, 5, 7, 9, 11]),
        ("TCZYX", (2, 2, 3), 1, [0, 1, 2, 6, 7, 8]),
    ],
)
def test_planes_and_channels_of_a_measurement(tmp_path, planes, axes, shape, channel, expected):
    stack = planes.reshape(*shape, 50, 40)
    tifffile.imwrite(tmp_path / "stack.ome.tif", stack, metadata={"axes": axes}, ome=True)
    frames = read_stack(tmp_path / "stack.ome.tif", channel)
    assert frames[0].dtype == np.uint16
    np.testing.assert_array_equal(frames, planes[list(expected)])


def test_a_channel_has_to_be_chosen_among_many(tmp_path, planes):
    tifffile.imwrite(tmp_path / "five.ome.tif", planes[:5], metadata={"axes": "CYX"}, ome=True)
    with pytest.raises(ParameterError, match="has 5 channels, and the chosen one is none"):
        read_stack(tmp_path / "five.ome.tif")
    with pytest.raises(ParameterError, match="has 5 channels, and the chosen one is 6"):
        read_stack(tmp_path / "five.ome.tif", 6)


def test_a_channel_of_a_photo_is_grey(tmp_path):
    (frame,) = read_stack(sample_data.FOLDER / "lemur.png", 3)
    np.testing.assert_array_equal(frame, read_stack(sample_data.FOLDER / "lemur.png")[0][..., 2])


def test_a_folder_is_read_in_the_order_of_names(tmp_path, planes):
    for number in (2, 0, 1):
        write_image(tmp_path / f"{number}.tif", planes[number] / 65535)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    assert [path.name for path in pictures_in(tmp_path)] == ["0.tif", "1.tif", "2.tif"]
    np.testing.assert_array_equal(read_stack(tmp_path), (planes[:3] / 65535).astype(np.float32))
    write_image(tmp_path / "3.tif", np.zeros((5, 5)))
    with pytest.raises(SizeMismatchError, match=r"3\.tif has shape \(5, 5\)"):
        read_stack(tmp_path)


def test_frames_are_read_as_people_count_them(tmp_path):
    names = ["f1.png", "f2.png", "F3.png", "f10.png", "f11.png", "f011b.png"]
    for value, name in enumerate(names):
        write_image(tmp_path / name, np.full((2, 2), value, np.uint8))
    assert [path.name for path in pictures_in(tmp_path)] == names
    assert [int(frame[0, 0]) for frame in read_stack(tmp_path)] == list(range(6))


def test_an_empty_folder_and_a_broken_file_are_told(tmp_path):
    with pytest.raises(FileError, match="holds no pictures"):
        read_stack(tmp_path)
    (tmp_path / "broken.tif").write_bytes(b"II*\0 nothing")
    with pytest.raises(FileError, match=r"broken\.tif"):
        read_stack(tmp_path / "broken.tif")


@pytest.mark.parametrize(("bits", "step"), [(8, 255), (16, 65535), (32, None)])
@pytest.mark.parametrize("channels", [(), (3,), (4,)])
def test_a_stack_comes_back_as_it_was_written(tmp_path, bits, step, channels):
    values = np.random.default_rng(0).random((3, 20, 30, *channels), np.float32)
    path = write_stack(tmp_path / "stack.tif", list(values), bits=bits)
    expected = values if step is None else np.floor(values * np.float64(step) + 0.5)
    np.testing.assert_array_equal(read_stack(path), expected)
