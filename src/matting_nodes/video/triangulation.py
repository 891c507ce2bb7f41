"""What a clip says of α that no frame does: one object, seen before more than one background.

Where the object is C = αF at a pixel and the background B, a frame shows I = C + (1 − α) B. Over
several frames B changes while C and α stay, so the slope of I over B is 1 − α (Smith and Blinn,
"Blue Screen Matting", SIGGRAPH 1996). B is known wherever the background was, or will be, in view:
a plate that is carried with its motion (Chuang et al., "Video Matting of Complex Scenes", SIGGRAPH
2002). Moments of I and B are carried with the object's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from ..arrays import BACKGROUND, Trimap
from ..resizing import size_within
from ..solvers.parallel import in_parallel
from .flow import FIT_STEP, LONGEST

Floats = NDArray[np.float32]
Integers = NDArray[np.intp]

PLATE_DECAY, DECAY = 0.95, 0.98
"""What a plate's colors, and the moments, count after each frame: motion is never known exactly."""
LEAST_SHARE = 0.6
"""Share of a place's four neighbors that must be known."""
PLATE_NOISE, FRAME_NOISE = 0.015, 0.01
"""Error of the plate's colors and of a frame's, in 0..1."""
WEIGHT, HALF, MOST = 1e-2, 300.0, 10.0
"""A data term's weight, for each unit of its precision; the precision below which it counts less,
since it is overestimated there; and the greatest weight."""
PIXELS = 1024
"""Pixels that are computed, which are worth a thread of their own."""

COUNT, FRAME, PLATE, COVARIANCE, PLATE_VARIANCE, FRAME_VARIANCE, MOMENTS = 0, 1, 4, 7, 8, 9, 10
"""Planes of the moments: n, mean I, mean B, and sums of squares about the means."""


class Known(NamedTuple):
    """What is known of some pixels of a frame: planes of a whole frame would take ten times more.

    The first column says how well the others are known, 0 for not at all.
    """

    values: Floats
    """(N, C)."""
    numbers: NDArray[np.int32]
    """(H, W), the row of each pixel; −1 for none."""
    picture: NDArray[Any]
    """(H, W, 3) uint8 or uint16, known wherever there is no row; (0, 0, 3) if nothing is."""

    def rows(self, where: Integers) -> Floats:
        """Return the values of pixels that have some.

        Parameters
        ----------
        where : (M,) int
            Their numbers in the frame.
        """
        return self.values[self.numbers.ravel()[where]]


def plate(
    picture: NDArray[Any], trimap: Trimap, last: Known | None, shifts: Floats | None
) -> Known:
    """Return the background of a frame, also behind its object where it was in view before.

    Parameters
    ----------
    picture : (H, W, 3) uint8 or uint16
    trimap : (H, W) uint8
    last : Known, optional
        The same of the frame before.
    shifts : (2, h, w) float32, optional
        How far each place of the background is from where it was there, as `fitted_shifts` returns
        it; None if that is not known.

    Returns
    -------
    Known
        Weight and color of the pixels that are not background; the others show it.
    """
    where = np.flatnonzero(trimap != BACKGROUND)
    return _carried(where, picture.shape[:2], last, shifts, PLATE_DECAY, 4, picture)


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
    shape: tuple[int, int], last: Known | None, band: Integers, shifts: Floats | None
) -> Known:
    """Return the moments of earlier frames at the places of a frame.

    Parameters
    ----------
    shape : int, int
        Size of the frame, pixels.
    last : Known, optional
        Those of the frame before.
    band : (N,) int
        Where they are needed: numbers of pixels.
    shifts : (2, h, w) float32, optional
        How far each place of the object is from where it was there, if that is known.

    Returns
    -------
    Known
        Rows of `MOMENTS` values for the band, in its order.
    """
    nothing = np.empty((0, 0, 3), np.uint8)
    return _carried(band, shape, last, shifts, DECAY, MOMENTS, nothing)


def _carried(
    where: Integers,
    shape: tuple[int, int],
    last: Known | None,
    shifts: Floats | None,
    decay: float,
    count: int,
    picture: NDArray[Any],
) -> Known:
    result: Floats = np.zeros((len(where), count), np.float32)
    if last is not None and shifts is not None:
        # Flow's pictures may be smaller than frames.
        flow = size_within(*shape, LONGEST)
        scale = np.float32(shape[0] / flow[0]), np.float32(shape[1] / flow[1])
        unit = np.float32(1 / np.iinfo(picture.dtype).max)
        given = where, shifts, scale, *last, unit, np.float32(decay), result
        in_parallel(_carry_pixels, len(where), *given, smallest=PIXELS)
    numbers = np.full(shape, -1, np.int32)
    numbers.ravel()[where] = np.arange(len(where), dtype=np.int32)
    return Known(result, numbers, picture)


def add_frame(sums: Floats, picture: NDArray[Any], behind: Floats, band: Integers) -> None:
    """Add a frame to the moments, in place.

    Parameters
    ----------
    sums : (N, MOMENTS) float32
    picture : (H, W, 3) uint8 or uint16
    behind : (N, 4) float32
        Its plate in the band.
    band : (N,) int
    """
    scale = np.float32(1 / np.iinfo(picture.dtype).max)
    in_parallel(_add, len(band), sums, picture, behind, band, scale, smallest=PIXELS)


def triangulated(past: Floats, future: Floats) -> Floats:
    """Return what the moments say of α: Σ w α̂ and Σ w, (2, N) float32.

    Parameters
    ----------
    past : (N, MOMENTS) float32
        Of frames before, and of the frame itself.
    future : (N, MOMENTS) float32
        Of frames after it.
    """
    result: Floats = np.zeros((2, len(past)), np.float32)
    in_parallel(_solve, len(past), past, future, result, smallest=PIXELS)
    return result


@numba.njit(cache=True, nogil=True)
def _cubic(t):
    """Return the four weights of Keys's cubic convolution, a = −3/4 as OpenCV's."""
    a, one = np.float32(-0.75), np.float32(1)
    u = one - t
    first = a * t * u * u
    last = a * u * t * t
    second = ((a + 2) * t - (a + 3)) * t * t + one
    return first, np.float32(second), np.float32(one - first - np.float32(second) - last), last


@numba.njit(cache=True, nogil=True)
def _between(plane, x, y):
    """Return a plane's value between its places, linearly; beyond them, that of its border."""
    height, width, one = plane.shape[0], plane.shape[1], np.float32(1)
    zero = np.float32(0)
    x, y = min(max(x, zero), np.float32(width - 1)), min(max(y, zero), np.float32(height - 1))
    left, top = int(x), int(y)
    right, below = min(left + 1, width - 1), min(top + 1, height - 1)
    tx, ty = x - np.float32(left), y - np.float32(top)
    upper = (one - tx) * plane[top, left] + tx * plane[top, right]
    lower = (one - tx) * plane[below, left] + tx * plane[below, right]
    return (one - ty) * upper + ty * lower


@numba.njit(cache=True, nogil=True)
def _weight(values, numbers, picture, i, j):
    """Return how well a pixel is known."""
    if numbers[i, j] >= 0:
        return values[numbers[i, j], 0]
    return np.float32(1) if len(picture) else np.float32(0)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _carry_pixels(start, stop, where, shifts, scale, values, numbers, picture, unit, decay, result):
    """Sample what is known of the last frame."""
    height, width = numbers.shape
    count, half, one = values.shape[1], np.float32(0.5), np.float32(1)
    rows, columns, found = (np.empty(16, np.intp), np.empty(16, np.intp), np.empty(16, np.intp))
    weights, least = np.empty(16, np.float32), np.float32(0)
    to_grid = one / (scale[0] * np.float32(FIT_STEP)), one / (scale[1] * np.float32(FIT_STEP))
    for pixel in range(start, stop):
        i, j = where[pixel] // width, where[pixel] % width
        x = (np.float32(j) + half) * to_grid[1] - half
        y = (np.float32(i) + half) * to_grid[0] - half
        px = np.float32(j) + scale[1] * _between(shifts[0], x, y)
        py = np.float32(i) + scale[0] * _between(shifts[1], x, y)
        if not (0 <= px <= width - 1 and 0 <= py <= height - 1):
            continue
        left, top = min(int(px), width - 2), min(int(py), height - 2)
        tx, ty = px - np.float32(left), py - np.float32(top)
        is_known = 1 <= left < width - 2 and 1 <= top < height - 2
        if is_known:
            for k in range(-1, 3):
                for m in range(-1, 3):
                    is_known &= _weight(values, numbers, picture, top + k, left + m) > 0
        # The places that are read: sixteen, or those of four that are known.
        places, share = 0, np.float32(0)
        if is_known:
            wx, wy = _cubic(tx), _cubic(ty)
            share, places = one, 16
            for k in range(4):
                for m in range(4):
                    rows[4 * k + m], columns[4 * k + m] = top + k - 1, left + m - 1
                    weights[4 * k + m] = wy[k] * wx[m]
        else:
            for k in range(2):
                for m in range(2):
                    w = (ty if k else one - ty) * (tx if m else one - tx)
                    if _weight(values, numbers, picture, top + k, left + m) > 0:
                        rows[places], columns[places], weights[places] = top + k, left + m, w
                        places, share = places + 1, share + w
            if share < np.float32(LEAST_SHARE):
                continue
        for k in range(places):
            found[k] = numbers[rows[k], columns[k]]
            weights[k] /= share
        for c in range(count):
            value = np.float32(0)
            for k in range(places):
                if found[k] >= 0:
                    value += weights[k] * values[np.uintp(found[k]), c]
                else:
                    shown = picture[rows[k], columns[k], c - 1] if c else 0
                    value += weights[k] * (unit * np.float32(shown) if c else one)
            if c == 0 and is_known:
                # Cubic weights may overshoot; how well something is known must not.
                for k in range(2):
                    for m in range(2):
                        low = _weight(values, numbers, picture, top + k, left + m)
                        least = low if k + m == 0 else min(least, low)
                value = max(value, least)
            # Sums of squares count less with n; means stay.
            result[pixel, c] = decay * value if c == 0 or c >= COVARIANCE else value


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _add(start, stop, sums, picture, behind, band, scale):
    width, one = picture.shape[1], np.float32(1)
    for pixel in range(start, stop):
        if behind[pixel, 0] <= 0:
            continue
        i, j = band[pixel] // width, band[pixel] % width
        n = sums[pixel, COUNT]
        # Welford's update of means, and of sums of squares about them.
        step, share = one / (n + one), n / (n + one)
        for c in range(3):
            di = scale * picture[i, j, c] - sums[pixel, FRAME + c]
            db = behind[pixel, 1 + c] - sums[pixel, PLATE + c]
            sums[pixel, FRAME + c] += step * di
            sums[pixel, PLATE + c] += step * db
            sums[pixel, COVARIANCE] += share * di * db
            sums[pixel, PLATE_VARIANCE] += share * db * db
            sums[pixel, FRAME_VARIANCE] += share * di * di
        sums[pixel, COUNT] = n + one


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _solve(start, stop, past, future, result):
    zero, one = np.float32(0), np.float32(1)
    for pixel in range(start, stop):
        n, more = past[pixel, COUNT], future[pixel, COUNT]
        if n + more <= one:
            continue
        covariance = past[pixel, COVARIANCE] + future[pixel, COVARIANCE]
        plate_variance = past[pixel, PLATE_VARIANCE] + future[pixel, PLATE_VARIANCE]
        frame_variance = past[pixel, FRAME_VARIANCE] + future[pixel, FRAME_VARIANCE]
        between = n * more / (n + more)
        for c in range(3):
            di = future[pixel, FRAME + c] - past[pixel, FRAME + c]
            db = future[pixel, PLATE + c] - past[pixel, PLATE + c]
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
        result[0, pixel], result[1, pixel] = weight * (one - slope), weight
