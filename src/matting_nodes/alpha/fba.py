"""FBA: a network that predicts alpha together with the colors of both sides."""

from __future__ import annotations

from ..arrays import Alpha, Image, Trimap
from ..framework.register import method
from ..job import Job
from ..models.fba import run_fba
from ..models.parameters import Precision, Recipe, Tile, Weights


@method("alpha_matte", title="FBA (network)", networks=("fba",))
def fba(
    image: Image,
    trimap: Trimap,
    *,
    weights: Weights = "",
    precision: Precision = "auto",
    tile: Tile = 0,
    recipe: Recipe = "published",
    device: str,
    job: Job,
) -> Alpha:
    """Predict alpha by FBA Matting; Estimate Foreground has its colors. Non-commercial weights.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.

    Returns
    -------
    (H, W) float32, 0..1

    Raises
    ------
    WeightsError
        If the weights are not available or do not fit.

    Notes
    -----
    Forte and Pitié, "F, B, Alpha Matting", 2020 (arXiv:2003.07711). Published: picture and trimap
    are enlarged by Lanczos' filter to sides that are multiples of 8.
    """
    alpha: Alpha = run_fba(
        image,
        trimap,
        recipe=recipe,
        device=device,
        precision=precision,
        weights=weights,
        tile=tile,
        job=job,
    )[0]
    return alpha
