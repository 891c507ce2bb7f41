"""Learning based: alpha as a learnt linear function of the neighbors' colors."""

from __future__ import annotations

from typing import Annotated

from ..arrays import Alpha, Image, Trimap
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ._pymatting import estimate

TITLE = "Learning based"


@method("alpha_matte", title=TITLE, bytes_per_pixel=2000)
def learning_based(
    image: Image,
    trimap: Trimap,
    *,
    epsilon: Annotated[float, Slider(1e-9, 1e-2), Advanced()] = 1e-7,
    iterations: Annotated[int, Slider(1, 100_000), Advanced()] = 10_000,
    job: Job,
) -> Alpha:
    """Predict each alpha linearly from its 3 × 3 neighbors, by ridge regression on color.

    Results are close to those of closed form; slower.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture, at least 3 × 3 pixels.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    epsilon : float
        Weight of the ridge.
    iterations : int
        Maximum number of iterations of the solver (conjugate gradients).

    Returns
    -------
    (H, W) float32, 0..1

    Notes
    -----
    Zheng and Kambhamettu, "Learning Based Digital Matting", ICCV 2009, in PyMatting's
    implementation.
    """
    return estimate(
        "lbdm",
        TITLE,
        image,
        trimap,
        job,
        factorised=True,
        laplacian_kwargs={"epsilon": epsilon},
        iterations=iterations,
    )
