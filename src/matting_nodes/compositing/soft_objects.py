"""Objects measured by their matte: every pixel counts by the share of it that is object.

No loop runs over objects: sums over the pixels of each are `numpy.bincount`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..arrays import Alpha, Columns, Labels
from ..errors import EmptyRegionError
from ..job import Job

Doubles = NDArray[np.float64]

# Of a Gaussian edge: the distance from 10 % to 90 % in standard deviations.
FROM_10_TO_90 = 2.5631
# ∫ (Φ(z)(1 − Φ(z)))² dz of a Gaussian edge. Squared, since noise of a clipped alpha near 0 and 1
# then counts for little: α(1 − α) itself was 5 % off in Poisson noise of 6 %.
SQUARED_VARIANCE = 0.0990038
# Pixels: the standard deviation that alpha is smoothed by before its half level is traced.
SMOOTHING = 1.0


def owners(labels: Labels, reach: float) -> Labels:
    """Return for each pixel the number of the nearest object within reach, else 0.

    Parameters
    ----------
    labels : (H, W) int32
        Numbered objects.
    reach : float, pixels
        How far from an object its soft edge can lie.

    Raises
    ------
    EmptyRegionError
        If there is no object.
    """
    import cv2

    inside = labels > 0
    if not inside.any():
        raise EmptyRegionError(
            "The labels are 0 everywhere",
            "Every object has a number above 0",
            "Number the objects 1, 2, 3 …",
        )
    distances, nearest = cv2.distanceTransformWithLabels(
        (~inside).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    numbers = np.zeros(int(nearest.max()) + 1, np.int32)
    numbers[nearest[inside]] = labels[inside]
    return np.where(distances <= reach, numbers[nearest], 0).astype(np.int32)


def shapes(labels: Labels, owner: Labels, alpha: Alpha, pixel: float, job: Job) -> Columns:
    """Return the columns that need no picture; see the node Measure for their equations.

    Parameters
    ----------
    labels, owner : (H, W) int32
        The objects, and which of them each pixel around belongs to.
    alpha : (H, W) float32, 0..1
        The matte.
    pixel : float
        The side of a pixel.
    job : Job
        Stops the work when it is cancelled.
    """
    count = int(labels.max()) + 1
    hard = np.bincount(labels.ravel(), minlength=count)
    present = np.flatnonzero(hard[1:]) + 1
    at = np.flatnonzero((owner > 0) & (alpha > 0))
    mine, share = owner.ravel()[at], alpha.ravel()[at].astype(np.float64)
    width = alpha.shape[1]

    def total(values: NDArray[np.floating]) -> Doubles:
        job.check()
        return np.asarray(np.bincount(mine, values, minlength=count)[present], np.float64)

    area = total(share)
    softness = total((share * (1 - share)) ** 2)
    length = half_level_lengths(alpha, owner)
    perimeter = np.zeros(count)
    perimeter[: len(length)] = length
    perimeter = perimeter[present]
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = softness / (SQUARED_VARIANCE * perimeter)
        return _finite(
            {
                "label": present.astype(np.float64),
                "area": area * pixel**2,
                "centroid_x": total(share * (at % width)) / area * pixel,
                "centroid_y": total(share * (at // width)) / area * pixel,
                "equivalent_diameter": np.sqrt(area / math.pi) * (2 * pixel),
                "perimeter": perimeter * pixel,
                "edge_width": FROM_10_TO_90 * deviation * pixel,
                "mask_area": hard[present].astype(np.float64) * pixel**2,
                "mask_area_bias": hard[present] / area - 1,
            }
        )


def half_level_lengths(alpha: Alpha, owner: Labels) -> Doubles:
    """Return the length of each object's contour α = ½ in pixels, by its number.

    Marching squares: in each square of four pixel centers the contour is a straight line between
    the points of its sides where α, linear along them, is ½.

    Parameters
    ----------
    alpha : (H, W) float32, 0..1
        The matte; it is smoothed by a Gaussian of one pixel first, since noise makes a contour
        longer.
    owner : (H, W) int32
        Which object each pixel belongs to.
    """
    import cv2

    smooth = cv2.GaussianBlur(alpha, (0, 0), SMOOTHING)
    above = smooth >= 0.5
    corners = above[:-1, :-1].astype(np.int8) + above[:-1, 1:] + above[1:, 1:] + above[1:, :-1]
    y, x = np.nonzero((corners > 0) & (corners < 4))
    # Around the square from the upper left, and the first again
    around = ((0, 0), (0, 1), (1, 1), (1, 0), (0, 0))
    values = np.stack([smooth[y + dy, x + dx] for dy, dx in around]).astype(np.float64) - 0.5
    begin, end = values[:-1], values[1:]
    crosses = (begin >= 0) != (end >= 0)
    along = np.divide(begin, begin - end, out=np.zeros_like(begin), where=crosses)
    places = np.array(around, np.float64)
    points = places[:-1, None] + along[..., None] * (places[1:] - places[:-1])[:, None]
    # Of a saddle, each pair of neighboring sides has a line of its own.
    two = crosses.sum(axis=0) == 2
    length = np.zeros(len(y))
    for first in range(4):
        for second in range(first + 1, 4):
            paired = crosses[first] & crosses[second]
            paired &= two | ((first, second) in ((0, 1), (2, 3)))
            gap = points[first] - points[second]
            length += np.where(paired, np.hypot(gap[:, 0], gap[:, 1]), 0)
    numbers = np.max([owner[y + dy, x + dx] for dy, dx in around[:-1]], axis=0, initial=0)
    return np.asarray(np.bincount(numbers, length), np.float64)


def intensities(
    labels: Labels,
    owner: Labels,
    alpha: Alpha,
    channel: NDArray[np.float32],
    foreground: NDArray[np.float32] | None,
    job: Job,
) -> Columns:
    """Return the columns of one channel of a picture; see the node Measure for their equations.

    Parameters
    ----------
    labels, owner : (H, W) int32
        The objects, and which of them each pixel around belongs to.
    alpha : (H, W) float32, 0..1
        The matte.
    channel : (H, W) float32
        The picture.
    foreground : (H, W) float32, optional
        Its unmixed foreground.
    job : Job
        Stops the work when it is cancelled.
    """
    count = int(labels.max()) + 1
    hard = np.bincount(labels.ravel(), minlength=count)
    present = np.flatnonzero(hard[1:]) + 1
    at = np.flatnonzero(owner)
    mine, share = owner.ravel()[at], alpha.ravel()[at].astype(np.float64)
    seen = channel.ravel()[at].astype(np.float64)

    def total(values: NDArray[np.floating]) -> Doubles:
        job.check()
        return np.asarray(np.bincount(mine, values, minlength=count)[present], np.float64)

    clear = 1 - share
    # Normal equations of I = αF + (1 − α)B for each object's F and B
    aa, ab, bb = total(share * share), total(share * clear), total(clear * clear)
    ia, ib = total(seen * share), total(seen * clear)
    with np.errstate(divide="ignore", invalid="ignore"):
        determinant = aa * bb - ab * ab
        # Without a background pixel, or without an object, there is no answer: NaN.
        determinant = np.where(determinant > 1e-9 * aa * bb, determinant, np.nan)
        behind = (aa * ib - ab * ia) / determinant
        mean = (bb * ia - ab * ib) / determinant
        integrated = ia + ib - total(clear) * behind
        if foreground is not None:
            integrated = total(share * foreground.ravel()[at])
            mean = integrated / total(share)
        masked = np.bincount(labels.ravel(), channel.ravel(), minlength=count)[present]
        return _finite(
            {
                "mean": mean,
                "integrated": integrated,
                "background": behind,
                "difference": mean - behind,
                "mask_mean_bias": masked / hard[present] / mean - 1,
                "mask_integrated_bias": masked / integrated - 1,
            }
        )


def _finite(columns: Columns) -> Columns:
    """Return the columns with NaN for what was divided by 0."""
    return {name: np.where(np.isfinite(c), c, np.nan) for name, c in columns.items()}
