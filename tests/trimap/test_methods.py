from __future__ import annotations

import cv2
import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.arrays import as_trimap
from matting_nodes.errors import EmptyRegionError, ParameterError, ValueRangeError
from matting_nodes.nodes.make_trimap import make_trimap

BINARY = (sample_data.lemur_alpha() > 0.5).astype(np.uint8) * 255
SOFT = np.round(sample_data.lemur_alpha() * 255).astype(np.uint8)


def published_pipeline(mask, kernel, iterations):
    """Erode, dilate, and 128 where they differ, as the pipelines have it."""
    eroded = cv2.erode(mask, kernel, iterations=iterations)
    dilated = cv2.dilate(mask, kernel, iterations=iterations)
    trimap = np.full(mask.shape, 128, np.uint8)
    trimap[eroded == 255], trimap[dilated == 0] = 255, 0
    return trimap


@pytest.mark.parametrize(
    ("recipe", "kernel", "iterations"),
    [
        ("square_10x5", np.ones((10, 10), np.uint8), 5),
        ("ellipse_7x6", cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)), 6),
    ],
)
def test_a_published_recipe_is_reproduced_pixel_for_pixel(recipe, kernel, iterations):
    trimap = make_trimap(BINARY, method="published", recipe=recipe)
    np.testing.assert_array_equal(trimap, published_pipeline(BINARY, kernel, iterations))


def test_the_smooth_recipe_is_reproduced_pixel_for_pixel():
    """Ellipse of 10 − 4; dilated above 5 counts as touched, eroded from 250 as whole."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (6, 6))
    dilated = np.where(cv2.dilate(SOFT, kernel) > 5, 255, 0)
    eroded = np.where(cv2.erode(SOFT, kernel) < 250, 0, 255)
    expected = dilated.astype(np.uint8)
    expected[(dilated == 255) & (eroded == 0)] = 128
    trimap = make_trimap(SOFT, method="published", recipe="smooth_ellipse_6")
    np.testing.assert_array_equal(trimap, expected)


def test_an_even_published_element_is_lopsided_and_ours_is_not():
    mask = np.zeros((61, 61))
    mask[15:46, 15:46] = 1
    square = {"method": "structuring_element", "shape": "square", "radius": 5, "iterations": 2}
    ours = make_trimap(mask, **square)
    np.testing.assert_array_equal(ours, ours[::-1, ::-1])
    assert (ours[30] == 128).sum() == 2 * 20
    theirs = make_trimap(np.pad(mask, 40), method="published", recipe="smooth_ellipse_6")
    assert not np.array_equal(theirs, theirs[::-1, ::-1])


def test_a_square_element_by_hand():
    mask = np.zeros((9, 9))
    mask[2:7, 2:7] = 1
    trimap = make_trimap(mask, method="structuring_element", shape="square", radius=1, iterations=1)
    expected = np.zeros((9, 9), np.uint8)
    expected[1:8, 1:8], expected[3:6, 3:6] = 128, 255
    np.testing.assert_array_equal(trimap, expected)


def test_soft_values_stay_unknown_under_an_element():
    mask = np.zeros((30, 30))
    mask[5:25, 5:25], mask[15, 15] = 1, 0.9
    trimap = make_trimap(mask, method="structuring_element", radius=1, iterations=1)
    assert trimap[15, 15] == 128


HARD = np.zeros((60, 60), np.float32)
HARD[15:45, 15:45] = 1
NEARLY = {
    "Load Image's 255": HARD * np.float32(0.99611),
    "a sigmoid": 0.0001 + 0.9998 * HARD,
    "2 of 255": np.where(HARD, np.uint8(253), np.uint8(2)),
    "a soft network": 0.04 + 0.92 * HARD,
    "no definite foreground": 0.97 * HARD,
}
METHODS = [
    {"inner": 3.0, "outer": 3.0},
    {"method": "structuring_element", "radius": 2, "iterations": 1},
    {"method": "published", "recipe": "ellipse_7x6"},
]


@pytest.mark.parametrize("mask", NEARLY)
@pytest.mark.parametrize("parameters", METHODS, ids=str)
def test_what_is_nearly_a_hard_mask_gives_the_trimap_of_one(mask, parameters):
    padded = (np.pad(mask, 20, mode="edge") for mask in (NEARLY[mask], HARD))
    soft, hard = (np.kron(mask, np.ones((2, 2), mask.dtype)) for mask in padded)
    np.testing.assert_array_equal(make_trimap(soft, **parameters), make_trimap(hard, **parameters))


@pytest.mark.parametrize("parameters", METHODS[:2], ids=str)
def test_faint_noise_leaves_the_foreground_and_the_background(parameters):
    """As JPEG leaves it around 0 and 255: a third of all pixels, and a trimap of unknown ones."""
    noise = np.random.default_rng(0).integers(0, 6, HARD.shape)
    noisy = np.where(HARD, 255 - noise, noise).astype(np.uint8)
    trimap, expected = (make_trimap(mask, **parameters) for mask in (noisy, HARD))
    for value in (0, 255):
        assert not (trimap[expected != value] == value).any()
        assert (trimap == value).sum() > 0.4 * (expected == value).sum()


@pytest.mark.parametrize("parameters", METHODS, ids=str)
@pytest.mark.parametrize(("value", "told"), [(0.3, "foreground"), (0.7, "background")])
def test_a_mask_of_one_side_is_refused_and_the_other_way_named(parameters, value, told):
    with pytest.raises(EmptyRegionError, match=f"no definite {told}.*soft thresholds"):
        make_trimap(np.full((20, 20), value), **parameters)


def test_too_large_an_element_leaves_nothing():
    mask = np.zeros((30, 30))
    mask[10:20, 10:20] = 1
    with pytest.raises(EmptyRegionError, match=r"no definite foreground.*smaller radius"):
        make_trimap(mask, method="structuring_element", radius=10)


def test_soft_thresholds_keep_the_guess_between_them():
    mask = np.float32([[0, 0.05, 0.3, 0.94, 0.95, 1]])
    trimap = make_trimap(mask, method="soft")
    np.testing.assert_array_equal(trimap, [[0, 0, 77, 240, 255, 255]])
    with pytest.raises(ParameterError, match=r"low .* is 0\.9 and high is 0\.5"):
        make_trimap(mask, method="soft", low=0.9, high=0.5)


@pytest.mark.parametrize("values", [(0, 102, 255), (0, 127, 255), (0, 128, 255), range(256)])
def test_trimaps_from_elsewhere_pass_through_unharmed(values):
    """Known stays known and unknown unknown, with 102, 127, 128 or all values of 256."""
    trimap = np.tile(np.uint8(list(values)), (4, 1))
    passed = make_trimap(trimap, method="soft", low=5 / 255, high=250 / 255)
    np.testing.assert_array_equal(passed, as_trimap(trimap))


def test_touching_labels_keep_a_band_between_them():
    labels = np.zeros((40, 60), int)
    labels[10:30, 10:30], labels[10:30, 30:50] = 1, 7
    trimap = make_trimap(labels=labels, method="per_label", inner=3, outer=4)
    np.testing.assert_array_equal(trimap[20, 27:33], [128] * 6)
    assert trimap[20, 20] == trimap[20, 40] == 255
    together = make_trimap(labels > 0, inner=3, outer=4)
    assert together[20, 30] == 255
    np.testing.assert_array_equal(trimap == 0, together == 0)


def test_one_label_is_a_band():
    labels = (BINARY > 0).astype(int)
    np.testing.assert_array_equal(
        make_trimap(labels=labels, method="per_label"), make_trimap(labels > 0, largest_hole=0)
    )


@pytest.mark.parametrize("labels", [np.float32([[0.5, 1]]), np.int32([[-1, 1]])])
def test_labels_are_whole_numbers_from_0(labels):
    with pytest.raises(ValueRangeError, match="whole numbers from 0"):
        make_trimap(labels=labels, method="per_label")


def test_radii_in_physical_units_and_percent():
    y, x = np.indices((200, 200)) - 100
    disk = np.hypot(y, x) < 50
    expected = make_trimap(disk, inner=5, outer=10)
    physical = make_trimap(disk, inner=0.5, outer=1.0, unit="physical", pixel_size=0.1)
    np.testing.assert_array_equal(physical, expected)
    # The disk is 100 pixels wide: 5 and 10 percent, but for the roundness of pixels.
    percent = make_trimap(disk, inner=5, outer=10, unit="percent")
    assert (percent != expected).mean() < 0.01


def test_islands_become_unknown():
    mask = np.zeros((60, 60))
    mask[20:50, 20:50], mask[5:8, 5:8] = 1, 1
    kept = make_trimap(mask, inner=0, outer=2)
    assert kept[6, 6] == 255
    cleaned = make_trimap(mask, inner=0, outer=2, smallest_region=20)
    assert (cleaned[5:8, 5:8] == 128).all()
    np.testing.assert_array_equal(cleaned[15:], kept[15:])
