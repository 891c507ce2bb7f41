"""Portrait: a U-Net that finds the person in a portrait."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from ..arrays import Image, Mask, as_rgb
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ..models.inputs import normalized, resized, working_size
from ..models.predict import predict
from ..models.settings import Precision, Weights


@method("segment", title="Portrait U-Net (network)", networks=("unet_resnext50",))
def portrait(
    image: Image,
    *,
    soft: bool = False,
    longer_side: Annotated[int, Slider(64, 4096, unit="px"), Advanced()] = 320,
    weights: Weights = "",
    precision: Precision = "auto",
    device: str,
    job: Job,
) -> Mask:
    """Find the person in a portrait by a U-Net with a ResNeXt-50 encoder.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    soft : bool
        Give probabilities rather than 0 and 1: for Make Trimap's soft thresholds.
    longer_side : int, pixels
        The network looks at the picture at this size, as it was trained to.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    WeightsError
        If the weights cannot be had or do not fit.

    Notes
    -----
    Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015 (arXiv:1505.04597), with the published
    weights of github.com/nizhib/portrait-demo.
    """
    height, width = image.shape[:2]
    small = resized(as_rgb(image), *working_size(height, width, longer_side), "area")
    logits = predict(
        "unet_resnext50",
        normalized(small),
        np.ones(small.shape[:2], bool),
        device=device,
        precision=precision,
        weights=weights,
        tile=0,
        job=job,
    )
    probability = 1 / (1 + np.exp(-logits[0]))
    mask = resized(probability.astype(np.float32), height, width, "linear")
    return mask if soft else (mask > 0.5).astype(np.float32)
