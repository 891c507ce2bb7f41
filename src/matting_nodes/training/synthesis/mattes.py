"""Alphas that are drawn: hair, fur, leaves, nets, smoke, and solid shapes with soft edges.

Lines are drawn at several times the resolution and averaged, so that a strand may be thinner than
a pixel. Beside α there is a shade, by which strands differ in brightness.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .noise import fractal_noise, smooth_noise

Floats = NDArray[Any]
Bytes = NDArray[Any]
Size = tuple[int, int]
Chance = np.random.Generator

FINE = 3
"""How many times the resolution lines are drawn at."""
PLAIN = 128
"""The shade that leaves a color as it is."""


class Matte(NamedTuple):
    """α, and what the foreground's colors are multiplied by; both (H, W) float32."""

    alpha: Floats
    shade: Floats


class Canvas:
    """A matte while it is drawn, at several times the resolution."""

    def __init__(self, size: Size) -> None:
        self.size = size
        fine = size[0] * FINE, size[1] * FINE
        self.alpha: Bytes = np.zeros(fine, np.uint8)
        self.shade: Bytes = np.full(fine, PLAIN, np.uint8)

    def fill(self, contour: Floats, value: int = 255) -> None:
        """Fill a closed contour, (N, 2), x and y in pixels.

        Parameters
        ----------
        contour : (N, 2) float32
            x and y, in pixels.
        value : int
            255 is foreground, 0 background.
        """
        cv2.fillPoly(self.alpha, [_fine(contour)], value)

    def line(self, points: Floats, width: float, taper: bool, shade: int) -> None:
        """Draw a line, (N, 2), `width` pixels wide, thinner towards its end if it tapers.

        Parameters
        ----------
        points : (N, 2) float32
            x and y, in pixels.
        width : float, pixels
        taper : bool
            Whether it ends thinner than it begins.
        shade : int
            128 leaves the color as it is.
        """
        fine = _fine(points)
        pieces = np.array_split(np.arange(len(fine)), 3) if taper and len(fine) > 5 else [None]
        for i, piece in enumerate(pieces):
            part = fine if piece is None else fine[piece[0] : piece[-1] + 2]
            thick = max(1, round(FINE * width * (1 - 0.3 * i)))
            cv2.polylines(self.alpha, [part], False, 255, thick)
            cv2.polylines(self.shade, [part], False, shade, thick)

    def finished(self) -> Matte:
        """Return the matte, averaged to the resolution asked for."""
        shown = self.size[::-1]
        alpha = cv2.resize(self.alpha, shown, interpolation=cv2.INTER_AREA).astype(np.float32)
        shade = cv2.resize(self.shade, shown, interpolation=cv2.INTER_AREA).astype(np.float32)
        return Matte(alpha / 255, shade / PLAIN)


def _fine(points: Floats) -> NDArray[np.int32]:
    return np.round(points * FINE).astype(np.int32)


def contour(chance: Chance, size: Size, radius: float | None = None) -> Floats:
    """Return a closed random contour, (N, 2), x and y, that may reach beyond the edges.

    Parameters
    ----------
    chance : numpy.random.Generator
    size : (int, int)
        Height and width.
    radius : float, pixels, optional
        Of the circle that is bent; drawn if not given.
    """
    height, width = size
    radius = radius or float(chance.uniform(0.16, 0.42)) * min(size)
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    radii = np.ones_like(angles)
    for k in range(1, int(chance.integers(2, 9))):
        radii += chance.normal(0, 0.28 / k**0.8) * np.cos(k * angles + chance.uniform(0, 6.3))
    center = chance.uniform(0.25, 0.75, 2) * (width, height)
    stretch = chance.uniform(0.6, 1.5, 2)
    around = np.stack([np.cos(angles), np.sin(angles)], 1) * stretch
    points: Floats = center + radius * radii.clip(0.2)[:, None] * around
    return points.astype(np.float32)


def strand(
    chance: Chance, start: Floats, angle: float, length: float, curl: float, steps: int = 12
) -> Floats:
    """Return a curved line, (steps, 2), that begins at a point with an angle.

    Parameters
    ----------
    chance : numpy.random.Generator
    start : (2,) float
        x and y.
    angle : float, radians
    length : float, pixels
    curl : float, radians
        How much it turns, about.
    steps : int
    """
    turns = np.cumsum(chance.normal(0, curl / steps**0.5, steps)) + np.linspace(
        0, chance.normal(0, curl), steps
    )
    angles = angle + turns
    step = length / steps
    moves = step * np.stack([np.cos(angles), np.sin(angles)], 1)
    points: Floats = (start + np.cumsum(moves, 0)).astype(np.float32)
    return np.concatenate([start[None], points]).astype(np.float32)


def _hair(chance: Chance, size: Size) -> Matte:
    """Return a body with hair: locks of strands that share a direction, and stray ones."""
    canvas, shape = Canvas(size), contour(chance, size)
    canvas.fill(shape)
    _grow(
        chance,
        canvas,
        shape,
        locks=int(chance.integers(10, 60)),
        per_lock=int(chance.integers(3, 22)),
        length=float(chance.uniform(25, 130)),
        width=float(chance.uniform(0.35, 1.6)),
        spread=float(chance.uniform(1, 9)),
        curl=float(chance.uniform(0.1, 1.4)),
    )
    return canvas.finished()


def _fur(chance: Chance, size: Size) -> Matte:
    """Return a body with short, dense fur along its edge."""
    canvas, shape = Canvas(size), contour(chance, size)
    canvas.fill(shape)
    _grow(
        chance,
        canvas,
        shape,
        locks=int(chance.integers(120, 420)),
        per_lock=int(chance.integers(2, 6)),
        length=float(chance.uniform(6, 40)),
        width=float(chance.uniform(0.4, 1.8)),
        spread=float(chance.uniform(2, 10)),
        curl=float(chance.uniform(0.1, 0.9)),
    )
    return canvas.finished()


def _grow(
    chance: Chance,
    canvas: Canvas,
    shape: Floats,
    locks: int,
    per_lock: int,
    length: float,
    width: float,
    spread: float,
    curl: float,
) -> None:
    """Let locks of strands grow out of a contour."""
    along = np.roll(shape, -1, 0) - np.roll(shape, 1, 0)
    center = shape.mean(0)
    part = chance.random() < 0.4
    begin, share = (chance.random(), chance.uniform(0.2, 0.6)) if part else (0.0, 1.0)
    lean = chance.normal(0, 0.5)
    # Strands on the body, which only shade it, come first.
    inner = locks if chance.random() < 0.6 else 0
    for lock in range(inner + locks):
        i = int((begin + share * chance.random()) % 1 * len(shape))
        root = shape[i] + (chance.uniform(0, 0.9) * (center - shape[i]) if lock < inner else 0)
        normal = np.array([along[i, 1], -along[i, 0]])
        if normal @ (shape[i] - center) < 0:
            normal = -normal
        angle = float(np.arctan2(normal[1], normal[0])) + lean + chance.normal(0, 0.4)
        reach, light = length * chance.uniform(0.4, 1.3), chance.uniform(80, 170)
        guide = strand(chance, root.astype(np.float32), angle, reach, curl)
        for _ in range(per_lock):
            # Strands of a lock part from each other towards their ends.
            offset = chance.normal(0, spread, 2)
            fan = np.linspace(chance.uniform(0.1, 1), 1.6, len(guide))[:, None]
            wave = np.cumsum(chance.normal(0, 0.25, guide.shape), 0)
            points = (guide + offset * fan + wave)[: int(chance.integers(7, len(guide) + 1))]
            shade = int(np.clip(light + chance.normal(0, 18), 40, 250))
            canvas.line(points, width * chance.uniform(0.6, 1.3), True, shade)


def solid(chance: Chance, size: Size) -> Matte:
    """Return one to three solid shapes, some of them with corners.

    Parameters
    ----------
    chance : numpy.random.Generator
    size : (int, int)
        Height and width.
    """
    canvas = Canvas(size)
    for _ in range(int(chance.integers(1, 4))):
        shape = contour(chance, size)
        canvas.fill(shape[:: int(chance.choice([1, 1, 1, 20, 33]))])
    if chance.random() < 0.35:
        for _ in range(int(chance.integers(1, 12))):
            rod = strand(
                chance,
                shape[int(chance.integers(len(shape)))],
                chance.uniform(0, 6.3),
                float(chance.uniform(20, 200)),
                float(chance.choice([0.01, 0.4])),
            )
            width = float(np.exp(chance.uniform(0.3, 3.3)))
            canvas.line(rod, width, chance.random() < 0.4, int(chance.uniform(90, 165)))
    return canvas.finished()


def _holes(chance: Chance, size: Size) -> Matte:
    """Return a solid shape with holes through which the background shows."""
    canvas = Canvas(size)
    canvas.fill(contour(chance, size, 0.36 * min(size)))
    for _ in range(int(chance.integers(2, 25))):
        radius = float(chance.uniform(3, 40))
        hole = contour(chance, size, radius)
        canvas.fill(hole, 0)
    return canvas.finished()


def _net(chance: Chance, size: Size) -> Matte:
    """Return a warped net of threads over a part of the picture, beside a solid shape."""
    canvas = Canvas(size)
    canvas.fill(contour(chance, size, float(chance.uniform(0.1, 0.3)) * min(size)))
    pitch, width = float(chance.uniform(6, 45)), float(chance.uniform(0.6, 4))
    turn = chance.uniform(0, np.pi)
    bend = [smooth_noise(chance, size, 160) * pitch * 0.8 for _ in range(2)]
    extent = float(chance.uniform(0.3, 0.75)) * max(size)
    middle = chance.uniform(0.3, 0.7, 2) * size[::-1]
    for direction in (0, 1):
        for at in np.arange(-extent / 2, extent / 2, pitch):
            run = np.linspace(-extent / 2, extent / 2, 60)
            line = np.stack([run, np.full_like(run, at)], 1)[:, :: 1 - 2 * direction]
            cosine, sine = np.cos(turn), np.sin(turn)
            line = line @ np.array([[cosine, sine], [-sine, cosine]]) + middle
            x, y = (line[:, i].clip(0, size[1 - i] - 1).astype(int) for i in (0, 1))
            line = line + np.stack([bend[0][y, x], bend[1][y, x]], 1)
            canvas.line(line.astype(np.float32), width, False, int(chance.uniform(100, 160)))
    return canvas.finished()


def _leaves(chance: Chance, size: Size) -> Matte:
    """Return twigs with leaves, or feathers: a rib with many barbs."""
    canvas = Canvas(size)
    if chance.random() < 0.6:
        canvas.fill(contour(chance, size, float(chance.uniform(0.1, 0.3)) * min(size)))
    for _ in range(int(np.exp(chance.uniform(1, 3.7)))):
        start = chance.uniform(0.2, 0.8, 2) * size[::-1]
        rib = strand(
            chance,
            start.astype(np.float32),
            chance.uniform(0, 6.3),
            float(chance.uniform(50, 200)),
            0.6,
            24,
        )
        canvas.line(rib, float(chance.uniform(0.8, 4)), True, PLAIN)
        feather = chance.random() < 0.35
        count = int(chance.integers(60, 160)) if feather else int(chance.integers(4, 20))
        length = float(chance.uniform(10, 45))
        for i in chance.integers(1, len(rib), count):
            ahead = rib[i] - rib[i - 1]
            side = chance.choice([-1, 1]) * chance.uniform(0.4, 1.2)
            angle = float(np.arctan2(ahead[1], ahead[0])) + side
            spine = strand(chance, rib[i], angle, length * chance.uniform(0.6, 1.2), 0.3, 10)
            shade = int(chance.uniform(90, 165))
            if feather:
                canvas.line(spine, float(chance.uniform(0.4, 1.2)), True, shade)
            else:
                _leaf(canvas, spine, length * float(chance.uniform(0.1, 0.3)), shade)
    return canvas.finished()


def _leaf(canvas: Canvas, spine: Floats, half: float, shade: int) -> None:
    """Fill a leaf around its spine."""
    ahead = np.gradient(spine, axis=0)
    across = np.stack([-ahead[:, 1], ahead[:, 0]], 1)
    across /= np.linalg.norm(across, axis=1, keepdims=True).clip(1e-6)
    profile = half * np.sin(np.linspace(0, np.pi, len(spine)))[:, None] ** 0.8
    outline = np.concatenate([spine + profile * across, (spine - profile * across)[::-1]])
    canvas.fill(outline)
    cv2.fillPoly(canvas.shade, [_fine(outline)], shade)


def _smoke(chance: Chance, size: Size) -> Matte:
    """Return fractal haze that thins out, with or without a solid shape in it."""
    haze = fractal_noise(chance, size, float(chance.uniform(60, 200)), chance.uniform(0.35, 0.65))
    canvas = Canvas(size)
    canvas.fill(contour(chance, size))
    shape = canvas.finished().alpha
    region = cv2.GaussianBlur(shape, (0, 0), float(chance.uniform(8, 40)))
    low = chance.uniform(0.2, 0.5)
    alpha = ((haze - low) / chance.uniform(0.2, 0.6)).clip(0, 1) * region
    alpha = (alpha * chance.uniform(0.8, 1.6)).clip(0, 1)
    if chance.random() < 0.8:
        solid_shape = solid(chance, size).alpha
        alpha = np.maximum(alpha, solid_shape)
    return Matte(alpha.astype(np.float32), np.ones(size, np.float32))


def _veil(chance: Chance, size: Size) -> Matte:
    """Return a solid shape with a half transparent one beside it: cloth, glass, a wing."""
    body, sheer = solid(chance, size).alpha, solid(chance, size).alpha
    strength = chance.uniform(0.2, 0.85) + 0.15 * smooth_noise(
        chance, size, float(chance.uniform(10, 120))
    )
    alpha = np.maximum(body, sheer * strength.clip(0.05, 0.98))
    return Matte(alpha.astype(np.float32), np.ones(size, np.float32))


def _filaments(chance: Chance, size: Size) -> Matte:
    """Return blobs and long branching lines with a haze around them."""
    canvas = Canvas(size)
    for _ in range(int(chance.integers(1, 5))):
        canvas.fill(contour(chance, size, float(chance.uniform(10, 90))))
    for _ in range(int(chance.integers(5, 40))):
        start = (chance.random(2) * size[::-1]).astype(np.float32)
        points = strand(chance, start, chance.uniform(0, 6.3), chance.uniform(40, 300), 1.2, 30)
        width = float(chance.uniform(0.6, 5))
        canvas.line(points, width, True, int(chance.uniform(100, 180)))
        for i in chance.integers(2, len(points), int(chance.integers(0, 4))):
            twig = strand(chance, points[i], chance.uniform(0, 6.3), chance.uniform(15, 90), 1.0)
            canvas.line(twig, 0.7 * width, True, PLAIN)
    alpha, shade = canvas.finished()
    if chance.random() < 0.5:
        haze = cv2.GaussianBlur(alpha, (0, 0), float(chance.uniform(3, 14)))
        alpha = np.maximum(alpha, haze * np.float32(chance.uniform(0.2, 0.8)))
    return Matte(alpha, shade)


KINDS: dict[str, tuple[float, Callable[[Chance, Size], Matte]]] = {
    "hair": (0.24, _hair),
    "fur": (0.20, _fur),
    "solid": (0.16, solid),
    "leaves": (0.12, _leaves),
    "holes": (0.06, _holes),
    "net": (0.07, _net),
    "smoke": (0.05, _smoke),
    "veil": (0.05, _veil),
    "filaments": (0.05, _filaments),
}
"""How often each kind is drawn, and what draws it."""


def matte(chance: Chance, size: Size, kind: str | None = None) -> Matte:
    """Return a random matte: one kind, sometimes joined by another, more or less out of focus.

    Parameters
    ----------
    chance : numpy.random.Generator
    size : (int, int)
        Height and width.
    kind : str, optional
        One of `KINDS`; drawn if not given.
    """
    names = list(KINDS)
    shares = np.array([KINDS[name][0] for name in names])
    drawn = kind or str(chance.choice(names, p=shares / shares.sum()))
    alpha, shade = KINDS[drawn][1](chance, size)
    if kind is None and chance.random() < 0.3:
        other = KINDS[str(chance.choice(names, p=shares / shares.sum()))][1](chance, size)
        shade = np.where(other.alpha > alpha, other.shade, shade)
        alpha = np.maximum(alpha, other.alpha)
    return Matte(out_of_focus(chance, alpha), shade.clip(0.3, 2))


def out_of_focus(chance: Chance, alpha: Floats) -> Floats:
    """Return α blurred: as by a lens, unevenly so, or by motion; most often hardly.

    Parameters
    ----------
    chance : numpy.random.Generator
    alpha : (H, W) float32, 0..1
    """
    draw = chance.random()
    if draw < 0.45:
        sigma = float(chance.uniform(0.3, 0.8))
        blurred = cv2.GaussianBlur(alpha, (0, 0), sigma)
    elif draw < 0.65:
        blurred = cv2.GaussianBlur(alpha, (0, 0), float(chance.uniform(0.8, 4)))
    elif draw < 0.85:
        soft = cv2.GaussianBlur(alpha, (0, 0), float(chance.uniform(1.5, 8)))
        mix = (0.5 + 0.8 * smooth_noise(chance, (*alpha.shape,), 150)).clip(0, 1)
        blurred = alpha + mix * (soft - alpha)
    elif draw < 0.92:
        side = int(chance.integers(5, 25)) | 1
        kernel = np.zeros((side, side), np.float32)
        angle = chance.uniform(0, np.pi)
        arm = (side // 2) * np.array([np.cos(angle), np.sin(angle)])
        tip, tail = (tuple(round(side // 2 + s * v) for v in arm) for s in (1, -1))
        cv2.line(kernel, tip, tail, 1.0)
        blurred = cv2.filter2D(alpha, -1, kernel / kernel.sum())
    else:
        blurred = alpha
    # Faint tails end: what is nearly 0 or 1 is.
    result: Floats = ((blurred - 0.004) / 0.992).clip(0, 1).astype(np.float32)
    return result
