"""Generated pictures whose alpha is known, with trimaps as people and programs make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ...arrays import trimap_from
from .colors import background, drawn_together, foreground
from .mattes import matte
from .natural import KIND, natural
from .noise import smooth_noise

Floats = NDArray[Any]
Bytes = NDArray[Any]
Marks = NDArray[np.bool_]
Size = tuple[int, int]
Chance = np.random.Generator

SIZE: Size = (480, 480)
"""Height and width of a scene, in pixels."""
NATURAL = 0.35
"""Share of the scenes whose matte has the outlines of a photograph."""
LEAST = 0.02
"""Share of a scene that must be known foreground, known background, and unknown."""
NEARLY = 1.5 / 255
"""What differs from 0 or 1 by less is definite."""


class Scene(NamedTuple):
    """A picture, its trimap, and what it was made of.

    Before the camera (`photographed`) the picture is αF + (1 − α)B.
    """

    image: Floats
    trimap: Bytes
    alpha: Floats
    foreground: Floats
    background: Floats


def scene(
    seed: Sequence[int],
    photographs: Sequence[Bytes],
    size: Size = SIZE,
    *,
    kind: str | None = None,
    camera: bool = True,
) -> Scene:
    """Return the scene of a seed.

    Parameters
    ----------
    seed : sequence of int
        The same numbers, photographs and size give the same scene.
    photographs : sequence of (h, w, 3) uint8
        What colors are taken from, at least as large as the scene; may be empty.
    size : (int, int)
        Height and width.
    kind : str, optional
        One of `KINDS`; drawn if not given. The natural ones need photographs.
    camera : bool
        Whether noise, sharpening, compression and response are added to the composite.

    Returns
    -------
    Scene
    """
    chance = np.random.default_rng(list(seed))
    while True:
        if kind == KIND or (kind is None and photographs and chance.random() < NATURAL):
            (alpha, shade), colors = natural(chance, photographs, size)
            if chance.random() < 0.4:
                colors = foreground(chance, photographs, size, alpha)
        else:
            alpha, shade = matte(chance, size, kind)
            colors = foreground(chance, photographs, size, alpha)
        fore = (colors * shade[..., None]).clip(0, 1)
        back = background(chance, photographs, size)
        if chance.random() < 0.2:
            back = drawn_together(chance, back, fore)
        fore, back = (_grained(chance, layer) for layer in (fore, back))
        trimap = drawn_trimap(chance, alpha)
        shares = [np.mean(trimap == value) for value in (0, 128, 255)]
        if min(shares) >= LEAST:
            break
    # I = αF + (1 − α)B
    image = alpha[..., None] * fore + (1 - alpha[..., None]) * back
    return Scene(photographed(chance, image) if camera else image, trimap, alpha, fore, back)


def _grained(chance: Chance, layer: Floats) -> Floats:
    """Return a layer with a sharpness and a noise of its own."""
    if chance.random() < 0.3:
        layer = cv2.GaussianBlur(layer, (0, 0), float(chance.uniform(0.4, 1.6)))
    if chance.random() < 0.4:
        layer = layer + _noise(chance, layer.shape, chance.uniform(0, 0.025))
    result: Floats = layer.clip(0, 1)
    return result


def _noise(chance: Chance, shape: tuple[int, ...], strength: float) -> Floats:
    noise: Floats = chance.standard_normal(shape, np.float32) * np.float32(strength)
    if chance.random() < 0.5:
        # As after demosaicking: of a pixel or two.
        noise = cv2.GaussianBlur(noise, (0, 0), 0.7) * np.float32(1.8)
    return noise


def photographed(chance: Chance, image: Floats) -> Floats:
    """Return a picture as a camera and a file give it: noise, sharpening, response, JPEG.

    Parameters
    ----------
    chance : numpy.random.Generator
    image : (H, W, 3) float32, 0..1
    """
    if chance.random() < 0.5:
        image = image + _noise(chance, image.shape, np.exp(chance.uniform(-6.5, -3.6)))
    if chance.random() < 0.25:
        soft = cv2.GaussianBlur(image, (0, 0), float(chance.uniform(0.7, 1.5)))
        image = image + np.float32(chance.uniform(0.1, 0.7)) * (image - soft)
    image = image.clip(0, 1)
    if chance.random() < 0.25:
        image = image ** np.float32(chance.uniform(0.75, 1.3))
    levels = np.round(image * 255).astype(np.uint8)
    if chance.random() < 0.4:
        quality = int(chance.integers(55, 98))
        written = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        read: Any = cv2.imdecode(written, cv2.IMREAD_COLOR)
        levels = read
    result: Floats = levels.astype(np.float32) / 255
    return result


def drawn_trimap(chance: Chance, alpha: Floats) -> Bytes:
    """Return a trimap of a true alpha: from tight to very coarse, as if drawn by hand.

    What is known is right. Some trimaps leave parts unknown, or have no small islands.

    Parameters
    ----------
    chance : numpy.random.Generator
    alpha : (H, W) float32, 0..1
    """
    height, width = size = alpha.shape
    radius = float(np.exp(chance.uniform(np.log(2.5), np.log(38))))
    spread = chance.uniform(0, 0.5)
    known = []
    for definite in (alpha >= 1 - NEARLY, alpha <= NEARLY):
        away = cv2.distanceTransform(definite.astype(np.uint8), cv2.DIST_L2, 5)
        uneven = 1 + spread * smooth_noise(chance, (height, width), float(chance.uniform(20, 90)))
        reach = radius * chance.uniform(0.5, 1.3) * uneven.clip(0.3, 2)
        known.append(away > reach)
    inside, outside = known
    if chance.random() < 0.5:
        least = chance.uniform(0.0005, 0.01) * alpha.size
        inside, outside = (_without_islands(region, least) for region in (inside, outside))
    undecided = np.zeros(size, np.uint8)
    if chance.random() < 0.3:
        for y, x in np.argwhere(inside)[:: max(1, int(inside.sum() // 3))][:3]:
            axes = [int(a) for a in chance.integers(8, 60, 2)]
            cv2.ellipse(undecided, (int(x), int(y)), axes, chance.uniform(0, 180), 0, 360, 1, -1)
    edge = np.argwhere(abs(alpha - 0.5) < 0.45)
    if len(edge) and chance.random() < 0.45:
        for y, x in edge[chance.integers(0, len(edge), int(chance.integers(1, 4)))]:
            cv2.circle(undecided, (int(x), int(y)), round(np.exp(chance.uniform(2.7, 5))), 1, -1)
    return trimap_from(inside & (undecided == 0), outside & (undecided == 0))


def _without_islands(region: Marks, least: float) -> Marks:
    """Return a region without its parts of fewer than `least` pixels."""
    _, labels, table, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8))
    large = table[:, cv2.CC_STAT_AREA] >= least
    large[0] = False
    kept: Marks = large[labels]
    return kept
