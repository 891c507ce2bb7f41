"""Conjugate gradients, with a preconditioner that need not be the same in each round."""

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
    start: Vector | None = None,
    tolerance: float,
    iterations: int,
    watch: Callable[[float], None],
    energy: float = 0,
) -> tuple[Vector, float]:
    """Return x with |A x − b| ≤ tolerance |b|, and |A x − b| / |b|: more after the last iteration.

    Parameters
    ----------
    times : callable
        Returns A times a vector; A is symmetric and positive definite.
    right : (N,) array
        b.
    precondition : callable
        Returns nearly A⁻¹ times a vector.
    start : (N,) array, optional
        Where to begin; 0 if not given.
    tolerance : float
        Of the residual, relative to b.
    iterations : int
        Give up after so many rounds.
    watch : callable(residual)
        Told of the residual, relative to b, after each round; it may raise.
    energy : float
        Ends sooner, a step after the error e has about eᵀAe no more than this: rᵀA⁻¹r of the
        residual r, with what preconditions for A⁻¹. The error returned is of before that step.

    Notes
    -----
    Flexible conjugate gradients: Golub and Ye, SIAM J. Sci. Comput. 21 (1999).
    """
    from .laplacian import inner

    size = np.sqrt(inner(right, right))
    if size == 0:
        return np.zeros_like(right), 0.0
    if start is None:
        solution, residual = np.zeros_like(right), right.copy()
    else:
        solution, residual = start.copy(), right - times(start)
    error = np.sqrt(inner(residual, residual)) / size
    direction = precondition(residual)
    slope, length = inner(residual, direction), 0.0
    for _ in range(iterations):
        if error <= tolerance:
            break
        if slope <= energy:
            # A direction is the dear part of a step, and its length nearly that of the one before.
            _add(solution, length, direction)
            break
        image = times(direction)
        length = slope / inner(direction, image)
        _add(solution, length, direction)
        _add(residual, -length, image)
        error = np.sqrt(inner(residual, residual)) / size
        watch(error)
        towards = precondition(residual)
        # With a fixed preconditioner this is the usual slope over the one before.
        turn = -length * inner(image, towards) / slope
        slope = inner(residual, towards)
        direction *= direction.dtype.type(turn)
        direction += towards
    return solution, error


def _add(vector: Vector, factor: float, other: Vector) -> None:
    # The factor in the vector's own type: 32 bits stay 32 bits.
    vector += vector.dtype.type(factor) * other
