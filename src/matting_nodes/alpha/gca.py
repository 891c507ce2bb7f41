"""GCA: a network with attention between unknown parts that look alike."""

from __future__ import annotations

import numpy as np

from ..arrays import Alpha, Image, Trimap, unknown
from ..framework.register import method
from ..job import Job
from ..models.inputs import next_multiples, normalized, one_hot_trimap
from ..models.parameters import Precision, Recipe, Tile, Weights
from ..models.predict import predict

# Reflected around the picture, as published; also the network's stride
BORDER = 32


@method("alpha_matte", title="GCA (network)", networks=("gca",))
def gca(
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
    """Predict alpha by GCA Matting, good on hair and fur; its weights are non-commercial.

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
    Li and Lu, "Natural Image Matting via Guided Contextual Attention", AAAI 2020
    (arXiv:2001.04069). Published: picture and trimap are reflected by 32 pixels on all sides, and
    further on the right and below to sides that are multiples of 32.
    """
    planes = np.concatenate([normalized(image), one_hot_trimap(trimap)])
    border = BORDER if recipe == "published" else 0
    larger = next_multiples(trimap.shape, BORDER)
    around = [(border, border + new - old) for new, old in zip(larger, trimap.shape, strict=True)]
    alpha = predict(
        "gca",
        np.pad(planes, ((0, 0), *around), mode="reflect"),
        np.pad(unknown(trimap), around),
        device=device,
        precision=precision,
        weights=weights,
        tile=tile,
        job=job,
    )
    height, width = trimap.shape
    return alpha[0, border : border + height, border : border + width]
