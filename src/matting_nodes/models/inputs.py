"""What networks look at: pictures and trimaps as planes, (C, H, W) float32."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arrays import BACKGROUND, FOREGROUND, Image, Mask, Trimap, as_rgb, unknown
from ..resizing import Interpolation, resized

Planes = NDArray[np.float32]

# Mean and standard deviation of ImageNet's pictures, in 0..1
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)

# Mean of portraits, in 0..255, blue first
BLUE_FIRST_MEAN = np.array([114, 121, 134], np.float32)


def normalized(image: Image) -> Planes:
    """Return a picture as RGB, normalized by ImageNet's mean and deviation, (3, H, W)."""
    return _first((as_rgb(image) - MEAN) / DEVIATION)


def blue_first(image: Image) -> Planes:
    """Return blue, green and red with the means of portraits subtracted, (3, H, W)."""
    return _first((as_rgb(image)[..., ::-1] * 255 - BLUE_FIRST_MEAN) / np.float32(255))


def grey_trimap(trimap: Trimap) -> Planes:
    """Return a trimap as one plane: 0 background, 128 / 255 unknown, 1 foreground."""
    # Networks were trained with one value for unknown: a soft trimap's guesses are left out.
    return (np.where(unknown(trimap), 128, trimap)[None] / np.float32(255)).astype(np.float32)


def one_hot_trimap(trimap: Trimap) -> Planes:
    """Return a trimap as three planes: 1 where it is background, unknown, foreground."""
    regions = (trimap == BACKGROUND, unknown(trimap), trimap == FOREGROUND)
    return np.stack(regions).astype(np.float32)


def nearness(region: NDArray[np.bool_], radius: float) -> Mask:
    """Return exp(−d² / 2 radius²), d the distance to a region in pixels; 0 if it is empty.

    Parameters
    ----------
    region : (H, W) bool
        Where the distance is 0.
    radius : float, pixels
        Standard deviation of the Gaussian.
    """
    import cv2

    if not region.any():
        return np.zeros(region.shape, np.float32)
    outside = (~region).astype(np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.exp(-np.square(distance) / np.float32(2 * radius**2)).astype(np.float32)


def in_8_bits(image: Image) -> NDArray[np.uint8]:
    """Return a picture as RGB in 8 bits, (H, W, 3): so demos resize what they have read."""
    return np.round(as_rgb(image) * 255).clip(0, 255).astype(np.uint8)


def in_floats(picture: NDArray[np.uint8]) -> Image:
    """Return a picture in 8 bits as 0..1."""
    return (picture / np.float32(255)).astype(np.float32)


def resized_planes(planes: Planes, height: int, width: int, how: Interpolation) -> Planes:
    """Return planes (C, H, W) at another size, as `resized` does.

    Parameters
    ----------
    planes : (C, H, W) float32
        What is resized, each plane by itself.
    height, width : int, pixels
        The new size.
    how : str
        The filter, as `resized` takes it.
    """
    return np.stack([resized(plane, height, width, how) for plane in planes])


def read_from(wanted: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """Return which pixels of another size are read to resize those that are wanted, cubic at most.

    Parameters
    ----------
    wanted : (H, W) bool
        Pixels of the result.
    height, width : int, pixels
        Size of what it is resized from.
    """
    import cv2

    if wanted.shape == (height, width):
        return wanted
    there = resized(wanted.astype(np.float32), height, width, "area") > 0
    # A cubic filter reads two pixels to each side of a place that lies between pixels.
    reach = np.ones((7, 7), np.uint8)
    return np.asarray(cv2.dilate(there.astype(np.uint8), reach)) > 0


def next_multiples(shape: tuple[int, ...], stride: int) -> tuple[int, int]:
    """Return height and width, each the next multiple of a stride.

    Parameters
    ----------
    shape : (H, W, …)
        Height and width first.
    stride : int, pixels
        What they become multiples of.
    """
    height, width = (-(-side // stride) * stride for side in shape[:2])
    return height, width


def _first(picture: NDArray[np.float32]) -> Planes:
    """Return a picture with its channels first."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)
