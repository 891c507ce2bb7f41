from __future__ import annotations

import cv2
import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.compositing.adjust import choked, levels
from matting_nodes.errors import EmptyRegionError, ParameterError, SizeMismatchError
from matting_nodes.nodes.alpha_matte import alpha_matte
from matting_nodes.nodes.composite import composite
from matting_nodes.nodes.estimate_foreground import estimate_foreground


@pytest.fixture(scope="module")
def ramp():
    """Constant foreground and background mixed by a known alpha: image, alpha, F."""
    alpha = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))
    foreground = np.broadcast_to(np.float32([0.8, 0.6, 0.1]), (48, 64, 3))
    background = np.broadcast_to(np.float32([0.1, 0.2, 0.7]), (48, 64, 3))
    mixed = alpha[..., None] * foreground + (1 - alpha[..., None]) * background
    return mixed, alpha, foreground


def test_the_equation_on_gamma_encoded_values():
    image, alpha = np.float32([[[1.0, 0.5, 0.0]]]), np.float32([[0.25]])
    result = composite(image, alpha, color="#000000")
    np.testing.assert_allclose(result, [[[0.25, 0.125, 0.0]]], atol=1e-7)


def test_linear_light_mixes_amounts_of_light():
    """Half white over black is a light of one half, which sRGB encodes as 0.7354."""
    white, half = np.ones((1, 1, 3), np.float32), np.float32([[0.5]])
    result = composite(white, half, color="black", linear_light=True)
    np.testing.assert_allclose(result, np.full((1, 1, 3), 0.735357), atol=1e-5)


@pytest.mark.parametrize("linear_light", [False, True])
def test_opaque_and_empty_pixels_are_not_touched(lemur, linear_light):
    alpha = np.zeros(lemur.shape[:2], np.float32)
    alpha[:, :300] = 1
    beach = sample_data.beach()
    result = composite(lemur, alpha, background=beach, linear_light=linear_light)
    np.testing.assert_array_equal(result[:, :300], lemur[:, :300])
    np.testing.assert_array_equal(result[:, 300:], beach[:, 300:])


def test_transparent_keeps_straight_colors(lemur):
    alpha = sample_data.lemur_alpha()
    result = composite(lemur, alpha, color="transparent")
    np.testing.assert_array_equal(result[..., :3], lemur)
    np.testing.assert_array_equal(result[..., 3], alpha)


def test_grey_over_a_color_is_in_color():
    result = composite(np.float32([[0.5]]), np.float32([[0.0]]), color="red")
    np.testing.assert_array_equal(result, [[[1, 0, 0]]])


def test_an_unknown_color_is_refused_with_examples(lemur):
    with pytest.raises(ParameterError, match=r"'whiite'.*#20c0ff"):
        composite(lemur, np.ones(lemur.shape[:2]), color="whiite")


def behind(picture, fit, height=4, width=6):
    """What shows where nothing is foreground."""
    empty = np.zeros((height, width))
    return composite(np.zeros((height, width, 3)), empty, background=picture, fit=fit)


def test_fill_covers_all_and_cuts_evenly():
    stripes = np.repeat(np.float32([[0.0, 0.25, 0.5, 1.0]]), 2, axis=0)
    result = behind(stripes, "fill", 2, 2)
    np.testing.assert_allclose(result[..., 0], [[0.25, 0.5]] * 2, atol=1e-6)


def test_fit_shows_the_whole_picture_between_black_bars():
    result = behind(np.ones((2, 2)), "fit")
    np.testing.assert_allclose(result[..., 0], [[0, 1, 1, 1, 1, 0]] * 4, atol=1e-6)


def test_stretch_gives_up_proportions():
    np.testing.assert_allclose(behind(np.full((2, 2), 0.5), "stretch"), 0.5, atol=1e-6)


def test_tile_repeats_from_the_upper_left():
    tile = np.float32([[0, 1], [1, 0]])
    expected = np.tile(tile, (2, 3))
    np.testing.assert_array_equal(behind(tile, "tile")[..., 0], expected)


@pytest.mark.parametrize("fit", ["fill", "fit", "stretch", "tile"])
@pytest.mark.parametrize("size", [(1, 1), (3, 1), (1, 50), (7, 5)])
def test_a_background_of_any_size_fits(fit, size):
    assert behind(np.ones(size), fit).shape == (4, 6, 3)


def test_a_checkerboard_by_hand():
    result = composite(np.zeros((2, 4)), np.zeros((2, 4)), backdrop="checkerboard", checker_size=2)
    np.testing.assert_allclose(result[..., 0], [[0.95, 0.95, 0.8, 0.8]] * 2, atol=1e-6)


def test_the_blurred_picture_keeps_its_light(lemur):
    result = composite(lemur, np.zeros(lemur.shape[:2]), backdrop="blur", blur_radius=15)
    np.testing.assert_allclose(result.mean(axis=(0, 1)), lemur.mean(axis=(0, 1)), atol=0.01)
    assert np.abs(np.diff(result, axis=0)).mean() < np.abs(np.diff(lemur, axis=0)).mean() / 4


@pytest.mark.parametrize("given", [False, True])
def test_nothing_of_the_object_is_blurred_into_the_background(given):
    """A red object with a soft edge on flat blue: what lies behind it is flat blue."""
    alpha = cv2.GaussianBlur(np.pad(np.ones((60, 60), np.float32), 40), (0, 0), 4)
    red, blue = np.float32([0.9, 0.1, 0.1]), np.float32([0.1, 0.2, 0.8])
    image = alpha[..., None] * red + (1 - alpha[..., None]) * blue
    foreground = np.broadcast_to(red, image.shape) if given else None
    result = composite(image, alpha, foreground=foreground, backdrop="blur", blur_radius=10)
    around = alpha < 0.02
    if given:
        np.testing.assert_allclose(result, image, atol=1e-3)
    # Without F, pixels that are partly red stand for the background by the part that shows.
    np.testing.assert_allclose(result[around], image[around], atol=0.02)
    assert np.abs(cv2.GaussianBlur(image, (0, 0), 10) - image)[around].max() > 0.1


def test_premultiplied_colors_are_multiplied_once():
    image, alpha = np.float32([[[0.8, 0.4, 0.2]]]), np.float32([[0.5]])
    result = composite(image, alpha, color="transparent", premultiplied=True)
    np.testing.assert_allclose(result, [[[0.4, 0.2, 0.1, 0.5]]], atol=1e-7)


def test_a_foreground_of_another_size_is_refused_with_both_sizes(lemur):
    with pytest.raises(SizeMismatchError, match=r"foreground is 20 × 10 .* image is 680 × 440"):
        composite(lemur, np.ones(lemur.shape[:2]), foreground=np.zeros((10, 20, 3)))


def test_the_whole_pipeline_keeps_fur_and_drops_leaves(lemur, lemur_trimap):
    """Against the reference matte, the composite on white is close everywhere."""
    alpha = alpha_matte(lemur, lemur_trimap)
    foreground, _ = estimate_foreground(lemur, alpha)
    result = composite(lemur, alpha, foreground=foreground)
    reference = sample_data.lemur_alpha()
    best = composite(lemur, reference, foreground=estimate_foreground(lemur, reference)[0])
    assert np.abs(result - best).mean() < 0.01


def test_levels_gamma_and_choke_change_the_alpha_alone(lemur):
    alpha = sample_data.lemur_alpha()
    plain = composite(lemur, alpha, color="transparent")
    refined = composite(
        lemur,
        alpha,
        color="transparent",
        black_point=0.1,
        white_point=0.9,
        alpha_gamma=2.0,
        choke=2,
    )
    np.testing.assert_array_equal(refined[..., :3], plain[..., :3])
    expected = choked(levels(alpha, 0.1, 0.9, 2.0), 2)
    np.testing.assert_array_equal(refined[..., 3], expected)


def test_a_black_point_above_the_white_point_is_refused(lemur):
    with pytest.raises(ParameterError, match=r"black_point is 0\.6 and white_point is 0\.5"):
        composite(lemur, sample_data.lemur_alpha(), black_point=0.6, white_point=0.5)


def test_despill_takes_a_green_glow_off_the_object():
    """Grey hair that a green screen shines on, over white."""
    glowing = np.float32([[[0.5, 0.8, 0.5], [0.7, 0.5, 0.3]]])
    opaque = np.ones((1, 2))
    result = composite(glowing, opaque, despill="green")
    np.testing.assert_allclose(result, [[[0.5, 0.5, 0.5], [0.7, 0.5, 0.3]]], atol=1e-6)
    half = composite(glowing, opaque, despill="green", despill_amount=0.5)
    np.testing.assert_allclose(half[0, 0], [0.5, 0.65, 0.5], atol=1e-6)


@pytest.mark.parametrize(
    ("backdrop", "rgb"),
    [("id_white", (255, 255, 255)), ("id_blue", (67, 142, 219)), ("id_red", (255, 0, 0))],
)
def test_the_colors_of_id_photos(backdrop, rgb):
    result = composite(np.zeros((1, 1)), np.zeros((1, 1)), backdrop=backdrop)
    np.testing.assert_array_equal(np.round(result[0, 0] * 255), rgb)


@pytest.mark.parametrize(
    ("size", "shape"),
    [("25x35_mm", (413, 295)), ("35x45_mm", (531, 413)), ("51x51_mm", (600, 600))],
)
@pytest.mark.parametrize("color", ["white", "transparent"])
def test_a_print_has_the_pixels_of_its_size_at_300_dpi(lemur, size, shape, color):
    result = composite(lemur, sample_data.lemur_alpha(), print_size=size, color=color)
    assert result.shape == (*shape, 4 if color == "transparent" else 3)


def test_a_print_needs_an_object(lemur):
    with pytest.raises(EmptyRegionError, match="No pixel of the alpha is above"):
        composite(lemur, np.zeros(lemur.shape[:2]), print_size="35x45_mm")


def test_the_old_background_goes_from_a_ramp(ramp):
    """Over white: with the picture's own colors it is off by 0.06 and more."""
    mixed, alpha, true = ramp
    best = composite(mixed, alpha, foreground=true)
    for method in ("multilevel", "closed_form_colors"):
        colors = estimate_foreground(mixed, alpha, method=method).foreground
        assert np.abs(composite(mixed, alpha, foreground=colors) - best).mean() < 0.005
    assert np.abs(composite(mixed, alpha) - best).mean() > 0.06
