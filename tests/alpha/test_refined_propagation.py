"""Refined propagation, with the weights that come with the package, on real pictures."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import alpha_matte, sample_data
from matting_nodes.alpha.propagation.refined import refined
from matting_nodes.arrays import unknown
from matting_nodes.errors import ShapeError
from matting_nodes.job import Job

BOX = np.s_[60:260, 200:420]


@pytest.fixture(scope="module")
def image():
    return sample_data.lemur()[BOX]


@pytest.fixture(scope="module")
def trimap():
    return sample_data.lemur_trimap()[BOX]


@pytest.fixture(scope="module")
def alpha(image, trimap):
    return alpha_matte(image, trimap, method="refined_propagation")


def test_known_pixels_are_exact(alpha, trimap):
    assert (alpha[trimap == 0] == 0).all()
    assert (alpha[trimap == 255] == 1).all()
    assert alpha.dtype == np.float32


def test_it_corrects_the_solver_a_little(alpha, image, trimap):
    solved = alpha_matte(image, trimap)
    moved = abs(alpha - solved)
    assert 0 < moved[unknown(trimap)].mean() < 0.1


def test_it_repeats(alpha, image, trimap):
    np.testing.assert_array_equal(alpha, alpha_matte(image, trimap, method="refined_propagation"))


def test_tiles_equal_the_whole():
    """On a picture that is larger than a tile."""
    image, trimap = sample_data.lemur(), sample_data.lemur_trimap()
    whole, tiled = (
        alpha_matte(image, trimap, method="refined_propagation", tile=tile) for tile in (4096, 384)
    )
    assert min(trimap.shape) > 384
    assert abs(whole - tiled).max() <= 1e-4


def test_it_says_which_weights_it_used(image, trimap):
    job = Job()
    refined(image, trimap, job)
    assert job.notes["model"] == "refiner"
    assert len(job.notes["checksum"]) == 64


def test_gray_pictures_are_taken(image, trimap):
    gray = image.mean(axis=2, keepdims=True)
    alpha = alpha_matte(gray, trimap, method="refined_propagation")
    assert alpha.shape == trimap.shape


def test_its_predicted_errors_are_true_nine_times_in_ten(image, trimap):
    truth = sample_data.lemur_alpha()[BOX]
    alpha, error = refined(image, trimap, Job())
    sure = unknown(trimap) & (error < 0.05)
    assert (error[~unknown(trimap)] == 0).all()
    assert sure.sum() > 1000
    assert (abs(alpha - truth)[sure] < 0.05).mean() >= 0.9


def test_a_picture_smaller_than_its_windows_is_refused():
    with pytest.raises(ShapeError, match="3 × 3"):
        alpha_matte(
            np.zeros((2, 9, 3), np.float32),
            np.uint8([[0] * 3 + [128] * 3 + [255] * 3] * 2),
            method="refined_propagation",
        )
