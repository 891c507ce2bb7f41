"""Pictures to choose settings on, and others to report: true mattes over other backgrounds.

The objects of a folder laid out as `input/ gt/`, their colors unmixed, are laid over photographs,
with trimaps that are narrow, wide, without small islands, or without a part of the object. Half of
the objects and half of the photographs make the pictures of either part, so that nothing is shared.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from matting_nodes import estimate_foreground
from matting_nodes.arrays import Kind, as_alpha, as_image
from matting_nodes.io import images
from matting_nodes.training.trimaps import random_trimap

PARTS = ("choose", "report")
KINDS = {
    "narrow": (3, 12),
    "wide": (12, 40),
    "no islands": (6, 25),
    "no part": (6, 25),
}
"""What is special about a trimap, and how far its unknown reaches, in pixels."""
BLURS = (0.0, 1.5, 4.0)
"""Standard deviations of what the background is out of focus, in pixels."""
NOISE = 0.006
"""Standard deviation of the background's noise, in 0..1."""
NEARLY = 0.02
"""What differs from 0 or 1 by less counts as definite: some true mattes are noisy."""
SMALL = 0.02
"""Islands of known pixels are small up to this share of the object."""
PART = 0.2
"""The share of the object that a trimap leaves out."""

Array = NDArray[Any]
Marks = NDArray[np.bool_]


class Composite(NamedTuple):
    """A picture whose matte is known, and a trimap of it."""

    name: str
    kind: str
    image: Array
    trimap: Array
    alpha: Array


def composites(folder: Path, photographs: Path, part: str) -> Iterator[Composite]:
    """Yield each object of a part over one photograph for each kind of trimap."""
    half = PARTS.index(part)
    names = sorted(path.name for path in (folder / "gt").glob("*.png"))[half::2]
    backgrounds = sorted(photographs.glob("*.jpg"))[half::2]
    number = 0
    for name in names:
        alpha = as_alpha(images.read(folder / "gt" / name, Kind.ALPHA))
        image = as_image(images.read(folder / "input" / name, Kind.IMAGE))
        foreground, _ = estimate_foreground(image, alpha)
        for kind in KINDS:
            chance = np.random.default_rng([half, number])
            path = backgrounds[number % len(backgrounds)]
            behind = background(path, alpha.shape, chance)
            over = alpha[..., None] * foreground + (1 - alpha[..., None]) * behind
            trimap = drawn(alpha, kind, chance)
            yield Composite(f"{Path(name).stem} {path.stem}", kind, over, trimap, alpha)
            number += 1


def background(path: Path, shape: tuple[int, ...], chance: np.random.Generator) -> Array:
    """Return a photograph that fills a shape, more or less out of focus, with a little noise."""
    picture = as_image(images.read(path, Kind.IMAGE))[..., :3]
    factor = max(shape[0] / picture.shape[0], shape[1] / picture.shape[1])
    size = [max(s, round(factor * side)) for s, side in zip(shape, picture.shape, strict=False)]
    picture = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA)[: shape[0], : shape[1]]
    sigma = float(chance.choice(BLURS))
    if sigma:
        picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    result: Array = (picture + NOISE * chance.standard_normal(picture.shape)).clip(0, 1)
    return result.astype(np.float32)


def drawn(alpha: Array, kind: str, chance: np.random.Generator) -> Array:
    """Return a trimap of a kind."""
    alpha = np.where(alpha < NEARLY, 0, np.where(alpha > 1 - NEARLY, 1, alpha)).astype(np.float32)
    trimap = random_trimap(alpha, chance, *KINDS[kind])
    if kind == "no islands":
        for value in (0, 255):
            trimap[_islands(trimap == value, SMALL * float(alpha.sum()))] = 128
        for y, x in chance.permutation(np.argwhere(trimap == 255))[:3]:
            cv2.circle(trimap, (int(x), int(y)), int(chance.integers(6, 20)), 128, -1)
    if kind == "no part":
        y, x = chance.choice(np.argwhere(abs(alpha - 0.5) < 0.4))
        rows, columns = np.ogrid[: alpha.shape[0], : alpha.shape[1]]
        away = np.hypot(rows - y, columns - x)
        order = np.sort(away[alpha > 0.5])
        trimap[away < order[int(PART * len(order))]] = 128
    return trimap


def _islands(region: Marks, most: float) -> Marks:
    """Return the parts of a region that have few pixels."""
    _, labels, table, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8))
    small = table[:, cv2.CC_STAT_AREA] <= most
    small[0] = False
    result: Marks = small[labels]
    return result
