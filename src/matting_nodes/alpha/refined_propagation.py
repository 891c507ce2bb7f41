"""Refined propagation: a small network corrects what sampled propagation found."""

from __future__ import annotations

from ..arrays import Alpha, Image, Trimap
from ..framework.register import method
from ..job import Job
from ..models.parameters import Precision, Tile, Weights
from ._checks import check_window
from .propagation import REFINED_TITLE


@method("alpha_matte", title=f"{REFINED_TITLE} (network)", networks=("refiner",))
def refined_propagation(
    image: Image,
    trimap: Trimap,
    *,
    weights: Weights = "",
    precision: Precision = "auto",
    tile: Tile = 0,
    device: str,
    job: Job,
) -> Alpha:
    """Estimate alpha by sampled propagation, and let a small network correct it.

    The network comes with the package; nothing is fetched.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture, at least 3 × 3 pixels.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    ShapeError
        If the image is smaller than 3 × 3.
    WeightsError
        If weights of your own do not fit.

    Notes
    -----
    A U-Net of 0.7 million parameters sees the picture, the trimap, and of sampled propagation α,
    the estimate α̂ from color samples and its confidence, and adds a correction to α. It was trained
    on generated pictures alone; docs/model-card-refiner.md says on which, and where it fails.
    """
    check_window(image, 3, REFINED_TITLE)
    job.step(0, message=REFINED_TITLE)
    from .propagation.refined import refined

    alpha, _ = refined(
        image, trimap, job, device=device, precision=precision, weights=weights, tile=tile
    )
    return alpha
