"""ViTMatte: a vision transformer, the most accurate of the networks here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..arrays import Alpha, Image, Trimap, unknown
from ..framework.register import method
from ..job import Job
from ..models.inputs import grey_trimap, normalized
from ..models.parameters import Precision, Recipe, Tile, Weights
from ..models.predict import predict

if TYPE_CHECKING:
    import torch


@method("alpha_matte", title="ViTMatte (network)", networks=("vitmatte_small", "vitmatte_base"))
def vitmatte(
    image: Image,
    trimap: Trimap,
    *,
    size: Literal["small", "base"] = "small",
    weights: Weights = "",
    precision: Precision = "auto",
    tile: Tile = 0,
    recipe: Recipe = "published",
    device: str,
    job: Job,
) -> Alpha:
    """Predict alpha by ViTMatte, the most accurate network here; trained on non-commercial data.

    It needs the package transformers: pip install "matting-nodes[networks]".

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    size : {"small", "base"}
        base is four times as large, and a little better.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    WeightsError
        If the weights are not available or do not fit.
    DependencyError
        If transformers is not installed.

    Notes
    -----
    Yao, Wang, Yang and Wang, "ViTMatte: Boosting Image Matting with Pretrained Plain Vision
    Transformers", Information Fusion 2024 (arXiv:2305.15272), in transformers' implementation.
    The picture is normalized by ImageNet's mean and deviation, with which the authors trained;
    transformers' processor takes 0.5 and 0.5, though its weights are the authors' renamed.
    Published: sides that are no multiples of 32 are filled up by zeros.
    """

    def alpha_of(_network: Any, answer: Any) -> torch.Tensor:
        # The whole network returns more than alpha, its second half returns alpha alone.
        return getattr(answer, "alphas", answer)  # type: ignore[no-any-return]

    alpha = predict(
        f"vitmatte_{size}",
        np.concatenate([normalized(image), grey_trimap(trimap)]),
        unknown(trimap),
        device=device,
        precision=precision,
        weights=weights,
        tile=tile,
        stride=32,
        padding="zeros" if recipe == "published" else "reflect",
        pick=alpha_of,
        job=job,
    )
    result: Alpha = alpha[0]
    return result
