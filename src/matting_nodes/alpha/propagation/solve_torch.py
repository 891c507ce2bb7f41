"""The equations of the matting Laplacian solved as tensors, for a GPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from ...solvers.laplacian import System

ITERATIONS = 10_000
"""Give up after so many rounds: plain ones, of which a GPU makes thousands a second."""
LOOK = 50
"""Rounds between two looks at the residual, for which the GPU has to be waited for."""

Floats = NDArray[np.float32]


def solve_on(
    device: str,
    system: System,
    right: Floats,
    start: Floats,
    tolerance: float,
    watch: Callable[[float], None],
) -> tuple[Floats, float]:
    """Return x with |A x − b| ≤ tolerance |b|, and |A x − b| / |b|.

    Conjugate gradients, preconditioned by the diagonal: the coarse levels that save the CPU most
    rounds have too few unknowns to keep a GPU busy.

    Parameters
    ----------
    device : str
        A torch device.
    system : System
        A.
    right, start : (N,) float32
        b, and where to begin.
    tolerance : float
        Of the residual, relative to b.
    watch : callable(residual)
        Told of the residual, relative to b, now and then; it may raise.
    """
    rows, b, x = (torch.from_numpy(a).to(device) for a in (system.rows, right, start.copy()))
    places = torch.from_numpy(system.places).to(device)
    offsets = torch.from_numpy(system.offsets).to(device)
    plane = torch.zeros(system.size, device=device)

    def times(values: torch.Tensor) -> torch.Tensor:
        plane[places] = values
        result = torch.zeros_like(values)
        for k, offset in enumerate(offsets):
            result.addcmul_(rows[:, k], plane[places + offset])
        return result

    diagonal, size = rows[:, 12], b.norm()
    residual = b - times(x)
    towards = residual / diagonal
    direction, slope = towards.clone(), residual.dot(towards)
    for done in range(ITERATIONS):
        if done % LOOK == 0:
            error = float(residual.norm() / size)
            watch(error)
            if not error > tolerance:
                break
        image = times(direction)
        length = slope / direction.dot(image)
        x += length * direction
        residual -= length * image
        towards = residual / diagonal
        before, slope = slope, residual.dot(towards)
        direction = towards + (slope / before) * direction
    solution: Floats = x.cpu().numpy()
    return solution, float(residual.norm() / size)
