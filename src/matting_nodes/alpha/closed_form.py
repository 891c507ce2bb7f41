"""Closed form: the matte for which local colors are as linear as can be."""

from __future__ import annotations

from typing import Annotated

from ..arrays import Alpha, Image, Trimap
from ..job import Job
from ..node import method
from ..parameters import Advanced, Slider
from ._pymatting import estimate, preconditioner, watched

TITLE = "Closed form"


@method("alpha_matte", title=TITLE)
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
    return estimate(
        "cf",
        TITLE,
        image,
        trimap,
        job,
        preconditioner=preconditioner(TITLE, job),
        laplacian_kwargs={"epsilon": epsilon},
        cg_kwargs=watched(TITLE, job, iterations),
    )
