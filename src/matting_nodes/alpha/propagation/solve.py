"""Join what the samples say of each pixel along the picture, by the matting Laplacian."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...arrays import Image, Trimap
from ...job import Job
from ...solvers.boxes import WINDOW, bounds, whole, widened
from ...solvers.cg import conjugate_gradients
from ...solvers.laplacian import system_of
from ...solvers.multigrid import Multigrid
from .._checks import no_solution
from . import TITLE
from .color_links import Links
from .color_samples import Samples
from .data_term import pull

EPSILON = 1e-7
"""Regularization of the Laplacian's windows."""
TOLERANCE, ITERATIONS = 1e-5, 300
"""The residual, relative to the right side, at which the solver stops; and at the latest when."""

Floats = NDArray[np.float32]


def sampled(image: Image, trimap: Trimap, job: Job) -> tuple[Samples, Floats]:
    """Return what a whole picture's samples say, and where they pull α to."""
    samples = Samples(image)
    samples.follow(trimap, whole(trimap.shape), job)
    return samples, pull(trimap, samples.grown, samples.votes)


def propagate(
    rows: Floats,
    colors: Floats,
    solve: NDArray[np.bool_],
    links: Links,
    pulled: Floats,
    start: Floats,
    job: Job,
    energy: float = 0,
    device: str = "cpu",
) -> Floats:
    """Return α, not clipped, that minimizes αᵀLα + Σ w (α − α̂)² + links over some pixels.

    Parameters
    ----------
    rows : (N, 25) float32
        Of L, for the pixels to solve for; their weights are added to them.
    colors : (N, 3) float32
        Of the same, on the picture's main axes.
    solve : (H, W) bool
        Which pixels these are.
    links : Links
        The same pixels' links to others of like color.
    pulled : (2, N) float32
        α̂ and w.
    start : (H, W) float32
        α of the other pixels; and a first guess of these.
    job : Job
        Told of the solver.
    energy : float
        What the error may have of the sum that is minimized; 0 solves as closely as `TOLERANCE`.
    device : str
        "cpu", or the torch device that is to solve.
    """
    job.step(0, message=f"{TITLE}: setting up")
    read = widened(bounds(solve), WINDOW, solve.shape)
    solve, known = solve[read], start[read].copy()
    first = known[solve]
    known[solve] = 0
    system, right = system_of(rows, solve, known)
    guess, weight = pulled
    system.rows[:, 12] += weight + links.diagonal
    right += weight * guess + links.rhs
    done = 0

    def watch(_residual: float) -> None:
        nonlocal done
        done += 1
        job.step(1 - 0.7 * 0.95**done, message=f"{TITLE}: solving")

    if device == "cpu":
        # The preconditioner knows the diagonal of the links: a quarter fewer steps.
        laplacian = system.operator()
        solution, error = conjugate_gradients(
            links.operator(laplacian),
            right,
            Multigrid(system, laplacian, colors),
            x0=first,
            tolerance=TOLERANCE,
            iterations=ITERATIONS,
            watch=watch,
            energy=energy,
        )
    else:
        from .solve_torch import solve_on

        solution, error = solve_on(device, system, links, right, first, TOLERANCE, watch)
    if not np.isfinite(error):
        raise no_solution(f"{TITLE} found no finite solution")
    result = start.copy()
    result[read][solve] = solution
    return result
