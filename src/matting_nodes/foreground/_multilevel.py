"""The loops of the multilevel method on the CPU."""

from __future__ import annotations

import numpy as np
from numba import njit

from ..arrays import Alpha, Image
from ..solvers.parallel import in_parallel

ZERO, QUARTER, ONE = np.float32(0), np.float32(0.25), np.float32(1)
BACKGROUND_MAX, FOREGROUND_MIN = np.float32(0.1), np.float32(0.9)
"""As published: the colors of the first level are means over α below the first and above the
second."""
PARALLEL_MIN = 16384
"""Pixels that are worth a thread of their own."""
MIN_BAND_ROWS = 64
"""Least height of the bands that threads sweep, in pixels: high, so that the gaps are few."""


def resized(picture: Image, height: int, width: int) -> Image:
    """Return a picture resized by nearest neighbors; the picture itself at its own size.

    Parameters
    ----------
    picture : (h, w, C) float32
    height, width : int, pixels

    Returns
    -------
    (height, width, C) float32
    """
    if picture.shape[:2] == (height, width):
        return picture
    columns = np.arange(width) * picture.shape[1] // width
    # By NumPy, which asks for large pages: allocating in compiled code took four times as long.
    result = np.empty((height, width, picture.shape[2]), np.float32)
    channels = tuple(range(picture.shape[2]))
    in_parallel(
        _nearest, height, picture, columns, channels, result, smallest=1 + PARALLEL_MIN // width
    )
    return result


def mean_colors(image: Image, alpha: Alpha) -> tuple[Image, Image]:
    """Return the mean colors where α is nearly 1 and where it is nearly 0; black for no such pixel.

    Parameters
    ----------
    image : (H, W, C) float32
    alpha : (H, W) float32

    Returns
    -------
    foreground, background : (1, 1, C) float32
    """
    height, _, channels = image.shape
    # Row by row, so that the sums do not depend on the number of threads.
    sums = np.zeros((2, height, channels + 1))
    in_parallel(_add_solid, height, image, alpha, sums, smallest=1 + PARALLEL_MIN // len(image[0]))
    front, back = (
        (total[:-1] / max(total[-1], 1)).astype(np.float32)[None, None]
        for total in sums.sum(axis=1)
    )
    return front, back


def solve(
    image: Image,
    alpha: Alpha,
    foreground: Image,
    background: Image,
    regularization: float,
    iterations: int,
) -> None:
    """Improve the colors of one level in place by red-black Gauss–Seidel iterations.

    Parameters
    ----------
    image : (H, W, C) float32
    alpha : (H, W) float32
    foreground, background : (H, W, C) float32
        The colors, read and written.
    regularization : float
        Weight of smoothness.
    iterations : int
        Each is a red and a black sweep.
    """
    sweeps, epsilon = 2 * iterations, np.float32(regularization)
    # No lower than the rows that the sweeps leave out at both edges of a band.
    bands = max(1, len(image) // max(MIN_BAND_ROWS, 2 * sweeps))
    edges = np.arange(bands + 1) * len(image) // bands
    # A tuple, so that the number of channels is known to the compiler: saves a fifth of the time.
    channels = tuple(range(image.shape[2]))
    pictures = image, alpha, foreground, background, channels
    in_parallel(_sweep_bands, bands, *pictures, epsilon, sweeps, edges)
    in_parallel(_sweep_gaps, bands - 1, *pictures, epsilon, sweeps, edges[1:-1])


@njit(cache=True, nogil=True)
def _add_solid(start, stop, image, alpha, sums):
    """Add up and count the colors of each row where α is nearly 1 and where it is nearly 0."""
    _, width, channels = image.shape
    for y in range(start, stop):
        for x in range(width):
            a = alpha[y, x]
            if a < BACKGROUND_MAX or a > FOREGROUND_MIN:
                side = 0 if a > FOREGROUND_MIN else 1
                for c in range(channels):
                    sums[side, y, c] += image[y, x, c]
                sums[side, y, channels] += 1


@njit(cache=True, nogil=True)
def _nearest(start, stop, picture, columns, channels, result):
    height, width, _ = result.shape
    for y in range(start, stop):
        row = y * picture.shape[0] // height
        for x in range(width):
            for c in range(len(channels)):
                result[y, x, c] = picture[row, columns[x], c]


@njit(cache=True, nogil=True)
def _sweep_bands(
    start, stop, image, alpha, foreground, background, channels, epsilon, sweeps, edges
):
    """Sweep over bands of rows, each sweep a row behind the last, while rows are in the cache.

    Each sweep stops a row farther from the next band than the last one: the rows it would read
    there have not been swept as often.
    """
    last = len(edges) - 2
    for band in range(start, stop):
        top, bottom = edges[band], edges[band + 1]
        for front in range(top, bottom + sweeps):
            for sweep in range(sweeps):
                y = front - sweep
                first = top if band == 0 else top + sweep
                end = bottom if band == last else bottom - sweep
                if first <= y < end:
                    _sweep_row(image, alpha, foreground, background, channels, epsilon, y, sweep)


@njit(cache=True, nogil=True)
def _sweep_gaps(
    start, stop, image, alpha, foreground, background, channels, epsilon, sweeps, edges
):
    """Sweep over the rows left out between bands."""
    for edge in edges[start:stop]:
        for sweep in range(1, sweeps):
            for y in range(edge - sweep, edge + sweep):
                _sweep_row(image, alpha, foreground, background, channels, epsilon, y, sweep)


@njit(cache=True, nogil=True)
def _sweep_row(image, alpha, foreground, background, channels, epsilon, y, sweep):
    """Solve for both colors of every second pixel of a row, its four neighbors held fixed.

    The pixels of one sweep are not neighbors: neither their order nor the number of threads
    matters.
    """
    height, width = alpha.shape
    up, down = max(y - 1, 0), min(y + 1, height - 1)
    for x in range((y + sweep) % 2, width, 2):
        left, right = max(x - 1, 0), min(x + 1, width - 1)
        a = alpha[y, x]
        b = ONE - a
        a_up, a_down, a_left, a_right = (
            alpha[up, x],
            alpha[down, x],
            alpha[y, left],
            alpha[y, right],
        )
        if a * b == 0 and a == a_up and a == a_down and a == a_left and a == a_right:
            # One color is the picture's and the other is never seen: solving for it once is enough.
            if sweep < 2:
                seen, hidden = (foreground, background) if a == 1 else (background, foreground)
                for c in range(len(channels)):
                    seen[y, x, c] = image[y, x, c]
                    hidden[y, x, c] = QUARTER * (
                        hidden[up, x, c]
                        + hidden[down, x, c]
                        + hidden[y, left, c]
                        + hidden[y, right, c]
                    )
            continue
        # Minimize |αF + (1 − α)B − I|² + Σ wᵢ (|F − Fᵢ|² + |B − Bᵢ|²), where wᵢ = ε + |α − αᵢ|.
        w_up, w_down = epsilon + abs(a - a_up), epsilon + abs(a - a_down)
        w_left, w_right = epsilon + abs(a - a_left), epsilon + abs(a - a_right)
        w = w_up + w_down + w_left + w_right
        # (a² + w    ab  ) (F)   (aI + Σ wᵢ Fᵢ)
        # (  ab    b² + w) (B) = (bI + Σ wᵢ Bᵢ)
        ff, fb, bb = a * a + w, a * b, b * b + w
        inverse = ONE / (ff * bb - fb * fb)
        for c in range(len(channels)):
            f = a * image[y, x, c] + (
                w_up * foreground[up, x, c]
                + w_down * foreground[down, x, c]
                + w_left * foreground[y, left, c]
                + w_right * foreground[y, right, c]
            )
            g = b * image[y, x, c] + (
                w_up * background[up, x, c]
                + w_down * background[down, x, c]
                + w_left * background[y, left, c]
                + w_right * background[y, right, c]
            )
            foreground[y, x, c] = min(max(inverse * (bb * f - fb * g), ZERO), ONE)
            background[y, x, c] = min(max(inverse * (ff * g - fb * f), ZERO), ONE)
