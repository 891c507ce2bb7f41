"""MODNet: a small network that finds the person in a portrait."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from ..arrays import Image, Mask
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ..models.parameters import Precision, Recipe, Weights
from ..models.trimap_free import modnet_matte


@method("segment", title="MODNet (network)", networks=("modnet",))
def modnet(
    image: Image,
    *,
    soft: bool = False,
    shorter_side: Annotated[int, Slider(32, 4096, unit="px"), Advanced()] = 512,
    weights: Weights = "",
    precision: Precision = "auto",
    recipe: Recipe = "published",
    device: str,
    job: Job,
) -> Mask:
    """Find the person in a portrait, fast.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    soft : bool
        Give the matte rather than 0 and 1: for Make Trimap's soft thresholds.
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
    matte = modnet_matte(
        image,
        side=shorter_side,
        recipe=recipe,
        device=device,
        precision=precision,
        weights=weights,
        job=job,
    )
    return matte if soft else (matte > 0.5).astype(np.float32)
