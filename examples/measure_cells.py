"""How far a hard mask is off, and a matte is not: python examples/measure_cells.py [FOLDER].

Cells of known size and brightness, in a haze, blurred by a microscope and with the noise of single
photons, are found by a threshold and measured twice: by that mask, and by its matte.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from matting_nodes import alpha_matte, make_trimap, measure, segment, write_image

SIDE, FINE = 512, 4
"""Pixels, and samples to the side of each of them."""
BLUR = 2.2
"""Standard deviation of the point-spread function, in pixels."""
HAZE, BRIGHT = 60, 300
"""Photons a pixel, of the background and of the faintest cell."""
REACH = 3.5
"""How far a soft edge reaches to either side, in standard deviations."""


def cells(seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return a picture of cells in photons, and (x, y, area, photons) of each."""
    rng = np.random.default_rng(seed)
    picture = np.full((SIDE, SIDE), HAZE, np.float32)
    truth = []
    at = (np.arange(SIDE * FINE) + 0.5) / FINE - 0.5
    for row in range(40, SIDE - 30, 72):
        for column in range(40, SIDE - 30, 72):
            x, y = column + rng.uniform(-4, 4), row + rng.uniform(-4, 4)
            radius, flat = rng.uniform(7, 20), rng.uniform(0.6, 1)
            photons = BRIGHT * rng.uniform(1, 4)
            part = np.s_[row - 36 : row + 36, column - 36 : column + 36]
            ys, xs = (at[s.start * FINE : s.stop * FINE] for s in part)
            inside = ((xs - x) / radius) ** 2 + ((ys[:, None] - y) / (radius * flat)) ** 2 <= 1
            fine = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), BLUR * FINE)
            share = fine.reshape(72, FINE, 72, FINE).mean((1, 3))
            picture[part] += share * (photons - HAZE)
            area = np.pi * radius**2 * flat
            truth.append((x, y, area, area * photons))
    return rng.poisson(picture).astype(np.float32), np.array(truth)


def main(folder: Path) -> None:
    """Print both errors, and write the picture and its alpha into a folder."""
    picture, truth = cells()
    mask = segment(picture, method="threshold", algorithm="li")
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    band = REACH * BLUR
    trimap = make_trimap(mask, inner=min(band, 6), outer=band)
    alpha = alpha_matte(picture, trimap)
    table = measure(labels, alpha, picture, reach=band)
    centers = np.stack([table["centroid_x"], table["centroid_y"]], axis=1)
    away = np.linalg.norm(truth[:, None, :2] - centers, axis=2)
    print(f"{np.count_nonzero(away.min(axis=1) < 3)} of {len(truth)} cells are found")
    truth, nearest = truth[away.min(axis=1) < 3], away.argmin(axis=1)[away.min(axis=1) < 3]
    found = {name: column[nearest] for name, column in table.items()}
    hard = np.array([np.count_nonzero(labels == label) for label in found["label"]])
    light = np.array([(picture[labels == label]).sum() for label in found["label"]])
    for name, expected, matte, by_mask in (
        ("area", truth[:, 2], found["area"], hard),
        ("light", truth[:, 3], found["integrated"], light),
    ):
        for by, values in (("mask", by_mask), ("matte", matte)):
            error = 100 * (values / expected - 1)
            print(f"{name:6} by {by:6} {error.mean():+6.1f} % (spread {error.std():.1f})")
    scaled = (picture / picture.max()).astype(np.float32)
    print(write_image(folder / "cells.png", scaled, bits=8, force=True))
    print(write_image(folder / "cells-alpha.png", alpha, force=True))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
