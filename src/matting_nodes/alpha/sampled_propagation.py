"""Sampled propagation: colors around vote on each pixel, the matting Laplacian joins the votes."""

from __future__ import annotations

import numpy as np

from ..arrays import FOREGROUND, UNKNOWN, Alpha, Image, Trimap, unknown
from ..job import Job
from ..node import method
from ._checks import check_window, no_solution

TITLE = "Sampled propagation"
EPSILON = 1e-7
"""Regularization of the Laplacian's windows."""
GROWN, VOTED = 0.03, 0.01
"""Weight, against the Laplacian's, of pixels that a region grew into and of confident votes."""
TOLERANCE, ITERATIONS = 1e-3, 300
"""The residual, relative to the right side, at which the solver stops; and at the latest when."""


@method("alpha_matte", title=TITLE)
def sampled_propagation(image: Image, trimap: Trimap, *, job: Job) -> Alpha:
    """Let the known colors around vote on each unknown pixel, and join the votes along the picture.

    Better than each of the classic methods and many times faster; the time and the memory grow
    with the number of unknown pixels, no faster.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        The picture, at least 3 × 3 pixels, of any number of channels.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    ShapeError
        If the image is smaller than 3 × 3.

    Notes
    -----
    α minimizes αᵀLα + Σ w (α − α̂)², where L is the matting Laplacian (Levin, Lischinski and
    Weiss, PAMI 2008), α̂ the sampled alpha and w its confidence, as in Wang and Cohen, "Optimized
    Color Sampling for Robust Matting", CVPR 2007. Solved by conjugate gradients from α̂ on.
    """
    check_window(image, 3, TITLE)
    job.step(0, message=f"{TITLE} (the first use compiles: some seconds)")
    from ._conjugate_gradients import conjugate_gradients
    from ._laplacian import matting_system
    from ._sampling import sample

    solve = unknown(trimap)
    grown, votes, confidence = sample(image, trimap, job.part(0, 0.7))
    guess = (grown[solve] == FOREGROUND).astype(np.float32)
    weight = np.full(len(guess), GROWN, np.float32)
    voted = grown[solve] == UNKNOWN
    guess[voted], weight[voted] = votes, VOTED * confidence
    job.step(0.7, message=f"{TITLE}: setting up")
    system, right = matting_system(image, trimap, EPSILON, np.float32)
    system.rows[:, 12] += weight
    diagonal = system.rows[:, 12].copy()
    done = 0

    def watch(_residual: float) -> None:
        nonlocal done
        done += 1
        job.step(1 - 0.3 * 0.98**done, message=f"{TITLE}: solving")

    solution, error = conjugate_gradients(
        system.operator(),
        right + weight * guess,
        lambda residual: residual / diagonal,
        start=guess,
        tolerance=TOLERANCE,
        iterations=ITERATIONS,
        watch=watch,
    )
    if not np.isfinite(error):
        raise no_solution(f"{TITLE} found no finite solution")
    alpha: Alpha = (trimap == FOREGROUND).astype(np.float32)
    alpha[solve] = solution.clip(0, 1)
    return alpha
