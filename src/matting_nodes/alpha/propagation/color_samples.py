"""What the known colors nearby say about the unknown pixels: expansion, then color pairs.

The unknown pixels of a tile share their samples: known pixels around the tile, evenly spread. First
each known region expands into the pixels whose color is far more similar to one of its samples than
to any of the other region. For each of the rest every pair of a foreground color F and a background
color B among the samples gives an estimate of α, from I = αF + (1 − α)B. α̂ is their mean, weighted
by how well a pair explains the pixel and how near it lies.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from ...arrays import BACKGROUND, FOREGROUND, UNKNOWN, Image, Trimap, unknown
from ...job import Job
from ...solvers.boxes import Slices, corner
from ...solvers.parallel import in_parallel
from .sample_grid import TILE, SampleGrid, aligned_to_tiles, union_with_tiles

EXPANSION_SAMPLES = 700
"""Samples of a region, about, and at most twice as many, that a tile's pixels are compared with."""
PAIR_SAMPLES = 32
"""Samples of a region, about, and at most twice as many, that are paired."""
REFERENCE_DIAGONAL = 1000.0
"""Diagonal of the pictures that the distances below are meant for, in pixels. They grow with larger
pictures."""
EXPANSION_REACH, PAIR_REACH = 40.0, 20.0
"""How far around a tile samples are taken, in pixels: to compare colors with, and to pair them."""
COLOR_CUTOFF = 0.035
"""Greatest distance at which a pixel is similar to a sample, in color (0..1) and position."""
SPATIAL_WEIGHT = 0.0004
"""What a pixel of distance in position counts as distance in color."""
RATIO_TEST = 3.0
"""A region expands into a pixel if the other region is at least so many times as distant."""
SQUARED_CUTOFF = COLOR_CUTOFF**2
MAX_SQUARED_DISTANCE = np.float32(1.1 * SQUARED_CUTOFF * RATIO_TEST**2)
"""Above this a distance passes the ratio test with any similar sample; how large it is, is not
needed."""
ROUNDING_FACTOR = np.float32(1.0001)
"""Slightly above 1, by more than rounding errors."""
BRIGHTNESS_GROUPS = 4
"""Groups of pixels of similar brightness that are compared together: each is near few samples."""
LANES = 8
"""Pixels that are processed together: their number is rounded up to a multiple of it."""
CHECK_INTERVAL = 8
"""Samples between two updates of the greatest distance that a pixel of a group still has."""
COLOR_NOISE = 0.01
"""Color error of a pair, in 0..1, above which its weight falls off."""
ALPHA_SPREAD = 0.2
"""Standard deviation of the pairs' α, above which the confidence in their mean falls off."""
PROXIMITY_RADIUS = 5.0
"""Distance of a sample, in pixels, above which its weight falls off."""

EXACT_FASTMATH = {"nnan", "ninf", "nsz"}
"""Liberties for the compiler that change no rounding. With more of them, the vectorized and the
plain version of a loop, chosen at run time by the addresses of its arrays, would differ in their
last bits."""

Floats = NDArray[np.float32]


class ColorSamples:
    """Estimates of α from the known colors of a picture, for a trimap that may change.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        The picture.

    Attributes
    ----------
    colors : (H, W, 3) float32
        The picture's colors, projected on its principal axes if it has more than three channels.
    expanded : (H, W) uint8, {0, 128, 255}
        The trimap with its regions expanded.
    estimates : (2, H, W) float32, 0..1
        α̂ of each unknown pixel and its confidence. Where `expanded` is unknown too, the confidence
        is 1 if a pair of colors explains the pixel exactly and all such pairs agree; elsewhere, if
        a sample of the region that expanded has the pixel's color.

    Notes
    -----
    The expansion is that of Shared Matting (Gastal and Oliveira, Eurographics 2010) with a ratio
    test; pairs are weighted as in Wang and Cohen, "Optimized Color Sampling", CVPR 2007.
    """

    def __init__(self, image: Image) -> None:
        shape = image.shape[:2]
        scale = max(1.0, math.hypot(*shape) / REFERENCE_DIAGONAL)
        self.colors = principal_colors(image)
        self._spatial_weight = np.float32(SPATIAL_WEIGHT / scale)
        self._squared_radius = np.float32((PROXIMITY_RADIUS * scale) ** 2)
        self._expansion_grid = SampleGrid(shape, EXPANSION_REACH * scale, EXPANSION_SAMPLES)
        self._pair_grid = SampleGrid(shape, PAIR_REACH * scale, PAIR_SAMPLES)
        self._known: Trimap = np.full(shape, UNKNOWN, np.uint8)
        self._squared_distances: Floats = np.zeros((2, *shape), np.float32)
        self.expanded: Trimap = np.full(shape, UNKNOWN, np.uint8)
        self.estimates: Floats = np.zeros((2, *shape), np.float32)

    def update(self, trimap: Trimap, region: Slices, job: Job) -> Slices:
        """Sample again what depends on a box of the trimap; return the box that may have changed.

        Parameters
        ----------
        trimap : (H, W) uint8
            0 background, 255 foreground, between them unknown; with some of both regions.
        region : Slices
            The box in which the trimap may have changed; the first time, the whole picture.
        job : Job
            Reports progress. Samples of which an update was cancelled cannot be used any more.
        """
        region = aligned_to_tiles(region)
        before, labels = self._known[region].copy(), trimap[region]
        self._known[region] = np.where(unknown(labels), UNKNOWN, labels)
        tiles = self._expansion_grid.affected_tiles(self._known, region, before)
        nearer = np.zeros(len(tiles.corners), bool)
        in_parallel(
            _mark_nearer,
            len(nearer),
            self.colors,
            self._known,
            before,
            *corner(region),
            *tiles,
            self._spatial_weight,
            self._squared_distances,
            nearer,
            smallest=8,
        )
        tiles = tiles.to_resample(nearer)
        region = union_with_tiles(region, tiles.corners)
        before, labels = self.expanded[region].copy(), self._known[region]
        np.copyto(self.expanded[region], labels, where=labels != UNKNOWN)
        for chunk in tiles.chunks(job.part(0, 0.6)):
            in_parallel(
                _expand,
                len(chunk[0]),
                self.colors,
                self._known,
                self._expansion_grid.counts,
                *chunk,
                self._spatial_weight,
                self._squared_distances,
                self.expanded,
                self.estimates,
                0,
                0,
            )
        self._expansion_grid.record_spacings(tiles)
        tiles = self._pair_grid.affected_tiles(self.expanded, region, before)
        resampled = np.zeros(len(tiles.corners), bool)
        in_parallel(
            _mark_resampled,
            len(resampled),
            self.expanded,
            before,
            *corner(region),
            *tiles,
            resampled,
            smallest=32,
        )
        tiles = tiles.to_resample(resampled)
        for chunk in tiles.chunks(job.part(0.6, 1)):
            in_parallel(
                _estimate,
                len(chunk[0]),
                self.colors,
                self.expanded,
                self._pair_grid.counts,
                *chunk,
                self._squared_radius,
                self.estimates,
                0,
                0,
            )
        self._pair_grid.record_spacings(tiles)
        return union_with_tiles(region, tiles.corners)


def principal_colors(image: Image) -> Floats:
    """Return a picture with three channels: as it is, padded, or on its three principal axes."""
    channels = image.shape[2]
    if channels == 3:
        return image
    if channels < 3:
        return np.pad(image, ((0, 0), (0, 0), (0, 3 - channels)))
    values = image.reshape(-1, channels)
    _, axes = np.linalg.eigh(np.cov(values, rowvar=False))
    result: Floats = (image @ axes[:, -3:].astype(np.float32)).astype(np.float32)
    return result


# For the compiler to vectorize the inner loops, they use 32-bit numbers, mostly one store each, and
# division without a check for zero, as NumPy divides.
@numba.njit(cache=True, nogil=True, fastmath=EXACT_FASTMATH)
def _expand(
    start,
    stop,
    colors,
    known,
    counts,
    corners,
    reaches,
    spacings,
    spatial_weight,
    distances,
    expanded,
    estimates,
    top,
    left,
):
    for t in range(start, stop):
        pixels, positions = _unknown_pixels(colors, known, corners[t], top, left)
        back, front = _gather_both_regions(
            colors, known, counts, corners[t], reaches[t], spacings[t], top, left
        )
        distance = np.full((2, pixels.shape[1]), MAX_SQUARED_DISTANCE)
        _update_distances(back, pixels, spatial_weight, distance[0])
        for i in range(len(positions)):
            # Whatever is more distant than this decides nothing: it need not be found exactly.
            ratio = np.float32(
                RATIO_TEST**2 if distance[0, i] < SQUARED_CUTOFF else 1 / RATIO_TEST**2
            )
            distance[1, i] = min(distance[1, i], ROUNDING_FACTOR * ratio * distance[0, i])
        _update_distances(front, pixels, spatial_weight, distance[1])
        for i in range(len(positions)):
            y, x = positions[i]
            distances[0, y, x], distances[1, y, x] = distance[0, i], distance[1, i]
            # d < cutoff and d · ratio < d_other, all squared
            nearest = min(distance[0, i], distance[1, i])
            value = UNKNOWN
            if nearest < SQUARED_CUTOFF and nearest * RATIO_TEST**2 < max(
                distance[0, i], distance[1, i]
            ):
                value = FOREGROUND if distance[1, i] == nearest else BACKGROUND
                estimates[0, y, x] = value == FOREGROUND
                # confidence = c² / (c² + d²)
                estimates[1, y, x] = np.float32(SQUARED_CUTOFF) / (
                    np.float32(SQUARED_CUTOFF) + nearest
                )
            expanded[y, x] = value


@numba.njit(cache=True, nogil=True, fastmath=EXACT_FASTMATH)
def _estimate(
    start,
    stop,
    colors,
    expanded,
    counts,
    corners,
    reaches,
    spacings,
    squared_radius,
    estimates,
    top,
    left,
):
    for t in range(start, stop):
        pixels, positions = _unknown_pixels(colors, expanded, corners[t], top, left)
        back, front = _gather_both_regions(
            colors, expanded, counts, corners[t], reaches[t], spacings[t], top, left
        )
        alpha, confidence = _mean_estimate(pixels, front, back, squared_radius)
        for i in range(len(positions)):
            estimates[0, positions[i, 0], positions[i, 1]] = alpha[i]
            estimates[1, positions[i, 0], positions[i, 1]] = confidence[i]


@numba.njit(cache=True, nogil=True)
def _mark_nearer(
    start,
    stop,
    colors,
    known,
    before,
    top,
    left,
    corners,
    reaches,
    spacings,
    stale,
    spatial_weight,
    distances,
    result,
):
    """Mark the tiles with a pixel that a new or lost sample is as near to as its nearest was."""
    for t in range(start, stop):
        for side in range(2):
            if stale[t] or result[t]:
                continue
            changed = _changed_samples(
                known,
                before,
                top,
                left,
                255 * side,
                corners[t],
                reaches[t, side],
                spacings[t, side],
            )
            if len(changed) == 0:
                continue
            samples = np.empty((5, len(changed)), np.float32)
            for j in range(len(changed)):
                _store_pixel(samples, j, colors, changed[j, 0], changed[j, 1], 0, 0)
            pixels, positions = _unknown_pixels(colors, known, corners[t], 0, 0)
            limit = np.zeros(pixels.shape[1], np.float32)
            for i in range(len(positions)):
                limit[i] = distances[side, positions[i, 0], positions[i, 1]] * ROUNDING_FACTOR
            nearest = limit.copy()
            # There are few samples: grouping the pixels first would take longer.
            _update_group_distances(samples, pixels, spatial_weight, nearest)
            result[t] = (nearest < limit).any()


@numba.njit(cache=True, nogil=True)
def _mark_resampled(
    start, stop, labels, before, top, left, corners, reaches, spacings, stale, result
):
    """Mark the tiles that gained or lost a sample."""
    for t in range(start, stop):
        for side in range(2):
            if not stale[t] and not result[t]:
                changed = _changed_samples(
                    labels,
                    before,
                    top,
                    left,
                    255 * side,
                    corners[t],
                    reaches[t, side],
                    spacings[t, side],
                )
                result[t] = len(changed) > 0


@numba.njit(cache=True, nogil=True)
def _changed_samples(labels, before, top, left, value, corner, reach, spacing):
    """Return row and column of the samples that a tile gained or lost, (N, 2)."""
    bottom, right = (
        min(corner[0] + TILE + reach, top + before.shape[0]),
        min(corner[1] + TILE + reach, left + before.shape[1]),
    )
    first, begin = max(corner[0] - reach, top), max(corner[1] - reach, left)
    rows = range(first // spacing, (bottom - 1) // spacing + 1)
    columns = range(begin // spacing, (right - 1) // spacing + 1)
    positions = np.empty((len(rows) * len(columns), 2), np.int64)
    count = 0
    for row in rows:
        for column in columns:
            y, x = _candidate(row, column, spacing)
            if not (first <= y < bottom and begin <= x < right):
                continue
            if (labels[y, x] == value) != (before[y - top, x - left] == value):
                positions[count] = y, x
                count += 1
    return positions[:count]


@numba.njit(cache=True, nogil=True)
def _unknown_pixels(colors, trimap, corner, top, left):
    """Return color, row and column (5, M) of a tile's unknown pixels, and their positions (N, 2).

    M is N rounded up to a multiple of LANES; the last pixel is repeated. The arrays begin at `top`
    and `left` of the picture in which corners, rows and columns are counted; positions are those
    in the arrays.
    """
    height, width = top + trimap.shape[0], left + trimap.shape[1]
    pixels = np.empty((5, TILE * TILE), np.float32)
    positions = np.empty((TILE * TILE, 2), np.int64)
    count = 0
    for y in range(corner[0], min(height, corner[0] + TILE)):
        for x in range(corner[1], min(width, corner[1] + TILE)):
            label = trimap[y - top, x - left]
            if label != BACKGROUND and label != FOREGROUND:
                _store_pixel(pixels, count, colors, y, x, top, left)
                positions[count] = y - top, x - left
                count += 1
    full = _rounded_up(count)
    for i in range(count, full):
        for row in range(5):
            pixels[row, i] = pixels[row, count - 1]
    # A copy is contiguous: loops over it are vectorized.
    return pixels[:, :full].copy(), positions[:count]


@numba.njit(cache=True, nogil=True)
def _rounded_up(count):
    return -(-count // LANES) * LANES


@numba.njit(cache=True, nogil=True)
def _gather_both_regions(colors, labels, counts, corner, reaches, spacings, origin_y, origin_x):
    """Return the samples of background and foreground around a tile; set their final spacings."""
    back, spacings[0] = _gather_samples(
        colors,
        labels,
        counts[0],
        0,
        corner,
        reaches[0],
        spacings[0],
        origin_y,
        origin_x,
    )
    front, spacings[1] = _gather_samples(
        colors,
        labels,
        counts[1],
        255,
        corner,
        reaches[1],
        spacings[1],
        origin_y,
        origin_x,
    )
    return back, front


@numba.njit(cache=True, nogil=True)
def _gather_samples(colors, labels, counts, value, corner, reach, spacing, origin_y, origin_x):
    """Return color, row and column (5, N) of samples of a region near a tile; and their spacing.

    The arrays begin at `origin_y` and `origin_x` of the picture.
    """
    height, width = origin_y + labels.shape[0], origin_x + labels.shape[1]
    top, bottom = max(origin_y, corner[0] - reach), min(height, corner[0] + TILE + reach)
    left, right = max(origin_x, corner[1] - reach), min(width, corner[1] + TILE + reach)
    while True:
        rows = (bottom - 1) // spacing - top // spacing + 1
        columns = (right - 1) // spacing - left // spacing + 1
        samples, count = np.empty((5, rows * columns), np.float32), 0
        for y_tile in range(top // TILE, (bottom - 1) // TILE + 1):
            first, end = max(top, y_tile * TILE), min(bottom, (y_tile + 1) * TILE)
            for x_tile in range(left // TILE, (right - 1) // TILE + 1):
                if counts[y_tile, x_tile] == 0:
                    continue
                begin, stop = max(left, x_tile * TILE), min(right, (x_tile + 1) * TILE)
                for row in range(first // spacing, (end - 1) // spacing + 1):
                    for column in range(begin // spacing, (stop - 1) // spacing + 1):
                        y, x = _candidate(row, column, spacing)
                        if not (first <= y < end and begin <= x < stop):
                            continue
                        if labels[y - origin_y, x - origin_x] == value:
                            _store_pixel(samples, count, colors, y, x, origin_y, origin_x)
                            count += 1
        if count or spacing == 1:
            return samples[:, :count].copy(), spacing
        # A thin region may have missed all candidates.
        spacing //= 2


@numba.njit(cache=True, nogil=True)
def _candidate(row, column, spacing):
    """Return the pixel that may be a sample, of a square of `spacing` × `spacing` pixels.

    A hash of row and column chooses it: irregular, but always the same one.
    """
    mixed = (row * 374761393 + column * 668265263) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
    down, across = (mixed & 0xFFFF) * spacing >> 16, (mixed >> 16) * spacing >> 16
    return row * spacing + down, column * spacing + across


@numba.njit(cache=True, nogil=True)
def _store_pixel(pixels, i, colors, y, x, top, left):
    for channel in range(3):
        pixels[channel, i] = colors[y - top, x - left, channel]
    pixels[3, i], pixels[4, i] = y, x


@numba.njit(cache=True, nogil=True)
def _update_distances(samples, pixels, spatial_weight, distances):
    """Lower each pixel's squared distance to that of its nearest sample, if that is less."""
    if len(distances) == 0:
        return
    brightness = pixels[0] + pixels[1] + pixels[2]
    low = brightness.min()
    width = (brightness.max() - low) / BRIGHTNESS_GROUPS + np.float32(1e-6)
    group = ((brightness - low) / width).astype(np.int64)
    for number in range(BRIGHTNESS_GROUPS):
        members = np.flatnonzero(group == number)
        if len(members) > 0:
            some = np.empty((6, _rounded_up(len(members))), np.float32)
            for i in range(some.shape[1]):
                member = members[min(i, len(members) - 1)]
                for row in range(5):
                    some[row, i] = pixels[row, member]
                some[5, i] = distances[member]
            nearest = some[5]
            _update_group_distances(samples, some, spatial_weight, nearest)
            for i in range(len(members)):
                distances[members[i]] = nearest[i]


@numba.njit(cache=True, nogil=True, fastmath=EXACT_FASTMATH, error_model="numpy")
def _update_group_distances(samples, pixels, spatial_weight, distances):
    least = _squared_distances_to_box(samples, pixels, spatial_weight)
    farthest, since, count = distances.max(), 0, samples.shape[1]
    opaque_zero = _opaque_zero(spatial_weight)
    # In strides: after samples from all over the region no pixel is distant from all of them.
    for begin in range(CHECK_INTERVAL):
        for j in range(begin, count, CHECK_INTERVAL):
            if least[j] > farthest:
                continue
            red, green, blue = samples[0, j], samples[1, j], samples[2, j]
            row, column = samples[3, j], samples[4, j]
            for i in range(len(distances)):
                r, g, b = pixels[0, i] - red, pixels[1, i] - green, pixels[2, i] - blue
                y, x = pixels[3, i] - row, pixels[4, i] - column
                distances[i] = min(
                    distances[i] + opaque_zero, _squared_distance(r, g, b, y, x, spatial_weight)
                )
            since += 1
            if since % CHECK_INTERVAL == 0:
                farthest = distances.max() * ROUNDING_FACTOR


@numba.njit(cache=True, nogil=True, fastmath=EXACT_FASTMATH)
def _squared_distance(r, g, b, y, x, spatial_weight):
    """Return |ΔI|² + s² |Δposition|²."""
    return r * r + g * g + b * b + spatial_weight * spatial_weight * (y * y + x * x)


@numba.njit(cache=True, nogil=True, fastmath=EXACT_FASTMATH)
def _opaque_zero(positive):
    """Return a 0 that the compiler cannot recognize as one.

    Storing a minimum where its first operand was read becomes a masked store, which is slow on AMD
    processors; adding this to the operand prevents it.
    """
    return min(np.float32(0), positive)


@numba.njit(cache=True, nogil=True, fastmath=EXACT_FASTMATH, error_model="numpy")
def _squared_distances_to_box(samples, pixels, spatial_weight):
    """Return the squared distance of each sample from the bounding box of the pixels."""
    zero = np.float32(0)
    apart = np.empty_like(samples)
    for row in range(5):
        low, high = pixels[row].min(), pixels[row].max()
        for j in range(samples.shape[1]):
            apart[row, j] = max(zero, max(low - samples[row, j], samples[row, j] - high))
    r, g, b, y, x = apart
    return _squared_distance(r, g, b, y, x, spatial_weight)


@numba.njit(cache=True, nogil=True, fastmath=EXACT_FASTMATH, error_model="numpy")
def _proximity_weights(samples, pixels, squared_radius):
    """Return r² / (r² + |Δposition|²) of each sample and pixel."""
    proximity = np.empty((samples.shape[1], pixels.shape[1]), np.float32)
    for j in range(samples.shape[1]):
        for i in range(pixels.shape[1]):
            y, x = pixels[3, i] - samples[3, j], pixels[4, i] - samples[4, j]
            proximity[j, i] = squared_radius / (squared_radius + y * y + x * x)
    return proximity


@numba.njit(cache=True, nogil=True, fastmath=EXACT_FASTMATH, error_model="numpy")
def _mean_estimate(pixels, front, back, squared_radius):
    """Return α̂, the mean α of all pairs weighted by fit and proximity, and its confidence."""
    zero, one, two, noise = np.float32(0), np.float32(1), np.float32(2), np.float32(COLOR_NOISE**2)
    count = pixels.shape[1]
    near_front, near_back = (
        _proximity_weights(front, pixels, squared_radius),
        _proximity_weights(back, pixels, squared_radius),
    )
    weight_total, alpha_total = np.full(count, np.float32(1e-30)), np.zeros(count, np.float32)
    square_total, square_sum = np.zeros(count, np.float32), np.empty(count, np.float32)
    min_error, opaque_zero = np.full(count, np.float32(1e30)), _opaque_zero(squared_radius)
    beyond, size = np.empty((3, count), np.float32), np.empty(count, np.float32)
    weight_sum, alpha_sum = np.empty(count, np.float32), np.empty(count, np.float32)
    for b in range(back.shape[1]):
        b0, b1, b2 = back[0, b], back[1, b], back[2, b]
        for i in range(count):
            i0, i1, i2 = pixels[0, i] - b0, pixels[1, i] - b1, pixels[2, i] - b2
            beyond[0, i], beyond[1, i], beyond[2, i] = i0, i1, i2
            size[i] = noise + (i0 * i0 + i1 * i1 + i2 * i2)  # n² + |I − B|²
            weight_sum[i], alpha_sum[i], square_sum[i] = zero, zero, zero
        for f in range(front.shape[1]):
            d0, d1, d2 = front[0, f] - b0, front[1, f] - b1, front[2, f] - b2
            span = d0 * d0 + d1 * d1 + d2 * d2
            scale = one / (span + np.float32(1e-4))
            for i in range(count):
                # α = (I − B)·(F − B) / |F − B|²
                along = beyond[0, i] * d0 + beyond[1, i] * d1 + beyond[2, i] * d2
                alpha = min(one, max(zero, along * scale))
                # e² = n² + |I − B − α(F − B)|²
                error = size[i] - alpha * (two * along - alpha * span)
                # Its weight is (n² / e²)³, times the proximity of F and of B.
                fit = noise / error
                weight = fit * fit * fit * near_front[f, i]
                weight_sum[i] += weight
                alpha_sum[i] += weight * alpha
                square_sum[i] += weight * alpha * alpha
                min_error[i] = min(min_error[i] + opaque_zero, error)
        for i in range(count):
            weight_total[i] += near_back[b, i] * weight_sum[i]
            alpha_total[i] += near_back[b, i] * alpha_sum[i]
            square_total[i] += near_back[b, i] * square_sum[i]
    # confidence = s² / (s² + Var α) · n² / min e²
    mean = alpha_total / weight_total
    variance = np.maximum(square_total / weight_total - mean * mean, zero)
    agreement = np.float32(ALPHA_SPREAD**2) / (np.float32(ALPHA_SPREAD**2) + variance)
    # Rounding errors may make e² less than n².
    return mean, agreement * np.minimum(noise / min_error, one)
