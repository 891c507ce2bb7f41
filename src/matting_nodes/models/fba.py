"""FBA Matting as two nodes use it: alpha and the colors of both sides at once."""

from __future__ import annotations

import numpy as np

from ..arrays import BACKGROUND, FOREGROUND, Image, Trimap, as_rgb, unknown
from ..job import Job
from ..resizing import resized
from .inputs import Planes, nearness, next_multiples, normalized, resized_planes
from .predict import predict

STRIDE = 8
# Standard deviations of the Gaussians of how near the known regions are, in pixels
RADII = (0.02 * 320, 0.08 * 320, 0.16 * 320)


def fba_planes(image: Image, trimap: Trimap) -> Planes:
    """Return what FBA Matting looks at, (11, H, W).

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    """
    known = (trimap == BACKGROUND, trimap == FOREGROUND)
    near = [nearness(region, radius) for region in known for radius in RADII]
    return np.concatenate([normalized(image), np.stack([*near, *known]).astype(np.float32)])


def published_planes(image: Image, trimap: Trimap) -> Planes:
    """Return what its authors' demo lets it look at: sides are multiples of 8, by Lanczos' filter.

    The filter lets the planes of the trimap swing a little below 0 and above 1.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    """
    size = next_multiples(trimap.shape, STRIDE)
    known = [
        resized((trimap == side).astype(np.float64), *size, "lanczos")
        for side in (BACKGROUND, FOREGROUND)
    ]
    # In 8 bits, where what is below 0 wraps around: so published.
    eighths = [((1 - plane) * 255).astype(np.int32).astype(np.uint8) for plane in known]
    near = [nearness(plane == 0, radius) for plane in eighths for radius in RADII]
    colors = resized_planes(normalized(image), *size, "lanczos")
    return np.concatenate([colors, np.stack([*near, *known])]).astype(np.float32)


def run_fba(
    image: Image,
    trimap: Trimap,
    *,
    recipe: str,
    device: str,
    precision: str,
    weights: str,
    tile: int,
    job: Job,
) -> Planes:
    """Return alpha, foreground and background, (7, H, W), where the trimap is unknown.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    recipe : {"published", "full"}
        How sides become multiples of 8: resized by Lanczos' filter, or padded.
    device, precision, weights, tile, job
        As `predict` takes them.
    """
    found = predict(
        "fba",
        (published_planes if recipe == "published" else fba_planes)(image, trimap),
        unknown(trimap),
        device=device,
        precision=precision,
        weights=weights,
        tile=tile,
        job=job,
    )
    if recipe == "published":
        colors = as_rgb(image).transpose(2, 0, 1)
        for value, side in ((1, slice(1, 4)), (0, slice(4, 7))):
            found[side] = np.where(found[0] == value, colors, found[side])
    return found
