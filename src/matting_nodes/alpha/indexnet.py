"""IndexNet: a small network that learns its pooling and upsampling indices."""

from __future__ import annotations

import numpy as np

from ..arrays import Alpha, Image, Trimap, unknown
from ..framework.register import method
from ..job import Job
from ..models.inputs import grey_trimap, next_multiples, normalized, resized_planes
from ..models.parameters import Precision, Recipe, Tile, Weights
from ..models.predict import predict

STRIDE = 32


@method("alpha_matte", title="IndexNet (network)", networks=("indexnet",))
def indexnet(
    image: Image,
    trimap: Trimap,
    *,
    weights: Weights = "",
    precision: Precision = "auto",
    tile: Tile = 0,
    recipe: Recipe = "published",
    device: str,
    job: Job,
) -> Alpha:
    """Predict alpha by IndexNet Matting, the smallest network; its weights are non-commercial.

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
        If the weights are not available or do not fit.

    Notes
    -----
    Lu, Dai, Shen and Xu, "Indices Matter: Learning to Index for Deep Image Matting", ICCV 2019
    (arXiv:1908.00672). Published: the picture is enlarged by a cubic filter, the trimap by the
    nearest pixel, to sides that are multiples of 32; alpha comes back by a cubic filter.
    """
    colors, regions = normalized(image), grey_trimap(trimap)
    if recipe == "published":
        size = next_multiples(trimap.shape, STRIDE)
        colors = resized_planes(colors, *size, "cubic")
        regions = resized_planes(regions, *size, "nearest")
    alpha = predict(
        "indexnet",
        np.concatenate([colors, regions]),
        unknown(trimap),
        device=device,
        precision=precision,
        weights=weights,
        tile=tile,
        back="cubic",
        job=job,
    )
    result: Alpha = alpha[0]
    return result
