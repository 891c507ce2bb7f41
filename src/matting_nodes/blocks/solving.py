"""One block solved with its halo, from what is known beyond it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

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
from ..solvers.laplacian import System, inner, laplacian_rows, system_from_rows
from ..solvers.multigrid import Multigrid
from ..solvers.parallel import in_parallel
from ..solvers.stencil import Stencil
from .plan import Floats, Plan
from .stages import trimap_numbers

MAX_ROUNDS, SMALL_CHANGE = 8, 0.005
"""Blocks are solved again, from what was found in the others, until α changes by less than this
anywhere, or so many times in all. Those in which it is expected to change by less are left out."""


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
    if plan.whole.row_starts[block, -1] == 0:
        plan.keep(f"change{round_}", block, np.zeros(3 + round_))
        plan.keep(f"alpha{round_}", block, np.zeros((2, 0), np.float32))
        return
    before = _round_before(plan, block, round_)
    step = np.inf if before is None else _step(plan, block, round_, before)
    if before is not None:
        _, gain, *_ = plan.load(f"change{before}", block)
        if step * gain <= SMALL_CHANGE:
            _keep(plan, block, round_, plan.load(f"alpha{before}", block), gain)
            return
    job.step(0, message=f"{TITLE}: setting up")
    equations = _Equations(plan, block, round_)
    first, second = equations.solve(job.part(0.2, 1))
    found = np.stack([first[equations.core], second[equations.core]])
    plan.keep(f"inputs{round_}", block, equations.inputs)
    gain = 1.0
    if before is not None:
        gain = _greatest(found, plan.load(f"alpha{before}", block)) / max(step, SMALL_CHANGE)
    _keep(plan, block, round_, found, gain)
    if before is not None:
        plan.file(f"inputs{before}", block).unlink(missing_ok=True)


class _Equations:
    """The equations of a block and its halo, with what a round begins with beyond them."""

    def __init__(self, plan: Plan, block: int, round_: int) -> None:
        window = plan.window(block, plan.halo + STENCIL_MARGIN)
        inside = shifted(plan.window(block, plan.halo), window, -1)
        labels = plan.labels(window)
        numbers = trimap_numbers(plan, window, labels)
        self._count = plan.unknown_count
        self._mask = np.zeros(labels.shape, bool)
        self._mask[inside] = unknown(labels[inside])
        picture = plan.picture(window)
        self._colors, own = principal_colors(picture)[self._mask], numbers[self._mask]
        self._rows = laplacian_rows(picture, self._mask, EPSILON, np.float32)
        # What is not solved for: 0 and 1 where the trimap is known, else what was found last.
        self._known = (labels / np.float32(255)).astype(np.float32)
        self._known[self._mask] = 0
        self._rim = (numbers >= 0) & ~self._mask
        self._links, self._outside, ends = _links(plan, own)
        self._term = plan.take("term", own)
        self._begun = begin(plan, round_, partial(plan.take, numbers=own))
        around = np.concatenate([numbers[self._rim], ends])
        self._around = begin(plan, round_, partial(plan.take, numbers=around))
        self.inputs = np.vstack([around, self._around.view(np.int32)])
        """(3, M) int32: numbers of the pixels around, and bits of both their α."""
        self._diagonal = np.zeros_like(self._term[0])
        self._multigrid: Multigrid | None = None
        core = np.zeros(labels.shape, bool)
        core[shifted(plan.box(block), window, -1)] = True
        self.core: NDArray[np.bool_] = core[self._mask]
        """(N,) which of the pixels that are solved for are the block's own."""

    def solve(self, job: Job) -> tuple[Floats, Floats]:
        """Return both solutions, (N,)."""
        links, (estimate, weight) = self._links, self._term
        border = np.count_nonzero(self._rim)
        rims, ends = self._around[:, :border], self._around[:, border:]
        links.ends[self._outside] = ends[0]
        weights = np.float32(FIRST_WEIGHT) * weight
        start = self._begun[0]
        second_rhs = self._system_of(rims[1])[1]
        self._system, rhs = self._system_of(rims[0])
        del self._rows  # of which the system is now the only owner
        first = self._solved(rhs, links, weights, start, FIRST_TOLERANCE, job.part(0, 0.4))
        weights, links = second_weights(estimate, weight, first), links.reweighed(first)
        links.ends[self._outside] = ends[1]
        start = first + self._begun[1] - self._begun[0]
        part = job.part(0.4, 1)
        return first, self._solved(second_rhs, links, weights, start, TOLERANCE, part)

    def _system_of(self, rim: Floats) -> tuple[System, Floats]:
        self._known[self._rim] = rim
        # L reads no farther than the margin.
        return system_from_rows(self._rows, self._mask, self._known)

    def _solved(
        self,
        rhs: Floats,
        links: Links,
        weight: Floats,
        start: Floats,
        tolerance: float,
        job: Job,
    ) -> Floats:
        # (L + W + W_links) α = b + W α̂ + b_links, as in `propagate`
        before, self._diagonal = self._diagonal, weight + links.diagonal
        change = self._diagonal - before
        if self._multigrid is None:
            self._system.rows[:, 12] += change
            self._multigrid = Multigrid(Stencil(self._system), self._colors)
            # Neither solve needs the rows any more.
            self._multigrid.stencil.free_rows()
            self._system = self._multigrid.stencil.system
        else:
            self._multigrid.add_to_diagonal(change)
        iteration = 0

        def callback(_residual: float) -> None:
            nonlocal iteration
            iteration += 1
            job.step(1 - 0.9**iteration, message=f"{TITLE}: solving")

        solution, error = conjugate_gradients(
            links.operator(self._multigrid.stencil),
            rhs + links.rhs + weight * self._term[0],
            self._multigrid,
            x0=start,
            tolerance=tolerance_for(tolerance, self._count),
            iterations=MAX_ITERATIONS,
            callback=callback,
        )
        if not np.isfinite(error):
            raise no_solution(f"{TITLE} found no finite solution")
        return solution


def _round_before(plan: Plan, block: int, round_: int) -> int | None:
    """Return the last round before in which a block was solved; None in the first."""
    rounds = reversed(range(round_))
    return next((k for k in rounds if plan.file(f"inputs{k}", block).exists()), None)


def _step(plan: Plan, block: int, round_: int, before: int) -> float:
    """Return by how much α around a block has changed since a round, at most."""
    numbers, *values = plan.load(f"inputs{before}", block)
    now = begin(plan, round_, partial(plan.take, numbers=numbers))
    return _greatest(now, np.stack(values).view(np.float32))


def _greatest(found: Floats, before: Floats) -> float:
    """Return the greatest difference of two α, clipped."""
    return float(abs(found.clip(0, 1) - before.clip(0, 1)).max(initial=0))


def begin(plan: Plan, round_: int, read: Callable[[str], Floats]) -> Floats:
    """Return what a round begins with: coarse solutions, then Σ θ_k G(x_k) of the rounds before.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    round_ : int
        Number of the round, from 0.
    read : callable(name)
        Returns some columns of the arrays of that name.
    """
    if round_ == 0:
        return np.array(read("guess"))
    first, *others = plan.load(f"shares{round_}").astype(np.float32)
    result: Floats = first * read("alpha0")
    for k, share in enumerate(others, 1):
        result += share * read(f"alpha{k}")
    return result


def _keep(plan: Plan, block: int, round_: int, found: Floats, gain: float) -> None:
    """Keep what a round found, how much of it is new, and how much more of it there may be.

    These are: the greatest change; what a change around the block is multiplied by in it; and the
    products of this round's residual with those before.
    """
    read = partial(plan.load, block=block)
    begun = begin(plan, round_, read)
    residual = found - begun
    residuals = [read(f"alpha{k}") - begin(plan, k, read) for k in range(round_)]
    products = [inner(r.ravel(), residual.ravel()) for r in [*residuals, residual]]
    change = _greatest(found[1], begun[1])
    plan.keep(f"change{round_}", block, np.array([change, gain, *products]))
    plan.keep(f"alpha{round_}", block, found)


def _links(
    plan: Plan, own: NDArray[np.int32]
) -> tuple[Links, NDArray[np.bool_], NDArray[np.int32]]:
    """Return the links of some pixels, which of their ends are not solved for, and their numbers.

    The α at these ends is 0.
    """
    chained = plan.take("links", own)
    order = np.argsort(own, kind="stable").astype(np.int32)
    links = Links(np.empty((len(own), 2), np.int32), *np.zeros((2, len(own), 2), np.float32))
    arguments = own[order], order, chained, np.float32(LINK_WEIGHT), links.neighbors, links.weights
    in_parallel(_link, len(own), *arguments, smallest=8192)
    mine = np.arange(len(own), dtype=np.int32)[:, None]
    outside = (links.neighbors == mine) & (chained.T >= 0)
    return links, outside, chained.T[outside]


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


def share(plan: Plan, round_: int) -> None:
    """Find the share of each round before in what a round after the first begins with.

    That is Anderson's combination (J. ACM 12, 1965), the Σ θ_k G(x_k) with Σ θ_k = 1 whose residual
    Σ θ_k (G(x_k) − x_k) is least. Links between blocks would take several times as many rounds
    without it.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    round_ : int
        Number of the round, from 1.
    """
    products = np.zeros((round_, round_))
    for k in range(round_):
        of_all = sum(plan.load(f"change{k}", block)[2:] for block in range(plan.count))
        products[k, : k + 1] = products[: k + 1, k] = of_all
    products += np.eye(round_) * (1e-10 * np.trace(products) + 1e-30)
    shares = np.linalg.solve(products, np.ones(round_))
    plan.keep(f"shares{round_}", None, shares / shares.sum())


def changed(plan: Plan, round_: int) -> float:
    """Return by how much α changed in a round, at most.

    Parameters
    ----------
    plan : Plan
        The plane, and where its parts are.
    round_ : int
        Number of the round, from 0.
    """
    return max(float(plan.load(f"change{round_}", block)[0]) for block in range(plan.count))


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
    result[unknown(labels)] = plan.load(last, block)[1].clip(0, 1)
    return result
