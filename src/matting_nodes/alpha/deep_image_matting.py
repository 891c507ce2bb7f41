"""Deep Image Matting: an encoder and a decoder, then a second look that sharpens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..arrays import Alpha, Image, Trimap, unknown
from ..framework.register import method
from ..job import Job
from ..models.inputs import grey_trimap, normalized
from ..models.predict import predict
from ..models.settings import Precision, Tile, Weights

if TYPE_CHECKING:
    import torch


@method(
    "alpha_matte",
    title="Deep Image Matting (network)",
    networks=("dim_vgg16", "dim_segnet", "dim_two_vgg16", "dim_two_resnet50"),
)
def deep_image_matting(
    image: Image,
    trimap: Trimap,
    *,
    network: Literal["vgg16", "segnet", "two_vgg16", "two_resnet50"] = "vgg16",
    refinement: bool = True,
    weights: Weights = "",
    precision: Precision = "auto",
    tile: Tile = 0,
    device: str,
    job: Job,
) -> Alpha:
    """Ask a network of the Deep Image Matting family; published weights are non-commercial.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    network : {"vgg16", "segnet", "two_vgg16", "two_resnet50"}
        vgg16's published weights are non-commercial, segnet's are under the MIT licence but
        trained on non-commercial data; the two with an encoder for the picture and one for the
        trimap are to be trained.
    refinement : bool
        Whether the refinement stage has the last word, where the weights have one.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    WeightsError
        If the weights cannot be had or do not fit.

    Notes
    -----
    Xu, Price, Cohen and Huang, "Deep Image Matting", CVPR 2017 (arXiv:1703.03872). Sides that
    are no multiples of the network's stride are filled up by reflection.
    """

    def stage(network: Any, answer: Any) -> torch.Tensor:
        if not isinstance(answer, tuple):
            return answer  # type: ignore[no-any-return]
        coarse, refined = answer
        return refined if refinement and not network.absent else coarse  # type: ignore[no-any-return]

    alpha = predict(
        f"dim_{network}",
        np.concatenate([normalized(image), grey_trimap(trimap)]),
        unknown(trimap),
        device=device,
        precision=precision,
        weights=weights,
        tile=tile,
        pick=stage,
        job=job,
    )
    result: Alpha = alpha[0]
    return result
