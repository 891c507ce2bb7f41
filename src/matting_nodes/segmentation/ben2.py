"""BEN2: a network that finds the object of a picture, with soft edges."""

from __future__ import annotations

import numpy as np

from ..arrays import Image, Mask
from ..framework.register import method
from ..job import Job
from ..models.parameters import Precision, Weights
from ..models.trimap_free import ben2_matte


@method("segment", title="BEN2 (network)", networks=("ben2",))
def ben2(
    image: Image,
    *,
    soft: bool = False,
    weights: Weights = "",
    precision: Precision = "auto",
    device: str,
    job: Job,
) -> Mask:
    """Find the object of any photo, with hair and soft edges, without pointing at it.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    soft : bool
        Give the network's matte rather than 0 and 1: for Make Trimap's soft thresholds.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    WeightsError
        If the weights are not available or do not fit.

    Notes
    -----
    Meyer and Spruyt, "BEN: Using Confidence-Guided Matting for Dichotomous Image Segmentation",
    2025 (arXiv:2501.06230).
    """
    matte = ben2_matte(image, device=device, precision=precision, weights=weights, job=job)
    return matte if soft else (matte > 0.5).astype(np.float32)
