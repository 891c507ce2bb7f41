"""Data that tests make: textured shapes with soft edges, to lie over scikit-image's photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from matting_nodes.arrays import Kind
from matting_nodes.io import images


def photos(side):
    from skimage import data

    from matting_nodes.resizing import resized

    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        yield name, resized((getattr(data, name)() / np.float32(255)), side, side, "area")


def shape(chance, side):
    """A star with a soft edge, and a texture of waves: alpha and colors."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    cx, cy = chance.uniform(0.35, 0.65, 2)
    radius, softness, corners = chance.uniform(0.2, 0.3), chance.uniform(0.03, 0.12), 3
    corners += int(chance.integers(6))
    distance = np.hypot(x - cx, y - cy) * (1 + 0.2 * np.sin(corners * np.arctan2(y - cy, x - cx)))
    alpha = ((radius - distance) / softness + 0.5).clip(0, 1).astype(np.float32)
    waves = np.sin(chance.uniform(20, 60) * x + chance.uniform(20, 60) * y)[..., None]
    colors = chance.random(3) + 0.3 * waves * chance.random(3)
    return alpha, colors.clip(0, 1).astype(np.float32)


def write_composition(folder: Path, shapes: int, side: int = 128) -> Path:
    """Write fg/ alpha/ bg/."""
    for part in ("fg", "alpha", "bg"):
        (folder / part).mkdir(parents=True)
    for name, photo in photos(2 * side):
        images.write_image(folder / "bg" / f"{name}.png", photo)
    for number in range(shapes):
        alpha, colors = shape(np.random.default_rng(number), side)
        images.write(folder / "alpha" / f"star{number:02}.png", alpha, Kind.ALPHA)
        images.write_image(folder / "fg" / f"star{number:02}.png", colors)
    return folder


@pytest.fixture(scope="session")
def stars(tmp_path_factory) -> Path:
    """24 foregrounds of 128 pixels, and 4 backgrounds, in the layout of Composition-1k."""
    return write_composition(tmp_path_factory.mktemp("stars"), 24)


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """Every test of this room runs on one thread."""
