"""How sure sampled propagation is of each pixel, and the places where it is least so."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...arrays import (
    Alpha,
    Trimap,
    as_alpha,
    unknown,
)
from ...framework.normalization import Mode
from ...job import Job
from .._checks import full_contrast, prepared
from . import REFINED_TITLE, TITLE

CELLS = 8
"""Cells along the diameter of a place: doubt is summed on a grid of such cells."""
FAINTEST = 0.1
"""Places with less doubt than this share of the first one's are none."""

Floats = NDArray[np.float32]


def confidence(
    image: ArrayLike,
    trimap: ArrayLike,
    alpha: ArrayLike,
    job: Job | None = None,
    *,
    normalization: Mode = "auto",
) -> Floats:
    """Return how sure sampled propagation is of each pixel of its matte.

    Parameters
    ----------
    image : (H, W, C) array
        The picture, in any form that nodes accept.
    trimap : (H, W) array
        Likewise.
    alpha : (H, W) array
        The matte that was solved from them.
    job : Job, optional
        Reports progress, and stops the work when it is cancelled.
    normalization : str
        As for nodes.

    Returns
    -------
    (H, W) float32, 0..1
        1 where the trimap is known.

    Raises
    ------
    MattingError
        As `alpha_matte` does.
    Cancelled
        If the job was cancelled.

    Notes
    -----
    1 − (|α − α̂| + 4 α (1 − α)) / 2: two terms of equal weight, the disagreement of the matte with
    the estimate α̂ from color samples, and how near α is to one half. Wang and Cohen, "Optimized
    Color Sampling for Robust Matting", CVPR 2007, measure how far samples explain a pixel; that
    predicts errors of the whole method less well.
    """
    solved = as_alpha(np.asarray(alpha))
    picture, known = prepared(image, trimap, normalization, TITLE, alpha=solved)
    job = job or Job()
    from ...solvers.compiling import compiled

    def estimate(job: Job) -> Floats:
        from .solve import sample_colors

        _, term = sample_colors(full_contrast(picture), known, job)
        return term[0]

    return agreement(known, compiled(estimate, job, TITLE), solved)


def refined_confidence(
    image: ArrayLike,
    trimap: ArrayLike,
    job: Job | None = None,
    *,
    normalization: Mode = "auto",
) -> Floats:
    """Return how sure refined propagation is of each pixel of its matte.

    Parameters
    ----------
    image, trimap, job, normalization
        As for `confidence`.

    Returns
    -------
    (H, W) float32, 0..1
        1 − e: nine unknown pixels in ten are off by less than e, as the network predicts it. 1
        where the trimap is known.

    Raises
    ------
    MattingError
        As `alpha_matte` does.
    Cancelled
        If the job was cancelled.
    """
    picture, known = prepared(image, trimap, normalization, REFINED_TITLE)
    from .refined import refined

    _, error = refined(picture, known, job or Job())
    return 1 - error


def agreement(trimap: Trimap, estimate: Floats, alpha: Alpha) -> Floats:
    """Return the confidence in a matte, given the estimate from color samples.

    Parameters
    ----------
    trimap : (H, W) uint8
        The trimap.
    estimate, alpha : (H, W) float32, 0..1
        α̂ and α.

    Returns
    -------
    (H, W) float32, 0..1
    """
    doubt = (abs(alpha - estimate) + 4 * alpha * (1 - alpha)) / 2
    sure: Floats = np.where(unknown(trimap), 1 - doubt, np.float32(1)).clip(0, 1)
    return sure


def least_certain_places(
    confidence: Floats, radius: float, count: int = 50
) -> list[tuple[int, int]]:
    """Return the places with the most doubt in a circle around them, the worst first.

    Parameters
    ----------
    confidence : (H, W) float32, 0..1
        As `confidence` returns it.
    radius : float, pixels
        Of the circle; places lie at least so far apart.
    count : int
        How many at most.

    Returns
    -------
    list of (row, column)
        Empty where nothing is in doubt.

    Examples
    --------
    >>> sure = np.ones((60, 90), np.float32)
    >>> sure[20:30, 50:60] = 0.2
    >>> least_certain_places(sure, 8)
    [(25, 55)]
    """
    import cv2

    height, width = confidence.shape
    cell = max(1.0, 2 * radius / CELLS)
    rows, columns = max(1, round(height / cell)), max(1, round(width / cell))
    doubt = cv2.resize(1 - confidence, (columns, rows), interpolation=cv2.INTER_AREA)
    reach = max(1, round(radius / cell))
    doubt = cv2.GaussianBlur(doubt, (0, 0), reach / 2, borderType=cv2.BORDER_CONSTANT)
    places: list[tuple[int, int]] = []
    least = FAINTEST * float(doubt.max()) or np.inf
    while len(places) < count and doubt.max() >= least:
        row, column = (int(i) for i in np.unravel_index(np.argmax(doubt), doubt.shape))
        places.append((int((row + 0.5) * height / rows), int((column + 0.5) * width / columns)))
        # What lies within two radii has been seen with it.
        cv2.circle(doubt, (column, row), 2 * reach, 0, cv2.FILLED)
    return places
