"""Mattes with the outlines of real things: where part of a photograph is lighter than the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .colors import photograph
from .mattes import Chance, Matte, Size, out_of_focus, solid

Floats = NDArray[Any]
Bytes = NDArray[Any]

KIND = "natural"
"""Its name among the kinds of mattes."""


def natural(chance: Chance, photographs: Sequence[Bytes], size: Size) -> tuple[Matte, Floats]:
    """Return a matte whose edge follows a photograph's, and colors that belong to it.

    Far from the edge, as a blurred copy of the photograph finds it, α is 0 or 1; near it, it is a
    soft threshold of a random mix of channels.

    Parameters
    ----------
    chance : numpy.random.Generator
    photographs : sequence of (h, w, 3) uint8
    size : (int, int)
        Height and width.

    Returns
    -------
    matte : Matte
    colors : (H, W, 3) float32, 0..1
        Of the lighter part; where it is thin, those nearby.
    """
    colors = photograph(chance, photographs, size)
    mix = chance.normal(0, 1, 3) + chance.choice([-1, 1])
    light = colors @ mix.astype(np.float32)
    light = (light - light.mean()) / max(float(light.std()), 1e-3)
    light = cv2.GaussianBlur(light, (0, 0), float(chance.uniform(0.4, 1.5)))
    coarse = cv2.GaussianBlur(light, (0, 0), float(np.exp(chance.uniform(1.4, 3.2))))
    coarse -= float(np.quantile(coarse, chance.uniform(0.35, 0.65)))
    level = float(np.quantile(light, chance.uniform(0.35, 0.65)))
    fine = (light - level) / float(np.exp(chance.uniform(-2, 0.3))) + 0.5
    margin = chance.uniform(0.1, 0.5)
    beyond = np.sign(coarse) * (abs(coarse) - margin).clip(0)
    alpha = (fine + 12 * beyond).clip(0, 1)
    if chance.random() < 0.4:
        alpha = np.maximum(alpha, solid(chance, size).alpha)
    alpha = out_of_focus(chance, alpha.astype(np.float32))
    weights = alpha[..., None] ** 2 + 1e-4
    near = (
        cv2.GaussianBlur(colors * weights, (0, 0), 5)
        / (cv2.GaussianBlur(weights, (0, 0), 5)[..., None])
    )
    own = alpha[..., None] * colors + (1 - alpha[..., None]) * near
    return Matte(alpha, np.ones(size, np.float32)), own.clip(0, 1).astype(np.float32)
