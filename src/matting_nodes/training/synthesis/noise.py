"""Smooth random fields."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]


def smooth_noise(chance: np.random.Generator, size: tuple[int, int], period: float) -> Floats:
    """Return noise that varies over about `period` pixels, (H, W), normally distributed.

    Parameters
    ----------
    chance : numpy.random.Generator
    size : (int, int)
        Height and width.
    period : float, pixels
        How far apart independent values lie.
    """
    cells = [max(2, round(side / max(period, 1)) + 3) for side in size]
    grid = chance.standard_normal(cells).astype(np.float32)
    noise: Floats = cv2.resize(grid, size[::-1], interpolation=cv2.INTER_CUBIC)
    return noise


def fractal_noise(
    chance: np.random.Generator, size: tuple[int, int], period: float, falloff: float = 0.5
) -> Floats:
    """Return a sum of noises of half the period each, (H, W), scaled to 0..1.

    Parameters
    ----------
    chance : numpy.random.Generator
    size : (int, int)
        Height and width.
    period : float, pixels
        Of the coarsest one.
    falloff : float
        Amplitude of each one, relative to the one before.
    """
    total, amplitude = np.zeros(size, np.float32), 1.0
    while period >= 2:
        total += np.float32(amplitude) * smooth_noise(chance, size, period)
        period, amplitude = period / 2, amplitude * falloff
    low, high = float(total.min()), float(total.max())
    scaled: Floats = (total - low) / max(high - low, 1e-6)
    return scaled
