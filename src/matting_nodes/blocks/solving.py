"""One block solved with its halo, from what is known beyond it."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from ..alpha._checks import no_solution
from ..alpha.propagation import TITLE
from ..alpha.propagation.color_links import LINK_WEIGHT, Links
from ..alpha.propagation.color_samples import principal_colors
from ..alpha.propagation.solve import (
    EPSILON,
    FIRST_TOLERANCE,
    FIRST_WEIGHT,
    MAX_ITERATIONS,
    TOLERANCE,
    second_weights,
    tolerance_for,
)
from ..arrays import unknown
from ..job import Job
from ..solvers.boxes import STENCIL_MARGIN, shifted
from ..solvers.cg import conjugate_gradients
from ..solvers.laplacian import System, laplacian_rows, system_from_rows
from ..solvers.multigrid import Multigrid
from ..solvers.parallel import in_parallel
from ..solvers.stencil import Stencil
from .plan import Floats, Plan
from .stages import trimap_numbers

MAX_ROUNDS, SMALL_CHANGE = 8, 0.005
"""Blocks are solved again, from what was found in the others, until α changes by less than this
anywhere, or so many times in all."""

PIECE = 1 << 20
"""Values of a vector that are read at a time."""


def solve(plan: Plan, block: int, job: Job, round_: int) -> None:
    """Solve for a block, twice as `propagate` does; keep both α of its own pixels, not clipped.

    Parameters
    ----------
    plan : Plan
    block : int
    job : Job
        Reports progress, and stops the work when it is cancelled.
    round_ : int
        Number of the round, from 0.
    """
    name = f"alpha{round_}"
    if plan.whole.row_starts[block, -1] == 0:
        plan.keep(name, block, np.zeros((2, 0), np.float32))
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
    last = plan.load(start_of(round_))
    rim = (numbers >= 0) & ~mask
    rim_numbers = numbers[rim]
    # What is not solved for: 0 and 1 where the trimap is known, else what was found last.
    known = (labels / np.float32(255)).astype(np.float32)
    known[mask] = 0
    del labels, numbers
    links = _links(plan, own)
    estimate, weight = np.array(plan.load("term")[:, own])
    begun = np.array(last[:, own])

    def system(which: int, links: Links) -> tuple[System, Floats]:
        known[rim] = last[which][rim_numbers]
        system, rhs = system_from_rows(rows, mask, known)  # L reads no farther than the margin
        return system, rhs + links.rhs

    _set_ends(plan, own, links, last[0])
    weights = np.float32(FIRST_WEIGHT) * weight
    job.step(0.2, message=f"{TITLE}: solving")
    matrix, rhs = system(0, links)
    diagonal = rows[:, 12].copy()
    arguments = (
        colors,
        links,
        estimate,
        weights,
        begun[0],
        tolerance_for(FIRST_TOLERANCE, plan.unknown_count),
        job.part(0.2, 0.5),
    )
    first = _solved(matrix, rhs, *arguments)
    weights = second_weights(estimate, weight, first)
    links = links.reweighed(first)
    _set_ends(plan, own, links, last[1])
    rows[:, 12] = diagonal
    matrix, rhs = system(1, links)
    start = first + begun[1] - begun[0]
    arguments = (
        colors,
        links,
        estimate,
        weights,
        start,
        tolerance_for(TOLERANCE, plan.unknown_count),
        job.part(0.5, 1),
    )
    second = _solved(matrix, rhs, *arguments)
    core = np.zeros(mask.shape, bool)
    core[shifted(plan.box(block), window, -1)] = True
    plan.keep(name, block, np.stack([first, second])[:, core[mask]])


def start_of(round_: int) -> str:
    """Return the name of what a round begins with: the first, with the coarse solutions."""
    return f"start{round_}" if round_ else "guess"


def _solved(
    system: System,
    rhs: Floats,
    colors: Floats,
    links: Links,
    estimate: Floats,
    weight: Floats,
    start: Floats,
    tolerance: float,
    job: Job,
) -> Floats:
    """Return the α with (L + W + W_links) α = b + W α̂ + b_links, as in `propagate`."""
    system.rows[:, 12] += weight + links.diagonal
    iteration = 0

    def callback(_residual: float) -> None:
        nonlocal iteration
        iteration += 1
        job.step(1 - 0.9**iteration, message=f"{TITLE}: solving")

    stencil = Stencil(system)
    solution, error = conjugate_gradients(
        links.operator(stencil),
        rhs + weight * estimate,
        Multigrid(stencil, colors),
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


def _set_ends(plan: Plan, own: NDArray[np.int32], links: Links, values: Floats) -> None:
    """Put α at the ends that are not solved for, in place."""
    chained = plan.load("links")[:, own].T
    mine = np.arange(len(own), dtype=np.int32)[:, None]
    outside = (links.neighbors == mine) & (chained >= 0)
    links.ends[outside] = values[chained[outside]]


def begin_round(plan: Plan, round_: int) -> None:
    """Put together what a round after the first begins with: both α of all unknown pixels.

    That is Anderson's combination of the rounds before (J. ACM 12, 1965), the Σ θ_k G(x_k) with
    Σ θ_k = 1 whose residual Σ θ_k (G(x_k) − x_k) is least. Links between blocks would take several
    times as many rounds without it.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    round_ : int
        Number of the round, from 1.
    """
    products = np.zeros((round_, round_))
    for row, start in _pieces(plan):
        residuals = np.stack([_residual(plan, k, row, start) for k in range(round_)])
        residuals = residuals.astype(np.float64)
        products += residuals @ residuals.T
    products += np.eye(round_) * (1e-10 * np.trace(products) + 1e-30)
    shares = np.linalg.solve(products, np.ones(round_))
    shares /= shares.sum()
    result: Floats = np.zeros((2, max(1, plan.unknown_count)), np.float32)
    for row, start in _pieces(plan):
        part = result[row, start : start + PIECE]
        for k, share in enumerate(shares):
            part += np.float32(share) * plan.piece(f"alpha{k}", row, start, PIECE)
    plan.keep(start_of(round_), None, result)


def changed(plan: Plan, round_: int) -> float:
    """Return by how much α changed in a round, at most.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    round_ : int
        Number of the round, from 0.
    """
    return max(
        (
            float(abs(_residual(plan, round_, row, start, clip=True)).max(initial=0))
            for row, start in _pieces(plan)
            if row == 1
        ),
        default=0,
    )


def _pieces(plan: Plan) -> list[tuple[int, int]]:
    """Return where the pieces begin that both vectors of all unknown pixels are read in."""
    return [(row, start) for row in range(2) for start in range(0, plan.unknown_count, PIECE)]


def _residual(plan: Plan, round_: int, row: int, start: int, clip: bool = False) -> Floats:
    """Return a piece of what a round found minus what it began with."""
    names = f"alpha{round_}", start_of(round_)
    found, begun = (plan.piece(name, row, start, PIECE) for name in names)
    if clip:
        found, begun = found.clip(0, 1), begun.clip(0, 1)
    return found - begun


def matte(plan: Plan, block: int, last: str) -> Floats:
    """Return the matte of a block, (h, w) float32: exactly 0 and 1 where the trimap is known.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    block : int
        Number of the block, row by row.
    last : str
        Name of the solutions to take.
    """
    labels = plan.labels(plan.box(block))
    result: Floats = (labels == 255).astype(np.float32)
    offsets = plan.whole.offsets
    result[unknown(labels)] = plan.load(last)[1, offsets[block] : offsets[block + 1]].clip(0, 1)
    return result
