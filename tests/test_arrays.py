from __future__ import annotations

import re

import numpy as np
import pytest

from matting_nodes.arrays import (
    as_alpha,
    as_box,
    as_image,
    as_mask,
    as_points,
    as_trimap,
    grey,
    trimap_from,
    unknown,
)
from matting_nodes.errors import ShapeError, ValueRangeError


@pytest.mark.parametrize(
    ("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535), (np.uint32, 2**32 - 1)]
)
def test_integers_are_divided_by_the_maximum_of_their_type(dtype, top):
    image = as_image(np.array([[0, top // 5, top]], dtype))
    assert image.dtype == np.float32
    assert image.shape == (1, 3, 1)
    np.testing.assert_allclose(image[0, :, 0], [0, 0.2, 1], atol=1e-6)


def test_bool_and_half_floats_are_taken():
    np.testing.assert_array_equal(as_mask([[True, False]]), np.float32([[1, 0]]))
    np.testing.assert_array_equal(as_alpha(np.float16([[0.5]])), np.float32([[0.5]]))


def test_the_alpha_of_an_rgba_image_is_left_out():
    image = as_image(np.dstack([np.full((2, 2, 3), 100, np.uint8), np.zeros((2, 2), np.uint8)]))
    np.testing.assert_allclose(image, np.full((2, 2, 3), 100 / 255), atol=1e-7)


@pytest.mark.parametrize(
    ("value", "stored"),
    [(0, 0), (5, 0), (6, 6), (102, 102), (127, 127), (128, 128), (249, 249), (250, 255)],
)
def test_trimap_values_up_to_5_and_from_250_are_known(value, stored):
    trimap = as_trimap(np.uint8([[value]]))
    assert trimap[0, 0] == stored
    assert unknown(trimap)[0, 0] == (5 < value < 250)


def test_a_trimap_of_floats_has_one_half_as_128():
    np.testing.assert_array_equal(as_trimap([[0.0, 0.5, 1.0]]), np.uint8([[0, 128, 255]]))


def test_converting_twice_changes_nothing(lemur, lemur_trimap):
    np.testing.assert_array_equal(as_image(lemur), lemur)
    np.testing.assert_array_equal(as_trimap(lemur_trimap), lemur_trimap)


def test_inputs_are_not_changed(lemur_trimap):
    before = np.uint8([[3, 100, 252]])
    as_trimap(before)
    np.testing.assert_array_equal(before, [[3, 100, 252]])


@pytest.mark.parametrize("convert", [as_image, as_mask, as_trimap, as_alpha])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1, 1.5])
def test_values_outside_0_to_1_are_refused_with_the_value(convert, bad):
    with pytest.raises(ValueRangeError) as caught:
        convert(np.float32([[0.5, bad]]))
    told = "NaN or infinite" if not np.isfinite(bad) else f"{bad:g}"
    assert told in str(caught.value)


@pytest.mark.parametrize("shape", [(), (3,), (2, 2, 2), (2, 2, 5), (1, 2, 2, 3), (4, 0, 3)])
def test_shapes_that_are_no_image_are_refused_with_the_shape(shape):
    with pytest.raises(ShapeError, match=re.escape(str(shape))):
        as_image(np.zeros(shape, np.float32))


def test_signed_integers_have_no_natural_range():
    with pytest.raises(ValueRangeError, match="int16"):
        as_image(np.zeros((2, 2), np.int16))


def test_a_box_is_rounded_to_pixels():
    assert as_box([0.4, 1.6, 10, 20.2]) == (0, 2, 10, 20)


@pytest.mark.parametrize(
    "box",
    [(1, 2, 3), (5, 0, 5, 9), (0, 9, 5, 1), (0, 0, np.nan, 1), "abc", ((1, 2), (3,)), {"x": 1}],
)
def test_a_bad_box_is_refused(box):
    with pytest.raises((ShapeError, ValueRangeError)):
        as_box(box)


@pytest.mark.parametrize(
    "points", ["abc", [], [1, 2], [[1, 2], [3]], [["x", 1]], [[1, np.inf]], None]
)
def test_bad_points_are_refused(points):
    with pytest.raises(ShapeError, match="Points are pairs of finite numbers"):
        as_points(points)


def test_grey_is_the_luma():
    colors = np.float32([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]])
    np.testing.assert_allclose(grey(colors), [[0.2126, 0.7152, 0.0722]], atol=1e-6)


def test_foreground_wins_over_unknown():
    trimap = trimap_from(np.array([[True, False, False]]), np.array([[False, False, True]]))
    np.testing.assert_array_equal(trimap, [[255, 128, 0]])
