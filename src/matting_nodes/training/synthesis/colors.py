"""Colors of foregrounds and backgrounds: photographs and procedural textures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .noise import fractal_noise, smooth_noise

Floats = NDArray[Any]
Bytes = NDArray[Any]
Size = tuple[int, int]
Chance = np.random.Generator


def photograph(chance: Chance, photographs: Sequence[Bytes], size: Size) -> Floats:
    """Return a random part of a photograph at a random scale, (H, W, 3), 0..1.

    Parameters
    ----------
    chance : numpy.random.Generator
    photographs : sequence of (h, w, 3) uint8
    size : (int, int)
        Height and width of the result.
    """
    picture = photographs[int(chance.integers(len(photographs)))]
    scale = np.exp(chance.uniform(np.log(0.5), np.log(2.2)))
    most = min(picture.shape[0] / size[0], picture.shape[1] / size[1])
    scale = min(scale, most)
    sides = [max(8, int(side * scale)) for side in size]
    top, left = (
        int(chance.integers(0, have - need + 1))
        for have, need in zip(picture.shape, sides, strict=False)
    )
    part = picture[top : top + sides[0], left : left + sides[1]]
    how = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    part = cv2.resize(part, size[::-1], interpolation=how)
    if chance.random() < 0.5:
        part = part[:, ::-1]
    if size[0] == size[1]:
        part = np.rot90(part, int(chance.integers(4)))
    return jittered(chance, part.astype(np.float32) / 255)


def jittered(chance: Chance, picture: Floats) -> Floats:
    """Return a picture with other colors: channels mixed, gains, contrast, response.

    Parameters
    ----------
    chance : numpy.random.Generator
    picture : (H, W, 3) float32, 0..1
    """
    if chance.random() < 0.12:
        picture = picture[..., chance.permutation(3)]
    gray = picture.mean(2, keepdims=True)
    picture = gray + np.float32(chance.uniform(0.25, 1.15)) * (picture - gray)
    picture = picture * chance.uniform(0.85, 1.15, 3).astype(np.float32)
    mean = picture.mean((0, 1))
    picture = mean + np.float32(chance.uniform(0.35, 1.2)) * (picture - mean)
    picture = picture + np.float32(chance.normal(0, 0.08))
    result: Floats = picture.clip(0, 1) ** np.float32(chance.uniform(0.7, 1.4))
    return result


def texture(chance: Chance, size: Size) -> Floats:
    """Return a procedural texture: flat, a gradient, noise, stripes, or dots, (H, W, 3), 0..1.

    Parameters
    ----------
    chance : numpy.random.Generator
    size : (int, int)
        Height and width.
    """
    one, two = _color(chance), _color(chance)
    two = one + np.float32(chance.choice([0.15, 0.4, 1])) * (two - one)
    draw = chance.random()
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    angle, period = chance.uniform(0, np.pi), chance.uniform(4, 60)
    ramp = np.float32(np.cos(angle)) * columns + np.float32(np.sin(angle)) * rows
    if draw < 0.3:
        mix = (ramp - ramp.min()) / (ramp.max() - ramp.min())
    elif draw < 0.65:
        mix = fractal_noise(chance, size, float(chance.uniform(4, 200)), chance.uniform(0.3, 0.8))
    elif draw < 0.85:
        bend = smooth_noise(chance, size, 120) * chance.uniform(0, 20)
        mix = 0.5 + 0.5 * np.sin((ramp + bend) * np.float32(2 * np.pi / period))
        if chance.random() < 0.5:
            mix = (mix > 0.5).astype(np.float32)
    else:
        across = np.float32(-np.sin(angle)) * columns + np.float32(np.cos(angle)) * rows
        turn = np.float32(2 * np.pi / period)
        mix = (np.sin(ramp * turn) * np.sin(across * turn) > chance.uniform(-0.3, 0.6)) * 1.0
    grain = chance.uniform(0, 0.03) * chance.standard_normal((*size, 1))
    result: Floats = (one + mix[..., None] * (two - one) + grain).clip(0, 1).astype(np.float32)
    return result


def _color(chance: Chance) -> Floats:
    """Return a random color, seldom saturated."""
    color = chance.random(3).astype(np.float32)
    gray = color.mean()
    result: Floats = gray + np.float32(chance.beta(1.3, 1.6)) * (color - gray)
    return result


def material(chance: Chance, photographs: Sequence[Bytes], size: Size) -> Floats:
    """Return one material of an object: much like a photograph's part, or procedural.

    Parameters
    ----------
    chance : numpy.random.Generator
    photographs : sequence of (h, w, 3) uint8
    size : (int, int)
        Height and width.
    """
    if photographs and chance.random() < 0.78:
        picture = photograph(chance, photographs, size)
        # Cloth, skin and fur vary less than whole photographs do.
        mean = picture.mean((0, 1))
        other = _color(chance) if chance.random() < 0.25 else mean
        picture = other + np.float32(chance.choice([0.2, 0.5, 1])) * (picture - mean)
        result: Floats = picture.clip(0, 1)
        return result
    return texture(chance, size)


def foreground(chance: Chance, photographs: Sequence[Bytes], size: Size, alpha: Floats) -> Floats:
    """Return colors of an object whose parts are of different materials, (H, W, 3), 0..1.

    Some of the parts lie at its edge alone, so that no known foreground shows their color.

    Parameters
    ----------
    chance : numpy.random.Generator
    photographs : sequence of (h, w, 3) uint8
    size : (int, int)
        Height and width.
    alpha : (H, W) float32, 0..1
    """
    colors = material(chance, photographs, size)
    for _ in range(int(chance.choice([0, 1, 2, 3], p=[0.45, 0.3, 0.15, 0.1]))):
        field = smooth_noise(chance, size, float(chance.uniform(60, 250)))
        region = ((field - chance.uniform(0, 0.8)) * chance.uniform(2, 40)).clip(0, 1)
        part = material(chance, photographs, size)
        if chance.random() < 0.5:
            part = drawn_together(chance, part, colors)
        colors = _blend(colors, part, region)
    edge = np.argwhere((alpha > 0.3) & (alpha < 0.9))
    if len(edge) and chance.random() < 0.25:
        for y, x in edge[chance.integers(0, len(edge), int(chance.integers(1, 5)))]:
            spot: Floats = np.zeros(size, np.float32)
            axes = [int(a) for a in chance.integers(5, 55, 2)]
            cv2.ellipse(spot, (int(x), int(y)), axes, float(chance.uniform(0, 180)), 0, 360, 1, -1)
            spot = cv2.GaussianBlur(spot, (0, 0), float(chance.uniform(0.6, 3)))
            colors = _blend(colors, material(chance, photographs, size), spot)
    if chance.random() < 0.6:
        # Light from one side.
        light = smooth_noise(chance, size, 260) * np.float32(chance.uniform(0, 0.2))
        colors = colors * (1 + light[..., None])
    result: Floats = colors.clip(0, 1).astype(np.float32)
    return result


def background(chance: Chance, photographs: Sequence[Bytes], size: Size) -> Floats:
    """Return colors of a background, (H, W, 3), 0..1: a photograph, more or less out of focus.

    Parameters
    ----------
    chance : numpy.random.Generator
    photographs : sequence of (h, w, 3) uint8
    size : (int, int)
        Height and width.
    """
    if photographs and chance.random() < 0.85:
        colors = photograph(chance, photographs, size)
    else:
        colors = texture(chance, size)
        if chance.random() < 0.5:
            field = smooth_noise(chance, size, float(chance.uniform(60, 200)))
            colors = _blend(colors, texture(chance, size), (field * 20).clip(0, 1))
    if chance.random() < 0.6:
        colors = cv2.GaussianBlur(colors, (0, 0), float(np.exp(chance.uniform(-0.7, 2.3))))
    result: Floats = colors.clip(0, 1).astype(np.float32)
    return result


def drawn_together(chance: Chance, colors: Floats, others: Floats) -> Floats:
    """Return colors whose mean has moved towards that of others, so that they are alike.

    Parameters
    ----------
    chance : numpy.random.Generator
    colors : (H, W, 3) float32, 0..1
    others : (H, W, 3) float32, 0..1
        What they become more like.
    """
    away = others.mean((0, 1)) - colors.mean((0, 1))
    moved: Floats = (colors + np.float32(chance.uniform(0.4, 1)) * away).clip(0, 1)
    return moved


def _blend(under: Floats, over: Floats, share: Floats) -> Floats:
    blended: Floats = under + share[..., None] * (over - under)
    return blended
