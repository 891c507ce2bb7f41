"""What every method of Estimate Foreground does alike."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.errors import ParameterError
from matting_nodes.job import Cancelled, Job
from matting_nodes.nodes.composite import composite
from matting_nodes.nodes.estimate_foreground import estimate_foreground

METHODS = [name for name, spec in estimate_foreground.methods.items() if not spec.is_network]
# Part of the error of doing nothing that may be left on a ramp as wide as the picture:
# blur fusion finds no pure color near its middle.
LEFT = {"multilevel": 0.01, "closed_form_colors": 0.05, "blur_fusion": 0.7}


@pytest.fixture(scope="module")
def ramp():
    """Constant foreground and background mixed by a known ramp: image, alpha, F, B."""
    alpha = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))
    foreground = np.broadcast_to(np.float32([0.8, 0.6, 0.1]), (48, 64, 3))
    background = np.broadcast_to(np.float32([0.1, 0.2, 0.7]), (48, 64, 3))
    part = alpha[..., None]
    return part * foreground + (1 - part) * background, alpha, foreground, background


@pytest.mark.parametrize("method", METHODS)
def test_a_composite_of_the_colors_has_no_halo(ramp, method):
    """Over white, doing nothing is off by 0.1."""
    mixed, alpha, true, _ = ramp
    white = alpha[..., None] * true + (1 - alpha[..., None])
    plain = np.abs(composite(mixed, alpha) - white).mean()
    foreground, _ = estimate_foreground(mixed, alpha, method=method)
    unmixed = np.abs(composite(mixed, alpha, foreground=foreground) - white).mean()
    assert plain > 0.05
    assert unmixed < LEFT[method] * plain


@pytest.mark.parametrize("method", ["multilevel", "closed_form_colors"])
def test_the_background_is_what_is_left(ramp, method):
    mixed, alpha, _, true = ramp
    _, background = estimate_foreground(mixed, alpha, method=method)
    part = alpha[..., None]
    assert (np.abs(background - true) * (1 - part)).mean() < 0.005


@pytest.mark.parametrize("method", METHODS)
def test_grey_pictures_keep_one_channel(ramp, method):
    grey = ramp[0].mean(axis=2)
    foreground, background = estimate_foreground(grey, ramp[1], method=method)
    assert foreground.shape == background.shape == (48, 64, 1)
    assert foreground.dtype == background.dtype == np.float32


def test_the_closed_form_can_be_stopped(ramp):
    reports = []
    job = Job(lambda fraction, message: reports.append(fraction), lambda: len(reports) > 3)
    with pytest.raises(Cancelled):
        estimate_foreground(ramp[0], ramp[1], method="closed_form_colors", job=job)
    assert reports == sorted(reports)


def test_blur_fusion_takes_the_green_out_of_the_fur(lemur):
    alpha = sample_data.lemur_alpha()
    foreground, _ = estimate_foreground(lemur, alpha, method="blur_fusion")
    edge = (alpha > 0.2) & (alpha < 0.6)
    green = [(p[edge][:, 1] - p[edge][:, 0]).mean() for p in (lemur, foreground)]
    assert abs(green[1]) < green[0] / 3


def test_a_device_that_is_not_there_is_refused(ramp):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ParameterError, match=r"device is cuda.*This machine has .*cpu"):
        estimate_foreground(ramp[0], ramp[1], method="blur_fusion", device="cuda")
