from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.arrays import unknown
from matting_nodes.solvers.laplacian import RowCache, inner, laplacian_rows, matting_system


def dense(image, epsilon):
    """The whole picture's matting Laplacian, from the paper's equation 12 (windows of 9)."""
    height, width, channels = image.shape
    laplacian = np.zeros((height * width,) * 2)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            rows, columns = np.mgrid[y - 1 : y + 2, x - 1 : x + 2]
            window = (rows * width + columns).ravel()
            colors = image.reshape(-1, channels)[window].astype(float)
            centered = colors - colors.mean(axis=0)
            spread = np.cov(colors.T, bias=True).reshape(channels, channels)
            spread += epsilon / 9 * np.eye(channels)
            affinity = (1 + centered @ np.linalg.solve(spread, centered.T)) / 9
            laplacian[np.ix_(window, window)] += np.eye(9) - affinity
    return laplacian


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_rows_are_those_of_the_papers_equation(channels):
    random = np.random.default_rng(channels)
    image = random.random((7, 8, channels)).astype(np.float32)
    trimap = random.choice([0, 128, 255], (7, 8)).astype(np.uint8)
    system, right = matting_system(image, unknown(trimap), trimap == 255, 1e-4)
    laplacian = dense(image, 1e-4)
    solve = unknown(trimap).ravel()
    alpha = random.random(solve.sum())
    ours, theirs = system.operator()(alpha), laplacian[solve][:, solve] @ alpha
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    known = (trimap == 255).ravel()
    np.testing.assert_allclose(right, -laplacian[solve] @ known, atol=1e-9)


def test_pictures_wider_and_higher_than_a_strip(fur):
    image, trimap = fur
    system, right = matting_system(image, unknown(trimap), trimap == 255, 1e-7)
    turned, beside = matting_system(
        image.transpose(1, 0, 2), unknown(trimap).T, (trimap == 255).T, 1e-7
    )
    numbers = np.cumsum(unknown(trimap)).reshape(trimap.shape) - 1
    order = numbers.T[unknown(trimap).T]
    np.testing.assert_allclose(right[order], beside, atol=1e-6)
    alpha = np.random.default_rng(0).random(len(right))
    ours, theirs = system.operator()(alpha)[order], turned.operator()(alpha[order])
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("kept", ["most", "none"])
def test_kept_rows_are_the_same_after_their_diagonal_was_used(fur, kept):
    image, trimap = fur
    solve = unknown(trimap)
    first = solve if kept == "most" else np.zeros_like(solve)
    rows = RowCache(image, first, 1e-7, np.float32)
    rows.rows[:, 12] += 1
    box = slice(20, 90), slice(30, 110)
    some = np.zeros((70, 80), bool)
    some[3:-3, 3:-3] = True
    assert 0 < solve[box][some].mean() < 1
    expected = np.zeros_like(solve)
    expected[box] = some
    expected = laplacian_rows(image, expected, 1e-7, np.float32)
    np.testing.assert_allclose(rows.of(box, some), expected, atol=1e-5)


def test_inner_products_are_summed_in_64_bits():
    values = np.arange(20_000, dtype=np.float32)
    assert inner(values, values) == np.dot(values.astype(np.float64), values)
