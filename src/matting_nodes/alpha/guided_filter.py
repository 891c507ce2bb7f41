"""Guided filter: an instant preview, distances filtered along the picture's edges."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ..arrays import BACKGROUND, FOREGROUND, Alpha, Image, Trimap, unknown
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job, in_background
from ..solvers.boxes import bounds, widened
from ..solvers.parallel import thread_count
from ..trimap.band import distance_to
from ._checks import full_contrast

Floats = NDArray[np.float64]
# Rows that are solved for at a time: what is between stays in the processor's cache.
BAND = 16


@method("alpha_matte", title="Guided filter (preview)")
def guided_filter(
    image: Image,
    trimap: Trimap,
    *,
    radius: Annotated[int, Slider(1, 200, unit="px")] = 20,
    epsilon: Annotated[float, Slider(1e-9, 1e-1), Advanced()] = 1e-4,
    job: Job,
) -> Alpha:
    """Filter the distances to both regions along the picture's edges: an instant preview.

    Far less accurate than the solvers; the time hardly depends on the radius.

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
    return in_background(lambda _: _filtered(image, trimap, radius, epsilon), job)


def _filtered(image: Image, trimap: Trimap, radius: int, epsilon: float) -> Alpha:
    # A window's line depends on what lies up to a radius away, a pixel on windows as far away.
    box = widened(bounds(unknown(trimap)), 2 * radius, trimap.shape)
    guide = full_contrast(image)[box].astype(np.float64)
    channels = [np.ascontiguousarray(guide[..., channel]) for channel in range(guide.shape[2])]
    # OpenCV and NumPy compute without Python's lock: each plane in a thread of its own.
    with ThreadPoolExecutor(thread_count()) as pool:
        regions = (trimap == FOREGROUND, trimap == BACKGROUND)
        to_foreground, to_background = pool.map(lambda r: distance_to(r)[box], regions)
        # 1 in the foreground, 0 in the background, between them the ratio of distances
        total = to_foreground.astype(np.float64) + to_background
        values = to_background / total
        *means, mean = pool.map(lambda plane: _box(plane, radius), [*channels, values])
        # Σ = mean(I Iᵀ) − μ μᵀ + ε and cov(I, p) = mean(I p) − μ mean(p), in every window
        pairs = list(combinations_with_replacement(range(len(channels)), 2))
        spread = pool.map(
            lambda a, b: _covariance(channels[a], channels[b], means[a], means[b], radius),
            *zip(*pairs, strict=True),
        )
        matrix = {(a, b): s + epsilon * (a == b) for (a, b), s in zip(pairs, spread, strict=True)}
        shared = list(
            pool.map(lambda c, m: _covariance(c, values, m, mean, radius), channels, means)
        )
        # a = (Σ + ε)⁻¹ cov(I, p);  b = mean(p) − aᵀ μ;  α = mean(a)ᵀ I + mean(b)
        slopes = [np.empty_like(mean) for _ in channels]

        def solve(top: int) -> None:
            rows = slice(top, top + BAND)
            part = {pair: plane[rows] for pair, plane in matrix.items()}
            for slope, found in zip(slopes, _solved(part, [b[rows] for b in shared]), strict=True):
                slope[rows] = found

        list(pool.map(solve, range(0, len(mean), BAND)))
        offset = mean - sum(slope * m for slope, m in zip(slopes, means, strict=True))
        *slopes, alpha = pool.map(lambda plane: _box(plane, radius), [*slopes, offset])
    for slope, channel in zip(slopes, channels, strict=True):
        alpha += slope * channel
    result = np.zeros(trimap.shape, np.float32)
    result[box] = alpha
    return result


def _covariance(a: Floats, b: Floats, mean_a: Floats, mean_b: Floats, radius: int) -> Floats:
    """Return mean(a b) − mean(a) mean(b) in every window."""
    products = _box(a * b, radius)
    products -= mean_a * mean_b
    return products


def _solved(matrix: dict[tuple[int, int], Floats], right: list[Floats]) -> list[Floats]:
    """Return the solution of A x = b in every pixel, for symmetric A of one or three rows."""
    if len(right) == 1:
        return [right[0] / matrix[0, 0]]
    a, b, c, d, e, f = (matrix[pair] for pair in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))
    # The adjugate: A⁻¹ = adj(A) / det(A)
    aa, ab, ac = d * f - e * e, c * e - b * f, b * e - c * d
    bb, bc, cc = a * f - c * c, b * c - a * e, a * d - b * b
    scale = 1 / (a * aa + b * ab + c * ac)
    x, y, z = right
    return [
        (aa * x + ab * y + ac * z) * scale,
        (ab * x + bb * y + bc * z) * scale,
        (ac * x + bc * y + cc * z) * scale,
    ]


def _box(values: Floats, radius: int) -> Floats:
    """Return the mean over windows of 2 radius + 1 pixels a side, reflected at the border."""
    import cv2

    side = 2 * radius + 1
    mean = cv2.boxFilter(values, -1, (side, side), borderType=cv2.BORDER_REFLECT)
    return np.asarray(mean, np.float64)
