"""Composite: the object over a color, another picture, or nothing."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from ..arrays import Alpha, AnySize, Image, as_rgb
from ..backgrounds import blurred, checkerboard, fitted
from ..node import node
from ..parameters import Advanced, Color, Slider, parse_color


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
    background: Annotated[Image, AnySize()] | None = None,
    fit: Literal["fill", "fit", "stretch", "tile"] = "fill",
    backdrop: Literal["color", "checkerboard", "blur"] = "color",
    color: Annotated[str, Color()] = "white",
    checker_size: Annotated[int, Slider(1, 1000, unit="px"), Advanced()] = 16,
    blur_radius: Annotated[float, Slider(0, 500, unit="px"), Advanced()] = 20.0,
    linear_light: bool = False,
    premultiplied: Annotated[bool, Advanced()] = False,
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
    background : (h, w, 3) or (h, w, 1) float32, 0..1, optional
        A picture as the new background, of any size. It is used instead of the backdrop.
    fit : {"fill", "fit", "stretch", "tile"}
        How a background of another size is brought to this one: fill cuts off what is too
        much, fit leaves black bars, stretch gives up proportions, tile repeats.
    backdrop : {"color", "checkerboard", "blur"}
        What lies behind where no picture is given; blur is the old picture out of focus.
    color : str
        Of the backdrop: a name, #rrggbb, or transparent.
    checker_size : int, pixels
        Side of the checkerboard's squares.
    blur_radius : float, pixels
        Standard deviation of the blur.
    linear_light : bool
        Blend amounts of light rather than gamma-encoded values: soft edges look as in a lens.
    premultiplied : bool
        For transparent: colors multiplied by alpha, as some compositors want them. Straight
        otherwise.

    Returns
    -------
    (H, W, 3) float32, 0..1; (H, W, 4) if the background is transparent
    """
    height, width = alpha.shape
    part = alpha[..., None]
    colors = as_rgb(image if foreground is None else foreground)
    rgb = parse_color(color)
    if background is None and backdrop == "color" and rgb is None:
        return np.dstack([colors * part if premultiplied else colors, alpha])
    if background is not None:
        behind = fitted(background, height, width, fit)
    elif backdrop == "checkerboard":
        behind = checkerboard(height, width, checker_size)
    elif backdrop == "blur":
        behind = blurred(image, blur_radius)
    else:
        behind = np.broadcast_to(np.array(rgb, np.float32), colors.shape)
    decode, encode = (_to_light, _from_light) if linear_light else (_same, _same)
    return encode(part * decode(colors) + (1 - part) * decode(behind)).clip(0, 1)


def _same(values: Image) -> Image:
    return values


def _to_light(values: Image) -> Image:
    """IEC 61966-2-1 (sRGB): encoded values to amounts of light."""
    bright = ((values + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(values <= 0.04045, values / np.float32(12.92), bright)


def _from_light(light: Image) -> Image:
    bright = np.float32(1.055) * light ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(light <= 0.0031308, light * np.float32(12.92), bright)
