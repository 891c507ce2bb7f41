"""Sampled propagation, corrected by a small network that comes with the package."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import Alpha, Image, Trimap, unknown
from ...job import Job
from ...models.predict import predict
from ...solvers.compiling import compiled
from .._checks import full_contrast
from . import REFINED_TITLE
from .refined_session import SOLVER_SHARE
from .refinement import ALPHA, corrected, refiner_input, solver_planes

MODEL = "refiner"


def refined(
    image: Image,
    trimap: Trimap,
    job: Job,
    *,
    device: str = "auto",
    precision: str = "auto",
    weights: str = "",
    tile: int = 0,
) -> tuple[Alpha, NDArray[np.float32]]:
    """Return the refined matte, and how far off each of its pixels may be.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
    trimap : (H, W) uint8
    job : Job
        Reports progress, and stops the work when it is cancelled.
    device, precision, weights, tile
        As `models.predict` takes them.

    Returns
    -------
    alpha : (H, W) float32, 0..1
    error : (H, W) float32, 0..1
        The network's prediction of |α − true α| that nine pixels in ten stay below; 0 where the
        trimap is known.
    """
    picture = full_contrast(image)

    def solve(job: Job) -> tuple[Alpha, NDArray[np.float32]]:
        return solver_planes(picture, trimap, job)

    alpha, samples = compiled(solve, job.part(0, SOLVER_SHARE), REFINED_TITLE)
    planes = refiner_input(picture, trimap, alpha, samples)
    part = job.part(SOLVER_SHARE, 1)
    options = {"device": device, "precision": precision, "weights": weights, "tile": tile}
    return answered(planes, trimap, unknown(trimap), part, **options)


def answered(
    planes: NDArray[np.float32],
    trimap: Trimap,
    wanted: NDArray[np.bool_],
    job: Job,
    **options: Any,
) -> tuple[Alpha, NDArray[np.float32]]:
    """Return the same for what the refiner looks at.

    Parameters
    ----------
    planes : (8, H, W) float32
        As `refiner_input` returns them.
    trimap : (H, W) uint8
    wanted : (H, W) bool
        The unknown pixels where it is needed; elsewhere both may be anything.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    **options
        As for `refined`.
    """
    answer = predict(MODEL, planes, wanted, job=job, **options)
    error = np.where(unknown(trimap), answer[1], np.float32(0))
    return corrected(planes[ALPHA], answer[0], trimap), error
