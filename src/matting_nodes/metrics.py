"""SAD, MSE, MAD, Grad and Conn, as the Composition-1k evaluation defines them.

After the MATLAB code that Xu et al. (2017, arXiv:1703.03872) published, and Rhemann et al.
(CVPR 2009) for Grad and Conn. Two departures make results depend on the mattes alone: alphas are
neither stretched to 0..1 first (mat2gray) nor rounded to 8 bits.
`region` is the unknown part of a trimap, or everything.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .arrays import Alpha

Region = NDArray[np.bool_]
Doubles = NDArray[np.float64]


def sad(alpha: Alpha, reference: Alpha, region: Region) -> float:
    """Return the sum of absolute differences, in thousands.

    Parameters
    ----------
    alpha, reference : (H, W) float32, 0..1
        A matte and the truth.
    region : (H, W) bool
        The pixels that count.
    """
    return float(np.abs(_error(alpha, reference, region)).sum() / 1000)


def mse(alpha: Alpha, reference: Alpha, region: Region) -> float:
    """Return the mean squared difference.

    Parameters
    ----------
    alpha, reference : (H, W) float32, 0..1
        A matte and the truth.
    region : (H, W) bool
        The pixels that count, at least one.
    """
    return float(np.square(_error(alpha, reference, region)).mean())


def mad(alpha: Alpha, reference: Alpha, region: Region) -> float:
    """Return the mean absolute difference.

    Parameters
    ----------
    alpha, reference : (H, W) float32, 0..1
        A matte and the truth.
    region : (H, W) bool
        The pixels that count, at least one.
    """
    return float(np.abs(_error(alpha, reference, region)).mean())


def grad(alpha: Alpha, reference: Alpha, region: Region, sigma: float = 1.4) -> float:
    """Return the gradient error, in thousands.

    The squared difference of the gradients' magnitudes, summed; gradients by
    derivatives of a Gaussian of `sigma` pixels, edges replicated.

    Parameters
    ----------
    alpha, reference : (H, W) float32, 0..1
        A matte and the truth.
    region : (H, W) bool
        The pixels that count.
    sigma : float, pixels
        Standard deviation of the Gaussian.
    """
    difference = _gradient(alpha, sigma) - _gradient(reference, sigma)
    return float(np.square(difference[region]).sum() / 1000)


def conn(alpha: Alpha, reference: Alpha, region: Region, step: float = 0.1) -> float:
    """Return the connectivity error, in thousands.

    For rising thresholds t, Ω is the largest 4-connected component of the pixels where both
    mattes reach t, and l(p) is the last t before pixel p leaves Ω. A pixel's connectivity
    is φ = 1 − d where d = α − l(p) is at least 0.15, else 1; the error sums |φ − φ_ref|.

    Parameters
    ----------
    alpha, reference : (H, W) float32, 0..1
        A matte and the truth.
    region : (H, W) bool
        The pixels that count.
    step : float, 0..1
        Distance between two thresholds.
    """
    level = np.full(alpha.shape, -1.0)
    thresholds = np.linspace(0, 1, round(1 / step) + 1)
    for before, threshold in pairwise(thresholds):
        both = (alpha >= threshold) & (reference >= threshold)
        # An empty intersection marks all remaining pixels.
        level[(level == -1) & ~_largest_component(both)] = before
    level[level == -1] = 1
    difference = _connectivity(alpha, level) - _connectivity(reference, level)
    return float(np.abs(difference[region]).sum() / 1000)


def _error(alpha: Alpha, reference: Alpha, region: Region) -> Doubles:
    return alpha[region].astype(np.float64) - reference[region]


def gradient_kernels(sigma: float = 1.4) -> tuple[Doubles, Doubles]:
    """Return the derivative of a Gaussian and the Gaussian; their product has unit L2 norm.

    Parameters
    ----------
    sigma : float, pixels
    """
    half = math.ceil(sigma * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * sigma * 0.01)))
    u = np.arange(-half, half + 1, dtype=np.float64)
    gauss = np.exp(-(u**2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))
    slope = -u * gauss / sigma**2
    slope /= np.linalg.norm(slope) * np.linalg.norm(gauss)
    return slope, gauss


def _gradient(alpha: Alpha, sigma: float) -> Doubles:
    import cv2

    slope, gauss = gradient_kernels(sigma)
    values = alpha.astype(np.float64)
    parts = [
        cv2.sepFilter2D(values, cv2.CV_64F, *kernels, borderType=cv2.BORDER_REPLICATE)
        for kernels in ((slope, gauss), (gauss, slope))
    ]
    return np.hypot(*parts)


def _largest_component(region: Region) -> Region:
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        region.astype(np.uint8), connectivity=4
    )
    if count == 1:
        return region
    # Label 0 is the outside of the region.
    largest: Region = labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    return largest


def _connectivity(alpha: Alpha, level: Doubles) -> Doubles:
    distance = alpha - level
    return 1 - distance * (distance >= 0.15)
