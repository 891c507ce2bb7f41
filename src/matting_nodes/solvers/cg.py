"""Conjugate gradients, by default flexible ones: the preconditioner need not be symmetric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .parallel import in_parallel

Vector = NDArray[np.floating[Any]]


def conjugate_gradients(
    A: Callable[[Vector], Vector],  # noqa: N803 (as in the literature)
    b: Vector,
    M: Callable[[Vector], Vector],  # noqa: N803
    *,
    x0: Vector | None = None,
    tolerance: float,
    iterations: int,
    callback: Callable[[float], None],
    energy: float = 0,
    flexible: bool = True,
) -> tuple[Vector, float]:
    """Solve A x = b.

    Parameters
    ----------
    A : callable
        Returns A times a vector; A is symmetric and positive definite.
    b : (N,) array
        The right-hand side.
    M : callable
        The preconditioner: returns approximately A⁻¹ times a vector.
    x0 : (N,) array, optional
        The initial guess; 0 if not given.
    tolerance : float
        Iteration stops at |b − A x| ≤ tolerance |b|.
    iterations : int
        Maximum number of iterations.
    callback : callable(residual)
        Told the relative residual |b − A x| / |b| after each iteration; it may raise.
    energy : float
        Iteration also stops, after one more step, when the energy eᵀA e of the error e is
        estimated to be at most this. The estimate is rᵀM r, from the residual r = A e.
    flexible : bool
        Whether M may be other than symmetric, which costs one more scalar product an iteration.

    Returns
    -------
    x : (N,) array
        The solution.
    error : float
        The relative residual, above `tolerance` if `iterations` were not enough. After a stop by
        `energy` it is the residual before the last step.

    Notes
    -----
    Golub and Ye, SIAM J. Sci. Comput. 21 (1999). The multigrid that is used here smooths single
    pixels after the coarse correction only, so it is not symmetric, and the usual β = rz / rz_old
    would lose conjugacy.
    """
    from .laplacian import PARALLEL_MIN, inner

    norm_b = np.sqrt(inner(b, b))
    if norm_b == 0:
        return np.zeros_like(b), 0.0
    if x0 is None:
        x, r = np.zeros_like(b), b.copy()
    else:
        x, r = x0.copy(), b - A(x0)
    error = np.sqrt(inner(r, r)) / norm_b
    p = M(r)
    rz, alpha = inner(r, p), 0.0
    for _ in range(iterations):
        if error <= tolerance:
            break
        if rz <= energy:
            # Computing A p is most of an iteration, and α changes little from one to the next.
            x += p.dtype.type(alpha) * p
            break
        Ap = A(p)  # noqa: N806
        alpha = rz / inner(p, Ap)  # α = rᵀz / pᵀA p
        # x ← x + α p, r ← r − α A p
        in_parallel(_step, len(x), x, r, p, Ap, p.dtype.type(alpha), smallest=PARALLEL_MIN)
        error = np.sqrt(inner(r, r)) / norm_b
        callback(error)
        z = M(r)
        rz_old, rz = rz, inner(r, z)
        # β = zᵀ(r − r_old) / rz_old, where r − r_old = −α A p; rz / rz_old if M is symmetric.
        beta = -alpha * inner(Ap, z) / rz_old if flexible else rz / rz_old
        # p ← z + β p
        in_parallel(_turn, len(p), p, z, p.dtype.type(beta), smallest=PARALLEL_MIN)
    return x, error


@numba.njit(cache=True, nogil=True)
def _step(start, stop, x, r, p, Ap, alpha):  # noqa: N803
    for i in range(start, stop):
        x[i] += alpha * p[i]
        r[i] -= alpha * Ap[i]


@numba.njit(cache=True, nogil=True)
def _turn(start, stop, p, z, beta):
    for i in range(start, stop):
        p[i] = beta * p[i] + z[i]
