"""A refined matte that follows its trimap: only what a stroke can change is refined again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...arrays import Alpha, unknown
from ...framework.normalization import Mode
from ...job import Job
from ...solvers.boxes import Slices, bounds, is_empty, widened
from .session import MattingSession

Floats = NDArray[np.float32]
SOLVER_SHARE = 0.6
"""Of the time, about."""


class RefinedSession:
    """The matte of refined propagation, kept up to date with a trimap that is being painted.

    It is used as a `MattingSession` is, which it follows. Of the network's input whatever has
    changed is looked for, and the matte refined again as far around it as the network sees.

    Attributes
    ----------
    alpha : (H, W) float32, 0..1
        The matte, exactly 0 and 1 where the trimap is known. Updates change it in place, at their
        very end.
    error : (H, W) float32, 0..1
        How far off it may be, as `refined` returns it.

    Parameters
    ----------
    session : MattingSession
        What it follows.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    **options
        device, precision, weights and tile, as for `refined`.
    """

    OPTIONS = ("device", "precision", "weights", "tile")

    def __init__(self, session: MattingSession, job: Job, **options: Any) -> None:
        self._session, self._options = session, options
        self._planes: Floats | None = None
        self.alpha: Alpha = session.alpha.copy()
        self.error: Floats = np.zeros_like(self.alpha)
        self._refine(job)

    @classmethod
    def begin(
        cls,
        image: ArrayLike,
        trimap: ArrayLike,
        job: Job | None = None,
        *,
        normalization: Mode = "auto",
        device: str = "auto",
        precision: str = "auto",
        weights: str = "",
        tile: int = 0,
    ) -> RefinedSession:
        """Solve for the whole picture and refine it, and keep what updates need.

        Parameters
        ----------
        image, trimap, job, normalization
            As for `MattingSession.begin`.
        device, precision, weights, tile
            As for `refined`.

        Raises
        ------
        MattingError
            As `alpha_matte` does.
        Cancelled
            If the job was cancelled.
        """
        job = job or Job()
        part = job.part(0, SOLVER_SHARE)
        session = MattingSession.begin(image, trimap, part, normalization=normalization)
        options = {"device": device, "precision": precision, "weights": weights, "tile": tile}
        return cls(session, job.part(SOLVER_SHARE, 1), **options)

    @property
    def settled(self) -> bool:
        """Whether all of the matte is up to date with the trimap."""
        return self._session.settled

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
        trimap, region, job, settle
            As for `MattingSession.update`.

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
        job = job or Job()
        self._session.update(trimap, region, job.part(0, SOLVER_SHARE), settle=settle)
        return self._refine(job.part(SOLVER_SHARE, 1))

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
        """
        job = job or Job()
        self._session.settle(job.part(0, SOLVER_SHARE))
        return self._refine(job.part(SOLVER_SHARE, 1))

    def _refine(self, job: Job) -> Slices:
        """Refine around what has changed of the input; return the box in which α is new."""
        from ...networks.refiner import Refiner
        from .refined import answered
        from .refinement import refiner_input, samples_of

        image, trimap, solved, term = self._session.solver_planes
        planes = refiner_input(image, trimap, solved, samples_of(term, trimap))
        before = self._planes
        changed = np.ones(trimap.shape, bool)
        if before is not None:
            np.any(planes[3:] != before[3:], axis=0, out=changed)
        box = bounds(changed)
        if is_empty(box):
            return box
        # A correction depends on known pixels no farther away than that.
        box = widened(box, Refiner.reach, trimap.shape)
        wanted = np.zeros(trimap.shape, bool)
        wanted[box] = unknown(trimap[box])
        alpha, error = answered(planes, trimap, wanted, job, **self._options)
        self.alpha[box], self.error[box] = alpha[box], error[box]
        self._planes = planes
        return box
