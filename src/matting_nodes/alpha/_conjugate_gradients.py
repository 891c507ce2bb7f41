"""Conjugate gradients, preconditioned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.floating[Any]]


def conjugate_gradients(
    times: Callable[[Vector], Vector],
    right: Vector,
    precondition: Callable[[Vector], Vector],
    *,
    tolerance: float,
    iterations: int,
    watch: Callable[[float], None],
) -> Vector | None:
    """Return x with |A x − b| ≤ tolerance |b|, or None if the iterations do not suffice.

    Parameters
    ----------
    times : callable
        Returns A times a vector; A is symmetric and positive definite.
    right : (N,) array
        b.
    precondition : callable
        Returns nearly A⁻¹ times a vector.
    tolerance : float
        Of the residual, relative to b.
    iterations : int
        Give up after so many rounds.
    watch : callable(residual)
        Told of the residual, relative to b, after each round; it may raise.
    """
    from ._laplacian import inner

    size = np.sqrt(inner(right, right))
    solution, residual = np.zeros_like(right), right.copy()
    if size == 0:
        return solution
    direction = precondition(residual)
    slope = inner(residual, direction)
    for _ in range(iterations):
        image = times(direction)
        length = slope / inner(direction, image)
        solution += length * direction
        residual -= length * image
        error = np.sqrt(inner(residual, residual)) / size
        watch(error)
        if error <= tolerance:
            return solution
        towards = precondition(residual)
        before, slope = slope, inner(residual, towards)
        direction = towards + slope / before * direction
    return None
