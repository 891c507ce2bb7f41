"""Adjusting a matte before it is used: levels, gamma, choke; and despilling its colors."""

from __future__ import annotations

import numpy as np

from ..arrays import Alpha, Image
from ..errors import ParameterError

CHANNEL_INDEX = {"red": 0, "green": 1, "blue": 2}


def levels(alpha: Alpha, black_point: float, white_point: float, gamma: float) -> Alpha:
    """Return an alpha stretched between two points, with a gamma: ((α − b) / (w − b))^(1/γ).

    Parameters
    ----------
    alpha : (H, W) float32, 0..1
    black_point, white_point : float, 0..1
        What becomes 0 and what becomes 1.
    gamma : float
        Above 1 soft parts become more opaque, below 1 less.

    Raises
    ------
    ParameterError
        If the black point is not below the white point.

    Examples
    --------
    >>> levels(np.float32([[0.1, 0.5, 0.9]]), 0.1, 0.9, 2.0).round(3)
    array([[0.   , 0.707, 1.   ]], dtype=float32)
    """
    if black_point >= white_point:
        raise ParameterError(
            f"black_point is {black_point:g} and white_point is {white_point:g}",
            "What becomes 0 must lie below what becomes 1",
            "Lower black_point, or raise white_point",
        )
    stretched = (alpha - np.float32(black_point)) / np.float32(white_point - black_point)
    adjusted: Alpha = np.power(stretched.clip(0, 1), np.float32(1 / gamma), dtype=np.float32)
    return adjusted


def choked(alpha: Alpha, radius: int) -> Alpha:
    """Return an alpha whose edge is moved inwards by `radius` pixels, or outwards if negative.

    Grey-scale erosion or dilation by a disk, which keeps the softness of edges.

    Parameters
    ----------
    alpha : (H, W) float32, 0..1
    radius : int, pixels
        Radius of the disk: of an erosion if positive, of a dilation if negative.
    """
    import cv2

    if radius == 0:
        return alpha
    y, x = np.ogrid[-abs(radius) : abs(radius) + 1, -abs(radius) : abs(radius) + 1]
    disk = (x**2 + y**2 <= radius**2).astype(np.uint8)
    move = cv2.erode if radius > 0 else cv2.dilate
    return np.asarray(move(alpha, disk), np.float32)


def despilled(colors: Image, channel: str, amount: float) -> Image:
    """Return colors without the spill of a colored screen.

    The screen's channel is limited to the mean of the other two; colors in which it is no
    greater are left unchanged.

    Parameters
    ----------
    colors : (H, W, 3) float32, 0..1
    channel : {"none", "red", "green", "blue"}
        The screen's color.
    amount : float, 0..1
        How much of the excess is removed.
    """
    if channel == "none":
        return colors
    key = CHANNEL_INDEX[channel]
    result = colors.copy()
    others = np.delete(colors, key, axis=2).mean(axis=2)
    result[..., key] -= np.float32(amount) * (colors[..., key] - others).clip(0, None)
    return result
