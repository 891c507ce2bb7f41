"""Minimize αᵀLα + Σ w (α − α̂)² + color links: the Laplacian spreads the samples' estimates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...arrays import Alpha, Image, Trimap, unknown
from ...job import Job
from ...solvers.boxes import STENCIL_MARGIN, bounds, whole, widened
from ...solvers.cg import conjugate_gradients
from ...solvers.laplacian import laplacian_rows, system_from_rows
from ...solvers.multigrid import Multigrid
from .._checks import no_solution
from . import TITLE
from .color_links import ColorLinks, Links
from .color_samples import ColorSamples
from .data_term import data_term, gather_unknowns

EPSILON = 1e-7
"""Regularization of the Laplacian's windows."""
TOLERANCE, MAX_ITERATIONS = 1e-5, 300
"""The solver stops at this residual, relative to b, or after this many iterations."""

Floats = NDArray[np.float32]


def sample_colors(image: Image, trimap: Trimap, job: Job) -> tuple[ColorSamples, Floats]:
    """Sample a whole picture.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
    trimap : (H, W) uint8
    job : Job
        Reports progress, and stops the work when it is cancelled.

    Returns
    -------
    samples : ColorSamples
    term : (2, H, W) float32
        α̂ and w of the data term.
    """
    samples = ColorSamples(image)
    samples.update(trimap, whole(trimap.shape), job)
    return samples, data_term(trimap, samples.expanded, samples.estimates)


def propagated(
    image: Image,
    trimap: Trimap,
    job: Job,
    *,
    prior: Floats | None = None,
    energy: float = 0,
    device: str = "cpu",
) -> Alpha:
    """Return the matte of a whole picture.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        In full contrast.
    trimap : (H, W) uint8
    job : Job
        Reports progress, and stops the work when it is cancelled.
    prior : (2, H, W) float32, optional
        What else is known of α, and its weight w_p: adds Σ w_p (α − α_p)² to what is minimized.
        The solver then begins with it.
    energy, device
        As for `propagate`.

    Returns
    -------
    (H, W) float32, 0..1
    """
    samples, term = sample_colors(image, trimap, job.part(0, 0.5))
    solve = unknown(trimap)
    if prior is not None:
        term = _with_prior(term, prior, solve)
    start = term[0].copy()  # a view would keep the weights
    colors, term = gather_unknowns(samples.colors, term, solve, whole(solve.shape))
    links = ColorLinks(samples.colors).links_of(solve, start, whole(solve.shape), trimap, start)
    del samples
    rows = laplacian_rows(image, solve, EPSILON, np.float32)
    values = propagate(
        rows, colors, solve, links, term, start, job.part(0.5, 1), energy, device=device
    )
    return values.clip(0, 1, out=values)


def _with_prior(term: Floats, prior: Floats, solve: NDArray[np.bool_]) -> Floats:
    """Return the data term of the samples and a prior together, where α is unknown."""
    # w (α − α̂)² + w_p (α − α_p)² = (w + w_p) (α − mean)² + const.
    weight = term[1] + prior[1]
    mean = (term[1] * term[0] + prior[1] * prior[0]) / np.maximum(weight, 1e-12)
    result: Floats = np.where(solve, np.stack([mean, weight]), term)
    return result


def propagate(
    rows: Floats,
    colors: Floats,
    solve: NDArray[np.bool_],
    links: Links,
    term: Floats,
    start: Floats,
    job: Job,
    energy: float = 0,
    device: str = "cpu",
) -> Floats:
    """Return α, not clipped, that minimizes αᵀLα + Σ w (α − α̂)² + links over some pixels.

    Parameters
    ----------
    rows : (N, 25) float32
        The rows of L of the pixels to solve for; the weights are added to their diagonal in place.
    colors : (N, 3) float32
        Colors of the same pixels, projected on the picture's principal axes.
    solve : (H, W) bool
        The pixels to solve for.
    links : Links
        Links of the same pixels to others of similar color.
    term : (2, N) float32
        α̂ and w of the same pixels.
    start : (H, W) float32
        α of the other pixels, and an initial guess of these.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    energy : float
        The solver also stops when the error's energy, its excess in the sum that is minimized, is
        estimated to be below this; 0 leaves it to `TOLERANCE`.
    device : str
        "cpu", or the torch device that is to solve.

    Returns
    -------
    (H, W) float32

    Raises
    ------
    MattingError
        If the solution is not finite.
    """
    job.step(0, message=f"{TITLE}: setting up")
    read = widened(bounds(solve), STENCIL_MARGIN, solve.shape)
    solve, known = solve[read], start[read].copy()
    x0 = known[solve]
    known[solve] = 0
    system, b = system_from_rows(rows, solve, known)
    # (L + W + W_links) α = b + W α̂ + b_links, W = diag(w)
    estimate, weight = term
    system.rows[:, 12] += weight + links.diagonal
    b += weight * estimate + links.rhs
    iteration = 0

    def callback(_residual: float) -> None:
        nonlocal iteration
        iteration += 1
        job.step(1 - 0.7 * 0.95**iteration, message=f"{TITLE}: solving")

    if device == "cpu":
        # The preconditioner knows only the links' diagonal: that saves a quarter of the iterations.
        laplacian = system.operator()
        solution, error = conjugate_gradients(
            links.operator(laplacian),
            b,
            Multigrid(system, laplacian, colors),
            x0=x0,
            tolerance=TOLERANCE,
            iterations=MAX_ITERATIONS,
            callback=callback,
            energy=energy,
        )
    else:
        from .solve_torch import solve_on

        solution, error = solve_on(device, system, links, b, x0, TOLERANCE, callback)
    if not np.isfinite(error):
        raise no_solution(f"{TITLE} found no finite solution")
    result = start.copy()
    result[read][solve] = solution
    return result
