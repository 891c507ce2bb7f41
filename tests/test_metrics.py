from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from matting_nodes import metrics, sample_data
from matting_nodes.arrays import unknown
from matting_nodes.nodes.compare import compare


@pytest.fixture(scope="module")
def mattes():
    """The lemur's alpha, a worse one, and the region to measure in."""
    reference = sample_data.lemur_alpha()
    rough = ndimage.gaussian_filter(np.round(reference), 3).astype(np.float32)
    return rough, reference, unknown(sample_data.lemur_trimap())


def test_a_matte_is_at_no_distance_from_itself(mattes):
    _, reference, region = mattes
    for measure in (metrics.sad, metrics.mse, metrics.mad, metrics.grad, metrics.conn):
        assert measure(reference, reference, region) == 0


def test_differences_by_hand():
    alpha, reference = np.float32([[0.0, 0.5], [1.0, 0.25]]), np.float32([[0.5, 0.5], [0.5, 1.0]])
    region = np.array([[True, True], [True, False]])
    assert metrics.sad(alpha, reference, region) == pytest.approx(1.0 / 1000)
    assert metrics.mse(alpha, reference, region) == pytest.approx(0.5 / 3)
    assert metrics.mad(alpha, reference, region) == pytest.approx(1.0 / 3)


def test_conn_by_hand():
    """Two pixels in a row, and a third that hangs on by a pixel of 0.3 only.

    The bridge holds up to t = 0.3, so the far pixel's l is 0.3; there the matte says 0.9 and
    the reference 0.6, both more than 0.15 above: φ differs by their difference, 0.3.
    """
    alpha = np.float32([[1.0, 1.0, 0.3, 0.9]])
    reference = np.float32([[1.0, 1.0, 0.3, 0.6]])
    assert metrics.conn(alpha, reference, np.ones((1, 4), bool)) == pytest.approx(0.3 / 1000, 1e-5)


def test_conn_never_takes_the_outside_for_the_largest_component():
    """One bright pixel in a dark image: the region, not its surroundings, is the component."""
    reference = np.zeros((9, 9), np.float32)
    reference[4, 4] = 1
    alpha = reference * np.float32(0.5)
    # Both reach t = 0.5 in that pixel, so l = 0.5: φ = 1 for the matte, 0.5 for the reference.
    assert metrics.conn(alpha, reference, np.ones((9, 9), bool)) == pytest.approx(0.5 / 1000)


def test_an_empty_intersection_marks_every_pixel_that_is_left():
    alpha, reference = np.float32([[0.0, 0.0]]), np.float32([[0.4, 1.0]])
    # No pixel reaches t = 0.1 in both, so l = 0: φ = 1 against 0.6 and 0.
    value = metrics.conn(alpha, reference, np.ones((1, 2), bool))
    assert value == pytest.approx((0.4 + 1.0) / 1000, 1e-6)


def gradient(alpha, sigma=1.4):
    """The evaluation code's kernel, entry by entry, as one 2-D correlation."""
    half = 4

    def gauss(x):
        return np.exp(-(x**2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi))

    kernel = np.zeros((9, 9))
    for i in range(9):
        for j in range(9):
            u, v = i - half, j - half
            kernel[i, j] = gauss(u) * -v * gauss(v) / sigma**2
    kernel /= np.sqrt((np.abs(kernel) ** 2).sum())
    parts = [
        ndimage.convolve(alpha.astype(np.float64), k, mode="nearest") for k in (kernel, kernel.T)
    ]
    return np.sqrt(parts[0] ** 2 + parts[1] ** 2)


def connectivity(alpha, reference, region):
    """The evaluation code's loop, with SciPy's components."""
    steps = [i / 10 for i in range(11)]
    level = np.full(alpha.shape, -1.0)
    for i in range(1, 11):
        both = (alpha >= steps[i]) & (reference >= steps[i])
        labels, count = ndimage.label(both, [[0, 1, 0], [1, 1, 1], [0, 1, 0]])
        omega = np.zeros(alpha.shape, bool)
        if count:
            sizes = ndimage.sum_labels(both, labels, range(1, count + 1))
            omega = labels == 1 + np.argmax(sizes)
        level[(level == -1) & ~omega] = steps[i - 1]
    level[level == -1] = 1

    def phi(values):
        distance = values - level
        return 1 - distance * (distance >= 0.15)

    return np.abs(phi(alpha) - phi(reference))[region].sum() / 1000


def test_agreement_with_an_independent_implementation(mattes):
    alpha, reference, region = mattes
    a, b = alpha.astype(float)[region], reference.astype(float)[region]
    squared = (gradient(alpha) - gradient(reference)) ** 2
    expected = {
        "SAD": np.abs(a - b).sum() / 1000,
        "MSE": ((a - b) ** 2).mean(),
        "MAD": np.abs(a - b).mean(),
        "Grad": squared[region].sum() / 1000,
    }
    table = compare(alpha, reference, trimap=sample_data.lemur_trimap()).table
    for name, value in expected.items():
        assert table[name] == pytest.approx(value, rel=1e-6), name
    assert table["Conn"] == pytest.approx(connectivity(alpha, reference, region), rel=5e-3)
    assert table["pixels"] == region.sum()
