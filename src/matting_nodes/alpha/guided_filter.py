"""Guided filter: an instant preview, distances smoothed along the picture's edges."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import BACKGROUND, FOREGROUND, Alpha, Image, Trimap
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..trimap.band import distance_to
from ._checks import full_contrast


@method("alpha_matte", title="Guided filter (preview)")
def guided_filter(
    image: Image,
    trimap: Trimap,
    *,
    radius: Annotated[int, Slider(1, 200, unit="px")] = 20,
    epsilon: Annotated[float, Slider(1e-9, 1e-1), Advanced()] = 1e-4,
) -> Alpha:
    """Smooth the nearness of both regions along the picture's edges: instant, a first look.

    Far less exact than the solvers; the time hardly depends on the radius.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown.
    radius : int, pixels
        Radius of the windows.
    epsilon : float
        Regularization of the windows' color covariance. Larger is smoother.

    Returns
    -------
    (H, W) float32, 0..1

    Notes
    -----
    He, Sun and Tang, "Guided Image Filtering", PAMI 2013, equations 19 to 21, with the image
    in its own channels as the guide.
    """
    guide = full_contrast(image).astype(np.float64)
    values = _nearness(trimap)
    mean, mean_value = _box(guide, radius), _box(values, radius)
    products = guide[..., :, None] * guide[..., None, :]
    height, width, channels = image.shape
    # Σ = mean(I Iᵀ) − μ μᵀ and cov(I, p) = mean(I p) − μ mean(p), in every window
    spread = _box(products.reshape(height, width, -1), radius).reshape(products.shape)
    spread -= mean[..., :, None] * mean[..., None, :]
    shared = _box(guide * values[..., None], radius) - mean * mean_value[..., None]
    # a = (Σ + ε)⁻¹ cov(I, p);  b = mean(p) − aᵀ μ;  α = mean(a)ᵀ I + mean(b)
    slope = np.linalg.solve(spread + epsilon * np.eye(channels), shared[..., None])[..., 0]
    offset = mean_value - (slope * mean).sum(axis=2)
    alpha = (_box(slope, radius) * guide).sum(axis=2) + _box(offset, radius)
    result: Alpha = alpha.astype(np.float32)
    return result


def _nearness(trimap: Trimap) -> NDArray[np.float64]:
    """Return 1 in the foreground, 0 in the background, between them the ratio of distances."""
    to_foreground = distance_to(trimap == FOREGROUND).astype(np.float64)
    to_background = distance_to(trimap == BACKGROUND).astype(np.float64)
    return to_background / (to_foreground + to_background)


def _box(values: NDArray[Any], radius: int) -> NDArray[Any]:
    """Return the mean over windows of 2 radius + 1 pixels a side, reflected at the border."""
    from scipy.ndimage import uniform_filter

    mean: NDArray[Any] = uniform_filter(values, 2 * radius + 1, axes=(0, 1))
    return mean
