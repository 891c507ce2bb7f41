"""Minimize αᵀLα + Σ w (α − α̂)² + color links: the Laplacian spreads the samples' estimates.

Where no known color explains a pixel, its α̂ may be wrong with high confidence; and pixels of one
color may belong to different objects. So α is solved for twice: first with low weights, then with
weights that fall where α̂, or the other end of a link, disagrees with the first solution. That is
one step of iteratively reweighted least squares with Cauchy's weights (Holland and Welsch,
Communications in Statistics 6, 1977).
"""

from __future__ import annotations

from typing import NamedTuple

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
TOLERANCE, MAX_ITERATIONS = 3e-5, 300
"""The solver stops at this residual, relative to b, or after this many iterations."""
FIRST_WEIGHT, SECOND_WEIGHT = 0.3, 2.0
"""What w is multiplied by in the two solves."""
ESTIMATE_SPREAD = 0.2
"""How far α̂ is from the first solution where its weight in the second is half of that."""
FIRST_TOLERANCE = 3e-4
"""The residual at which the first solve stops; with it, α is off by 0.02 at most."""
FRAME_ENERGY = 1e-3
"""Energy of the error at which frames of a clip are solved: within 0.02 at any pixel."""
PAST_SHARE, SOLUTION_WEIGHT = 0.8, 0.03
"""What a frame's estimates count in the next one, and weight of the last solution."""

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


class Past(NamedTuple):
    """What earlier frames of a clip say of α, at the places of the current one."""

    alpha: Floats
    """(H, W), the last solution."""
    term: Floats
    """(2, H, W): Σ w α̂ and Σ w over earlier frames, older ones counting less."""

    def moved(self, x: Floats, y: Floats) -> Past:
        """Return the same for the next frame.

        Parameters
        ----------
        x, y : (H, W) float32, pixels
            Where each of its pixels was in this frame.
        """
        import cv2

        def at(plane: Floats, flag: int = cv2.INTER_CUBIC) -> Floats:
            # Linear interpolation would blur α a little more with each frame.
            return np.asarray(cv2.remap(plane, x, y, flag, borderMode=cv2.BORDER_REPLICATE))

        height, width = self.alpha.shape
        seen = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
        value, weight = (at(plane) * seen for plane in self.term)
        weight = np.maximum(weight, 0)
        return Past(at(self.alpha).clip(0, 1), np.stack([value.clip(0, weight), weight]))


def propagated(
    image: Image, trimap: Trimap, job: Job, *, energy: float = 0, device: str = "cpu"
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

    Returns
    -------
    (H, W) float32, 0..1
    """
    return propagated_on(image, trimap, None, job, energy=energy, device=device)[0]


def propagated_on(
    image: Image,
    trimap: Trimap,
    past: Past | None,
    job: Job,
    *,
    energy: float = FRAME_ENERGY,
    device: str = "cpu",
) -> tuple[Alpha, Past]:
    """Return the matte of a frame of a clip, and what it says of the frames to come.

    The estimates of earlier frames, moved with the object, join those of this one: each sees the
    object before another background. The last solution is a data term too, and what the solver
    begins with. Where there is no past, the result is that of a single picture.

    Parameters
    ----------
    image, trimap, job, energy, device
        As for `propagated`.
    past : Past, optional
        Of the frames before, at the places of this one.

    Returns
    -------
    alpha : (H, W) float32, 0..1
    past : Past
        Also of this frame, at its places.
    """
    samples, term = sample_colors(image, trimap, job.part(0, 0.5))
    solve = unknown(trimap)
    pooled = np.stack([term[1] * term[0], term[1]])
    if past is not None:
        pooled += np.float32(PAST_SHARE) * past.term * solve
        # Σ w (α − α̂)² = (Σ w) (α − Σ w α̂ / Σ w)² + const.
        weight = pooled[1] + np.float32(SOLUTION_WEIGHT) * solve
        value = pooled[0] + np.float32(SOLUTION_WEIGHT) * past.alpha * solve
        mean = np.divide(value, weight, out=term[0].copy(), where=solve & (weight > 0))
        term = np.stack([mean, weight])
    start = term[0].copy()  # a view would keep the weights
    if past is not None:
        np.copyto(start, past.alpha, where=solve)
    colors, term = gather_unknowns(samples.colors, term, solve, whole(solve.shape))
    links = ColorLinks(samples.colors).links_of(solve, start, whole(solve.shape), trimap, start)
    del samples
    rows = laplacian_rows(image, solve, EPSILON, np.float32)
    # With a past, the second solve too begins with the last solution.
    starts = start, start if past is None else start.copy()
    both = links, links
    _, values = propagate(
        rows, colors, solve, both, term, starts, job.part(0.5, 1), energy, device=device
    )
    alpha = values.clip(0, 1, out=values)
    return alpha, Past(alpha, pooled)


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

    def callback(_residual: float) -> None:
        nonlocal iteration
        iteration += 1
        job.step(1 - 0.7 * 0.97**iteration, message=f"{TITLE}: solving")

    def solved(weight: Floats, links: Links, rhs: Floats, x0: Floats, tolerance: float) -> Floats:
        # (L + W + W_links) α = b + W α̂ + b_links, W = diag(w)
        nonlocal diagonal
        before, diagonal = diagonal, weight + links.diagonal
        system.rows[:, 12] += diagonal - before
        b = rhs + weight * estimate + links.rhs
        if device == "cpu":
            # The preconditioner knows only the links' diagonal: that saves a quarter of the
            # iterations.
            laplacian = system.operator()
            solution, error = conjugate_gradients(
                links.operator(laplacian),
                b,
                Multigrid(system, laplacian, colors),
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

    first, second = (start.copy() for start in starts)
    weights = np.float32(FIRST_WEIGHT) * weight
    solution = solved(weights, links[0], rhs, starts[0][solve], FIRST_TOLERANCE)
    first[solve] = solution
    # w ← k w / (1 + (Δα / s)²)
    away = (estimate - solution.clip(0, 1)) / np.float32(ESTIMATE_SPREAD)
    weights = np.float32(SECOND_WEIGHT) * weight / (1 + away * away)
    if starts[0] is not starts[1]:
        _, rhs = system_from_rows(rows, inside, known(starts[1]))
        solution = starts[1][solve]
    links_now = links[1].reweighed(first[solve])
    second[solve] = solved(weights, links_now, rhs, solution, TOLERANCE)
    return first, second
