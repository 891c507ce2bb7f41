"""What every method of Alpha Matte does alike."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis.strategies import floats

from matting_nodes.alpha._checks import full_contrast
from matting_nodes.arrays import unknown
from matting_nodes.errors import MattingError, MissingInputError, ShapeError
from matting_nodes.job import Cancelled, Job
from matting_nodes.nodes.alpha_matte import alpha_matte
from matting_nodes.nodes.compare import compare

METHODS = [name for name, spec in alpha_matte.methods.items() if not spec.is_network]
PYMATTING = {
    "knn": "knn",
    "large_kernel": "lkm",
    "learning_based": "lbdm",
    "random_walk": "rw",
    "shared_sampling": "sm",
}
SOLVERS = ["closed_form", "knn", "large_kernel", "learning_based", "random_walk"]
PYMATTINGS_SOLVERS = SOLVERS[1:]


@pytest.mark.parametrize("method", PYMATTING)
def test_it_is_what_pymatting_gives(fur, method):
    import pymatting

    image, trimap = fur
    values = np.where(unknown(trimap), 0.5, trimap / 255)
    estimator = getattr(pymatting, f"estimate_alpha_{PYMATTING[method]}")
    expected = estimator(full_contrast(image).astype(np.float64), values)
    result = alpha_matte(image, trimap, method=method)
    np.testing.assert_allclose(result[unknown(trimap)], expected[unknown(trimap)], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_known_pixels_are_exact_and_the_rest_is_better_than_a_guess(fur, method):
    image, trimap = fur
    alpha = alpha_matte(image, trimap, method=method)
    assert (alpha[trimap == 0] == 0).all()
    assert (alpha[trimap == 255] == 1).all()
    assert 0 <= alpha.min() <= alpha.max() <= 1
    reference = alpha_matte(image, trimap)
    guess = np.where(unknown(trimap), 0.5, trimap / 255)
    ours, theirs = (compare(a, reference, trimap=trimap).table["SAD"] for a in (alpha, guess))
    assert ours < 0.8 * theirs


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_works_on_a_trimap_asks_for_it(fur, method):
    with pytest.raises(
        MissingInputError, match=r"got no trimap\. The method .* works on the trimap"
    ):
        alpha_matte(fur[0], method=method)


@pytest.fixture(scope="module")
def mattes(fur):
    """Each method's matte of the picture as it is."""
    return {method: alpha_matte(*fur, method=method) for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=3, deadline=None, derandomize=True)
@example(scale=0.01, share=0.9)
@example(scale=0.3, share=0)
@given(scale=floats(0.01, 1), share=floats(0, 1))
def test_neither_brightness_nor_contrast_makes_a_difference(fur, mattes, method, scale, share):
    image, trimap = fur
    dim = (scale * image + share * (1 - scale)).astype(np.float32)
    expected = mattes[method]
    result = alpha_matte(dim, trimap, method=method)
    # Shared sampling takes the best pair of samples: rounding of the picture may make another best.
    most = 0.001 if method == "shared_sampling" else 0
    assert (abs(result - expected) > 0.01).mean() <= most


@pytest.mark.parametrize("method", METHODS)
def test_grey_images_and_repeated_runs(fur, method):
    image, trimap = fur
    grey = image.mean(axis=2)
    first, second = (alpha_matte(grey, trimap, method=method) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("method", PYMATTINGS_SOLVERS)
def test_a_solver_stops_in_the_middle(fur, method):
    reports = []
    job = Job(lambda fraction, message: reports.append(fraction), lambda: len(reports) > 6)
    with pytest.raises(Cancelled):
        alpha_matte(*fur, method=method, job=job)
    assert len(reports) == 7
    assert 0.5 < reports[-1] < 1


@pytest.mark.parametrize("method", SOLVERS)
def test_giving_up_says_what_to_do(fur, method):
    with pytest.raises(MattingError, match=r"did not converge within 1 iterations.*Mark more"):
        alpha_matte(*fur, method=method, iterations=1)


@pytest.mark.parametrize("method", [*SOLVERS, "shared_sampling"])
def test_an_image_smaller_than_a_window_is_refused(method):
    window = 41 if method == "large_kernel" else 3
    with pytest.raises(ShapeError, match=rf"3 × 2 pixels.*{window} × {window}"):
        alpha_matte(np.zeros((2, 3)), np.uint8([[0, 128, 255]] * 2), method=method)


def test_a_constant_image_is_solved_or_refused_in_words(capsys):
    """PyMatting divides by zero, or prints that its preconditioner failed: neither shows."""
    trimap = np.full((50, 50), 128, np.uint8)
    trimap[:, :2], trimap[:, -2:] = 0, 255
    for method in METHODS:
        try:
            alpha = alpha_matte(np.zeros((50, 50, 3)), trimap, method=method)
        except MattingError as error:
            assert "found no" in str(error)
        else:
            assert alpha.min() == 0 <= alpha.max() == 1
    assert capsys.readouterr().out == ""


def test_the_guided_filter_follows_an_edge_of_the_picture():
    """The trimap's middle lies elsewhere: alpha steps at the picture's edge."""
    image = np.zeros((40, 60, 3))
    image[:, 25:] = [0.9, 0.5, 0.2]
    trimap = np.full((40, 60), 128, np.uint8)
    trimap[:, :10], trimap[:, 50:] = 0, 255
    alpha = alpha_matte(image, trimap, method="guided_filter", radius=15)
    steps = np.diff(alpha[20])[12:48]
    assert steps.argmax() + 12 == 24
    assert steps.max() > 0.3


@pytest.mark.parametrize("method", ["sampled_propagation", "closed_form"])
def test_two_stains_tell_more_than_either(method):
    """Microscopy, two channels of 16 bits: the object is where one is brighter than the other."""
    y, x = np.mgrid[:60, :90]
    truth = np.clip((25 - np.hypot(y - 30, x - 45)) / 6, 0, 1)
    noise = np.random.default_rng(0).normal(0, 0.01, (60, 90, 2))
    # Both vary as much inside as outside; their difference does not.
    shade = 0.2 + 0.4 * (np.sin(x / 4.0) * np.sin(y / 5.0) + 1) / 2
    stains = np.stack([shade + 0.3 * truth, shade], axis=2) + noise
    image = (stains.clip(0, 1) * 65535).astype(np.uint16)
    trimap = np.where(truth == 1, 255, np.where(truth == 0, 0, 128)).astype(np.uint8)
    trimap[cv2.dilate((trimap == 128).astype(np.uint8), np.ones((7, 7))) > 0] = 128
    errors = [
        abs(alpha_matte(part, trimap, method=method) - truth)[trimap == 128].mean()
        for part in (image, image[..., :1], image[..., 1:])
    ]
    assert errors[0] < 0.05
    assert errors[0] < min(errors[1:]) / 2


def test_other_methods_refuse_two_channels(fur):
    with pytest.raises(ShapeError, match="with 1, 3 or 4 channels"):
        alpha_matte(fur[0][..., :2], fur[1], method="guided_filter")
