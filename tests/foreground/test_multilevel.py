from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.foreground.multilevel import unmix_on
from matting_nodes.job import Cancelled, Job
from matting_nodes.nodes.estimate_foreground import estimate_foreground


def test_colors_reproduce_the_image(lemur):
    alpha = sample_data.lemur_alpha()
    foreground, background = estimate_foreground(lemur, alpha)
    part = alpha[..., None]
    error = np.abs(part * foreground + (1 - part) * background - lemur)
    assert error.mean() < 1e-3
    assert error.max() < 0.1


def test_the_fur_loses_the_green_of_the_leaves(lemur):
    """Half-transparent fur is white or black: no greener than red. The picture there is."""
    alpha = sample_data.lemur_alpha()
    foreground, _ = estimate_foreground(lemur, alpha)
    edge = (alpha > 0.2) & (alpha < 0.6)

    def greenness(picture):
        return float((picture[edge][:, 1] - picture[edge][:, 0]).mean())

    assert greenness(lemur) > 0.05
    assert abs(greenness(foreground)) < 0.02


def test_grey_images_keep_one_channel():
    cell = sample_data.cell()
    alpha = (cell > 128).astype(np.float32)
    foreground, background = estimate_foreground(cell, alpha)
    assert foreground.shape == background.shape == (*cell.shape, 1)
    assert foreground.dtype == np.float32


@pytest.fixture(scope="module")
def mixed(lemur):
    """The lemur, unmixed by PyMatting, before the beach: what was mixed is known."""
    from pymatting import estimate_foreground_ml

    alpha = sample_data.lemur_alpha()
    part = alpha[..., None]
    true = estimate_foreground_ml(lemur, alpha)
    return part * true + (1 - part) * sample_data.beach(), alpha, true


def test_the_composite_is_as_near_the_truth_as_pymattings(mixed):
    """Over green, which nothing in the picture is, in the soft pixels."""
    from pymatting import estimate_foreground_ml

    picture, alpha, true = mixed
    soft = (alpha > 0) & (alpha < 1)
    part = alpha[soft][:, None]

    def error(foreground):
        return np.abs(part * (foreground[soft] - true[soft])).mean()

    ours = error(estimate_foreground(picture, alpha).foreground)
    theirs = error(estimate_foreground_ml(picture, alpha))
    assert error(picture) > 2 * theirs
    assert ours < 1.02 * theirs


def test_a_torch_device_gives_the_same_colors(mixed):
    """The tensors that a GPU runs, here on the CPU."""
    import torch

    picture, alpha, _ = mixed
    colors = estimate_foreground(picture, alpha)
    means = [
        (picture[region].sum(axis=0, dtype=np.float64) / (region.sum() + 1e-5)).astype(np.float32)
        for region in (alpha >= 0.9, alpha <= 0.1)
    ]
    first = [mean[None, None] for mean in means]
    on_device = unmix_on(torch.device("cpu"), picture, alpha, *first, 1e-5, Job())
    for ours, theirs in zip(colors, on_device, strict=True):
        assert np.abs(ours - theirs).max() < 1e-3


def test_callers_in_several_threads_get_the_same_pixels(lemur, with_threads):
    with_threads(2)
    alpha = sample_data.lemur_alpha()
    expected = estimate_foreground(lemur, alpha)
    with ThreadPoolExecutor(3) as pool:
        for colors in pool.map(lambda _: estimate_foreground(lemur, alpha), range(3)):
            np.testing.assert_array_equal(colors, expected)


def test_it_can_be_stopped_between_levels(lemur):
    reports = []
    job = Job(lambda fraction, message: reports.append(fraction), lambda: len(reports) > 4)
    with pytest.raises(Cancelled):
        estimate_foreground(lemur, sample_data.lemur_alpha(), job=job)
    assert reports == sorted(reports)
    assert reports[-1] < 0.1
