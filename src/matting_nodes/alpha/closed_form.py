"""Closed form: the matte for which local colors are as linear as can be."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from ..arrays import Alpha, Image, Trimap, as_rgb, unknown
from ..errors import MattingError, ShapeError
from ..job import Job
from ..node import method
from ..parameters import Advanced, Slider


@method("alpha_matte", title="Closed form")
def closed_form(
    image: Image,
    trimap: Trimap,
    *,
    epsilon: Annotated[float, Slider(1e-9, 1e-2), Advanced()] = 1e-7,
    iterations: Annotated[int, Slider(1, 100_000), Advanced()] = 10_000,
    job: Job,
) -> Alpha:
    """Find the matte that is, in every 3 × 3 window, a linear function of color.

    Exact and without training; the time grows fast with the number of unknown pixels.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture, at least 3 × 3 pixels.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    epsilon : float
        Regularization of the windows' color covariance, for colors in 0..1. Larger is smoother.
    iterations : int
        Give up after so many rounds of the solver (conjugate gradients).

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    ShapeError
        If the image is smaller than 3 × 3.

    Notes
    -----
    Levin, Lischinski and Weiss, "A Closed-Form Solution to Natural Image Matting", PAMI 2008,
    solved by PyMatting with a thresholded incomplete Cholesky preconditioner.
    """
    if min(image.shape[:2]) < 3:
        raise ShapeError(
            f"The image is {image.shape[1]} × {image.shape[0]} pixels",
            "Closed form looks at windows of 3 × 3 pixels",
            "Use an image of at least 3 × 3 pixels",
        )
    job.step(0, message="Closed form (the first use compiles PyMatting: a minute or two)")
    values = np.where(unknown(trimap), 0.5, trimap / 255)
    try:
        return _solve(as_rgb(image).astype(np.float64), values, epsilon, iterations, job)
    except (ValueError, np.linalg.LinAlgError) as error:
        raise MattingError(
            f"Closed form found no solution: {error}",
            "The unknown region must be small enough to be solved from its surroundings",
            "Mark more foreground and background, or choose a larger epsilon",
        ) from error


def _solve(image: Any, trimap: Any, epsilon: float, iterations: int, job: Job) -> Alpha:
    from pymatting import cf_laplacian, cg, ichol

    job.step(0.05, message="Closed form: Laplacian")
    known = (trimap == 0) | (trimap == 1)
    laplacian = cf_laplacian(image, epsilon=epsilon, is_known=known)
    job.step(0.2, message="Closed form: preconditioner")
    fixed, free = known.ravel(), ~known.ravel()
    rows = laplacian[free]
    # L_U x_U = −R x_K, the rows of Lx = 0 at unknown pixels.
    system, right = rows[:, free], -rows[:, fixed] @ trimap.ravel()[fixed]
    preconditioner = ichol(system)

    def watch(_a: Any, _x: Any, _b: Any, size: float, _r: Any, residual: float) -> None:
        # The residual falls from 1 to 1e-7 of the right side: show it on a log scale.
        part = np.log10(max(residual, 1e-300) / max(size, 1e-300)) / -7
        job.step(0.5 + 0.5 * float(np.clip(part, 0, 1)), message="Closed form: solving")

    job.step(0.5, message="Closed form: solving")
    alpha = trimap.astype(np.float32).ravel()
    alpha[free] = cg(system, right, M=preconditioner, maxiter=iterations, callback=watch)
    return alpha.reshape(trimap.shape)  # type: ignore[no-any-return]
