"""Minimize αᵀLα + Σ w (α − α̂)² + color links: the Laplacian spreads the samples' estimates.

Where no known color explains a pixel, its α̂ may be wrong with high confidence; and pixels of one
color may belong to different objects. So α is solved for twice: first with low weights, then with
weights that fall where α̂, or the other end of a link, disagrees with the first solution. That is
one step of iteratively reweighted least squares with Cauchy's weights (Holland and Welsch,
Communications in Statistics 6, 1977).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...arrays import Alpha, Image, Trimap, unknown
from ...job import Job
from ...solvers.boxes import STENCIL_MARGIN, bounds, whole, widened
from ...solvers.cg import conjugate_gradients
from ...solvers.laplacian import laplacian_rows, system_from_rows
from ...solvers.multigrid import Multigrid
from ...solvers.stencil import Stencil
from .._checks import no_solution
from . import TITLE
from .color_links import ColorLinks, Links
from .color_samples import ColorSamples
from .data_term import data_term, gather_unknowns

EPSILON = 1e-7
"""Regularization of the Laplacian's windows."""
TOLERANCE, MAX_ITERATIONS = 3e-5, 300
"""The solver stops at this residual, relative to b, or after this many iterations."""
FIRST_WEIGHT, SECOND_WEIGHT = 0.3, 2.0
"""What w is multiplied by in the two solves."""
ESTIMATE_SPREAD = 0.2
"""How far α̂ is from the first solution where its weight in the second is half of that."""
FIRST_TOLERANCE = 3e-4
"""The residual at which the first solve stops; with it, α is off by 0.02 at most."""
TYPICAL_COUNT = 1_250_000
"""Unknown pixels up to which these residuals hold; see `tolerance_for`."""
SMALLEST_SHARE = 0.1
"""Share of a tolerance below which it does not fall: 32 bits lead no farther."""

Floats = NDArray[np.float32]
Join = Callable[[Floats, NDArray[np.bool_]], tuple[Floats, Floats | None]]


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
    energy: float = 0,
    device: str = "cpu",
    join: Join | None = None,
) -> Alpha:
    """Return the matte of a whole picture.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        In full contrast.
    trimap : (H, W) uint8
    job : Job
        Reports progress, and stops the work when it is cancelled.
    energy, device
        As for `propagate`.
    join : callable(term, solve), optional
        Returns the data term to solve with, for that of the samples, and an initial guess or None.

    Returns
    -------
    (H, W) float32, 0..1
    """
    samples, term = sample_colors(image, trimap, job.part(0, 0.5))
    solve, guess = unknown(trimap), None
    if join is not None:
        term, guess = join(term, solve)
    start = term[0].copy() if guess is None else guess  # a view would keep the weights
    colors, term = gather_unknowns(samples.colors, term, solve, whole(solve.shape))
    links = ColorLinks(samples.colors).links_of(solve, start, whole(solve.shape), trimap, start)
    del samples
    both = links, links
    # The solution of the frame before says as well which estimates agree with it.
    solves = 2 if guess is None else 1
    part = job.part(0.5, 1)
    # The rows are the solver's alone, which drops them when it can.
    _, values = propagate(
        laplacian_rows(image, solve, EPSILON, np.float32),
        colors,
        solve,
        both,
        term,
        (start, start),
        part,
        energy,
        device=device,
        solves=solves,
    )
    return values.clip(0, 1, out=values)


def tolerance_for(tolerance: float, count: int) -> float:
    """Return a tolerance that bounds the error of a place in a picture of any size.

    Norms of a residual and of b grow with the number of pixels. At a fixed share of the one in the
    other, one place in a large picture might have the error of all. The power was chosen on one of
    64 megapixels, where it left no error above 0.02.

    Parameters
    ----------
    tolerance : float
        For `TYPICAL_COUNT` unknown pixels, or fewer.
    count : int
        Unknown pixels.

    Examples
    --------
    >>> tolerance_for(1.0, 900), tolerance_for(1.0, 5_000_000)
    (1.0, 0.125)
    """
    return tolerance * max(SMALLEST_SHARE, min(1.0, (TYPICAL_COUNT / max(1, count)) ** 1.5))


def second_weights(estimate: Floats, weight: Floats, found: Floats) -> Floats:
    """Return the weights of the data term in the second solve: k w / (1 + (Δα / s)²).

    Parameters
    ----------
    estimate, weight : (N,) float32
        α̂ and w.
    found : (N,) float32
        The first solution.

    Returns
    -------
    (N,) float32
    """
    away = (estimate - found.clip(0, 1)) / np.float32(ESTIMATE_SPREAD)
    weights: Floats = np.float32(SECOND_WEIGHT) * weight / (1 + away * away)
    return weights


def propagate(
    rows: Floats,
    colors: Floats,
    solve: NDArray[np.bool_],
    links: tuple[Links, Links],
    term: Floats,
    starts: tuple[Floats, Floats],
    job: Job,
    energy: float = 0,
    device: str = "cpu",
    solves: int = 2,
) -> tuple[Floats, Floats]:
    """Return α, not clipped, that minimizes αᵀLα + Σ w (α − α̂)² + links over some pixels.

    What there is two of is for the first and the second solve, as explained above.

    Parameters
    ----------
    rows : (N, 25) float32
        The rows of L of the pixels to solve for; the weights are added to their diagonal in place.
    colors : (N, 3) float32
        Colors of the same pixels, projected on the picture's principal axes.
    solve : (H, W) bool
        The pixels to solve for.
    links : Links, Links
        Links of the same pixels to others of similar color.
    term : (2, N) float32
        α̂ and w of the same pixels.
    starts : two (H, W) float32
        α of the other pixels, and an initial guess of these. If they are the same array, the second
        solve begins with the first one's solution.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    energy : float
        The solver also stops when the error's energy, its excess in the sum that is minimized, is
        estimated to be below this; 0 leaves it to `TOLERANCE`.
    device : str
        "cpu", or the torch device that is to solve.
    solves : int
        1 leaves the first solve out: its initial guess stands for its solution.

    Returns
    -------
    first, second : (H, W) float32

    Raises
    ------
    MattingError
        If the solution is not finite.
    """
    job.step(0, message=f"{TITLE}: setting up")
    read = widened(bounds(solve), STENCIL_MARGIN, solve.shape)
    inside, (estimate, weight) = solve[read], term

    def known(start: Floats) -> Floats:
        return np.where(inside, np.float32(0), start[read])

    system, rhs = system_from_rows(rows, inside, known(starts[0]))
    iteration, diagonal = 0, np.zeros_like(weight)
    multigrid: Multigrid | None = None

    def callback(_residual: float) -> None:
        nonlocal iteration
        iteration += 1
        job.step(1 - 0.7 * 0.97**iteration, message=f"{TITLE}: solving")

    def solved(weight: Floats, links: Links, rhs: Floats, x0: Floats, tolerance: float) -> Floats:
        # (L + W + W_links) α = b + W α̂ + b_links, W = diag(w)
        nonlocal diagonal, multigrid, rows, system
        before, diagonal = diagonal, weight + links.diagonal
        change = diagonal - before
        if multigrid is None:
            system.rows[:, 12] += change
        b = rhs + weight * estimate + links.rhs
        tolerance = tolerance_for(tolerance, len(b))
        if device == "cpu":
            # The preconditioner knows only the links' diagonal: that saves a quarter of the
            # iterations.
            if multigrid is None:
                multigrid = Multigrid(Stencil(system), colors)
                if starts[0] is starts[1]:  # else there are other equations to come
                    multigrid.stencil.free_rows()
                    rows, system = rows[:0].copy(), multigrid.stencil.system
            else:
                multigrid.add_to_diagonal(change)
            solution, error = conjugate_gradients(
                links.operator(multigrid.stencil),
                b,
                multigrid,
                x0=x0,
                tolerance=tolerance,
                iterations=MAX_ITERATIONS,
                callback=callback,
                energy=energy,
            )
        else:
            from .solve_torch import solve_on

            solution, error = solve_on(device, system, links, b, x0, tolerance, callback)
        if not np.isfinite(error):
            raise no_solution(f"{TITLE} found no finite solution")
        return solution

    found = x0 = starts[0][solve]
    if solves > 1:
        weights = np.float32(FIRST_WEIGHT) * weight
        found = x0 = solved(weights, links[0], rhs, x0, FIRST_TOLERANCE)
    weights = second_weights(estimate, weight, found)
    if starts[0] is not starts[1]:
        _, rhs = system_from_rows(rows, inside, known(starts[1]))
        x0 = starts[1][solve]
    last = solved(weights, links[1].reweighed(found), rhs, x0, TOLERANCE)
    # Not before: copies of whole pictures beside the solver's memory would add to its peak.
    first, second = (start.copy() for start in starts)
    first[solve], second[solve] = found, last
    return first, second
