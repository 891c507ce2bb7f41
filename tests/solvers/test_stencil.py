from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.arrays import unknown
from matting_nodes.solvers import parallel
from matting_nodes.solvers.laplacian import matting_system
from matting_nodes.solvers.stencil import Stencil


def random_system(height, width, dtype, share=0.6):
    random = np.random.default_rng(height * width)
    image = random.random((height, width, 3)).astype(np.float32)
    solve = random.random((height, width)) < share
    solve[-1, -1] = solve[0, 0] = True
    system, _ = matting_system(image, solve, np.zeros(solve.shape), 1e-4, dtype)
    system.rows[:, 12] += 1
    return system, random.standard_normal(len(system.rows)).astype(dtype)


@pytest.mark.parametrize("size", [(3, 3), (3, 40), (40, 3), (7, 17), (50, 60)])
@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_products_are_those_of_whole_rows(size, dtype, error):
    system, x = random_system(*size, dtype)
    product = Stencil(system).operator()(x)
    assert product.dtype == dtype
    np.testing.assert_allclose(product, system.operator()(x), atol=error)


def test_products_where_everything_is_unknown():
    system, x = random_system(20, 70, np.float64, share=1)
    np.testing.assert_allclose(Stencil(system).operator()(x), system.operator()(x), atol=1e-12)


def test_a_step_of_smoothing_uses_the_changed_diagonal():
    system, x = random_system(30, 40, np.float64)
    stencil, change = Stencil(system), np.linspace(0, 1, len(x))
    stencil.diagonal[:] += change
    plane, b, step = stencil.plane(), np.cos(x), np.sin(x)
    plane[system.positions] = x
    expected = x + step * (b - system.operator()(x) - change * x)
    np.testing.assert_allclose(stencil.smooth(plane, step, b), expected, atol=1e-12)


def test_any_division_among_threads_gives_the_same_bits(fur, monkeypatch):
    image, trimap = fur
    solve = unknown(trimap)
    system, _ = matting_system(image, solve, trimap == 255, 1e-7, np.float32)
    x = np.random.default_rng(0).standard_normal(len(system.rows)).astype(np.float32)
    monkeypatch.setattr(parallel, "thread_count", lambda: 1)
    alone = Stencil(system).operator()(x)
    monkeypatch.setattr(parallel, "thread_count", lambda: 3)
    shared = Stencil(system)
    shared._smallest = 1
    assert (shared.operator()(x) == alone).all()
