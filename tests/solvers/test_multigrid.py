from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.arrays import unknown
from matting_nodes.solvers import multigrid
from matting_nodes.solvers.cg import conjugate_gradients
from matting_nodes.solvers.laplacian import matting_system
from matting_nodes.solvers.multigrid import Multigrid
from matting_nodes.solvers.stencil import Stencil


@pytest.fixture(scope="module")
def equations(lemur, lemur_trimap):
    """A system of several levels: the lemur four times, with a weak data term."""
    image, trimap = np.tile(lemur, (2, 2, 1)), np.tile(lemur_trimap, (2, 2))
    solve = unknown(trimap)
    system, b = matting_system(image, solve, trimap == 255, 1e-7, np.float32)
    system.rows[:, 12] += 1e-3
    return system, b, image[solve]


def iterate(system, b, precondition):
    count = []
    solution, error = conjugate_gradients(
        system.operator(),
        b,
        precondition,
        tolerance=1e-5,
        iterations=3000,
        callback=count.append,
    )
    assert error <= 1e-5
    return solution, len(count)


def test_it_saves_most_of_the_iterations_and_leads_to_the_same_solution(equations):
    system, b, colors = equations
    solution, few = iterate(system, b, Multigrid(Stencil(system), colors))
    diagonal = system.rows[:, 12]
    plain, many = iterate(system, b, lambda residual: residual / diagonal)
    np.testing.assert_allclose(solution, plain, atol=5e-3)
    assert few < many / 4


def test_it_is_positive(fur):
    image, trimap = fur
    solve = unknown(trimap)
    system, _ = matting_system(image, solve, trimap == 255, 1e-7, np.float32)
    system.rows[:, 12] += 1e-3
    inverse = Multigrid(Stencil(system), image[solve])
    for a in np.random.default_rng(0).standard_normal((20, solve.sum())).astype(np.float32):
        assert inverse(a) @ a > 0


def test_what_its_blocks_add_is_symmetric(fur, monkeypatch):
    image, trimap = fur
    solve = unknown(trimap)
    system, _ = matting_system(image, solve, trimap == 255, 1e-7, np.float32)
    system.rows[:, 12] += 1e-3
    blocks = len(Multigrid(Stencil(system), image[solve])._levels[0])
    monkeypatch.setattr(multigrid, "DIRECT_MAX", blocks // 6)  # three levels
    inverse = Multigrid(Stencil(system), image[solve])
    assert len(inverse._levels) == 3
    finest = inverse._levels[0]
    a, b = finest.zeros(), finest.zeros()
    pixels = np.random.default_rng(0).standard_normal((2, solve.sum())).astype(np.float32)
    for vector, blocks in zip(pixels, (a, b), strict=True):
        multigrid._restrict_pixels(
            0, len(finest), finest.blocks.children, finest.blocks.shifts, vector, blocks
        )
    across = (inverse._cycle(0, b) * a).sum()
    assert (inverse._cycle(0, a) * b).sum() == pytest.approx(across, rel=1e-3, abs=1e-2)


def test_colors_that_are_all_the_same(equations):
    system, b, colors = equations
    _, few = iterate(system, b, Multigrid(Stencil(system), np.full_like(colors, 0.5)))
    assert few < 3000


def test_a_change_of_the_diagonal_is_followed_as_if_it_had_begun_with_it(equations):
    system, _, colors = equations
    given = system.rows.copy()
    followed = Multigrid(Stencil(system._replace(rows=given)), colors)
    change = np.random.default_rng(0).uniform(0, 0.1, len(given)).astype(np.float32)
    given[:, 12] += change
    followed.add_to_diagonal(change)
    fresh = Multigrid(Stencil(system._replace(rows=given)), colors)
    vector = np.random.default_rng(1).standard_normal(len(given)).astype(np.float32)
    expected = fresh(vector)
    np.testing.assert_allclose(followed(vector), expected, atol=1e-3 * abs(expected).max())
