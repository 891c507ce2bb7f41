"""Guided filter: an instant preview, distances filtered along the picture's edges."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
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
    guide = full_contrast(image)[box]
    result = np.zeros(trimap.shape, np.float32)
    alpha = result[box]
    bands = [slice(top, top + BAND) for top in range(0, len(guide), BAND)]
    numbers = range(guide.shape[2])
    pairs = list(combinations_with_replacement(numbers, 2))
    mean = partial(_box, radius=radius)
    # OpenCV and NumPy compute without Python's lock: each plane in a thread of its own.
    with ThreadPoolExecutor(thread_count()) as pool:
        to_foreground, to_background, *channels = pool.map(
            lambda plane: plane(),
            [
                lambda: distance_to(trimap == FOREGROUND)[box],
                lambda: distance_to(trimap == BACKGROUND)[box],
                *(partial(np.ascontiguousarray, guide[..., n], np.float64) for n in numbers),
            ],
        )
        # 1 in the foreground, 0 in the background, between them the ratio of distances
        values = np.divide(to_background, to_foreground + to_background, dtype=np.float64)
        *means, mean_values = pool.map(mean, [*channels, values])
        # mean(I Iᵀ) and mean(I p)
        products = list(
            pool.map(lambda a, b: mean(channels[a] * channels[b]), *zip(*pairs, strict=True))
        )
        crossed = list(pool.map(lambda n: mean(channels[n] * values), numbers))
        slopes, offset = [np.empty_like(values) for _ in numbers], np.empty_like(values)

        def solve(rows: slice) -> None:
            # a = (Σ + ε)⁻¹ cov(I, p);  b = mean(p) − aᵀ mean(I), in every window
            m, right = [plane[rows] for plane in means], mean_values[rows]
            covariance = {
                (i, j): ij[rows] - m[i] * m[j] + epsilon * (i == j)
                for (i, j), ij in zip(pairs, products, strict=True)
            }
            shared = [ip[rows] - m[n] * right for n, ip in enumerate(crossed)]
            found = _solved(covariance, shared)
            for plane, slope in zip(slopes, found, strict=True):
                plane[rows] = slope
            offset[rows] = right - sum(slope * m[n] for n, slope in enumerate(found))

        list(pool.map(solve, bands))
        *slopes, offset = pool.map(mean, [*slopes, offset])

        def apply(rows: slice) -> None:
            # α = mean(a)ᵀ I + mean(b)
            terms = (slope[rows] * channels[n][rows] for n, slope in enumerate(slopes))
            alpha[rows] = sum(terms) + offset[rows]

        list(pool.map(apply, bands))
    return result


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
