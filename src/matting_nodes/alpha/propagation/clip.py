"""Sampled propagation through the frames of a clip: each knows what the last ones said of α."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...arrays import Alpha, Image, Trimap
from ...job import Job
from .solve import Floats, propagated

ENERGY = 1e-3
"""Energy of the error at which frames are solved: within 0.02 at any pixel."""
PAST_SHARE, SOLUTION_WEIGHT = 0.8, 0.03
"""What a frame's estimates count in the next one, and weight of the last solution."""


class Past(NamedTuple):
    """What earlier frames of a clip say of α, at the places of the current one."""

    alpha: Floats
    """(H, W), the last solution."""
    term: Floats
    """(2, H, W): Σ w α̂ and Σ w over earlier frames, older ones counting less."""

    def moved(self, x: Floats, y: Floats) -> Past:
        """Return the same for the next frame.

        Parameters
        ----------
        x, y : (H, W) float32, pixels
            Where each of its pixels was in this frame.
        """
        import cv2

        def at(plane: Floats, flag: int = cv2.INTER_CUBIC) -> Floats:
            # Linear interpolation would blur α a little more with each frame.
            return np.asarray(cv2.remap(plane, x, y, flag, borderMode=cv2.BORDER_REPLICATE))

        height, width = self.alpha.shape
        seen = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
        value, weight = (at(plane) * seen for plane in self.term)
        weight = np.maximum(weight, 0)
        return Past(at(self.alpha).clip(0, 1), np.stack([value.clip(0, weight), weight]))


def propagated_on(
    image: Image,
    trimap: Trimap,
    past: Past | None,
    job: Job,
    more: Floats | None = None,
) -> tuple[Alpha, Past]:
    """Return the matte of a frame of a clip, and what it says of the frames to come.

    The estimates of earlier frames, moved with the object, join those of this one: each sees the
    object before another background. The last solution is a data term too, and what the solver
    begins with. Where there is no past, the result is that of a single picture.

    Parameters
    ----------
    image, trimap, job
        As for `propagated`.
    past : Past, optional
        Of the frames before, at the places of this one.
    more : (2, N) float32, optional
        Σ w α̂ and Σ w of another data term at the unknown pixels, which counts for this frame.

    Returns
    -------
    alpha : (H, W) float32, 0..1
    past : Past
        Also of this frame, at its places.
    """
    pooled: Floats = np.empty(0, np.float32)

    def join(term: Floats, solve: NDArray[np.bool_]) -> tuple[Floats, Floats | None]:
        nonlocal pooled
        pooled = np.stack([term[1] * term[0], term[1]])
        if past is not None:
            pooled += np.float32(PAST_SHARE) * past.term * solve
        if past is None and more is None:
            return term, None
        # Σ w (α − α̂)² = (Σ w) (α − Σ w α̂ / Σ w)² + const.
        value, weight = pooled.copy()
        if more is not None:
            value[solve] += more[0]
            weight[solve] += more[1]
        if past is not None:
            value = value + np.float32(SOLUTION_WEIGHT) * past.alpha * solve
            weight = weight + np.float32(SOLUTION_WEIGHT) * solve
        mean = np.divide(value, weight, out=term[0].copy(), where=solve & (weight > 0))
        if past is None:
            return np.stack([mean, weight]), None
        guess = mean.copy()
        np.copyto(guess, past.alpha, where=solve)
        return np.stack([mean, weight]), guess

    alpha = propagated(image, trimap, job, energy=ENERGY, join=join)
    return alpha, Past(alpha, pooled)
