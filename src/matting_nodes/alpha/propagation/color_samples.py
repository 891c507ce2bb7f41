"""What the known colors around say of the unknown pixels: likeness, then votes of pairs.

Tiles of unknown pixels share their samples: known pixels around the tile, spread evenly. First the
known regions grow into pixels whose color is, by far, most like that of one of them. For the rest
every pair of a foreground color F and a background color B among the samples votes for the α with
I = αF + (1 − α)B, by how well it explains the pixel and how near it lies; α is the mean vote.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from ...arrays import BACKGROUND, FOREGROUND, UNKNOWN, Image, Trimap, unknown
from ...job import Job
from ...solvers.boxes import Region, corner
from ...solvers.parallel import in_parallel
from .sample_grid import TILE, Tiles, whole_tiles, with_tiles

SAMPLES = 700
"""About so many samples of a region, and at most twice, a tile's pixels are compared to."""
PAIRED = 32
"""About so many samples of a region, and at most twice, are paired."""
DIAGONAL = 1000.0
"""Diagonal, in pixels, of the picture that distances below are given for; they scale with it."""
NEAR, NEARER = 40.0, 20.0
"""How far samples are sought, in pixels: to compare colors, and to pair them."""
LIKENESS = 0.035
"""Colors in 0..1, joined by the distance between their pixels times PER_PIXEL as a further
coordinate, are alike if they are no farther apart."""
PER_PIXEL = 0.0004
CLEARLY = 3.0
"""… if the other region's colors are so many times as far."""
ALIKE = LIKENESS**2
FAR = np.float32(1.1 * ALIKE * CLEARLY**2)
"""Squares of LIKENESS, and of a distance beyond which it does not matter how far a color is:
neither alike, nor too near to be clearly farther."""
SAFE = np.float32(1.0001)
"""A little more than 1: more than rounding takes off."""
GROUPS = 4
"""Pixels are compared in so many groups of like brightness, which few samples come near to."""
LANES = 8
"""Pixels that are worked on together: their number is rounded up to a multiple."""
LOOK = 8
"""Samples between two looks at how far the farthest pixel of a group still is."""
NOISE = 0.01
"""Color error of a pair, in 0..1, beyond which its vote counts little."""
SPREAD = 0.2
"""Standard deviation of a pixel's votes beyond which they count little."""
BLUR = 5.0
"""Distance in pixels below which nearer samples count no more."""

EXACT = {"nnan", "ninf", "nsz"}
"""Freedoms of the compiler that change no rounding: with more, a vectorized loop and the plain one,
of which it takes whichever suits the addresses of its arrays, would differ in their last bits."""

Floats = NDArray[np.float32]


class Samples:
    """What the known colors of a picture say of its unknown pixels, for a trimap that may change.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        The picture.

    Attributes
    ----------
    colors : (H, W, 3) float32
        The picture's main color axes.
    grown : (H, W) uint8, {0, 128, 255}
        The trimap, its regions grown.
    votes : (2, H, W) float32, 0..1
        α and a confidence of each unknown pixel. Where `grown` is unknown too, the confidence is 1
        if a pair of colors explains the pixel exactly and all pairs that do agree; elsewhere, if
        a color of the region that grew is the pixel's own.

    Notes
    -----
    Growing is the trimap expansion of Shared Matting (Gastal and Oliveira, Eurographics 2010) made
    relative; pairs are judged as in Wang and Cohen, "Optimized Color Sampling", CVPR 2007.
    """

    def __init__(self, image: Image) -> None:
        shape = image.shape[:2]
        scale = max(1.0, math.hypot(*shape) / DIAGONAL)
        self.colors = color_axes(image)
        self._per_pixel, self._blur = np.float32(PER_PIXEL / scale), np.float32((BLUR * scale) ** 2)
        self._compared = Tiles(shape, NEAR * scale, SAMPLES)
        self._paired = Tiles(shape, NEARER * scale, PAIRED)
        self._known: Trimap = np.full(shape, UNKNOWN, np.uint8)
        self._away: Floats = np.zeros((2, *shape), np.float32)
        self.grown: Trimap = np.full(shape, UNKNOWN, np.uint8)
        self.votes: Floats = np.zeros((2, *shape), np.float32)

    def follow(self, trimap: Trimap, region: Region, job: Job) -> Region:
        """Sample anew what depends on a region of the trimap; return where anything may differ.

        Parameters
        ----------
        trimap : (H, W) uint8
            0 background, 255 foreground, between them unknown; both regions are there.
        region : Region
            Where the trimap may not be what it was; the first time, all of it.
        job : Job
            Told of the tiles. Samples that it stops are of no more use.
        """
        region, part = whole_tiles(region), trimap[whole_tiles(region)]
        before = self._known[region].copy()
        self._known[region] = np.where(unknown(part), UNKNOWN, part)
        tiles = self._compared.around(self._known, region, before)
        nearer = np.zeros(len(tiles.corners), bool)
        in_parallel(
            _is_nearer,
            len(nearer),
            self.colors,
            self._known,
            before,
            *corner(region),
            *tiles,
            self._per_pixel,
            self._away,
            nearer,
            smallest=8,
        )
        tiles = tiles.where(nearer)
        region = with_tiles(region, tiles.corners)
        before, part = self.grown[region].copy(), self._known[region]
        np.copyto(self.grown[region], part, where=part != UNKNOWN)
        for batch in tiles.batches(job.part(0, 0.6)):
            in_parallel(
                _grow,
                len(batch[0]),
                self.colors,
                self._known,
                self._compared.counts,
                *batch,
                self._per_pixel,
                self._away,
                self.grown,
                self.votes,
            )
        self._compared.looked(tiles)
        tiles = self._paired.around(self.grown, region, before)
        resampled = np.zeros(len(tiles.corners), bool)
        in_parallel(
            _is_resampled,
            len(resampled),
            self.grown,
            before,
            *corner(region),
            *tiles,
            resampled,
            smallest=32,
        )
        tiles = tiles.where(resampled)
        for batch in tiles.batches(job.part(0.6, 1)):
            arguments = self.colors, self.grown, self._paired.counts, *batch, self._blur, self.votes
            in_parallel(_vote, len(batch[0]), *arguments)
        self._paired.looked(tiles)
        return with_tiles(region, tiles.corners)


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


# Vectorized as the loops below are: 32-bit numbers, one store a loop where it can be, and division
# as NumPy has it, without a check for zero.
@numba.njit(cache=True, nogil=True, fastmath=EXACT)
def _grow(
    start, stop, colors, known, counts, corners, reaches, steps, per_pixel, away, grown, votes
):
    for t in range(start, stop):
        pixels, places = _unknown_pixels(colors, known, corners[t])
        back, front = _gather_both(colors, known, counts, corners[t], reaches[t], steps[t])
        distance = np.full((2, pixels.shape[1]), FAR)
        _bring_nearer(back, pixels, per_pixel, distance[0])
        for i in range(len(places)):
            # Beyond, how far the foreground is makes no difference.
            ratio = np.float32(CLEARLY**2 if distance[0, i] < ALIKE else 1 / CLEARLY**2)
            distance[1, i] = min(distance[1, i], SAFE * ratio * distance[0, i])
        _bring_nearer(front, pixels, per_pixel, distance[1])
        for i in range(len(places)):
            y, x = places[i]
            away[0, y, x], away[1, y, x] = distance[0, i], distance[1, i]
            nearest = min(distance[0, i], distance[1, i])
            value = UNKNOWN
            if nearest < ALIKE and nearest * CLEARLY**2 < max(distance[0, i], distance[1, i]):
                value = FOREGROUND if distance[1, i] == nearest else BACKGROUND
                votes[0, y, x] = value == FOREGROUND
                votes[1, y, x] = np.float32(ALIKE) / (np.float32(ALIKE) + nearest)
            grown[y, x] = value


@numba.njit(cache=True, nogil=True, fastmath=EXACT)
def _vote(start, stop, colors, grown, counts, corners, reaches, steps, blur, votes):
    for t in range(start, stop):
        pixels, places = _unknown_pixels(colors, grown, corners[t])
        back, front = _gather_both(colors, grown, counts, corners[t], reaches[t], steps[t])
        alpha, best = _mean_vote(pixels, front, back, blur)
        for i in range(len(places)):
            votes[0, places[i, 0], places[i, 1]] = alpha[i]
            votes[1, places[i, 0], places[i, 1]] = best[i]


@numba.njit(cache=True, nogil=True)
def _is_nearer(
    start,
    stop,
    colors,
    known,
    before,
    top,
    left,
    corners,
    reaches,
    steps,
    anew,
    per_pixel,
    away,
    result,
):
    """Mark the tiles that have a pixel as near to a sample that came or went as to any before."""
    for t in range(start, stop):
        for side in range(2):
            if anew[t] or result[t]:
                continue
            moved = _moved(
                known, before, top, left, 255 * side, corners[t], reaches[t, side], steps[t, side]
            )
            if len(moved) == 0:
                continue
            samples = np.empty((5, len(moved)), np.float32)
            for j in range(len(moved)):
                _put(samples, j, colors, moved[j, 0], moved[j, 1])
            pixels, places = _unknown_pixels(colors, known, corners[t])
            limit = np.zeros(pixels.shape[1], np.float32)
            for i in range(len(places)):
                limit[i] = away[side, places[i, 0], places[i, 1]] * SAFE
            nearest = limit.copy()
            # These are few: to group the pixels first would take longer.
            _bring_group_nearer(samples, pixels, per_pixel, nearest)
            result[t] = (nearest < limit).any()


@numba.njit(cache=True, nogil=True)
def _is_resampled(start, stop, labels, before, top, left, corners, reaches, steps, anew, result):
    """Mark the tiles that have a sample that came or went."""
    for t in range(start, stop):
        for side in range(2):
            if not anew[t] and not result[t]:
                moved = _moved(
                    labels,
                    before,
                    top,
                    left,
                    255 * side,
                    corners[t],
                    reaches[t, side],
                    steps[t, side],
                )
                result[t] = len(moved) > 0


@numba.njit(cache=True, nogil=True)
def _moved(labels, before, top, left, value, corner, reach, step):
    """Return row and column of a tile's samples that came or went."""
    bottom, right = (
        min(corner[0] + TILE + reach, top + before.shape[0]),
        min(corner[1] + TILE + reach, left + before.shape[1]),
    )
    first, begin = max(corner[0] - reach, top), max(corner[1] - reach, left)
    rows = range(first // step, (bottom - 1) // step + 1)
    columns = range(begin // step, (right - 1) // step + 1)
    places = np.empty((len(rows) * len(columns), 2), np.int64)
    count = 0
    for row in rows:
        for column in columns:
            y, x = _candidate(row, column, step)
            if not (first <= y < bottom and begin <= x < right):
                continue
            if (labels[y, x] == value) != (before[y - top, x - left] == value):
                places[count] = y, x
                count += 1
    return places[:count]


@numba.njit(cache=True, nogil=True)
def _unknown_pixels(colors, trimap, corner):
    """Return color, row and column (5, M) of a tile's unknown pixels, and their places (N, 2).

    M is N rounded up; the pixels beyond are the last one again.
    """
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
    full = _rounded_up(count)
    for i in range(count, full):
        for row in range(5):
            pixels[row, i] = pixels[row, count - 1]
    # Copies are contiguous: loops over them are vectorized.
    return pixels[:, :full].copy(), places[:count]


@numba.njit(cache=True, nogil=True)
def _rounded_up(count):
    return -(-count // LANES) * LANES


@numba.njit(cache=True, nogil=True)
def _gather_both(colors, labels, counts, corner, reaches, steps):
    """Return the samples of background and foreground around a tile; set the steps they took."""
    back, steps[0] = _gather(colors, labels, counts[0], 0, corner, reaches[0], steps[0])
    front, steps[1] = _gather(colors, labels, counts[1], 255, corner, reaches[1], steps[1])
    return back, front


@numba.njit(cache=True, nogil=True)
def _gather(colors, labels, counts, value, corner, reach, step):
    """Return color, row and column (5, N) of known pixels around a tile, and the step it took."""
    height, width = labels.shape
    top, bottom = max(0, corner[0] - reach), min(height, corner[0] + TILE + reach)
    left, right = max(0, corner[1] - reach), min(width, corner[1] + TILE + reach)
    while True:
        high, wide = (bottom - 1) // step - top // step + 1, (right - 1) // step - left // step + 1
        samples, count = np.empty((5, high * wide), np.float32), 0
        for y_tile in range(top // TILE, (bottom - 1) // TILE + 1):
            first, end = max(top, y_tile * TILE), min(bottom, (y_tile + 1) * TILE)
            for x_tile in range(left // TILE, (right - 1) // TILE + 1):
                if counts[y_tile, x_tile] == 0:
                    continue
                begin, stop = max(left, x_tile * TILE), min(right, (x_tile + 1) * TILE)
                for row in range(first // step, (end - 1) // step + 1):
                    for column in range(begin // step, (stop - 1) // step + 1):
                        y, x = _candidate(row, column, step)
                        if first <= y < end and begin <= x < stop and labels[y, x] == value:
                            _put(samples, count, colors, y, x)
                            count += 1
        if count or step == 1:
            return samples[:, :count].copy(), step
        # A thin region may lie between all candidates.
        step //= 2


@numba.njit(cache=True, nogil=True)
def _candidate(row, column, step):
    """Return the pixel of a cell of `step` × `step` that may be a sample: any one, but the same."""
    mixed = (row * 374761393 + column * 668265263) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
    down, across = (mixed & 0xFFFF) * step >> 16, (mixed >> 16) * step >> 16
    return row * step + down, column * step + across


@numba.njit(cache=True, nogil=True)
def _put(pixels, i, colors, y, x):
    for channel in range(3):
        pixels[channel, i] = colors[y, x, channel]
    pixels[3, i], pixels[4, i] = y, x


@numba.njit(cache=True, nogil=True)
def _bring_nearer(samples, pixels, per_pixel, away):
    """Lower each pixel's distance to that of the nearest sample, in color and place, squared."""
    if len(away) == 0:
        return
    brightness = pixels[0] + pixels[1] + pixels[2]
    low = brightness.min()
    width = (brightness.max() - low) / GROUPS + np.float32(1e-6)
    group = ((brightness - low) / width).astype(np.int64)
    for number in range(GROUPS):
        members = np.flatnonzero(group == number)
        if len(members) > 0:
            some = np.empty((6, _rounded_up(len(members))), np.float32)
            for i in range(some.shape[1]):
                member = members[min(i, len(members) - 1)]
                for row in range(5):
                    some[row, i] = pixels[row, member]
                some[5, i] = away[member]
            nearest = some[5]
            _bring_group_nearer(samples, some, per_pixel, nearest)
            for i in range(len(members)):
                away[members[i]] = nearest[i]


@numba.njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
def _bring_group_nearer(samples, pixels, per_pixel, away):
    least = _least_distances(samples, pixels, per_pixel)
    farthest, since, count = away.max(), 0, samples.shape[1]
    nothing = _nothing(per_pixel)
    # Not in their order: samples from all over the region soon leave no pixel far from all.
    for begin in range(LOOK):
        for j in range(begin, count, LOOK):
            if least[j] > farthest:
                continue
            red, green, blue = samples[0, j], samples[1, j], samples[2, j]
            row, column = samples[3, j], samples[4, j]
            for i in range(len(away)):
                r, g, b = pixels[0, i] - red, pixels[1, i] - green, pixels[2, i] - blue
                y, x = pixels[3, i] - row, pixels[4, i] - column
                away[i] = min(away[i] + nothing, _square(r, g, b, y, x, per_pixel))
            since += 1
            if since % LOOK == 0:
                farthest = away.max() * SAFE


@numba.njit(cache=True, nogil=True, fastmath=EXACT)
def _square(r, g, b, y, x, per_pixel):
    """Return the square of a distance in color and place."""
    return r * r + g * g + b * b + per_pixel * per_pixel * (y * y + x * x)


@numba.njit(cache=True, nogil=True, fastmath=EXACT)
def _nothing(positive):
    """Return a 0 that the compiler does not know to be one.

    A minimum stored where its first operand came from would be a masked store, slow on AMD's; with
    this added to the operand it is not.
    """
    return min(np.float32(0), positive)


@numba.njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
def _least_distances(samples, pixels, per_pixel):
    """Return how far each sample is from the box around the pixels, squared."""
    zero = np.float32(0)
    apart = np.empty_like(samples)
    for row in range(5):
        low, high = pixels[row].min(), pixels[row].max()
        for j in range(samples.shape[1]):
            apart[row, j] = max(zero, max(low - samples[row, j], samples[row, j] - high))
    r, g, b, y, x = apart
    return _square(r, g, b, y, x, per_pixel)


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
    """Return the mean α of all pairs, weighted by fit and nearness, and how sure it is of that."""
    zero, one, two, noise = np.float32(0), np.float32(1), np.float32(2), np.float32(NOISE**2)
    count = pixels.shape[1]
    near_front, near_back = _nearness(front, pixels, blur), _nearness(back, pixels, blur)
    weights, votes = np.full(count, np.float32(1e-30)), np.zeros(count, np.float32)
    squares, squared = np.zeros(count, np.float32), np.empty(count, np.float32)
    least, nothing = np.full(count, np.float32(1e30)), _nothing(blur)
    beyond, size = np.empty((3, count), np.float32), np.empty(count, np.float32)
    part, voted = np.empty(count, np.float32), np.empty(count, np.float32)
    for b in range(back.shape[1]):
        b0, b1, b2 = back[0, b], back[1, b], back[2, b]
        for i in range(count):
            i0, i1, i2 = pixels[0, i] - b0, pixels[1, i] - b1, pixels[2, i] - b2
            beyond[0, i], beyond[1, i], beyond[2, i] = i0, i1, i2
            size[i] = noise + (i0 * i0 + i1 * i1 + i2 * i2)
            part[i], voted[i], squared[i] = zero, zero, zero
        for f in range(front.shape[1]):
            d0, d1, d2 = front[0, f] - b0, front[1, f] - b1, front[2, f] - b2
            span = d0 * d0 + d1 * d1 + d2 * d2
            scale = one / (span + np.float32(1e-4))
            for i in range(count):
                # α = (I − B)·(F − B) / |F − B|², and |I − B − α(F − B)|² is left.
                along = beyond[0, i] * d0 + beyond[1, i] * d1 + beyond[2, i] * d2
                alpha = min(one, max(zero, along * scale))
                left = size[i] - alpha * (two * along - alpha * span)
                fit = noise / left
                weight = fit * fit * fit * near_front[f, i]
                part[i] += weight
                voted[i] += weight * alpha
                squared[i] += weight * alpha * alpha
                least[i] = min(least[i] + nothing, left)
        for i in range(count):
            weights[i] += near_back[b, i] * part[i]
            votes[i] += near_back[b, i] * voted[i]
            squares[i] += near_back[b, i] * squared[i]
    mean = votes / weights
    variance = np.maximum(squares / weights - mean * mean, zero)
    agreement = np.float32(SPREAD**2) / (np.float32(SPREAD**2) + variance)
    # Rounding may leave less than nothing of a pixel that a pair explains.
    return mean, agreement * np.minimum(noise / least, one)
