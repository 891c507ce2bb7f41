"""The lemur over known backgrounds gives back the alpha that it was composed with."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import composite, difference_matte, sample_data
from matting_nodes.errors import ParameterError, SizeMismatchError, ValueRangeError
from matting_nodes.framework.run import run
from matting_nodes.job import Cancelled, Job

ROWS = np.s_[20:320, 180:560]


@pytest.fixture(scope="module")
def scene():
    """The lemur's colors and alpha, and the beach as a plate."""
    return sample_data.lemur()[ROWS], sample_data.lemur_alpha()[ROWS], sample_data.beach()[ROWS]


def over(colors, alpha, background):
    return alpha[..., None] * colors + (1 - alpha[..., None]) * np.float32(background)


def eight_bits(picture):
    return np.round(picture * 255).astype(np.uint8)


def moved(picture, right, down):
    from scipy.ndimage import shift

    return shift(picture, (down, right, 0), order=3, mode="nearest").clip(0, 1)


def test_exact_composites_give_back_alpha_and_colors(scene):
    colors, alpha, _ = scene
    found = difference_matte(over(colors, alpha, 1), over(colors, alpha, 0))
    assert np.abs(found.alpha - alpha).max() < 1e-5
    part = alpha > 0.1
    assert np.abs(found.foreground - colors)[part].max() < 1e-4
    assert found.residual.max() < 1e-5


def test_pictures_of_8_bits_are_exact_to_their_rounding(scene):
    colors, alpha, _ = scene
    white, black = (eight_bits(over(colors, alpha, behind)) for behind in (1, 0))
    found = difference_matte(white, black)
    assert np.abs(found.alpha - alpha).max() <= 1.01 / 255
    assert np.abs(found.foreground - colors)[alpha > 0.5].max() < 3 / 255


def test_plates_and_colors_may_be_mixed(scene):
    colors, alpha, plate = scene
    blue = np.float32([0, 0, 1])
    found = difference_matte(
        over(colors, alpha, plate), over(colors, alpha, blue), plate=plate, second_color="blue"
    )
    apart = np.sqrt(((plate - blue) ** 2).mean(axis=2)) > 0.1
    assert np.abs(found.alpha - alpha)[apart].max() < 1e-4


def test_glass_keeps_its_colors_before_anything_else(scene):
    _, _, plate = scene
    glass = np.full(plate.shape[:2], 0.15, np.float32)
    tint = np.float32([0.2, 0.9, 0.6])
    found = difference_matte(over(tint, glass, 1), over(tint, glass, 0))
    before = composite(plate, found.alpha, foreground=found.foreground, background=plate)
    np.testing.assert_allclose(before, over(tint, glass, plate), atol=1e-5)


def test_where_the_backgrounds_are_alike_the_residual_says_so(scene):
    colors, alpha, _ = scene
    first = np.ones((*alpha.shape, 3), np.float32)
    second = np.zeros_like(first)
    second[50:60] = 0.95
    found = difference_matte(
        over(colors, alpha, first),
        over(colors, alpha, second),
        plate=first,
        second_plate=second,
    )
    assert (found.residual[50:60] == 1).all()
    assert found.residual[:50].max() < 1e-5
    assert np.abs(found.alpha - alpha)[60:].max() < 1e-5
    # The nearest row that could be solved.
    np.testing.assert_array_equal(found.alpha[51], found.alpha[49])


def test_equal_backgrounds_are_refused(scene):
    colors, alpha, _ = scene
    picture = over(colors, alpha, 1)
    with pytest.raises(ValueRangeError, match=r"differ by less than 0\.1 of 1 in 100%"):
        difference_matte(picture, picture, second_color="white")


def test_exchanged_pictures_are_refused(scene):
    colors, alpha, _ = scene
    with pytest.raises(ValueRangeError, match="the other way round"):
        difference_matte(over(colors, alpha, 0), over(colors, alpha, 1))


@pytest.mark.parametrize(("right", "down"), [(3, -2), (0.5, 0), (-7.4, 5.3)])
def test_a_shifted_picture_is_refused_with_its_shift_or_aligned(scene, right, down):
    colors, alpha, _ = scene
    white, black = over(colors, alpha, 1), moved(over(colors, alpha, 0), right, down)
    with pytest.raises(ValueRangeError, match="The second picture is shifted by") as caught:
        difference_matte(white, black)
    words = caught.value.found.split()
    measured = [float(word) for word in words if word[0] in "+-"]
    np.testing.assert_allclose(measured, [right, down], atol=0.1)
    inner = np.s_[10:-10, 10:-10]
    kept = difference_matte(white, black, registration="ignore").alpha
    aligned = difference_matte(white, black, registration="align").alpha
    wrong = [np.abs(found - alpha)[inner].mean() for found in (kept, aligned)]
    # At half a pixel interpolation itself costs most.
    assert wrong[1] < 0.4 * wrong[0]


def test_a_shift_shows_in_a_small_part_of_a_large_smooth_picture(scene):
    import cv2

    colors, alpha, _ = (cv2.resize(part, None, fx=3, fy=3) for part in scene)
    edge = ((0, 600), (0, 1100))
    colors, alpha = np.pad(colors, (*edge, (0, 0)), mode="edge"), np.pad(alpha, edge)
    white, black = (eight_bits(over(colors, alpha, behind)) for behind in (1, 0))
    difference_matte(white, black)
    with pytest.raises(ValueRangeError, match="shifted by"):
        difference_matte(white, np.roll(black, (2, 3), (0, 1)))


def test_the_shift_stands_in_the_provenance(scene):
    colors, alpha, _ = scene
    white, black = over(colors, alpha, 1), moved(over(colors, alpha, 0), 2, 1)
    result = run(
        difference_matte, {"image": white, "second_image": black}, {"registration": "align"}
    )
    np.testing.assert_allclose(result.provenance["shift"], [2, 1], atol=0.05)


def test_noise_is_no_shift(scene):
    colors, alpha, _ = scene
    rng = np.random.default_rng(0)
    noisy = [
        (over(colors, alpha, behind) + rng.normal(0, 0.02, colors.shape)).clip(0, 1)
        for behind in (0.9, 0.1)
    ]
    found = difference_matte(*noisy, color="#e6e6e6", second_color="#1a1a1a")
    # √(2/3) of the noise, over a difference of 0.8.
    assert np.std((found.alpha - alpha)[(alpha > 0.1) & (alpha < 0.9)]) < 0.025


def test_12_bits_in_16_are_not_clipped_to_the_first_picture(scene):
    colors, alpha, _ = scene
    white, black = (
        np.round(over(colors, alpha, behind) * 4095).astype(np.uint16) for behind in (1, 0)
    )
    assert black.min() < white.min()
    found = difference_matte(white + 100, black + 100)
    assert np.abs(found.alpha - alpha).max() < 1e-3
    # In the picture's own numbers, but what fits leaves nothing.
    assert found.residual.max() < 3
    assert np.abs(found.foreground - colors * 4095 - 100)[alpha > 0.5].max() < 5


def test_a_grey_picture_gives_a_grey_foreground(scene):
    colors, alpha, _ = scene
    grey = colors[..., :1]
    found = difference_matte(over(grey, alpha, 1), over(grey, alpha, 0))
    assert found.foreground.shape == grey.shape
    assert np.abs(found.alpha - alpha).max() < 1e-5


def test_other_input_that_cannot_be_used(scene):
    colors, _, _ = scene
    with pytest.raises(SizeMismatchError):
        difference_matte(colors, colors[1:])
    with pytest.raises(ParameterError, match="transparent"):
        difference_matte(colors, colors, color="transparent")


def test_it_stops_when_it_is_cancelled(scene):
    colors, _, _ = scene
    with pytest.raises(Cancelled):
        difference_matte(colors, colors * 0, job=Job(cancelled=lambda: True))
