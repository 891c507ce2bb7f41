"""What a clip says of α that no frame does: one object, seen before more than one background.

Where the object is C = αF at a pixel and the background B, a frame shows I = C + (1 − α) B. Over
several frames B changes while C and α stay, so the slope of I over B is 1 − α (Smith and Blinn,
"Blue Screen Matting", SIGGRAPH 1996). B is known wherever the background was, or will be, in view:
a plate that is carried with its motion (Chuang et al., "Video Matting of Complex Scenes", SIGGRAPH
2002). Moments of I and B are carried with the object's.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from ..arrays import BACKGROUND, Trimap
from ..solvers.parallel import in_parallel

Floats = NDArray[np.float32]
Integers = NDArray[np.intp]

PLATE_DECAY, DECAY = 0.95, 0.98
"""What a plate's colors, and the moments, count after each frame: motion is never known exactly."""
LEAST_SHARE = 0.6
"""Share of a place's four neighbors that must be known."""
PLATE_NOISE, FRAME_NOISE = 0.015, 0.01
"""Error of the plate's colors and of a frame's, in 0..1."""
WEIGHT, HALF, MOST = 3e-3, 1000.0, 1.0
"""A data term's weight, for each unit of its precision; the precision below which it counts less,
since it is overestimated there; and the greatest weight."""
ROWS, PIXELS = 64, 1024
"""Rows that are copied, and pixels that are computed, which are worth a thread of their own."""

COUNT, FRAME, PLATE, COVARIANCE, PLATE_VARIANCE, FRAME_VARIANCE, MOMENTS = 0, 1, 4, 7, 8, 9, 10
"""Planes of the moments: n, mean I, mean B, and sums of squares about the means."""


def plate(
    picture: NDArray[Any],
    trimap: Trimap,
    last: Floats | None,
    x: Floats | None,
    y: Floats | None,
) -> Floats:
    """Return the background of a frame, also behind its object where it was in view before.

    Parameters
    ----------
    picture : (H, W, 3) uint8 or uint16
    trimap : (H, W) uint8
    last : (H, W, 4) float32, optional
        The same of the frame before.
    x, y : (H, W) float32, pixels, optional
        Where each pixel of the background was in it; None if that is not known.

    Returns
    -------
    (H, W, 4) float32
        Weight, 0 where nothing is known, and color.
    """
    result: Floats = np.zeros((*trimap.shape, 4), np.float32)
    if last is not None and x is not None and y is not None:
        _carry(np.flatnonzero(trimap != BACKGROUND), last, x, y, PLATE_DECAY, result)
    scale = np.float32(1 / np.iinfo(picture.dtype).max)
    in_parallel(_show, len(trimap), picture, trimap, scale, result, smallest=ROWS)
    return result


def combined(plates: Floats, others: Floats) -> Floats:
    """Return one plate from two.

    Parameters
    ----------
    plates, others : (N, 4) float32
    """
    weights = plates[:, :1], others[:, :1]
    total = weights[0] + weights[1]
    colors = weights[0] * plates[:, 1:] + weights[1] * others[:, 1:]
    return np.hstack([total, colors / np.maximum(total, np.float32(1e-6))])


def moments(
    shape: tuple[int, int],
    last: Floats | None,
    band: Integers,
    x: Floats | None,
    y: Floats | None,
) -> Floats:
    """Return the moments of earlier frames at the places of a frame, (H, W, MOMENTS).

    Parameters
    ----------
    shape : int, int
        Size of the frame, pixels.
    last : (H, W, MOMENTS) float32, optional
        Those of the frame before.
    band : (N,) int
        Where they are needed: numbers of pixels.
    x, y : (H, W) float32, pixels, optional
        Where each pixel of the object was in it, if that is known.
    """
    result: Floats = np.zeros((*shape, MOMENTS), np.float32)
    if last is not None and x is not None and y is not None:
        _carry(band, last, x, y, DECAY, result)
    return result


def _carry(
    where: Integers, last: Floats, x: Floats, y: Floats, decay: float, result: Floats
) -> None:
    arguments = where, last, x, y, np.float32(decay), result
    in_parallel(_carry_pixels, len(where), *arguments, smallest=PIXELS)


def add_frame(sums: Floats, picture: NDArray[Any], behind: Floats, band: Integers) -> None:
    """Add a frame to the moments, in place.

    Parameters
    ----------
    sums : (H, W, MOMENTS) float32
    picture : (H, W, 3) uint8 or uint16
    behind : (N, 4) float32
        Its plate in the band.
    band : (N,) int
    """
    scale = np.float32(1 / np.iinfo(picture.dtype).max)
    in_parallel(_add, len(band), sums, picture, behind, band, scale, smallest=PIXELS)


def triangulated(past: Floats, future: Floats, band: Integers) -> Floats:
    """Return what the moments say of α: Σ w α̂ and Σ w, (2, H, W) float32.

    Parameters
    ----------
    past : (H, W, MOMENTS) float32
        Of frames before, and of the frame itself.
    future : (N, MOMENTS) float32
        Of frames after it, in the band.
    band : (N,) int
    """
    result: Floats = np.zeros((2, *past.shape[:2]), np.float32)
    in_parallel(_solve, len(band), past, future, band, result, smallest=PIXELS)
    return result


@numba.njit(cache=True, nogil=True)
def _show(start, stop, picture, trimap, scale, result):
    for i in range(start, stop):
        for j in range(trimap.shape[1]):
            if trimap[i, j] == BACKGROUND:
                result[i, j, 0] = 1
                for c in range(3):
                    result[i, j, 1 + c] = scale * picture[i, j, c]


@numba.njit(cache=True, nogil=True)
def _cubic(t):
    """Return the four weights of Keys's cubic convolution, a = −3/4 as OpenCV's."""
    a, one = np.float32(-0.75), np.float32(1)
    u = one - t
    first = a * t * u * u
    last = a * u * t * t
    second = ((a + 2) * t - (a + 3)) * t * t + one
    return first, np.float32(second), np.float32(one - first - np.float32(second) - last), last


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _carry_pixels(start, stop, where, last, x, y, decay, result):
    """Sample `last`, whose first plane says how well the others are known."""
    height, width, count = last.shape
    value = np.empty(count, np.float32)
    one = np.float32(1)
    for pixel in range(start, stop):
        i, j = where[pixel] // width, where[pixel] % width
        px, py = x[i, j], y[i, j]
        if not (0 <= px <= width - 1 and 0 <= py <= height - 1):
            continue
        left, top = min(int(px), width - 2), min(int(py), height - 2)
        tx, ty = px - np.float32(left), py - np.float32(top)
        is_known = 1 <= left < width - 2 and 1 <= top < height - 2
        if is_known:
            for k in range(-1, 3):
                for m in range(-1, 3):
                    is_known &= last[top + k, left + m, 0] > 0
        value[:] = 0
        if is_known:
            wx, wy = _cubic(tx), _cubic(ty)
            for k in range(4):
                for m in range(4):
                    w = wy[k] * wx[m]
                    for c in range(count):
                        value[c] += w * last[top + k - 1, left + m - 1, c]
            # Cubic weights may overshoot; how well something is known must not.
            low = min(
                min(last[top, left, 0], last[top, left + 1, 0]),
                min(last[top + 1, left, 0], last[top + 1, left + 1, 0]),
            )
            value[0] = max(value[0], low)
        else:
            share = np.float32(0)
            for k in range(2):
                for m in range(2):
                    w = (ty if k else one - ty) * (tx if m else one - tx)
                    if last[top + k, left + m, 0] > 0:
                        share += w
                        for c in range(count):
                            value[c] += w * last[top + k, left + m, c]
            if share < np.float32(LEAST_SHARE):
                continue
            for c in range(count):
                value[c] /= share
        result[i, j, 0] = decay * value[0]
        for c in range(1, count):
            # Sums of squares count less with n; means stay.
            result[i, j, c] = decay * value[c] if c >= COVARIANCE else value[c]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add(start, stop, sums, picture, behind, band, scale):
    width, one = sums.shape[1], np.float32(1)
    for pixel in range(start, stop):
        if behind[pixel, 0] <= 0:
            continue
        i, j = band[pixel] // width, band[pixel] % width
        n = sums[i, j, COUNT]
        # Welford's update of means, and of sums of squares about them.
        step, share = one / (n + one), n / (n + one)
        for c in range(3):
            di = scale * picture[i, j, c] - sums[i, j, FRAME + c]
            db = behind[pixel, 1 + c] - sums[i, j, PLATE + c]
            sums[i, j, FRAME + c] += step * di
            sums[i, j, PLATE + c] += step * db
            sums[i, j, COVARIANCE] += share * di * db
            sums[i, j, PLATE_VARIANCE] += share * db * db
            sums[i, j, FRAME_VARIANCE] += share * di * di
        sums[i, j, COUNT] = n + one


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _solve(start, stop, past, future, band, result):
    width, zero, one = past.shape[1], np.float32(0), np.float32(1)
    for pixel in range(start, stop):
        i, j = band[pixel] // width, band[pixel] % width
        n, more = past[i, j, COUNT], future[pixel, COUNT]
        if n + more <= one:
            continue
        covariance = past[i, j, COVARIANCE] + future[pixel, COVARIANCE]
        plate_variance = past[i, j, PLATE_VARIANCE] + future[pixel, PLATE_VARIANCE]
        frame_variance = past[i, j, FRAME_VARIANCE] + future[pixel, FRAME_VARIANCE]
        between = n * more / (n + more)
        for c in range(3):
            di = future[pixel, FRAME + c] - past[i, j, FRAME + c]
            db = future[pixel, PLATE + c] - past[i, j, PLATE + c]
            covariance += between * di * db
            plate_variance += between * db * db
            frame_variance += between * di * di
        n += more
        # Errors of the plate would flatten the slope.
        true_variance = plate_variance - 3 * n * np.float32(PLATE_NOISE**2)
        if true_variance <= zero:
            continue
        slope = min(max(covariance / true_variance, zero), one)
        left = frame_variance - 2 * slope * covariance + slope * slope * plate_variance
        noise = max(left, zero) / (3 * n) + np.float32(FRAME_NOISE**2)
        precision = true_variance / noise
        weight = np.float32(WEIGHT) * precision * precision / (precision + np.float32(HALF))
        weight = min(weight, np.float32(MOST))
        result[0, i, j], result[1, i, j] = weight * (one - slope), weight
