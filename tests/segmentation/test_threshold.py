from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.errors import EmptyRegionError, ParameterError, ShapeError
from matting_nodes.nodes.segment import segment


def test_it_finds_the_bright_cell():
    """The cell is a disk of some 64 pixels' radius around (374, 428)."""
    mask = segment(sample_data.cell(), method="threshold")
    y, x = np.indices(mask.shape)
    disk = np.hypot(y - 374, x - 428) < 64
    assert (mask.astype(bool) & disk).sum() / (mask.astype(bool) | disk).sum() > 0.9


def test_dark_objects_are_the_rest():
    cell = sample_data.cell()
    bright, dark = (segment(cell, method="threshold", objects=o) for o in ("bright", "dark"))
    np.testing.assert_array_equal(bright + dark, np.ones_like(bright))


def test_bit_depth_and_scale_do_not_matter():
    cell = sample_data.cell()
    expected = segment(cell, method="threshold")
    as_16_bit = cell.astype(np.uint16) * 257
    np.testing.assert_array_equal(segment(as_16_bit, method="threshold"), expected)


def test_a_constant_image_has_no_threshold():
    with pytest.raises(EmptyRegionError, match=r"Every pixel of the image is 0\.25"):
        segment(np.full((4, 4), 0.25), method="threshold")


@pytest.mark.parametrize("base", [1e-30, 0.5, 0.999])
@pytest.mark.parametrize("algorithm", ["otsu", "li", "triangle", "local"])
def test_a_square_that_differs_in_the_last_bit_is_found(algorithm, base):
    image = np.full((40, 40), base, np.float32)
    image[10:20, 10:20] = np.nextafter(np.float32(base), np.float32(2))
    mask = segment(image, method="threshold", algorithm=algorithm, window=31)
    np.testing.assert_array_equal(mask, image > image[0, 0])


@pytest.mark.parametrize("algorithm", ["otsu", "li", "triangle", "local"])
def test_every_algorithm_finds_the_cell(algorithm):
    cell = sample_data.cell()
    settings = {"window": 301} if algorithm == "local" else {}
    mask = segment(cell, method="threshold", algorithm=algorithm, smallest_object=5000, **settings)
    y, x = np.indices(mask.shape)
    disk = np.hypot(y - 374, x - 428) < 64
    assert mask[disk].mean() > 0.9


def test_a_channel_is_looked_at_alone():
    image = np.zeros((4, 4, 3))
    image[:2, :, 0] = image[:, :2, 2] = 1
    red = segment(image, method="threshold", channel="red")
    np.testing.assert_array_equal(red, image[..., 0])
    blue = segment(image, method="threshold", channel="blue", objects="dark")
    np.testing.assert_array_equal(blue, 1 - image[..., 2])
    with pytest.raises(ShapeError, match="grey and the channel is red"):
        segment(np.eye(4), method="threshold", channel="red")


def test_small_objects_go_and_small_holes_are_filled():
    image = np.zeros((12, 20))
    image[1:8, 1:8] = 1
    image[3:5, 3:5] = 0  # a hole of 4 pixels
    image[10, 10] = image[9, 11] = 1  # two pixels that touch at a corner
    image[:, 15:] = 1
    image[5:7, 17:] = 0  # a bay that reaches the border is no hole
    cleaned = segment(image, method="threshold", smallest_object=3, largest_hole=4)
    expected = image.copy()
    expected[3:5, 3:5], expected[9:11, 10:12] = 1, 0
    np.testing.assert_array_equal(cleaned, expected)
    kept = segment(image, method="threshold", smallest_object=2, largest_hole=3)
    np.testing.assert_array_equal(kept, image)


def test_an_even_window_is_refused():
    with pytest.raises(ParameterError, match=r"window .* is 50.*Choose 51"):
        segment(sample_data.cell(), method="threshold", algorithm="local", window=50)
