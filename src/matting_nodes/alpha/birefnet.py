"""BiRefNet for matting: a network that needs no trimap."""

from __future__ import annotations

from typing import Annotated, Literal

from ..arrays import Alpha, Image
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ..models.parameters import PatchOrder, Precision, Weights
from ..models.trimap_free import birefnet_mask


@method(
    "alpha_matte",
    title="BiRefNet (network, no trimap)",
    networks=("birefnet_matting", "birefnet_lite_matting", "birefnet_hr_matting"),
)
def birefnet(
    image: Image,
    *,
    network: Literal["matting", "lite_matting", "hr_matting"] = "matting",
    side: Annotated[int, Slider(0, 4096, unit="px"), Advanced()] = 0,
    patch_order: PatchOrder = "as published",
    weights: Weights = "",
    precision: Precision = "auto",
    device: str,
    job: Job,
) -> Alpha:
    """Predict alpha of the object of any photo, without a trimap.

    Where a trimap is given, its definite pixels stay as they are.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    network : str
        matting for anything; lite_matting, a tenth as large; hr_matting for large pictures.
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
    AIR 2024 (arXiv:2401.03407).
    """
    return birefnet_mask(
        f"birefnet_{network}",
        image,
        side=side,
        patch_order=patch_order,
        device=device,
        precision=precision,
        weights=weights,
        job=job,
    )
