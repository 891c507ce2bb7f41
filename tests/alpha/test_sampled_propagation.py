from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.arrays import unknown
from matting_nodes.job import Cancelled, Job
from matting_nodes.nodes.alpha_matte import alpha_matte
from matting_nodes.nodes.compare import compare


def solve(image, trimap, **keywords):
    return alpha_matte(image, trimap, method="sampled_propagation", **keywords)


def test_a_ramp_between_two_colors_is_recovered():
    truth = np.clip(np.linspace(-0.5, 1.5, 60), 0, 1)
    alpha = np.tile(truth, (12, 1))[..., None]
    image = alpha * [0.9, 0.3, 0.1] + (1 - alpha) * [0.1, 0.4, 0.8]
    trimap = np.where((truth > 0) & (truth < 1), 128, truth * 255).astype(np.uint8)
    result = solve(image, np.tile(trimap, (12, 1)))
    np.testing.assert_allclose(result, alpha[..., 0], atol=0.02)


def test_it_sees_what_closed_form_cannot():
    """An island of the foreground's color that touches no foreground."""
    image = np.zeros((60, 90, 3))
    image[:, 60:] = image[20:40, 20:40] = [0.8, 0.4, 0.2]
    image += np.random.default_rng(0).normal(0, 0.005, image.shape)
    truth = image[..., 0] > 0.4
    trimap = np.full((60, 90), 128, np.uint8)
    trimap[:, 75:], trimap[:, :8] = 255, 0
    image = image.clip(0, 1)
    found, without = (
        alpha_matte(image, trimap, method=m)[25:35, 25:35]
        for m in ("sampled_propagation", "closed_form")
    )
    assert truth[25:35, 25:35].all()
    assert found.min() > 0.95
    assert without.mean() < 0.5


def test_the_lemur_is_near_its_reference(lemur, lemur_trimap):
    ours = compare(solve(lemur, lemur_trimap), sample_data.lemur_alpha(), trimap=lemur_trimap).table
    guess = np.where(unknown(lemur_trimap), 0.5, lemur_trimap / 255)
    theirs = compare(guess, sample_data.lemur_alpha(), trimap=lemur_trimap).table
    assert ours["MSE"] < 0.012
    assert ours["SAD"] < theirs["SAD"] / 4


@pytest.mark.parametrize("size", [(3, 3), (3, 40), (40, 4)])
def test_pictures_of_few_pixels(size):
    image = np.random.default_rng(0).random((*size, 3))
    trimap = np.full(size, 128, np.uint8)
    trimap.flat[0], trimap.flat[-1] = 0, 255
    alpha = solve(image, trimap)
    assert alpha.flat[0] == 0
    assert alpha.flat[-1] == 1
    assert 0 <= alpha.min() <= alpha.max() <= 1


def test_it_stops_while_it_solves(fur):
    messages = []
    job = Job(
        lambda fraction, message: messages.append(message),
        lambda: sum("solving" in message for message in messages) == 3,
    )
    with pytest.raises(Cancelled):
        solve(*fur, job=job)
    assert len([message for message in messages if "solving" in message]) == 3


def test_it_is_the_default_and_the_same_on_every_run(fur):
    np.testing.assert_array_equal(alpha_matte(*fur), solve(*fur))


@pytest.fixture
def on_torch(monkeypatch):
    """Solves on torch's CPU, which computes what a GPU does."""
    from matting_nodes.alpha.propagation import solve

    plain = solve.propagate

    def propagate(*arguments, **keywords):
        return plain(*arguments, **{**keywords, "device": "cpu:0"})

    def switch():
        monkeypatch.setattr(solve, "propagate", propagate)

    return switch


def test_solved_on_a_torch_device_it_is_the_same(fur, on_torch):
    image, trimap = fur
    alpha = solve(image, trimap)
    on_torch()
    other = solve(image, trimap)
    assert (other != alpha).any()
    np.testing.assert_allclose(other, alpha, atol=1e-2)


def test_a_strip_in_flat_background_is_background_on_a_torch_device_too(on_torch):
    image = np.full((30, 40, 3), 0.2, np.float32)
    image[:, 30:] = 0.9
    trimap = np.zeros((30, 40), np.uint8)
    trimap[:, 30:], trimap[:, 10:15] = 255, 128
    on_torch()
    np.testing.assert_array_equal(solve(image, trimap), trimap == 255)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_few_unknown_pixels_are_solved_exactly_on_a_torch_device_too(on_torch, count):
    image = np.random.default_rng(0).random((8, 12, 3), np.float32)
    trimap = np.zeros((8, 12), np.uint8)
    trimap[:, 6:], trimap[4, 5 : 5 + count] = 255, 128
    alpha = solve(image, trimap)
    on_torch()
    np.testing.assert_allclose(solve(image, trimap), alpha, atol=1e-5)
