"""MODNet: a small network for portraits that needs no trimap."""

from __future__ import annotations

from typing import Annotated

from ..arrays import Alpha, Image
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ..models.parameters import Precision, Recipe, Weights
from ..models.trimap_free import modnet_matte


@method("alpha_matte", title="MODNet (network, no trimap)", networks=("modnet",))
def modnet(
    image: Image,
    *,
    shorter_side: Annotated[int, Slider(32, 4096, unit="px"), Advanced()] = 512,
    weights: Weights = "",
    precision: Precision = "auto",
    recipe: Recipe = "published",
    device: str,
    job: Job,
) -> Alpha:
    """Predict alpha of the person in a portrait, without a trimap, fast.

    Where a trimap is given, its definite pixels stay as they are.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    shorter_side : int, pixels
        The network looks at the picture at this size, as it was trained to.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    WeightsError
        If the weights are not available or do not fit.

    Notes
    -----
    Ke, Sun, Li, Yan and Lau, "MODNet: Real-Time Trimap-Free Portrait Matting via Objective
    Decomposition", AAAI 2022 (arXiv:2011.11961).
    """
    return modnet_matte(
        image,
        side=shorter_side,
        recipe=recipe,
        device=device,
        precision=precision,
        weights=weights,
        job=job,
    )
