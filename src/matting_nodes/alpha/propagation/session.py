"""A matte that follows its trimap: after a stroke, only what it can change is solved again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...arrays import (
    Alpha,
    Image,
    Trimap,
    as_pixels,
    as_trimap,
    check_same_size,
    unknown,
)
from ...framework.normalization import Mode, measured, normalized
from ...job import Job
from ...solvers.boxes import (
    WINDOW,
    Region,
    area,
    bounds,
    is_empty,
    joined,
    resolved,
    shifted,
    sides,
    whole,
    widened,
)
from .._checks import check_window, full_contrast, has_both_regions
from . import TITLE
from .sample_grid import TILE

Floats = NDArray[np.float32]
Marks = NDArray[np.bool_]

SPREAD, SLIGHTLY, WEAK = 0.003, 0.001, 0.001
"""What lies beyond is solved again too if, near the edge of what was, α moved by more than the
first; or more than the second where it is pulled by less than the third: there many pixels can move
together, and one by one show little of it."""
FAR = 200
"""What was solved for up to so far away is then solved for with it, in pixels: parts that are
solved for in turn hold each other in place."""
AROUND = 24
"""How far around a change α is solved again, in pixels; and again around what then moves. With 20,
or half as far around slight changes, what lies beyond held α in place on two pictures, by 0.023,
and did not show that it should move."""
CLOSE = 1.5e-6
"""An update stops where the error has so little energy, Σ w e² and more, that 100 pixels pulled by
the least weight are off by about 0.01 at most."""
LARGE = 4
"""One in so many pixels of the picture is too much for an update: it is begun again."""
RIM = 4
"""How near the edge of what is solved for nothing may move, in pixels."""
OWED = 0.001
"""Tiles are solved again once the links to what has moved elsewhere would move them by more."""
ROUNDS = 2
"""So many times at most in one update: what then is owed still, the next one follows."""


class MattingSession:
    """The matte of sampled propagation, kept up with a trimap that is being painted.

    Begin one with `begin`; after each stroke `update` it. What a cancelled update has left undone,
    the next one does. It keeps the equations of what was unknown at first, 104 bytes a pixel.

    Attributes
    ----------
    alpha : (H, W) float32, 0..1
        The matte, exactly 0 and 1 where the trimap is known. Updates change it in place, at their
        very end.

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

    def __init__(self, image: Image, trimap: Trimap, job: Job) -> None:
        job.step(0, message=f"{TITLE} (the first use compiles: some seconds)")
        from ...solvers.laplacian import KeptRows
        from .color_links import ColorLinks
        from .solve import EPSILON, sampled

        image = full_contrast(image)
        self._image, self._trimap, self._painted = image, trimap, trimap.copy()
        self._undone: Region | None = None
        self._samples, self._pulled = sampled(image, trimap, job.part(0, 0.5))
        self._links = ColorLinks(self._samples.colors)
        self._owed: Floats = np.zeros([-(-side // TILE) for side in trimap.shape], np.float32)
        self._rows = KeptRows(image, unknown(trimap), EPSILON, np.float32)
        self._values = self._pulled[0]
        # Not clipped: what lies beyond 0..1 is needed to solve beside it again.
        self._values = self._solved(
            self._rows.rows,
            whole(trimap.shape),
            unknown(trimap),
            self._pulled,
            self._pulled[0],
            job.part(0.5, 1),
        )
        self.alpha: Alpha = self._values.clip(0, 1)

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
            The picture, in any form that nodes take.
        trimap : (H, W) array
            Likewise.
        job : Job, optional
            Takes progress, and is asked whether to stop.
        normalization : str
            As nodes take it.

        Raises
        ------
        MattingError
            As `alpha_matte` does, before anything is computed.
        Cancelled
            If the job was cancelled.
        """
        pixels, now = as_pixels(image, any_channels=True), as_trimap(trimap)
        picture = normalized(pixels, measured([pixels], normalization, "image"), "image")
        check_same_size({"image": picture, "trimap": now})
        check_window(picture, 3, TITLE)
        has_both_regions(now)
        return cls(picture, now.copy(), job or Job())

    def update(
        self, trimap: ArrayLike, region: Region | None = None, job: Job | None = None
    ) -> Region:
        """Follow a trimap that was painted on.

        Parameters
        ----------
        trimap : (H, W) array
            The whole trimap as it is now.
        region : (slice, slice), optional
            Rows and columns outside of which it is as it was, and is not looked at; found out if
            not given.
        job : Job, optional
            Takes progress, and is asked whether to stop.

        Returns
        -------
        rows, columns : slice
            Outside of which the matte is as it was.

        Raises
        ------
        MattingError
            As `begin` does; the matte stays as it was.
        Cancelled
            If the job was cancelled; the matte stays as it was.
        """
        job = job or Job()
        self._undone = self._paint(trimap, region)
        now, region = self._painted, self._undone
        has_both_regions(now)
        if is_empty(region):
            self._undone = None
            return region
        if area(region) > now.size / LARGE:
            return self._begun_again(now, job)
        # Quick, and not to be stopped half way.
        self._undone = self._samples.follow(now, region, Job())
        job.step(0.3, message=TITLE)
        box = widened(self._undone, AROUND + RIM, now.shape)
        pulled, values = self._begun(now, box)
        from .data_term import changed

        seeds = changed(now, self._trimap, pulled, self._pulled, values, box)
        box = self._update_around(seeds, box, job.part(0.3, 1))
        self._undone = None
        for _ in range(ROUNDS):
            seeds = self._overdue()
            if not seeds.any():
                break
            around = widened(bounds(seeds), AROUND + RIM, now.shape)
            box = joined(box, self._update_around(seeds[around], around, Job(), once=True))
        return box

    def _update_around(self, seeds: Marks, box: Region, job: Job, once: bool = False) -> Region:
        """Solve again around the pixels marked in a box; return where α is new."""
        from .data_term import take

        now = self._painted
        box, solved, pulled, values = self._solved_around(now, seeds, box, job, once)
        # Nothing before this line changes what a caller sees; nothing from here on can fail.
        self._links.owed(solved, values, box, now, self._trimap, self._values, self._owed)
        take(now, solved, pulled, values, box, self._trimap, self._pulled, self._values, self.alpha)
        return box

    def _overdue(self) -> Marks:
        """Return the unknown pixels of the tiles that links would move; they owe nothing then."""
        from .color_links import WEIGHT

        free = unknown(self._painted)
        overdue = np.zeros(self._owed.shape, bool)
        for row, column in np.argwhere(abs(self._owed) > OWED * WEIGHT):
            tile = tuple(slice(TILE * at, TILE * (at + 1)) for at in (row, column))
            held = (self._pulled[1][tile] + 2 * WEIGHT)[free[tile]].sum()
            overdue[row, column] = abs(self._owed[row, column]) > OWED * held
        self._owed[overdue] = 0
        near = overdue.repeat(TILE, axis=0).repeat(TILE, axis=1)
        marks: Marks = near[: free.shape[0], : free.shape[1]] & free
        return marks

    def _paint(self, trimap: ArrayLike, region: Region | None) -> Region:
        """Take over a trimap; return where it may not be what it was, or the matte is to follow."""
        given = np.asarray(trimap)
        if region is None or given.shape[:2] != self._trimap.shape:
            now = as_trimap(given)
            check_same_size({"image": self._image, "trimap": now})
            self._painted[:] = now
            region = bounds(now != self._trimap)
        else:
            region = resolved(region, given.shape[:2])
            if not is_empty(region):
                self._painted[region] = as_trimap(given[region])
        return joined(region, self._undone)

    def _solved_around(
        self, now: Trimap, seeds: Marks, box: Region, job: Job, once: bool
    ) -> tuple[Region, Marks, Floats, Floats]:
        """Return a box, which of its pixels had to be solved for, their pulls, and α there."""
        import cv2

        pulled, values = self._begun(now, box)
        solve = _within_reach(seeds, now, box)
        solved = np.zeros(sides(box), bool)
        while solve.any():
            before, rows = values, self._rows.of(box, solve)
            values = self._solved(rows, box, solve, pulled, before, job, CLOSE)
            solved |= solve
            # Where the edge of what was solved for moved, what lies beyond has to move too.
            move = cv2.absdiff(values, before)
            moved = (move > SPREAD) | ((move > SLIGHTLY) & (pulled[1] < WEAK))
            beyond = _around(moved, RIM) & unknown(now[box]) & ~solve
            if once or not beyond.any():
                break
            wider = widened(joined(shifted(bounds(beyond), box), box), AROUND + RIM, now.shape)
            pulled, start = self._begun(now, wider)
            values = _put(values, box, start, wider)
            solved, beyond = (
                _put(marks, box, np.zeros(sides(wider), bool), wider) for marks in (solved, beyond)
            )
            box = wider
            solve = _within_reach(beyond, now, box) | (solved & _around(beyond, FAR))
        return box, solved, pulled, values

    def _begun_again(self, trimap: Trimap, job: Job) -> Region:
        fresh = MattingSession(self._image, trimap.copy(), job)
        self.alpha[:] = fresh.alpha
        vars(self).update(vars(fresh) | {"alpha": self.alpha})
        return whole(trimap.shape)

    def _begun(self, now: Trimap, box: Region) -> tuple[Floats, Floats]:
        """Return where α is pulled to in a box, and α to begin with."""
        from .data_term import begun, pull

        pulled = pull(now, self._samples.grown, self._samples.votes, box)
        return pulled, begun(now, self._trimap, self._values, pulled, box)

    def _solved(
        self,
        rows: Floats,
        box: Region,
        solve: Marks,
        pulled: Floats,
        start: Floats,
        job: Job,
        energy: float = 0,
    ) -> Floats:
        """Return α in a box, not clipped, solved where it says."""
        from .data_term import chosen
        from .solve import propagate

        if not solve.any():
            return start
        colors, pulled = chosen(self._samples.colors, pulled, solve, box)
        links = self._links.between(solve, start, box, self._painted, self._values)
        return propagate(rows, colors, solve, links, pulled, start, job, energy)


def _put(part: NDArray[Any], box: Region, into: NDArray[Any], wider: Region) -> NDArray[Any]:
    """Return what is in a box, laid into what is in a wider one."""
    into[shifted(box, wider, -1)] = part
    return into


def _within_reach(seeds: Marks, trimap: Trimap, box: Region) -> Marks:
    """Return what to solve for in a box, for what changed there."""
    return _around(seeds, AROUND) & unknown(trimap[box]) & _inside(box, trimap.shape)


def _inside(box: Region, shape: tuple[int, ...]) -> Marks:
    """Return the pixels of a box whose equations read nothing outside of it."""
    rows, columns = (
        slice(WINDOW if s.start > 0 else 0, s.stop - s.start - (WINDOW if s.stop < side else 0))
        for s, side in zip(box, shape, strict=True)
    )
    marks = np.zeros(sides(box), bool)
    marks[rows, columns] = True
    return marks


def _around(marks: Marks, margin: int) -> Marks:
    """Return the pixels up to so many from those marked."""
    import cv2

    side = 2 * margin + 1
    # Seen as bytes, and bytes as marks: to convert them takes as long as to look around.
    near: Marks = cv2.dilate(marks.view(np.uint8), np.ones((side, side), np.uint8)).view(np.bool_)
    return near
