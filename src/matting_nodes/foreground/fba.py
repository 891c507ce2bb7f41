"""FBA: a network that predicts the colors of both sides together with alpha."""

from __future__ import annotations

import numpy as np

from ..arrays import Alpha, Image, Trimap, unknown
from ..framework.register import method
from ..job import Job
from ..models.fba import run_fba
from ..models.parameters import Precision, Recipe, Tile, Weights


@method("estimate_foreground", title="FBA (network)", networks=("fba",))
def fba(
    image: Image,
    alpha: Alpha,
    trimap: Trimap,
    *,
    weights: Weights = "",
    precision: Precision = "auto",
    tile: Tile = 0,
    recipe: Recipe = "published",
    device: str,
    job: Job,
) -> tuple[Image, Image]:
    """Predict the colors by FBA Matting, best with its own alpha; its weights are non-commercial.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    alpha : (H, W) float32, 0..1
        Its matte, which is not used: the network predicts its own from the trimap.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.

    Returns
    -------
    foreground, background : like image
        Where the trimap is not unknown, the picture's own colors.

    Raises
    ------
    WeightsError
        If the weights are not available or do not fit.

    Notes
    -----
    Forte and Pitié, "F, B, Alpha Matting", 2020 (arXiv:2003.07711). Published: picture and trimap
    are enlarged by Lanczos' filter to sides that are multiples of 8.
    """
    solved = unknown(trimap)[..., None]
    if not solved.any():
        return image, image
    found = run_fba(
        image,
        trimap,
        recipe=recipe,
        device=device,
        precision=precision,
        weights=weights,
        tile=tile,
        job=job,
    )
    foreground, background = (_colors(found[part], image) for part in (slice(1, 4), slice(4, 7)))
    return np.where(solved, foreground, image), np.where(solved, background, image)


def _colors(planes: Image, image: Image) -> Image:
    """Return planes as a picture with the channels of another; for grey, their mean."""
    picture = planes.transpose(1, 2, 0)
    return picture if image.shape[2] == 3 else picture.mean(axis=2, keepdims=True)
