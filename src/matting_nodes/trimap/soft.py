"""Soft thresholds: a network's soft mask, or a trimap from elsewhere, as a trimap."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from ..arrays import BACKGROUND, FOREGROUND, Mask, Trimap
from ..errors import ParameterError
from ..framework.parameters import Slider
from ..framework.register import method


@method("make_trimap", title="Soft thresholds")
def soft(
    mask: Mask,
    *,
    low: Annotated[float, Slider(0, 1, step=0.01)] = 0.05,
    high: Annotated[float, Slider(0, 1, step=0.01)] = 0.95,
) -> Trimap:
    """Make values between two thresholds unknown, and keep them as an initial guess of alpha.

    Trimaps painted by hand, scribbles and trimap files are left unchanged.

    Parameters
    ----------
    mask : (H, W) float32, 0..1
        A soft mask.
    low, high : float, 0..1
        Up to low is background, from high foreground.

    Returns
    -------
    (H, W) uint8
        0, 255, and between them 255 times the mask.

    Raises
    ------
    ParameterError
        If low is not less than high.
    """
    if low >= high:
        raise ParameterError(
            f"low of Make Trimap (Soft thresholds) is {low:g} and high is {high:g}",
            "low must be less than high",
            "Move them apart",
        )
    # Values in between must not be read as known again: 6 to 249 of 255.
    trimap: Trimap = np.floor(mask * 255 + 0.5).clip(6, 249).astype(np.uint8)
    trimap[mask <= low] = BACKGROUND
    trimap[mask >= high] = FOREGROUND
    return trimap
