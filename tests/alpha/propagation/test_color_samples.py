from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.alpha.propagation.color_samples import ColorSamples, principal_colors
from matting_nodes.arrays import unknown
from matting_nodes.job import Cancelled, Job
from matting_nodes.solvers.boxes import whole


def sample(image, trimap, job):
    """The expanded trimap, and α̂ and its confidence where that is unknown."""
    samples = ColorSamples(image)
    samples.update(trimap, whole(trimap.shape), job)
    return samples.expanded, *samples.estimates[:, unknown(samples.expanded)]


def test_regions_expand_into_similar_colors_and_pairs_estimate_the_rest():
    """A ramp of known α between two flat colors."""
    truth = np.tile(np.clip(np.linspace(-0.5, 1.5, 80), 0, 1), (30, 1)).astype(np.float32)
    front, back = np.float32([0.9, 0.3, 0.1]), np.float32([0.1, 0.4, 0.8])
    image = truth[..., None] * front + (1 - truth[..., None]) * back
    trimap = np.full(truth.shape, 128, np.uint8)
    trimap[:, :8], trimap[:, -8:] = 0, 255
    expanded, alpha, confidence = sample(image, trimap, Job())
    assert (expanded[truth == 0] == 0).all()
    assert (expanded[truth == 1] == 255).all()
    between = unknown(expanded)
    assert (between == ((truth > 0.03) & (truth < 0.97))).mean() > 0.97
    np.testing.assert_allclose(alpha, truth[between], atol=0.03)
    assert confidence.min() > 0.99


def test_no_pair_explains_more_than_the_whole(lemur, lemur_trimap):
    _, alpha, confidence = sample(lemur, lemur_trimap, Job())
    assert confidence.min() >= 0
    assert confidence.max() <= 1
    assert alpha.min() >= 0
    assert alpha.max() <= 1 + 1e-6


def test_a_color_of_both_regions_expands_neither():
    image = np.full((20, 60, 3), 0.5, np.float32)
    trimap = np.full((20, 60), 128, np.uint8)
    trimap[:, :10], trimap[:, -10:] = 0, 255
    expanded, _, _ = sample(image, trimap, Job())
    middle = np.s_[:, 26:34]
    assert (expanded[middle] == 128).all()


def test_a_region_is_found_however_far_it_lies():
    image = np.zeros((10, 600, 3), np.float32)
    image[:, 300:] = 0.8
    trimap = np.full((10, 600), 128, np.uint8)
    trimap[:, 0], trimap[:, -1] = 0, 255
    expanded, alpha, _ = sample(image, trimap, Job())
    result = expanded / 255
    result[unknown(expanded)] = alpha
    np.testing.assert_allclose(result, image[..., 0] > 0, atol=0.02)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_any_number_of_channels(fur, channels):
    image, trimap = fur
    several = np.concatenate([image, image[..., :2] ** 2], axis=2)[..., :channels]
    expanded, alpha, confidence = sample(several, trimap, Job())
    assert np.array_equal(expanded[~unknown(trimap)], trimap[~unknown(trimap)])
    assert len(alpha) == len(confidence) == unknown(expanded).sum()
    assert 0 <= alpha.min() < 0.3 < 0.7 < alpha.max() <= 1


def test_principal_axes_of_more_channels_keep_the_distances():
    random = np.random.default_rng(0)
    few = random.random((6, 5, 3))
    turned, _ = np.linalg.qr(random.random((7, 7)))
    axes = principal_colors((few @ turned[:3]).astype(np.float32)).reshape(-1, 3)
    distances, before = (np.linalg.norm(c[:, None] - c, axis=2) for c in (axes, few.reshape(-1, 3)))
    np.testing.assert_allclose(distances, before, atol=1e-5)


def test_it_can_be_stopped_between_chunks(lemur, lemur_trimap):
    reports = []
    job = Job(lambda fraction, message: reports.append(fraction), lambda: len(reports) > 1)
    with pytest.raises(Cancelled):
        sample(np.tile(lemur, (2, 2, 1)), np.tile(lemur_trimap, (2, 2)), job)
    assert len(reports) == 2


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_stroke_changes_no_more_and_no_less_than_it_should(lemur, lemur_trimap, value):
    """Updated stroke by stroke, samples are bit for bit those taken of the last trimap."""
    samples = ColorSamples(lemur)
    samples.update(lemur_trimap, whole(lemur_trimap.shape), Job())
    trimap, random = lemur_trimap.copy(), np.random.default_rng(value)
    band = np.argwhere(unknown(trimap))
    for _ in range(6):
        y, x = random.choice(band)
        region = slice(max(0, y - 9), y + 9), slice(max(0, x - 25), x + 25)
        trimap[region] = value
        before = samples.expanded.copy()
        rows, columns = samples.update(trimap, region, Job())
        outside = np.ones(trimap.shape, bool)
        outside[rows, columns] = False
        np.testing.assert_array_equal(samples.expanded[outside], before[outside])
    fresh = ColorSamples(lemur)
    fresh.update(trimap, whole(trimap.shape), Job())
    np.testing.assert_array_equal(samples.expanded, fresh.expanded)
    estimated = unknown(fresh.expanded)
    np.testing.assert_array_equal(samples.estimates[:, estimated], fresh.estimates[:, estimated])


def test_a_region_thinner_than_the_candidates_are_apart_is_sampled():
    image = np.full((400, 400, 3), 0.2, np.float32)
    image[:, 200:] = 0.9
    trimap = np.full((400, 400), 128, np.uint8)
    trimap[3, 3:5], trimap[396, 390:392] = 0, 255
    expanded, alpha, _ = sample(image, trimap, Job())
    result = expanded / 255
    result[unknown(expanded)] = alpha
    np.testing.assert_allclose(result, image[..., 0] > 0.5, atol=0.02)
