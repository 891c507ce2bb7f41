"""Large kernel: closed form's equations over wide windows."""

from __future__ import annotations

from typing import Annotated

from ..arrays import Alpha, Image, Trimap
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ._pymatting import estimate

TITLE = "Large kernel"


@method("alpha_matte", title=TITLE)
def large_kernel(
    image: Image,
    trimap: Trimap,
    *,
    radius: Annotated[int, Slider(1, 60, unit="px")] = 10,
    epsilon: Annotated[float, Slider(1e-9, 1e-2), Advanced()] = 1e-7,
    iterations: Annotated[int, Slider(1, 100_000), Advanced()] = 10_000,
    job: Job,
) -> Alpha:
    """Solve closed form's equations over windows many pixels wide.

    It needs little memory, but many rounds: slow on large unknown regions.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture, at least 4 radius + 1 pixels high and wide.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    radius : int, pixels
        Radius of the windows.
    epsilon : float
        Regularization of the windows' color covariance.
    iterations : int
        Give up after so many rounds of the solver (conjugate gradients).

    Returns
    -------
    (H, W) float32, 0..1

    Notes
    -----
    He, Sun and Tang, "Fast Matting Using Large Kernel Matting Laplacian Matrices", CVPR 2010,
    in PyMatting's implementation.
    """
    return estimate(
        "lkm",
        TITLE,
        image,
        trimap,
        job,
        # Sums over windows of sums over windows.
        window=4 * radius + 1,
        laplacian_kwargs={"epsilon": epsilon, "radius": radius},
        iterations=iterations,
    )
