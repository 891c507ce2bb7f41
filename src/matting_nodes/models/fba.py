"""FBA Matting as two nodes use it: alpha and the colors of both sides at once."""

from __future__ import annotations

import numpy as np

from ..arrays import BACKGROUND, FOREGROUND, Image, Trimap, unknown
from ..job import Job
from .inputs import Planes, nearness, normalized
from .predict import predict

# Of the Gaussians by which the network sees how near the known regions are, in pixels
RADII = (0.02 * 320, 0.08 * 320, 0.16 * 320)


def fba_planes(image: Image, trimap: Trimap) -> Planes:
    """Return what FBA Matting looks at, (11, H, W)."""
    known = (trimap == BACKGROUND, trimap == FOREGROUND)
    near = [nearness(region, radius) for region in known for radius in RADII]
    return np.concatenate([normalized(image), np.stack([*near, *known]).astype(np.float32)])


def run_fba(
    image: Image,
    trimap: Trimap,
    *,
    device: str,
    precision: str,
    weights: str,
    tile: int,
    job: Job,
) -> Planes:
    """Return alpha, foreground and background, (7, H, W), where the trimap is unknown."""
    return predict(
        "fba",
        fba_planes(image, trimap),
        unknown(trimap),
        device=device,
        precision=precision,
        weights=weights,
        tile=tile,
        job=job,
    )
