"""The equations of the matting Laplacian solved as tensors, for a GPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from ...solvers.laplacian import System
from .color_links import Links

ITERATIONS = 10_000
"""Give up after so many rounds: plain ones, of which a GPU makes thousands a second."""
LOOK = 50
"""Rounds between two looks at the residual, for which the GPU has to be waited for."""

Floats = NDArray[np.float32]


def solve_on(
    device: str,
    system: System,
    links: Links,
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
        A, but for the links between its pixels.
    links : Links
        These.
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
    # A pixel without a link is linked to a 0 beyond the last pixel.
    none = links.neighbors == np.arange(len(b))[:, None]
    neighbors = torch.from_numpy(np.where(none, len(b), links.neighbors).T.copy()).to(device)
    plane = torch.zeros(system.size, device=device)

    def times(values: torch.Tensor) -> torch.Tensor:
        plane[places] = values
        result = torch.zeros_like(values)
        for k, offset in enumerate(offsets):
            result.addcmul_(rows[:, k], plane[places + offset])
        linked = torch.nn.functional.pad(values, (0, 1))[neighbors].sum(dim=0)
        return result.sub_(linked, alpha=links.weight)

    def ratio(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        # Once the residual is 0 both are, until it is looked at.
        return torch.nan_to_num(a / b, nan=0, posinf=torch.inf, neginf=-torch.inf)

    diagonal, size = rows[:, 12], b.norm()
    if size == 0:
        return np.zeros_like(right), 0.0
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
        length = ratio(slope, direction.dot(image))
        x += length * direction
        residual -= length * image
        towards = residual / diagonal
        before, slope = slope, residual.dot(towards)
        direction = towards + ratio(slope, before) * direction
    solution: Floats = x.cpu().numpy()
    return solution, float(residual.norm() / size)
