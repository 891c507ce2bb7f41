"""BiRefNet: a network that finds the object of a picture, in detail."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from ..arrays import Image, Mask
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ..models.parameters import PatchOrder, Precision, Weights
from ..models.trimap_free import birefnet_mask


@method(
    "segment",
    title="BiRefNet (network)",
    networks=(
        "birefnet",
        "birefnet_lite",
        "birefnet_hr",
        "birefnet_dynamic",
        "birefnet_portrait",
        "birefnet_matting",
        "birefnet_lite_matting",
        "birefnet_hr_matting",
    ),
)
def birefnet(
    image: Image,
    *,
    network: Literal[
        "general",
        "lite",
        "hr",
        "dynamic",
        "portrait",
        "matting",
        "lite_matting",
        "hr_matting",
    ] = "general",
    soft: bool = False,
    side: Annotated[int, Slider(0, 4096, unit="px"), Advanced()] = 0,
    patch_order: PatchOrder = "as published",
    weights: Weights = "",
    precision: Precision = "auto",
    device: str,
    job: Job,
) -> Mask:
    """Find the object of any photo, with hair and holes, without pointing at it.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    network : str
        general for anything; lite, five times as small; hr for large pictures; dynamic, which
        keeps the proportions; portrait; the matting ones give soft edges.
    soft : bool
        Give probabilities rather than 0 and 1: for Make Trimap's soft thresholds, whose unknown
        band then follows the network's own doubt.
    side : int, pixels
        The picture is squashed to a square of this side; 0 is what the network was trained at.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    WeightsError
        If the weights are not available or do not fit.

    Notes
    -----
    Zheng et al., "Bilateral Reference for High-Resolution Dichotomous Image Segmentation", CAAI
    AIR 2024 (arXiv:2401.03407). Weights of RMBG-2.0 (non-commercial) are of the same network, and
    want patches by columns: give the file as `weights`.
    """
    name = "birefnet" if network == "general" else f"birefnet_{network}"
    mask = birefnet_mask(
        name,
        image,
        side=side,
        patch_order=patch_order,
        device=device,
        precision=precision,
        weights=weights,
        job=job,
    )
    return mask if soft else (mask > 0.5).astype(np.float32)
