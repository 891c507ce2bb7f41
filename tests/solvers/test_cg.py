from __future__ import annotations

import numpy as np

from matting_nodes.solvers.cg import conjugate_gradients

MATRIX = np.array([[4.0, 1.0], [1.0, 3.0]])


def solve(b, iterations=10, x0=None):
    residuals = []
    solution, error = conjugate_gradients(
        MATRIX.__matmul__,
        np.array(b),
        lambda residual: residual / 4,
        x0=x0,
        tolerance=1e-12,
        iterations=iterations,
        callback=residuals.append,
    )
    assert not residuals or error == residuals[-1]
    return solution, residuals


def test_two_unknowns_take_two_iterations():
    solution, residuals = solve([1.0, 2.0])
    np.testing.assert_allclose(solution, [1 / 11, 7 / 11], atol=1e-12)
    assert len(residuals) == 2


def test_from_the_solution_no_iteration_is_needed():
    solution, residuals = solve([1.0, 2.0], x0=np.array([1 / 11, 7 / 11]))
    np.testing.assert_allclose(solution, [1 / 11, 7 / 11], atol=1e-12)
    assert not residuals


def test_too_few_iterations_leave_an_error():
    _, residuals = solve([1.0, 2.0], iterations=1)
    assert len(residuals) == 1
    assert residuals[0] > 1e-3


def test_zeros_need_no_iteration():
    np.testing.assert_array_equal(solve([0.0, 0.0])[0], [0, 0])


def test_it_may_end_by_the_energy_of_the_error():
    random = np.random.default_rng(0)
    spread = random.random((40, 40))
    matrix = spread @ spread.T + 40 * np.eye(40)
    b = random.random(40)
    residuals = []
    solution, _ = conjugate_gradients(
        matrix.__matmul__,
        b,
        lambda residual: residual / np.diag(matrix),
        tolerance=1e-12,
        iterations=100,
        callback=residuals.append,
        energy=1e-4,
    )
    error = solution - np.linalg.solve(matrix, b)
    assert 1e-8 < error @ matrix @ error < 1e-4
    assert residuals[-1] > 1e-6
