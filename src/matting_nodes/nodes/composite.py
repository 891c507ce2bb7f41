"""Composite: the object over a color, another picture, or nothing."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from ..arrays import Alpha, Image, as_rgb
from ..node import node
from ..parameters import Color, parse_color


@node(
    title="Composite",
    command="composite",
    step=5,
    aliases=("blend", "over", "replace background", "cut out", "transparent"),
)
def composite(
    image: Image,
    alpha: Alpha,
    *,
    foreground: Image | None = None,
    background: Image | None = None,
    color: Annotated[str, Color()] = "white",
    linear_light: bool = False,
) -> Image:
    """Lay the object over a background: αF + (1 − α)B.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture; its colors stand for the foreground where none is given.
    alpha : (H, W) float32, 0..1
        Its matte.
    foreground : like image, optional
        Colors from EstimateForeground: without them the old background stays visible
        along soft edges.
    background : like image, optional
        The new background. It is used instead of the color.
    color : str
        Background where no picture is given: a name, #rrggbb, or transparent.
    linear_light : bool
        Blend amounts of light rather than gamma-encoded values: soft edges look as in a lens.

    Returns
    -------
    (H, W, 3) float32, 0..1; (H, W, 4) with straight alpha if the background is transparent
    """
    colors = as_rgb(image if foreground is None else foreground)
    if background is None:
        rgb = parse_color(color)
        if rgb is None:
            return np.dstack([colors, alpha])
        background = np.broadcast_to(np.array(rgb, np.float32), colors.shape)
    decode, encode = (_to_light, _from_light) if linear_light else (_same, _same)
    part = alpha[..., None]
    mixed = part * decode(colors) + (1 - part) * decode(as_rgb(background))
    return encode(mixed).clip(0, 1)


def _same(values: Image) -> Image:
    return values


def _to_light(values: Image) -> Image:
    """IEC 61966-2-1 (sRGB): encoded values to amounts of light."""
    bright = ((values + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(values <= 0.04045, values / np.float32(12.92), bright)


def _from_light(light: Image) -> Image:
    bright = np.float32(1.055) * light ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(light <= 0.0031308, light * np.float32(12.92), bright)
