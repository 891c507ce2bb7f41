"""Portrait: a U-Net that finds the person in a portrait."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from ..arrays import Image, Mask, as_rgb
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job
from ..models.inputs import in_8_bits, in_floats, normalized
from ..models.parameters import Precision, Recipe, Weights
from ..models.predict import predict
from ..resizing import resized, size_within

STRIDE = 32


@method("segment", title="Portrait U-Net (network)", networks=("unet_resnext50",))
def portrait(
    image: Image,
    *,
    soft: bool = False,
    longer_side: Annotated[int, Slider(64, 4096, unit="px"), Advanced()] = 320,
    weights: Weights = "",
    precision: Precision = "auto",
    recipe: Recipe = "full",
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
        If the weights are not available or do not fit.

    Notes
    -----
    Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015 (arXiv:1505.04597), with the published
    weights of github.com/nizhib/portrait-demo. Published: the picture is shrunk by a bicubic
    filter, in 8 bits, and reflected on all sides alike; full: by the mean, on the right and below.
    """
    from scipy.special import expit

    height, width = image.shape[:2]
    if recipe == "published":
        small = _thumbnail(image, longer_side)
    else:
        small = resized(as_rgb(image), *size_within(height, width, longer_side), "area")
    high, wide = small.shape[:2]
    top = left = 0
    seen = small
    if recipe == "published":
        down, across = -high % STRIDE, -wide % STRIDE
        top, left = down // 2, across - across // 2
        border = ((top, down - top), (left, across - left), (0, 0))
        seen = np.pad(small, border, mode="reflect")
    logits = predict(
        "unet_resnext50",
        normalized(seen),
        np.ones(seen.shape[:2], bool),
        device=device,
        precision=precision,
        weights=weights,
        tile=0,
        job=job,
    )
    probability = expit(logits[0, top : top + high, left : left + wide])
    mask = resized(probability.astype(np.float32), height, width, "linear")
    return mask if soft else (mask > 0.5).astype(np.float32)


def _thumbnail(image: Image, side: int) -> Image:
    """Return a picture whose longer side is at most `side` pixels, as Pillow makes thumbnails."""
    from PIL import Image as Pillow

    small = Pillow.fromarray(in_8_bits(image))
    small.thumbnail((side, side))
    return in_floats(np.asarray(small))
