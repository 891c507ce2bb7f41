"""Sampled propagation with the refiner behind it, on a real picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from matting_nodes import alpha_matte, sample_data
from matting_nodes.alpha.propagation.refined import refined
from matting_nodes.alpha.propagation.refinement import FAR
from matting_nodes.arrays import unknown
from matting_nodes.job import Job
from matting_nodes.networks.refiner import Refiner

BOX = np.s_[60:260, 200:420]


@pytest.fixture(scope="module")
def image():
    return sample_data.lemur()[BOX]


@pytest.fixture(scope="module")
def trimap():
    return sample_data.lemur_trimap()[BOX]


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """Weights that correct nothing."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    save_file(Refiner().state_dict(), path)
    return str(path)


@pytest.fixture(scope="module")
def any_weights(tmp_path_factory):
    """Weights whose corrections are as large as those of trained ones."""
    torch.manual_seed(1)
    network = Refiner()
    torch.nn.init.normal_(network.last.weight, std=0.03)
    path = tmp_path_factory.mktemp("weights") / "any.safetensors"
    save_file(network.state_dict(), path)
    return str(path)


def test_without_corrections_it_is_the_solvers_matte(image, trimap, untrained):
    alpha, _ = refined(image, trimap, Job(), device="cpu", weights=untrained)
    np.testing.assert_allclose(alpha, alpha_matte(image, trimap), atol=1e-6)


def test_known_pixels_stay_exact(image, trimap, any_weights):
    alpha, error = refined(image, trimap, Job(), device="cpu", weights=any_weights)
    solved = unknown(trimap)
    assert abs(alpha - alpha_matte(image, trimap))[solved].max() > 0.01
    assert (alpha[trimap == 0] == 0).all()
    assert (alpha[trimap == 255] == 1).all()
    assert (error[~solved] == 0).all()
    assert 0 <= alpha.min() <= alpha.max() <= 1


def test_far_from_known_pixels_it_is_the_solvers_matte(any_weights, untrained):
    """Nothing there tells what belongs to the object."""
    image, trimap = sample_data.lemur(), sample_data.lemur_trimap().copy()
    y, x = np.argwhere(unknown(trimap)).mean(axis=0)
    rows, columns = np.ogrid[: trimap.shape[0], : trimap.shape[1]]
    away = np.hypot(rows - y, columns - x)
    trimap[away < 140] = 128
    alpha, solved = (
        refined(image, trimap, Job(), device="cpu", weights=weights)[0]
        for weights in (any_weights, untrained)
    )
    # Distances are right to a few per cent.
    far = away < 135 - FAR
    np.testing.assert_allclose(alpha[far], solved[far], atol=1e-6)
    near = unknown(trimap) & (away > 140)
    assert abs(alpha - solved)[near].max() > 0.01


def test_tiles_equal_the_whole(any_weights):
    image, trimap = sample_data.lemur(), sample_data.lemur_trimap()
    whole, tiled = (
        refined(image, trimap, Job(), device="cpu", weights=any_weights, tile=tile)[0]
        for tile in (4096, 384)
    )
    assert min(trimap.shape) > 384
    assert abs(whole - tiled).max() <= 1e-4


def test_it_says_which_weights_it_used(image, trimap, untrained):
    job = Job()
    refined(image, trimap, job, device="cpu", weights=untrained)
    assert job.notes["model"] == "refiner"
    assert len(job.notes["checksum"]) == 64


def test_gray_pictures_are_taken(image, trimap, any_weights):
    gray = image.mean(axis=2, keepdims=True)
    alpha, _ = refined(gray, trimap, Job(), device="cpu", weights=any_weights)
    assert alpha.shape == trimap.shape
