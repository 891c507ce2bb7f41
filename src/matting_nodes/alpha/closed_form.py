"""Closed form: the matte that is locally as linear in color as possible."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ..arrays import FOREGROUND, Alpha, AnyChannels, Image, Trimap, unknown
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ._checks import check_window, full_contrast, no_solution

TITLE = "Closed form"
TOLERANCE = 1e-7
"""Relative residual at which the solver stops, as in PyMatting."""


@method("alpha_matte", title=TITLE)
def closed_form(
    image: Annotated[Image, AnyChannels()],
    trimap: Trimap,
    *,
    epsilon: Annotated[float, Slider(1e-9, 1e-2), Advanced()] = 1e-7,
    iterations: Annotated[int, Slider(1, 100_000), Advanced()] = 10_000,
    job: Job,
) -> Alpha:
    """Find the matte that is, in every 3 × 3 window, a linear function of color.

    Accurate and without training; wide unknown regions need time and memory.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        The picture, at least 3 × 3 pixels, of any number of channels.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    epsilon : float
        Regularization of the windows' color covariance, for colors in 0..1. Larger is smoother.
    iterations : int
        Maximum number of iterations of the solver (conjugate gradients).

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    ShapeError
        If the image is smaller than 3 × 3.
    MattingError
        If no solution is found.

    Notes
    -----
    Levin, Lischinski and Weiss, "A Closed-Form Solution to Natural Image Matting", PAMI 2008.
    Solved by conjugate gradients, preconditioned by a Cholesky factor in 32 bits.
    """
    check_window(image, 3, TITLE)
    job.step(0, message=TITLE)
    from ..solvers.compiling import compiled

    solve, known = unknown(trimap), trimap == FOREGROUND

    def solve_for(job: Job) -> tuple[NDArray[np.floating], float]:
        from ..solvers.cg import conjugate_gradients
        from ..solvers.cholesky import Cholesky
        from ..solvers.laplacian import matting_system

        system, b = matting_system(full_contrast(image), solve, known, epsilon)
        factor = Cholesky(
            system,
            lambda done, total: job.step(0.9 * done / total, message=f"{TITLE}: eliminating"),
        )
        return conjugate_gradients(
            system.operator(),
            b,
            factor,
            tolerance=TOLERANCE,
            iterations=iterations,
            callback=lambda _: job.step(0.95, message=f"{TITLE}: solving"),
        )

    solution, error = compiled(solve_for, job, TITLE, "some seconds")
    if not error <= TOLERANCE:
        raise no_solution(f"{TITLE} did not converge within {iterations} iterations")
    alpha: Alpha = known.astype(np.float32)
    alpha[solve] = solution.clip(0, 1)
    return alpha
