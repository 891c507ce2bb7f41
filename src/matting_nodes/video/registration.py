"""An object's motion, corrected by what earlier frames say that a frame shows.

The moments of `triangulation` predict a frame's unknown pixels: Î = Ī + k (B − B̄), where k = 1 − α
is the slope of I over the background B. Where the object is not quite where it was expected, the
difference I − Î is the slope of Î times the displacement. This is Lucas and Kanade's registration
("An Iterative Image Registration Technique", IJCAI 1981) of one of two layers; and errors of
motion do not add up from frame to frame, since the prediction is one of all earlier frames.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from ..resizing import size_within
from ..solvers.parallel import in_parallel
from .flow import FIT_RADIUS, FIT_STEP, LONGEST
from .triangulation import (
    COUNT,
    COVARIANCE,
    FRAME,
    PIXELS,
    PLATE,
    PLATE_NOISE,
    PLATE_VARIANCE,
    Floats,
    Integers,
    Known,
    moments,
)

ROUNDS = 2
"""Corrections of a frame's motion. With three, flicker was one hundredth less."""
LEAST_COUNT = 2.0
"""Earlier frames, older ones counting less, that a prediction needs."""
SLOPE_PRIOR = 6e-4
"""What pulls the slope towards 0 where the background hardly changed, as a sum of squares."""
RIDGE = 0.05
"""What pulls a correction towards 0, in squared differences of color for each pixel of motion."""
SPREAD = 0.1
"""|I − Î| above which a pixel counts less, in 0..1: by Cauchy's weights, squared."""
MOST = 0.7
"""The greatest correction, in pixels."""
LEAST_PIXELS = 50
"""Pixels that are needed."""
MOST_PIXELS = 20_000
"""Pixels that are looked at, about: of more, every second or third."""


def registered_moments(
    picture: NDArray[Any],
    behind: Floats,
    last: Known | None,
    band: Integers,
    shifts: Floats | None,
) -> tuple[Known, Floats | None]:
    """Return the moments of earlier frames at the places of a frame, and how the object moved.

    Parameters
    ----------
    picture : (H, W, 3) uint8 or uint16
    behind : (N, 4) float32
        Its plate in the band: weights and colors.
    last, band, shifts
        As for `moments`; the motion as tracks tell it.

    Returns
    -------
    moments : Known
    shifts : (2, h, w) float32 or None
        The motion, corrected.
    """
    shape = picture.shape[0], picture.shape[1]
    carried = moments(shape, last, band, shifts)
    if last is None or shifts is None:
        return carried, shifts
    for _ in range(ROUNDS):
        correction = _correction(picture, behind, carried, band)
        if correction is None:
            break
        shifts = shifts + correction
        carried = moments(shape, last, band, shifts)
    return carried, shifts


def _correction(
    picture: NDArray[Any], behind: Floats, carried: Known, band: Integers
) -> Floats | None:
    """Return what is to be added to the shifts; None if too little is known."""
    import cv2

    height, width = carried.numbers.shape
    flow = size_within(height, width, LONGEST)
    scale = height / flow[0], width / flow[1]
    size = -(-flow[0] // FIT_STEP), -(-flow[1] // FIT_STEP)
    step = max(1, len(band) // MOST_PIXELS)
    chosen = np.arange(0, len(band), step)
    slopes: Floats = np.empty(len(band), np.float32)
    in_parallel(_slope, len(band), carried.values, behind, slopes, smallest=PIXELS)
    terms: Floats = np.zeros((5, len(chosen)), np.float32)
    unit = np.float32(1 / np.iinfo(picture.dtype).max)
    given = picture, behind, carried.values, carried.numbers, slopes, band, chosen, unit, terms
    in_parallel(_compare, len(chosen), *given, smallest=PIXELS)
    if np.count_nonzero(terms[0] + terms[2]) < LEAST_PIXELS:
        return None
    rows, columns = np.divmod(band[chosen], width)
    rows = np.minimum((rows / (scale[0] * FIT_STEP)).astype(int), size[0] - 1)
    columns = np.minimum((columns / (scale[1] * FIT_STEP)).astype(int), size[1] - 1)
    radius = FIT_RADIUS / FIT_STEP

    def pooled(values: Floats) -> Floats:
        plane = np.bincount(rows * size[1] + columns, values, size[0] * size[1]).reshape(size)
        border = cv2.BORDER_CONSTANT
        blurred = cv2.GaussianBlur(plane.astype(np.float32), (0, 0), radius, borderType=border)
        return np.asarray(blurred * np.float32(step * 2 * np.pi * radius**2))

    # (Σ g gᵀ + λ) δ = Σ g (I − Î), with the slopes g of Î.
    xx, xy, yy, x, y = map(pooled, terms)
    xx, yy = xx + np.float32(RIDGE), yy + np.float32(RIDGE)
    determinant = xx * yy - xy * xy
    across, down = (yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant
    pixels = np.stack([across / np.float32(scale[1]), down / np.float32(scale[0])])
    return np.asarray(pixels.clip(-MOST, MOST), np.float32)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _slope(start, stop, sums, behind, slopes):
    """Return k = 1 − α of each pixel; −1 where nothing can be predicted."""
    zero, one = np.float32(0), np.float32(1)
    for pixel in range(start, stop):
        n = sums[pixel, COUNT]
        if n < np.float32(LEAST_COUNT) or behind[pixel, 0] <= zero:
            slopes[pixel] = -one
            continue
        # Errors of the plate would flatten the slope.
        true_variance = sums[pixel, PLATE_VARIANCE] - 3 * n * np.float32(PLATE_NOISE**2)
        slope = sums[pixel, COVARIANCE] / (max(true_variance, zero) + np.float32(SLOPE_PRIOR))
        slopes[pixel] = min(max(slope, zero), one) if true_variance > zero else zero


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _compare(start, stop, picture, behind, sums, numbers, slopes, band, chosen, unit, terms):
    """Return w g gᵀ (3 values) and w g (I − Î) of some pixels, summed over the channels."""
    height, width = numbers.shape
    half, one = np.float32(0.5), np.float32(1)
    for index in range(start, stop):
        pixel = chosen[index]
        i, j = band[pixel] // width, band[pixel] % width
        if not (0 < i < height - 1 and 0 < j < width - 1) or slopes[pixel] < 0:
            continue
        left, right = numbers[i, j - 1], numbers[i, j + 1]
        above, below = numbers[i - 1, j], numbers[i + 1, j]
        if min(left, right, above, below) < 0:
            continue
        if min(slopes[left], slopes[right], slopes[above], slopes[below]) < 0:
            continue
        slope = slopes[pixel]
        dx, dy = half * (slopes[right] - slopes[left]), half * (slopes[below] - slopes[above])
        xx = xy = yy = x = y = squares = np.float32(0)
        for c in range(3):
            # Î = Ī + k (B − B̄); B stays where it is when the object moves.
            away = behind[pixel, 1 + c] - sums[pixel, PLATE + c]
            difference = unit * picture[i, j, c] - sums[pixel, FRAME + c] - slope * away
            gx = half * (sums[right, FRAME + c] - sums[left, FRAME + c]) + dx * away
            gx -= slope * half * (sums[right, PLATE + c] - sums[left, PLATE + c])
            gy = half * (sums[below, FRAME + c] - sums[above, FRAME + c]) + dy * away
            gy -= slope * half * (sums[below, PLATE + c] - sums[above, PLATE + c])
            xx, xy, yy = xx + gx * gx, xy + gx * gy, yy + gy * gy
            x, y = x + gx * difference, y + gy * difference
            squares += difference * difference
        weight = one / (one + squares / np.float32(SPREAD**2))
        weight *= weight
        terms[0, index], terms[1, index], terms[2, index] = weight * xx, weight * xy, weight * yy
        terms[3, index], terms[4, index] = weight * x, weight * y
