"""Composite: the object over a color, another picture, or nothing."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from ..arrays import Alpha, AnySize, Image, ValuesOf, as_rgb
from ..compositing.adjust import choked, despilled, levels
from ..compositing.backgrounds import blurred, checkerboard, fitted
from ..compositing.print_sizes import ID_COLORS, portrait_frame, printed
from ..framework.parameters import Advanced, Color, Slider, parse_color
from ..framework.register import node


@node(
    title="Composite",
    command="composite",
    step=5,
    aliases=("blend", "over", "replace background", "cutout", "cut out", "transparent", "id photo"),
)
def composite(
    image: Image,
    alpha: Alpha,
    *,
    foreground: Annotated[Image, ValuesOf("image")] | None = None,
    background: Annotated[Image, AnySize(), ValuesOf("image")] | None = None,
    fit: Literal["fill", "fit", "stretch", "tile"] = "fill",
    backdrop: Literal["color", "checkerboard", "blur", "id_white", "id_blue", "id_red"] = "color",
    color: Annotated[str, Color()] = "white",
    checker_size: Annotated[int, Slider(1, 1000, unit="px"), Advanced()] = 16,
    blur_radius: Annotated[float, Slider(0, 500, unit="px"), Advanced()] = 20.0,
    linear_light: bool = False,
    premultiplied: Annotated[bool, Advanced()] = False,
    black_point: Annotated[float, Slider(0, 1, step=0.01), Advanced()] = 0.0,
    white_point: Annotated[float, Slider(0, 1, step=0.01), Advanced()] = 1.0,
    alpha_gamma: Annotated[float, Slider(0.1, 10, step=0.01), Advanced()] = 1.0,
    choke: Annotated[int, Slider(-20, 20, unit="px"), Advanced()] = 0,
    despill: Annotated[Literal["none", "red", "green", "blue"], Advanced()] = "none",
    despill_amount: Annotated[float, Slider(0, 1, step=0.01), Advanced()] = 1.0,
    print_size: Annotated[
        Literal["none", "25x35_mm", "33x48_mm", "35x45_mm", "35x49_mm", "51x51_mm"], Advanced()
    ] = "none",
    print_resolution: Annotated[int, Slider(72, 1200, unit="dpi"), Advanced()] = 300,
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
        How a background of another size is fitted: fill crops what does not fit, fit leaves
        black bars, stretch ignores proportions, tile repeats.
    backdrop : {"color", "checkerboard", "blur", "id_white", "id_blue", "id_red"}
        What lies behind where no picture is given; blur is the old background out of focus, the
        last three are the colors of ID photos.
    color : str
        Color of the backdrop: a name, #rrggbb, or transparent.
    checker_size : int, pixels
        Side of the checkerboard's squares.
    blur_radius : float, pixels
        Standard deviation of the blur.
    linear_light : bool
        Blend amounts of light rather than gamma-encoded values: soft edges look as in a lens.
    premultiplied : bool
        For transparent: colors multiplied by alpha, as some compositors want them. Straight
        otherwise.
    black_point, white_point : float, 0..1
        Levels of the alpha: what counts as clear, and what as opaque.
    alpha_gamma : float
        Gamma of the alpha: above 1 soft parts become more opaque, below 1 less.
    choke : int, pixels
        Moves the alpha's edge inwards, or outwards if negative.
    despill : {"none", "red", "green", "blue"}
        Removes the spill of a screen of this color from the object's colors.
    despill_amount : float, 0..1
        How much of the spill is removed.
    print_size : str
        Frames the object as an ID photo: head in the middle, a tenth of the height free above
        it, down to the object's lower end. Width × height; 51x51_mm is 2 × 2 inches.
    print_resolution : int, dots per inch
        Resolution of a print size: 35x45_mm at 300 dpi is 413 × 531 pixels.

    Returns
    -------
    (H, W, 3) float32, 0..1; (H, W, 4) if the background is transparent
        With a print size, H and W are those of the print.

    Raises
    ------
    ParameterError
        If the black point is not below the white point.
    EmptyRegionError
        If a print size is asked for and the alpha holds no object.
    """
    matte = alpha
    alpha = choked(levels(alpha, black_point, white_point, alpha_gamma), choke)
    colors = as_rgb(image if foreground is None else foreground)
    if print_size != "none":
        frame = portrait_frame(alpha, print_size)
        alpha, matte = frame.cut_alpha(alpha), frame.cut_alpha(matte)
        colors, image = frame.cut(colors), frame.cut(image)
        foreground = None if foreground is None else frame.cut(foreground)
    colors = despilled(colors, despill, despill_amount)
    behind: Image | None
    if background is not None:
        behind = fitted(background, alpha.shape[0], alpha.shape[1], fit)
    elif backdrop == "blur":
        behind = blurred(image, matte, foreground, blur_radius)
    else:
        behind = _backdrop(backdrop, image.shape[:2], color, checker_size)
    if behind is None:
        result = np.dstack([colors, alpha])
    else:
        result = _over(colors, alpha[..., None], behind, linear_light)
    if print_size != "none":
        result = printed(result, print_size, print_resolution)
    if behind is None and premultiplied:
        result[..., :3] *= result[..., 3:]
    return result


def _over(colors: Image, part: Alpha, behind: Image, linear_light: bool) -> Image:
    """αF + (1 − α)B."""
    if not linear_light:
        return (part * colors + (1 - part) * behind).clip(0, 1)
    mixed = _from_light(part * _to_light(colors) + (1 - part) * _to_light(behind)).clip(0, 1)
    # There and back costs the last bit: what is not mixed stays as it is.
    return np.where(part == 1, colors, np.where(part == 0, behind, mixed))


def _backdrop(backdrop: str, size: tuple[int, ...], color: str, checker_size: int) -> Image | None:
    """Return what lies behind where no picture is given; None if nothing does."""
    height, width = size
    if backdrop == "checkerboard":
        return checkerboard(height, width, checker_size)
    rgb = parse_color(ID_COLORS.get(backdrop, color))
    if rgb is None:
        return None
    return np.broadcast_to(np.array(rgb, np.float32), (height, width, 3))


def _to_light(values: Image) -> Image:
    """IEC 61966-2-1 (sRGB): encoded values to amounts of light."""
    bright = ((values + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(values <= 0.04045, values / np.float32(12.92), bright)


def _from_light(light: Image) -> Image:
    bright = np.float32(1.055) * light ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(light <= 0.0031308, light * np.float32(12.92), bright)
