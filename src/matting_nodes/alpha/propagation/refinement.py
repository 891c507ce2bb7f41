"""What the refiner looks at: the picture, its trimap, and what sampled propagation knows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...arrays import FOREGROUND, Alpha, Image, Trimap, unknown
from ...job import Job
from .data_term import BASE_WEIGHT, EXPANDED_WEIGHT
from .solve import propagated

Floats = NDArray[np.float32]
ALPHA = 5
"""Which of the refiner's planes is the solver's α."""
NEAR, FAR = 32, 80
"""Distances to the nearest known pixel, in pixels: up to the first a correction counts in full,
from the second on not at all. In composites of real objects a part of which is unknown, it made α
better up to 32 pixels, and worse by a half beyond 64."""


def solver_planes(
    image: Image, trimap: Trimap, job: Job, device: str = "cpu"
) -> tuple[Alpha, Floats]:
    """Solve a picture; return its matte, and what its color samples said.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        In full contrast.
    trimap : (H, W) uint8
    job : Job
        Reports progress, and stops the work when it is cancelled.
    device : str
        As for `propagate`.

    Returns
    -------
    alpha : (H, W) float32, 0..1
    samples : (2, H, W) float32, 0..1
        α̂, and the square root of its weight, relative to the greatest; 0 and 1 where the trimap
        is known.
    """
    samples: Floats = np.empty((2, *trimap.shape), np.float32)

    def keep(term: Floats, _solve: NDArray[np.bool_]) -> tuple[Floats, None]:
        samples[:] = samples_of(term, trimap)
        return term, None

    alpha = propagated(image, trimap, job, device=device, join=keep)
    return alpha, samples


def samples_of(term: Floats, trimap: Trimap) -> Floats:
    """Return α̂ and the square root of its weight, as `solver_planes` does.

    Parameters
    ----------
    term : (2, H, W) float32
        α̂ and w of the data term.
    trimap : (H, W) uint8
    """
    solve = unknown(trimap)
    relative = np.sqrt(term[1] / np.float32(EXPANDED_WEIGHT + BASE_WEIGHT))
    return np.stack(
        [
            np.where(solve, term[0].clip(0, 1), trimap == FOREGROUND),
            np.where(solve, relative.clip(0, 1), 1),
        ]
    ).astype(np.float32)


def correction_weight(trimap: Trimap) -> Floats:
    """Return how much of a correction counts, (H, W) in 0..1: less, far from known pixels.

    Parameters
    ----------
    trimap : (H, W) uint8
    """
    import cv2

    distance = cv2.distanceTransform(unknown(trimap).astype(np.uint8), cv2.DIST_L2, 5)
    weight: Floats = ((FAR - distance) / np.float32(FAR - NEAR)).clip(0, 1)
    return weight


def corrected(alpha: Alpha, answer: Alpha, trimap: Trimap) -> Alpha:
    """Return the solver's α, corrected where the trimap is unknown.

    Parameters
    ----------
    alpha, answer : (H, W) float32, 0..1
        The solver's α, and the refiner's.
    trimap : (H, W) uint8

    Returns
    -------
    (H, W) float32, 0..1
    """
    correction = correction_weight(trimap) * unknown(trimap) * (answer - alpha)
    result: Alpha = (alpha + correction).clip(0, 1)
    return result


def refiner_input(image: Image, trimap: Trimap, alpha: Alpha, samples: Floats) -> Floats:
    """Return the planes that `networks.refiner` takes.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        In full contrast.
    trimap : (H, W) uint8
    alpha : (H, W) float32, 0..1
    samples : (2, H, W) float32, 0..1
        As `solver_planes` returns them.

    Returns
    -------
    (8, H, W) float32
    """
    planes: Floats = np.empty((8, *trimap.shape), np.float32)
    planes[:3] = np.moveaxis(image, 2, 0) * 2 - 1
    planes[3], planes[4] = trimap == FOREGROUND, unknown(trimap)
    planes[ALPHA], planes[ALPHA + 1 :] = alpha, samples
    return planes
