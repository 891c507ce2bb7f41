"""IndexNet: a small network that learns where details come from and where they go."""

from __future__ import annotations

import numpy as np

from ..arrays import Alpha, Image, Trimap, unknown
from ..framework.register import method
from ..job import Job
from ..models.inputs import grey_trimap, normalized, resized
from ..models.predict import predict
from ..models.settings import Precision, Tile, Weights

STRIDE = 32


@method("alpha_matte", title="IndexNet (network)", networks=("indexnet",))
def indexnet(
    image: Image,
    trimap: Trimap,
    *,
    weights: Weights = "",
    precision: Precision = "auto",
    tile: Tile = 0,
    device: str,
    job: Job,
) -> Alpha:
    """Ask IndexNet Matting, the smallest of the networks; its weights are non-commercial.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    WeightsError
        If the weights cannot be had or do not fit.

    Notes
    -----
    Lu, Dai, Shen and Xu, "Indices Matter: Learning to Index for Deep Image Matting", ICCV 2019
    (arXiv:1908.00672). As published: the picture is enlarged to sides that are multiples of 32.
    """
    height, width = trimap.shape
    high, wide = (-(-side // STRIDE) * STRIDE for side in (height, width))
    larger = resized(image, high, wide, "cubic").clip(0, 1)
    marked = resized(trimap, high, wide, "nearest")
    planes = np.concatenate([normalized(larger), grey_trimap(marked)])
    alpha = predict(
        "indexnet",
        planes,
        unknown(marked),
        device=device,
        precision=precision,
        weights=weights,
        tile=tile,
        job=job,
    )
    return resized(alpha[0], height, width, "cubic")
