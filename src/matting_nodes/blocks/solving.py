"""One block solved with its halo, from what is known beyond it."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from numpy.typing import NDArray

from ..alpha._checks import no_solution
from ..alpha.propagation import TITLE
from ..alpha.propagation.color_links import LINK_WEIGHT, Links
from ..alpha.propagation.color_samples import principal_colors
from ..alpha.propagation.solve import (
    EPSILON,
    ESTIMATE_SPREAD,
    FIRST_TOLERANCE,
    FIRST_WEIGHT,
    MAX_ITERATIONS,
    SECOND_WEIGHT,
    TOLERANCE,
)
from ..arrays import unknown
from ..job import Job
from ..solvers.boxes import STENCIL_MARGIN, shifted
from ..solvers.cg import conjugate_gradients
from ..solvers.laplacian import laplacian_rows, system_from_rows
from ..solvers.multigrid import Multigrid
from ..solvers.parallel import in_parallel
from .plan import Floats, Plan
from .stages import trimap_numbers

FIRST_ROUNDS, SECOND_ROUNDS = 3, 4
"""How often each block is solved with the weights of the first solve, and of the second: each
round begins with what the last ones found in the other blocks."""

PIECE = 1 << 20
"""Values of a vector that are read at a time."""
Values = Callable[[NDArray[np.int32]], Floats]
"""Gives α of unknown pixels by their numbers."""


def solve(plan: Plan, block: int, job: Job, round_: int) -> None:
    """Solve for a block; keep α of its own pixels, not clipped.

    Parameters
    ----------
    plan : Plan
    block : int
    job : Job
        Reports progress, and stops the work when it is cancelled.
    round_ : int
        The first `FIRST_ROUNDS` are rounds of the first solve, with low weights; then come those of
        the second.
    """
    name = f"alpha{round_}"
    if plan.whole.row_starts[block, -1] == 0:
        plan.keep(name, block, np.zeros(0, np.float32))
        return
    job.step(0, message=f"{TITLE}: setting up")
    window = plan.window(block, plan.halo + STENCIL_MARGIN)
    inside = shifted(plan.window(block, plan.halo), window, -1)
    labels = plan.labels(window)
    numbers = trimap_numbers(plan, window, labels)
    mask = np.zeros(labels.shape, bool)
    mask[inside] = unknown(labels[inside])
    picture = plan.picture(window)
    colors, own = principal_colors(picture)[mask], numbers[mask]
    rows = laplacian_rows(picture, mask, EPSILON, np.float32)
    del picture
    first = plan.load(f"alpha{FIRST_ROUNDS - 1}") if round_ >= FIRST_ROUNDS else None
    last = plan.load(f"start{round_}")

    def values(numbers: NDArray[np.int32]) -> Floats:
        return np.array(last[numbers])

    # What is not solved for: 0 and 1 where the trimap is known, else what was found last.
    known = (labels / np.float32(255)).astype(np.float32)
    rim = (numbers >= 0) & ~mask
    known[rim] = values(numbers[rim])
    known[mask] = 0
    links = _links(plan, own)
    estimate, weight = np.array(plan.load("term")[:, own])
    if first is None:
        weight *= np.float32(FIRST_WEIGHT)
        tolerance = FIRST_TOLERANCE
    else:
        found = np.array(first[own])
        away = (estimate - found.clip(0, 1)) / np.float32(ESTIMATE_SPREAD)
        weight = np.float32(SECOND_WEIGHT) * weight / (1 + away * away)
        _set_ends(plan, own, links, lambda numbers: np.array(first[numbers]))
        links = links.reweighed(found)
        # What the other blocks find next moves α more than this.
        is_last = round_ == FIRST_ROUNDS + SECOND_ROUNDS - 1
        tolerance = TOLERANCE if is_last else FIRST_TOLERANCE
    _set_ends(plan, own, links, values)
    # The seventh part of the work, about; the rest is reported an iteration at a time.
    job.step(0.15, message=f"{TITLE}: solving")
    alpha = _solved(rows, mask, known, colors, links, estimate, weight, values(own), tolerance, job)
    plane = np.zeros(mask.shape, np.float32)
    plane[mask] = alpha
    core = shifted(plan.box(block), window, -1)
    plan.keep(name, block, plane[core][mask[core]])


def _solved(
    rows: Floats,
    mask: NDArray[np.bool_],
    known: Floats,
    colors: Floats,
    links: Links,
    estimate: Floats,
    weight: Floats,
    start: Floats,
    tolerance: float,
    job: Job,
) -> Floats:
    """Return the α with (L + W + W_links) α = b + W α̂ + b_links, as in `propagate`."""
    # L reads no farther than the window's margin.
    system, rhs = system_from_rows(rows, mask, known)
    system.rows[:, 12] += weight + links.diagonal
    iteration = 0

    def callback(_residual: float) -> None:
        nonlocal iteration
        iteration += 1
        job.step(1 - 0.85 * 0.97**iteration, message=f"{TITLE}: solving")

    laplacian = system.operator()
    solution, error = conjugate_gradients(
        links.operator(laplacian),
        rhs + weight * estimate + links.rhs,
        Multigrid(system, laplacian, colors),
        x0=start,
        tolerance=tolerance,
        iterations=MAX_ITERATIONS,
        callback=callback,
    )
    if not np.isfinite(error):
        raise no_solution(f"{TITLE} found no finite solution")
    return solution


def _links(plan: Plan, own: NDArray[np.int32]) -> Links:
    """Return the links of some pixels, by their numbers; ends that are not solved for are 0."""
    chained = np.ascontiguousarray(plan.load("links")[:, own])
    order = np.argsort(own, kind="stable").astype(np.int32)
    links = Links(np.empty((len(own), 2), np.int32), *np.zeros((2, len(own), 2), np.float32))
    arguments = own[order], order, chained, np.float32(LINK_WEIGHT), links.neighbors, links.weights
    in_parallel(_link, len(own), *arguments, smallest=8192)
    return links


@numba.njit(cache=True, nogil=True)
def _link(start, stop, numbers, order, chained, weight, neighbors, weights):
    for i in range(start, stop):
        for side in range(2):
            neighbors[i, side] = i
            j = chained[side, i]
            if j < 0:
                continue
            weights[i, side] = weight
            at = np.searchsorted(numbers, j)
            if at < len(numbers) and numbers[at] == j:
                neighbors[i, side] = order[at]


def _set_ends(plan: Plan, own: NDArray[np.int32], links: Links, values: Values) -> None:
    """Put α at the ends that are not solved for, in place."""
    chained = plan.load("links")[:, own].T
    mine = np.arange(len(own), dtype=np.int32)[:, None]
    outside = (links.neighbors == mine) & (chained >= 0)
    links.ends[outside] = values(chained[outside])


def begin_round(plan: Plan, round_: int) -> None:
    """Put together what a round begins with: α of all unknown pixels.

    The first solve begins with the coarse one's solution, the second with the change from the first
    to the second coarse one. Each further round begins with Anderson's combination of those before
    (J. ACM 12, 1965), the Σ θ_k G(x_k) with Σ θ_k = 1 whose residual Σ θ_k (G(x_k) − x_k) is least.
    Links between blocks would take several times as many rounds without it.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    round_ : int
        Number of the round, from 0.
    """
    name = f"start{round_}"
    if round_ == 0:
        write_vector(plan, name, [("guess", 0, 1.0)])
    elif round_ == FIRST_ROUNDS:
        terms = [(f"alpha{round_ - 1}", 0, 1.0), ("guess", 1, 1.0), ("guess", 0, -1.0)]
        write_vector(plan, name, terms)
    else:
        begun = 0 if round_ < FIRST_ROUNDS else FIRST_ROUNDS
        rounds = list(range(begun, round_))
        products = np.zeros((len(rounds), len(rounds)))
        for start in range(0, plan.unknown_count, PIECE):
            residuals = np.stack(
                [
                    plan.piece(f"alpha{k}", 0, start, PIECE)
                    - plan.piece(f"start{k}", 0, start, PIECE)
                    for k in rounds
                ]
            ).astype(np.float64)
            products += residuals @ residuals.T
        products += np.eye(len(rounds)) * (1e-10 * np.trace(products) + 1e-30)
        shares = np.linalg.solve(products, np.ones(len(rounds)))
        shares /= shares.sum()
        terms = [(f"alpha{k}", 0, float(share)) for k, share in zip(rounds, shares, strict=True)]
        write_vector(plan, name, terms)


def write_vector(plan: Plan, name: str, terms: list[tuple[str, int, float]]) -> None:
    """Write a sum of vectors of all unknown pixels.

    Parameters
    ----------
    plan : Plan
    name : str
        Of the result.
    terms : list of (str, int, float)
        Name of each one's file, its row there, and its factor.
    """
    result: Floats = np.zeros(max(1, plan.unknown_count), np.float32)
    for start in range(0, plan.unknown_count, PIECE):
        part = result[start : start + PIECE]
        for other, row, factor in terms:
            part += np.float32(factor) * plan.piece(other, row, start, PIECE)
    plan.keep(name, None, result)


def matte(plan: Plan, block: int, last: str) -> Floats:
    """Return the matte of a block, (h, w) float32: exactly 0 and 1 where the trimap is known.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    block : int
        Number of the block, row by row.
    last : str
        Name of the α to take.
    """
    labels = plan.labels(plan.box(block))
    result: Floats = (labels == 255).astype(np.float32)
    result[unknown(labels)] = plan.load(last, block).clip(0, 1)
    return result
