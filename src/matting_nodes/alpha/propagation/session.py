"""A matte that follows its trimap: a stroke is solved for around it, then the rest settles.

Links between pixels of similar color carry a stroke all over the picture. So there are two steps:
around a stroke α is solved for at once, as if all beyond stayed as it is; later `settle` solves for
all unknown pixels, beginning with the last solution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...arrays import (
    Alpha,
    Image,
    Trimap,
    as_trimap,
    check_same_size,
    unknown,
)
from ...framework.normalization import Mode
from ...job import Job
from ...solvers.boxes import (
    STENCIL_MARGIN,
    Slices,
    area,
    bounds,
    is_empty,
    resolved,
    sides,
    union,
    whole,
    widened,
)
from .._checks import full_contrast, has_both_regions, prepared
from . import TITLE

if TYPE_CHECKING:
    from .color_links import Links

Floats = NDArray[np.float32]
Booleans = NDArray[np.bool_]
Pair = tuple[Floats, Floats]
"""Something for the first, and for the second solve."""

SOLVE_MARGIN = 24
"""How far around a change α is solved again at once, in pixels. To go on where the edge of the
solved part moves took twice as long, and what was near the strokes was no closer to the settled
matte: links carry the rest all over the picture."""
ENERGY_TOLERANCE = 1e-4
"""An update that does not settle stops when the error's energy, Σ w e² and more, is below this.
Near strokes at 4 megapixels the mean difference from the settled matte was 0.0105; with a hundredth
of it 0.0103, in half as many iterations again."""
RESTART_FRACTION = 0.25
"""Share of the picture above which a changed box has everything solved again."""
SETTLE_TOLERANCE = 0.001
"""Changes of α up to which a pixel stays as it is when the matte settles."""


class MattingSession:
    """The matte of sampled propagation, kept up to date with a trimap that is being painted.

    Begin one with `begin`; after each stroke `update` it. What a cancelled update did not do, the
    next one does. To follow a hand, update without settling, and `settle` once it rests. A session
    keeps the equations of the pixels that were unknown at first, 104 bytes
    each.

    Attributes
    ----------
    alpha : (H, W) float32, 0..1
        The matte, exactly 0 and 1 where the trimap is known. Updates change it in place, at their
        very end.
    settled : bool
        Whether all of it is up to date with the trimap, and not only what is near the strokes.

    Examples
    --------
    >>> from matting_nodes import MattingSession, sample_data
    >>> trimap = sample_data.lemur_trimap()
    >>> session = MattingSession.begin(sample_data.lemur(), trimap)
    >>> trimap[89:95, 321:327] = 255
    >>> rows, columns = session.update(trimap)
    >>> bool((session.alpha[89:95, 321:327] == 1).all())
    True
    """

    OPTIONS: tuple[str, ...] = ()

    def __init__(self, image: Image, trimap: Trimap, job: Job) -> None:
        job.step(0, message=TITLE)
        from ...solvers.compiling import compiled

        image = full_contrast(image)
        # What the session follows; and what α was solved for, here and below as `_solved_…`.
        self._image, self._trimap, self._solved_trimap = image, trimap.copy(), trimap
        self._pending: Slices | None = None

        def begin(job: Job) -> None:
            from ...solvers.laplacian import RowCache
            from .color_links import ColorLinks
            from .solve import EPSILON, sample_colors

            self._samples, self._solved_term = sample_colors(image, trimap, job.part(0, 0.5))
            self._links = ColorLinks(self._samples.colors)
            self._rows = RowCache(image, unknown(trimap), EPSILON, np.float32)
            # Not clipped: values beyond 0..1 are needed to solve again beside them.
            estimates = self._solved_term[0]
            self._solved = estimates, estimates
            self._solved = self._solve(
                self._rows.rows,
                whole(trimap.shape),
                unknown(trimap),
                self._solved_term,
                self._solved,
                job.part(0.5, 1),
            )
            self.alpha: Alpha = self._solved[1].clip(0, 1)

        compiled(begin, job, TITLE)
        self.settled = True

    @classmethod
    def begin(
        cls,
        image: ArrayLike,
        trimap: ArrayLike,
        job: Job | None = None,
        *,
        normalization: Mode = "auto",
    ) -> MattingSession:
        """Solve for the whole picture, and keep what updates need.

        Parameters
        ----------
        image : (H, W, C) array
            The picture, in any form that nodes accept.
        trimap : (H, W) array
            Likewise.
        job : Job, optional
            Reports progress, and stops the work when it is cancelled.
        normalization : str
            As for nodes.

        Raises
        ------
        MattingError
            As `alpha_matte` does, before anything is computed.
        Cancelled
            If the job was cancelled.
        """
        picture, now = prepared(image, trimap, normalization, TITLE)
        return cls(picture, now.copy(), job or Job())

    def update(
        self,
        trimap: ArrayLike,
        region: Slices | None = None,
        job: Job | None = None,
        *,
        settle: bool = True,
    ) -> Slices:
        """Bring the matte up to date with a trimap that was painted on.

        Parameters
        ----------
        trimap : (H, W) array
            The whole trimap as it is now.
        region : (slice, slice), optional
            Rows and columns outside which the trimap is unchanged and not read; found by
            comparison if not given.
        job : Job, optional
            Reports progress, and stops the work when it is cancelled.
        settle : bool
            Whether to solve for the whole picture. If not, only what is near the change is solved
            for, which is many times as fast, and `settle` has to be called in the end.

        Returns
        -------
        rows, columns : slice
            The box outside which the matte is unchanged.

        Raises
        ------
        MattingError
            As `begin` does; the matte is left unchanged.
        Cancelled
            If the job was cancelled; the matte is left unchanged.
        """
        region = self._set_trimap(trimap, region)
        self._pending = None if is_empty(region) else region
        has_both_regions(self._trimap)
        # Not before: the matte is that of the last trimap that was not refused.
        self.settled = self.settled and self._pending is None
        return self._follow(settle, job or Job())

    def settle(self, job: Job | None = None) -> Slices:
        """Bring all of the matte up to date with the trimap of the last update.

        Parameters
        ----------
        job : Job, optional
            Reports progress, and stops the work when it is cancelled.

        Returns
        -------
        rows, columns : slice
            The box outside which the matte is unchanged; empty if all was up to date.

        Raises
        ------
        MattingError
            If that trimap was refused.
        Cancelled
            If the job was cancelled; the matte is left unchanged.
        """
        if not self.settled:
            has_both_regions(self._trimap)
        return self._follow(True, job or Job())

    def _follow(self, settle: bool, job: Job) -> Slices:
        """Solve for what is pending, nearby or everywhere; return the box in which α is new."""
        if self.settled or (self._pending is None and not settle):
            return slice(0, 0), slice(0, 0)
        if self._pending is None:
            return self._solve_everywhere(job)
        if area(self._pending) > self._trimap.size * RESTART_FRACTION:
            return self._restart(job)
        # Quick, and useless if it is stopped halfway.
        self._pending = self._samples.update(self._trimap, self._pending, Job())
        job.step(0.3, message=TITLE)
        solve = self._solve_everywhere if settle else self._solve_nearby
        return solve(job.part(0.3, 1))

    def _solve_nearby(self, job: Job) -> Slices:
        """Solve around what is pending; return the box in which α is new."""
        from .data_term import changed_pixels

        assert self._pending is not None
        now = self._trimap
        box = widened(self._pending, SOLVE_MARGIN + STENCIL_MARGIN, now.shape)
        term, guesses = self._term_and_guess(box)
        seeds = changed_pixels(now, self._solved_trimap, term, self._solved_term, guesses[1], box)
        solve = _unknowns_near(seeds, now, box)
        rows = self._rows.of(box, solve)
        solutions = self._solve(rows, box, solve, term, guesses, job, ENERGY_TOLERANCE)
        # Nothing before this line changes what a caller sees; nothing from here on can fail.
        self._commit(solve, term, solutions, box, self.alpha)
        self._pending = None
        return box

    @property
    def solver_planes(self) -> tuple[Image, Trimap, Alpha, Floats]:
        """Picture in full contrast, trimap, α, and its data term, of what was solved for."""
        return self._image, self._solved_trimap, self.alpha, self._solved_term

    def confidence(self) -> Floats:
        """Return how sure the matte is of each pixel, as `propagation.confidence` does, (H, W)."""
        from .confidence import agreement

        return agreement(self._trimap, self._solved_term[0], self.alpha)

    def _solve_everywhere(self, job: Job) -> Slices:
        """Solve for all unknown pixels; return the box in which α is new."""
        now, box = self._trimap, whole(self._trimap.shape)
        solve, alpha = unknown(now), np.empty_like(self.alpha)
        term, guesses = self._term_and_guess(box)
        solutions = self._solve(self._rows.of(box, solve), box, solve, term, guesses, job)
        self._commit(solve, term, solutions, box, alpha)
        changed = abs(alpha - self.alpha) > np.where(solve, np.float32(SETTLE_TOLERANCE), 0)
        np.copyto(self.alpha, alpha, where=changed)
        self._pending, self.settled = None, True
        return bounds(changed)

    def _commit(
        self, solved: Booleans, term: Floats, solutions: Pair, box: Slices, alpha: Alpha
    ) -> None:
        """Keep the solutions in a box, and write the second into `alpha`, clipped."""
        from .data_term import commit

        first, second = self._solved
        first[box] = solutions[0]
        was = self._solved_trimap, self._solved_term, second
        commit(self._trimap, solved, term, solutions[1], box, *was, alpha)

    def _set_trimap(self, trimap: ArrayLike, region: Slices | None) -> Slices:
        """Copy a trimap; return the box in which it changed, or an earlier change is pending."""
        given = np.asarray(trimap)
        if region is None or given.shape[:2] != self._solved_trimap.shape:
            now = as_trimap(given)
            check_same_size({"image": self._image, "trimap": now})
            self._trimap[:] = now
            region = bounds(now != self._solved_trimap)
        else:
            region = resolved(region, given.shape[:2])
            if not is_empty(region):
                self._trimap[region] = as_trimap(given[region])
        return union(region, self._pending)

    def _restart(self, job: Job) -> Slices:
        """Solve for the whole picture again."""
        fresh = MattingSession(self._image, self._trimap.copy(), job)
        self.alpha[:] = fresh.alpha
        vars(self).update(vars(fresh) | {"alpha": self.alpha})
        return whole(self._trimap.shape)

    def _term_and_guess(self, box: Slices) -> tuple[Floats, Pair]:
        """Return the data term and the initial guesses of α in a box."""
        from .data_term import data_term, initial_guess

        term = data_term(self._trimap, self._samples.expanded, self._samples.estimates, box)
        first, second = (
            initial_guess(self._trimap, self._solved_trimap, solution, term, box)
            for solution in self._solved
        )
        return term, (first, second)

    def _solve(
        self,
        rows: Floats,
        box: Slices,
        solve: Booleans,
        term: Floats,
        starts: Pair,
        job: Job,
        energy: float = 0,
    ) -> Pair:
        """Return α of both solves in a box, not clipped; `starts` where it is not solved for."""
        from .data_term import gather_unknowns
        from .solve import propagate

        if not solve.any():
            return starts
        colors, term = gather_unknowns(self._samples.colors, term, solve, box)

        def links(start: Floats, solution: Floats) -> Links:
            return self._links.links_of(solve, start, box, self._trimap, solution)

        first = second = links(starts[0], self._solved[0])
        if starts[0] is not starts[1]:
            second = links(starts[1], self._solved[1])
        return propagate(rows, colors, solve, (first, second), term, starts, job, energy)


def _unknowns_near(seeds: Booleans, trimap: Trimap, box: Slices) -> Booleans:
    """Return the pixels of a box to solve for, given those that changed."""
    return _dilated(seeds, SOLVE_MARGIN) & unknown(trimap[box]) & _interior(box, trimap.shape)


def _interior(box: Slices, shape: tuple[int, ...]) -> Booleans:
    """Return the pixels of a box whose equations read nothing outside it."""
    rows, columns = (
        slice(
            STENCIL_MARGIN if s.start > 0 else 0,
            s.stop - s.start - (STENCIL_MARGIN if s.stop < side else 0),
        )
        for s, side in zip(box, shape, strict=True)
    )
    marks = np.zeros(sides(box), bool)
    marks[rows, columns] = True
    return marks


def _dilated(marks: Booleans, margin: int) -> Booleans:
    """Return the pixels that lie in a square of 2 margin + 1 pixels around a marked one."""
    import cv2

    side = 2 * margin + 1
    # Viewed as bytes and back: a conversion takes as long as the dilation.
    near = cv2.dilate(marks.view(np.uint8), np.ones((side, side), np.uint8))
    marked: Booleans = near.view(np.bool_)
    return marked
