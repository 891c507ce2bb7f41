"""Measure: seconds for 5,000 objects in 4096 × 4096 pixels, and errors of all of them.

    python benchmarks/measure.py [--side 4096] [--across 71]

Discs of known size and brightness, blurred by a Gaussian of 2 pixels, in Poisson noise; each mean
is over all of them. The matte is the share that the light of a pixel says it has, unknown within 7
pixels of the edge of a mask at half the brightness.
"""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np

from matting_nodes import measure

BRIGHT, DARK, BLUR, REACH = 400.0, 60.0, 2.0, 7.0
RISE = 2.5631
"""From 10 to 90 % of a Gaussian edge, in standard deviations."""
FINE = 4


def main() -> None:
    """Print seconds and errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--across", type=int, default=71, help="discs in a row")
    options = parser.parse_args()
    side, across = options.side, options.across
    share, radii = discs(side, across)
    picture = np.random.default_rng(1).poisson(share * (BRIGHT - DARK) + DARK).astype(np.float32)
    level = (BRIGHT + DARK) / 2
    mask = (cv2.GaussianBlur(picture, (0, 0), 1) > level).astype(np.uint8)
    count, labels = cv2.connectedComponents(mask)
    outside, inside = (cv2.distanceTransform(m, cv2.DIST_L2, 5) for m in (1 - mask, mask))
    alpha = ((picture - DARK) / (BRIGHT - DARK)).clip(0, 1)
    alpha = np.where(outside > REACH, 0, np.where(inside > REACH, 1, alpha)).astype(np.float32)
    measure(labels[:64, :64].copy(), alpha[:64, :64].copy(), picture[:64, :64].copy())
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        table = measure(labels, alpha, picture, reach=REACH + 2)
        seconds.append(time.perf_counter() - begin)
    print(f"{count - 1} objects in {side} × {side}: {min(seconds):.2f} s (the fastest of 3)")
    area = np.pi * radii**2
    print(f"area {table['area'].sum() / area.sum() - 1:+.2%}", end="; ")
    print(f"hard mask {table['mask_area'].sum() / area.sum() - 1:+.2%}", end="; ")
    print(f"integrated {table['integrated'].sum() / (area.sum() * BRIGHT) - 1:+.2%}", end="; ")
    width = RISE * np.hypot(BLUR, 12**-0.5)
    print(f"edge width {np.nanmean(table['edge_width']) / width - 1:+.2%}")


def discs(side: int, across: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of each pixel that blurred discs cover, and their radii."""
    rng, step = np.random.default_rng(0), side // across
    radii = rng.uniform(0.22, 0.3, (across, across)) * step
    share = np.zeros((side, side), np.float32)
    y, x = np.indices((step * FINE, step * FINE), np.float32)
    for row in range(across):
        for column in range(across):
            center = (step / 2 + rng.uniform(-0.5, 0.5, 2)) * FINE
            far = np.hypot(y + 0.5 - center[0], x + 0.5 - center[1])
            fine = (far <= radii[row, column] * FINE).astype(np.float32)
            tile = fine.reshape(step, FINE, step, FINE).mean((1, 3))
            share[row * step : (row + 1) * step, column * step : (column + 1) * step] = tile
    return cv2.GaussianBlur(share, (0, 0), BLUR), radii


if __name__ == "__main__":
    main()
