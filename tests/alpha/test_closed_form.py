from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.alpha._checks import full_contrast
from matting_nodes.arrays import unknown
from matting_nodes.errors import EmptyRegionError
from matting_nodes.job import Cancelled, Job
from matting_nodes.nodes.alpha_matte import alpha_matte
from matting_nodes.nodes.compare import compare


def closed_form(image, trimap, **keywords):
    return alpha_matte(image, trimap, method="closed_form", **keywords)


def test_it_is_pymattings_closed_form(fur):
    import pymatting

    image, trimap = fur
    values = np.where(unknown(trimap), 0.5, trimap / 255)
    stretched = full_contrast(image).astype(np.float64)
    expected = pymatting.estimate_alpha_cf(stretched, values)
    np.testing.assert_allclose(closed_form(image, trimap), expected, atol=1e-6)


def test_known_pixels_are_exactly_0_and_1(fur):
    image, trimap = fur
    alpha = closed_form(image, trimap)
    assert alpha.dtype == np.float32
    assert (alpha[trimap == 0] == 0).all()
    assert (alpha[trimap == 255] == 1).all()
    soft = alpha[unknown(trimap)]
    assert 0 <= soft.min() < 0.1 < 0.9 < soft.max() <= 1


def test_a_ramp_between_two_colors_is_recovered():
    """Where color is a linear function of alpha, the model holds: the answer is known."""
    truth = np.clip(np.linspace(-0.5, 1.5, 60), 0, 1)
    alpha = np.tile(truth, (12, 1))[..., None]
    image = alpha * [0.9, 0.3, 0.1] + (1 - alpha) * [0.1, 0.4, 0.8]
    trimap = np.where((truth > 0) & (truth < 1), 128, truth * 255).astype(np.uint8)
    result = closed_form(image, np.tile(trimap, (12, 1)))
    np.testing.assert_allclose(result, alpha[..., 0], atol=2e-3)


def test_the_lemur_is_near_its_reference(lemur, lemur_trimap):
    alpha = closed_form(lemur, lemur_trimap)
    constant = np.where(unknown(lemur_trimap), 0.5, lemur_trimap / 255)
    reference = sample_data.lemur_alpha()
    ours = compare(alpha, reference, trimap=lemur_trimap).table
    guess = compare(constant, reference, trimap=lemur_trimap).table
    assert ours["MSE"] < 0.01
    assert ours["SAD"] < guess["SAD"] / 5


def test_all_known_needs_no_solving():
    trimap = np.uint8([[0, 255], [255, 0]])
    np.testing.assert_array_equal(closed_form(np.zeros((2, 2, 3)), trimap), trimap / 255)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((0, 0, 128), "no definite foreground"),
        ((255, 255, 128), "no definite background"),
        ((128, 128, 128), "no definite foreground"),
        ((0, 0, 0), "no definite foreground"),
        ((255, 255, 255), "no definite background"),
    ],
)
def test_a_trimap_without_both_regions_is_refused(values, told):
    trimap = np.uint8([values] * 3)
    with pytest.raises(EmptyRegionError, match=told):
        closed_form(np.zeros((3, 3)), trimap)


def test_it_stops_in_the_middle(fur):
    reports = []
    job = Job(lambda fraction, message: reports.append(fraction), lambda: len(reports) > 6)
    with pytest.raises(Cancelled):
        closed_form(*fur, job=job)
    assert len(reports) == 7
    assert 0 < reports[-1] < 0.9
