"""Clips whose mattes are known: an object that moves by a known path over a moving background."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import UNKNOWN, Alpha, Image, Trimap

Floats = NDArray[np.float32]

NOISE = 2 / 255
"""Standard deviation of the noise, in 0..1."""
SIZE = 0.8
"""Share of the frame that the object's picture fills, so that its sides stay in view."""
TAPER = 12
"""Width of the strip over which an object fades where its picture ends, in pixels."""


class ClipFrame(NamedTuple):
    """A frame of a clip, and what is true of it."""

    picture: NDArray[np.uint8]
    """(H, W, 3), with noise."""
    alpha: Alpha
    trimap: Trimap
    """The given trimap, moved like the object."""


@dataclass(frozen=True)
class MovingObject:
    """An object that pans, zooms, turns and sways over a background that pans otherwise.

    Parameters
    ----------
    foreground : (h, w, 3) float32, 0..1
        The object's colors, at every pixel.
    alpha : (h, w) float32, 0..1
    trimap : (h, w) uint8
    background : (h, w, 3) float32, 0..1
        What it moves over.
    height, width : int, pixels
        Size of the clip.
    """

    foreground: Image
    alpha: Alpha
    trimap: Trimap
    background: Image
    height: int = 360
    width: int = 640

    def frames(self, count: int, seed: int = 0) -> Iterator[ClipFrame]:
        """Yield the frames of a clip.

        Parameters
        ----------
        count : int
            Number of frames.
        seed : int
            Of the noise.
        """
        import cv2

        random = np.random.default_rng(seed)
        for index in range(count):
            x, y = self._object_positions(index)
            planes = self.foreground, self.alpha
            colors, alpha = (
                cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                for plane in planes
            )
            trimap = moved_trimap(self.trimap, x, y)
            behind = self._background_at(index)
            picture = behind + alpha[..., None] * (colors - behind)
            picture += random.normal(0, NOISE, picture.shape).astype(np.float32)
            shown = np.rint(255 * picture.clip(0, 1)).astype(np.uint8)
            yield ClipFrame(shown, np.asarray(alpha, np.float32), trimap)

    def _object_positions(self, index: int) -> tuple[Floats, Floats]:
        """Return which place of the object each pixel of a frame shows, (H, W) each."""
        h, w = self.alpha.shape
        unit = self.height / 360
        y, x = np.mgrid[: self.height, : self.width].astype(np.float32)
        x -= np.float32(self.width / 2 + unit * 45 * math.sin(2 * math.pi * index / 55))
        y -= np.float32(self.height + unit * 8 * math.sin(2 * math.pi * index / 35))
        # What hangs or stands free sways most: a known warp that grows upwards.
        growth = np.clip(-y / self.height, 0, 1)
        wave = 2 * math.pi * (index / 24 + y / (0.6 * self.height))
        x += np.float32(unit * 3) * growth * np.sin(wave)
        angle = math.radians(3) * math.sin(2 * math.pi * index / 48)
        fitting = max(h / self.height, w / self.width) / SIZE
        scale = fitting * (1 - 0.06 * math.sin(2 * math.pi * index / 60))
        cos, sin = scale * math.cos(angle), scale * math.sin(angle)
        return (
            (cos * x + sin * y + w / 2).astype(np.float32),
            (-sin * x + cos * y + h).astype(np.float32),
        )

    def _background_at(self, index: int) -> Image:
        """Return the part of the background that a frame shows."""
        import cv2

        h, w = self.background.shape[:2]
        scale = max(1.5 * self.height / h, 1.5 * self.width / w)
        large = self.background
        unit = self.height / 360
        right = 60 * unit * math.sin(2 * math.pi * index / 80)
        down = 25 * unit * math.cos(2 * math.pi * index / 70)
        matrix = np.array([[1 / scale, 0, 0], [0, 1 / scale, 0]], np.float32)
        matrix[0, 2] = w / 2 - (self.width / 2 + right) / scale
        matrix[1, 2] = h / 2 - (self.height / 2 + down) / scale
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (self.width, self.height)
        return np.asarray(
            cv2.warpAffine(large, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
        )


def moved_trimap(trimap: Trimap, x: Floats, y: Floats) -> Trimap:
    """Return a trimap looked up at other places; between two labels it is unknown.

    Parameters
    ----------
    trimap : (h, w) uint8
    x, y : (H, W) float32, pixels
        The place of the trimap that each pixel shows.
    """
    import cv2

    moved = cv2.remap(trimap, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where((moved == 0) | (moved == 255), moved, UNKNOWN).astype(np.uint8)


def lemur_clip(height: int = 360, width: int = 640) -> MovingObject:
    """Return the lemur of the sample photo, cut out and set before the sample beach.

    Parameters
    ----------
    height, width : int, pixels
        Size of the clip.
    """
    from . import beach, lemur, lemur_alpha, lemur_trimap

    return moving_object(lemur(), lemur_alpha(), lemur_trimap(), beach(), height, width)


def moving_object(
    image: Image,
    alpha: Alpha,
    trimap: Trimap,
    background: Image,
    height: int = 360,
    width: int = 640,
) -> MovingObject:
    """Return the object of a picture, to be moved over a background.

    Parameters
    ----------
    image : (h, w, 3) float32, 0..1
    alpha : (h, w) float32, 0..1
        Its matte.
    trimap : (h, w) uint8
        One that its matte was made with.
    background : (h, w, 3) float32, 0..1
    height, width : int, pixels
        Size of the clip.
    """
    # An object that its picture cuts off fades there, except below.
    h, w = alpha.shape
    rows, columns = np.mgrid[:h, :w].astype(np.float32)
    edge = np.minimum(np.minimum(columns, w - 1 - columns), rows)
    fade = np.clip(edge / TAPER - 0.25, 0, 1)
    inner = np.where((fade < 1) & (trimap > 0), UNKNOWN, trimap)
    labels = np.where(fade > 0, inner, 0).astype(np.uint8)
    colors = opaque_colors(image, alpha)
    return MovingObject(colors, alpha * fade, labels, background, height, width)


def opaque_colors(image: Image, alpha: Alpha) -> Image:
    """Return the object's colors, carried on to pixels that show none of it.

    Parameters
    ----------
    image : (H, W, 3) float32, 0..1
    alpha : (H, W) float32, 0..1
        Its matte.
    """
    from ..nodes.estimate_foreground import estimate_foreground

    return np.asarray(estimate_foreground(image, alpha)[0])
