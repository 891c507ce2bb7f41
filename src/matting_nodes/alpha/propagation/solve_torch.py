"""The same equations solved with torch tensors, for a GPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from ...solvers.laplacian import System
from .color_links import Links

MAX_ITERATIONS = 10_000
"""Without a multigrid many are needed, of which a GPU does thousands a second."""
CHECK_INTERVAL = 50
"""Iterations between two looks at the residual, each of which waits for the GPU."""

Floats = NDArray[np.float32]


def solve_on(
    device: str,
    system: System,
    links: Links,
    b: Floats,
    x0: Floats,
    tolerance: float,
    callback: Callable[[float], None],
) -> tuple[Floats, float]:
    """Solve A x = b by conjugate gradients, preconditioned by the diagonal.

    The multigrid that saves the CPU most iterations has too few unknowns on its coarse levels to
    keep a GPU busy.

    Parameters
    ----------
    device : str
        A torch device.
    system : System
        A without the links between its pixels.
    links : Links
        The links.
    b, x0 : (N,) float32
        The right-hand side and the initial guess.
    tolerance : float
        Iteration stops at |b − A x| ≤ tolerance |b|.
    callback : callable(residual)
        Told the relative residual |b − A x| / |b| every `CHECK_INTERVAL` iterations; it may raise.

    Returns
    -------
    x : (N,) float32
    error : float
        The relative residual.
    """
    rows, rhs, x = (torch.from_numpy(a).to(device) for a in (system.rows, b, x0.copy()))
    positions = torch.from_numpy(system.positions).to(device)
    offsets = torch.from_numpy(system.offsets).to(device)
    # A pixel without a link is linked to a 0 beyond the last pixel.
    unlinked = links.neighbors == np.arange(len(b))[:, None]
    neighbors = torch.from_numpy(np.where(unlinked, len(b), links.neighbors)).to(device)
    weights = torch.from_numpy(links.weights).to(device)
    plane = torch.zeros(system.size, device=device)

    def matvec(values: torch.Tensor) -> torch.Tensor:
        plane[positions] = values
        result = torch.zeros_like(values)
        for k, offset in enumerate(offsets):
            result.addcmul_(rows[:, k], plane[positions + offset])
        linked = (weights * torch.nn.functional.pad(values, (0, 1))[neighbors]).sum(dim=1)
        return result.sub_(linked)

    def ratio(numerator: torch.Tensor, denominator: torch.Tensor) -> torch.Tensor:
        # Both are 0 once the residual is, which is noticed only at the next check.
        quotient = numerator / denominator
        return torch.nan_to_num(quotient, nan=0, posinf=torch.inf, neginf=-torch.inf)

    diagonal, norm_b = rows[:, 12], rhs.norm()
    if norm_b == 0:
        return np.zeros_like(b), 0.0
    r = rhs - matvec(x)
    z = r / diagonal
    p, rz = z.clone(), r.dot(z)
    for iteration in range(MAX_ITERATIONS):
        if iteration % CHECK_INTERVAL == 0:
            error = float(r.norm() / norm_b)
            callback(error)
            if not error > tolerance:
                break
        Ap = matvec(p)  # noqa: N806
        alpha = ratio(rz, p.dot(Ap))  # α = rᵀz / pᵀA p
        x += alpha * p
        r -= alpha * Ap
        z = r / diagonal
        rz_old, rz = rz, r.dot(z)
        p = z + ratio(rz, rz_old) * p  # β = rz / rz_old
    solution: Floats = x.cpu().numpy()
    return solution, float(r.norm() / norm_b)
