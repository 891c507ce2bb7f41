"""Deep Image Matting: an encoder and a decoder, then a stage that refines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..arrays import Alpha, Image, Trimap, unknown
from ..framework.register import method
from ..job import Job
from ..models.inputs import grey_trimap, in_8_bits, in_floats, normalized
from ..models.parameters import Precision, Recipe, Tile, Weights
from ..models.predict import predict
from ..resizing import resized

if TYPE_CHECKING:
    import torch

STRIDE = 32
# The longest side in the demo of vgg16, in pixels
LARGEST = 1600


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
    recipe: Recipe = "full",
    device: str,
    job: Job,
) -> Alpha:
    """Predict alpha by a Deep Image Matting network; published weights are non-commercial.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    network : {"vgg16", "segnet", "two_vgg16", "two_resnet50"}
        vgg16's published weights are non-commercial, segnet's are under the MIT licence but
        trained on non-commercial data; the two with an encoder for the picture and one for the
        trimap have to be trained first.
    refinement : bool
        Whether to use the refinement stage, if the weights have one.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    WeightsError
        If the weights are not available or do not fit.

    Notes
    -----
    Xu, Price, Cohen and Huang, "Deep Image Matting", CVPR 2017 (arXiv:1703.03872). Full: sides
    that are no multiples of 32 are filled up by reflection. Published: for vgg16 picture and trimap
    are shrunk linearly, in 8 bits, to sides that are multiples of 32, 1600 pixels at most, whatever
    the proportions; segnet takes the picture as it is, in one piece; nothing is published of the
    two to be trained, and it is the same as full.
    """
    as_published = network if recipe == "published" else ""
    colors, regions = image, grey_trimap(trimap)[0]
    if as_published == "vgg16":
        high, wide = (min(LARGEST, max(1, side // STRIDE) * STRIDE) for side in trimap.shape)
        colors, regions = (
            in_floats(resized(part, high, wide, "linear"))
            for part in (in_8_bits(image), np.round(255 * regions).astype(np.uint8))
        )
    planes = np.concatenate([normalized(colors), regions[None]])

    def stage(network: Any, answer: Any) -> torch.Tensor:
        if not isinstance(answer, tuple):
            return answer  # type: ignore[no-any-return]
        coarse, refined = answer
        return refined if refinement and not network.absent else coarse  # type: ignore[no-any-return]

    alpha = predict(
        f"dim_{network}",
        planes,
        unknown(trimap),
        device=device,
        precision=precision,
        weights=weights,
        tile=tile,
        pick=stage,
        in_one_piece=as_published == "segnet",
        job=job,
    )
    result: Alpha = alpha[0]
    return result
