"""What the known colors around say of the unknown pixels: likeness, then votes of pairs.

Tiles of unknown pixels share their samples: known pixels around the tile, spread evenly. First the
known regions grow into pixels whose color is, by far, most like that of one of them. For the rest
every pair of a foreground color F and a background color B among the samples votes for the α with
I = αF + (1 − α)B, by how well it explains the pixel and how near it lies; α is the mean vote.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from ..arrays import BACKGROUND, FOREGROUND, UNKNOWN, Image, Trimap, unknown
from ..job import Job
from ..kernels import one_at_a_time

TILE = 16
"""Side of a tile, in pixels."""
SAMPLES = 1024
"""Most samples of a region that a tile's pixels are compared to."""
PAIRED = 32
"""Most samples of a region that are paired."""
DIAGONAL = 1000.0
"""Diagonal, in pixels, of the picture that distances below are given for; they scale with it."""
NEAR, NEARER = 40.0, 20.0
"""How far samples are sought, in pixels: to compare colors, and to pair them."""
REACH = 1.5
"""But so many times as far as the nearest pixel of the region."""
LIKENESS = 0.04
"""Colors (in 0..1, with PER_PIXEL for each pixel between them) no farther apart are alike."""
PER_PIXEL = 0.0004
CLEARLY = 3.0
"""… if the other region's colors are so many times as far."""
NOISE = 0.01
"""Color error of a pair, in 0..1, beyond which its vote counts little."""
BLUR = 5.0
"""Distance in pixels below which nearer samples count no more."""
BATCH = 256
"""Tiles between two looks at the job."""

EXACT = {"nnan", "ninf", "nsz"}
"""Freedoms of the compiler that change no rounding: with more, a vectorized loop and the plain one,
of which it takes whichever suits the addresses of its arrays, would differ in their last bits."""

Floats = NDArray[np.float32]


def sample(image: Image, trimap: Trimap, job: Job) -> tuple[Trimap, Floats, Floats]:
    """Return the grown trimap, and for the pixels that it leaves unknown α and a confidence.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        The picture.
    trimap : (H, W) uint8
        0 background, 255 foreground, between them unknown; both regions are there.
    job : Job
        Told of the tiles.

    Returns
    -------
    grown : (H, W) uint8, {0, 128, 255}
    alpha, confidence : (N,) float32, 0..1
        In the order of `grown`'s unknown pixels. The confidence is 1 where a pair of colors
        explains the pixel exactly.

    Notes
    -----
    Growing is the trimap expansion of Shared Matting (Gastal and Oliveira, Eurographics 2010) made
    relative; pairs are judged as in Wang and Cohen, "Optimized Color Sampling", CVPR 2007.
    """
    colors = color_axes(image)
    scale = max(1.0, math.hypot(*trimap.shape) / DIAGONAL)
    grown = trimap.copy()
    grown[unknown(trimap)] = UNKNOWN
    for batch in _batches(trimap, NEAR * scale, job.part(0, 0.6)):
        _grow(colors, trimap, grown, *batch, SAMPLES, np.float32(PER_PIXEL / scale))
    number = np.full(trimap.shape, -1, np.int32)
    rest = grown == UNKNOWN
    number[rest] = np.arange(np.count_nonzero(rest), dtype=np.int32)
    votes = np.zeros((2, np.count_nonzero(rest)), np.float32)
    for batch in _batches(grown, NEARER * scale, job.part(0.6, 1)):
        _vote(colors, grown, number, *batch, PAIRED, np.float32((BLUR * scale) ** 2), votes)
    return grown, votes[0], votes[1]


def color_axes(image: Image) -> Floats:
    """Return a picture's colors on three axes: as they are, or the main three of more."""
    channels = image.shape[2]
    if channels == 3:
        return image
    if channels < 3:
        return np.pad(image, ((0, 0), (0, 0), (0, 3 - channels)))
    values = image.reshape(-1, channels)
    _, axes = np.linalg.eigh(np.cov(values, rowvar=False))
    result: Floats = (image @ axes[:, -3:].astype(np.float32)).astype(np.float32)
    return result


def _batches(trimap: Trimap, near: float, job: Job) -> Any:
    """Yield tiles with unknown pixels, some at a time: corners (T, 2) and reaches (T, 2)."""
    import cv2

    height, width = trimap.shape
    high, wide = -(-height // TILE), -(-width // TILE)
    padded = np.zeros((high * TILE, wide * TILE), bool)
    padded[:height, :width] = unknown(trimap)
    there = padded.reshape(high, TILE, wide, TILE).any(axis=(1, 3))
    del padded
    corners = np.argwhere(there) * TILE
    rows, columns = np.minimum(corners + TILE // 2, (height - 1, width - 1)).T
    reaches = np.empty((len(corners), 2), np.int64)
    for side, value in enumerate((BACKGROUND, FOREGROUND)):
        away = cv2.distanceTransform((trimap != value).astype(np.uint8), cv2.DIST_L2, 5)
        reaches[:, side] = np.maximum(near, REACH * away[rows, columns])
    for start in range(0, len(corners), BATCH):
        job.step(start, len(corners), "Sampling colors")
        yield corners[start : start + BATCH], reaches[start : start + BATCH], int(near)


# Vectorized as the loops below are: 32-bit numbers, one store a loop where it can be, and division
# as NumPy has it, without a check for zero.
@one_at_a_time
@numba.njit(cache=True, nogil=True, parallel=True, fastmath=EXACT)
def _grow(colors, trimap, grown, corners, reaches, near, most, per_pixel):
    for t in numba.prange(len(corners)):
        pixels, places = _unknown_pixels(colors, trimap, corners[t])
        away = np.empty((2, len(places)), np.float32)
        for side in range(2):
            samples = _gather(colors, trimap, 255 * side, corners[t], reaches[t, side], near, most)
            _closest(samples, pixels, per_pixel, away[side])
        for i in range(len(places)):
            nearest = min(away[0, i], away[1, i])
            if nearest < LIKENESS and nearest * CLEARLY < max(away[0, i], away[1, i]):
                grown[places[i, 0], places[i, 1]] = 255 if away[1, i] == nearest else 0


@one_at_a_time
@numba.njit(cache=True, nogil=True, parallel=True, fastmath=EXACT)
def _vote(colors, trimap, number, corners, reaches, near, most, blur, votes):
    for t in numba.prange(len(corners)):
        pixels, places = _unknown_pixels(colors, trimap, corners[t])
        back = _gather(colors, trimap, 0, corners[t], reaches[t, 0], near, most)
        front = _gather(colors, trimap, 255, corners[t], reaches[t, 1], near, most)
        alpha, best = _mean_vote(pixels, front, back, blur)
        for i in range(len(places)):
            place = number[places[i, 0], places[i, 1]]
            votes[0, place] = alpha[i]
            votes[1, place] = best[i]


@numba.njit(cache=True, nogil=True)
def _unknown_pixels(colors, trimap, corner):
    """Return color, row and column (5, N) of a tile's unknown pixels, and their places (N, 2)."""
    height, width = trimap.shape
    pixels = np.empty((5, TILE * TILE), np.float32)
    places = np.empty((TILE * TILE, 2), np.int64)
    count = 0
    for y in range(corner[0], min(height, corner[0] + TILE)):
        for x in range(corner[1], min(width, corner[1] + TILE)):
            if trimap[y, x] != BACKGROUND and trimap[y, x] != FOREGROUND:
                _put(pixels, count, colors, y, x)
                places[count] = y, x
                count += 1
    # Copies are contiguous: loops over them are vectorized.
    return pixels[:, :count].copy(), places[:count]


@numba.njit(cache=True, nogil=True)
def _gather(colors, trimap, value, corner, reach, near, most):
    """Return color, row and column (5, N) of known pixels around a tile, spread evenly."""
    height, width = trimap.shape
    # Farther away only every second, third … row and column is looked at.
    step = max(1, reach // 40)
    top, bottom = max(0, corner[0] - reach), min(height, corner[0] + TILE + reach)
    left, right = max(0, corner[1] - reach), min(width, corner[1] + TILE + reach)
    total = 0
    for y in range(top, bottom, step):
        for x in range(left, right, step):
            total += trimap[y, x] == value
    samples = np.empty((5, min(total, most)), np.float32)
    seen, count = 0, 0
    for y in range(top, bottom, step):
        for x in range(left, right, step):
            if trimap[y, x] == value:
                # The first of each of equal shares.
                if seen * samples.shape[1] >= count * total:
                    _put(samples, count, colors, y, x)
                    count += 1
                seen += 1
    return samples


@numba.njit(cache=True, nogil=True)
def _put(pixels, i, colors, y, x):
    for channel in range(3):
        pixels[channel, i] = colors[y, x, channel]
    pixels[3, i], pixels[4, i] = y, x


@numba.njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
def _closest(samples, pixels, per_pixel, away):
    """Find how far each pixel is from the nearest sample, in color and place."""
    away[:] = 9
    for j in range(samples.shape[1]):
        red, green, blue = samples[0, j], samples[1, j], samples[2, j]
        row, column = samples[3, j], samples[4, j]
        for i in range(len(away)):
            r, g, b = pixels[0, i] - red, pixels[1, i] - green, pixels[2, i] - blue
            y, x = pixels[3, i] - row, pixels[4, i] - column
            distance = np.sqrt(r * r + g * g + b * b) + per_pixel * np.sqrt(y * y + x * x)
            away[i] = min(away[i], distance)


@numba.njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
def _nearness(samples, pixels, blur):
    nearness = np.empty((samples.shape[1], pixels.shape[1]), np.float32)
    for j in range(samples.shape[1]):
        for i in range(pixels.shape[1]):
            y, x = pixels[3, i] - samples[3, j], pixels[4, i] - samples[4, j]
            nearness[j, i] = blur / (blur + y * y + x * x)
    return nearness


@numba.njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
def _mean_vote(pixels, front, back, blur):
    """Return the mean α of all pairs, weighted by fit and nearness, and the best pair's fit."""
    zero, one, noise = np.float32(0), np.float32(1), np.float32(NOISE**2)
    count = pixels.shape[1]
    near_front, near_back = _nearness(front, pixels, blur), _nearness(back, pixels, blur)
    weights, votes = np.full(count, np.float32(1e-30)), np.zeros(count, np.float32)
    best = np.zeros(count, np.float32)
    for f in range(front.shape[1]):
        for b in range(back.shape[1]):
            b0, b1, b2 = back[0, b], back[1, b], back[2, b]
            d0, d1, d2 = front[0, f] - b0, front[1, f] - b1, front[2, f] - b2
            scale = one / (d0 * d0 + d1 * d1 + d2 * d2 + np.float32(1e-4))
            for i in range(count):
                # α = (I − B)·(F − B) / |F − B|², and what is left of I − B − α(F − B)
                i0, i1, i2 = pixels[0, i] - b0, pixels[1, i] - b1, pixels[2, i] - b2
                alpha = min(one, max(zero, (i0 * d0 + i1 * d1 + i2 * d2) * scale))
                i0, i1, i2 = i0 - alpha * d0, i1 - alpha * d1, i2 - alpha * d2
                fit = noise / (noise + i0 * i0 + i1 * i1 + i2 * i2)
                weight = fit * fit * fit * near_front[f, i] * near_back[b, i]
                weights[i] += weight
                votes[i] += weight * alpha
                best[i] = max(best[i], fit)
    return votes / weights, best
