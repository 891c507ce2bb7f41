"""A pixel of a matte, explained: its foreground and background color, its alpha, how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...arrays import Pixels
from ...errors import MattingError
from ...nodes.estimate_foreground import estimate_foreground
from ._axes import as_picture
from ._choices import is_picture
from ._layers import plane_on_show
from ._places import plane_shape
from ._protocols import Layer
from ._trimap import tag

REACH = 32
"""How far around a pixel F and B are estimated from where no layer holds them, in pixels."""


@dataclass(frozen=True)
class PixelColors:
    """F and B of a pixel, in the picture's own numbers; None where there is no picture."""

    foreground: NDArray[np.float64] | None
    background: NDArray[np.float64] | None


NO_COLORS = PixelColors(None, None)


def compile_estimates() -> None:
    """Compile what estimates F and B; the first time that takes seconds."""
    picture = np.linspace(0, 1, 108, dtype=np.float32).reshape(6, 6, 3)
    estimate_foreground(picture, picture[..., 0])


def colors_at(
    layers: Iterable[Layer],
    alpha: Layer,
    plane: Pixels,
    place: tuple[int, int],
    point: Sequence[float],
    estimate: bool,
) -> PixelColors:
    """Return F and B of a pixel: from Estimate Foreground's layers, else estimated around it.

    Parameters
    ----------
    layers : iterable of Layer
        Where they are looked for: those made from the same picture, with the matte's pixels.
    alpha : Layer
        The matte.
    plane : (H, W) float, 0..1
        Its values.
    place : (row, column)
        The pixel.
    point : sequence of float
        The viewer's `dims.point`.
    estimate : bool
        Whether they may be estimated.
    """
    base = tag(alpha).get("base", alpha.name)
    fitting = [each for each in layers if _has_pixels_of(each, alpha)]
    found: dict[str, Layer] = {
        str(tag(each)["output"]): each
        for each in fitting
        if tag(each).get("base") == base and "output" in tag(each)
    }
    picture = next((each for each in fitting if is_picture(each) and each.name == base), None)
    if "foreground" in found and "background" in found:
        both = [as_picture(found[name], like=picture) for name in ("foreground", "background")]
        sides = (plane_on_show(layer, point)[place] for layer in both)
        return PixelColors(*(np.atleast_1d(color).astype(np.float64) for color in sides))
    if picture is None or not estimate:
        return NO_COLORS
    around = tuple(slice(max(0, at - REACH), at + REACH + 1) for at in place)
    inside = tuple(at - part.start for at, part in zip(place, around, strict=True))
    try:
        colors = plane_on_show(as_picture(picture), point)[around]
        estimated = estimate_foreground(colors, plane[around])
    except MattingError:
        return NO_COLORS
    return PixelColors(*(np.atleast_1d(color[inside]).astype(np.float64) for color in estimated))


def _has_pixels_of(layer: Layer, alpha: Layer) -> bool:
    return hasattr(layer, "rgb") and plane_shape(layer) == plane_shape(alpha)


def confidence_at(
    layers: Iterable[Layer], alpha: Layer, place: tuple[int, int], point: Sequence[float]
) -> float | None:
    """Return how sure a pixel is, 0..1, if there is a layer that says so.

    Parameters
    ----------
    layers, alpha, place, point
        As for `colors_at`.
    """
    base = tag(alpha).get("base", alpha.name)
    for layer in layers:
        is_its = (tag(layer).get("kind"), tag(layer).get("base")) == ("confidence", base)
        if is_its and plane_shape(layer) == plane_shape(alpha):
            return float(plane_on_show(layer, point)[place])
    return None


def explained(place: tuple[int, int], value: float, colors: PixelColors, sure: float | None) -> str:
    """Return what is known of a pixel, as a line of rich text with the colors as swatches.

    Parameters
    ----------
    place : (row, column)
        The pixel.
    value : float
        Its alpha.
    colors : PixelColors
        Its F and B.
    sure : float, optional
        How sure its alpha is, 0..1.
    """
    parts = [f"({place[0]}, {place[1]})", f"α {value:.3f}"]
    for name, color in (("F", colors.foreground), ("B", colors.background)):
        if color is not None:
            numbers = ", ".join(f"{channel:.3g}" for channel in color[:3])
            parts.append(f"{name} {_swatch(color)}({numbers})")
    parts.append(f"{sure:.0%} sure" if sure is not None else "how sure: press J in the panel")
    return " · ".join(parts)


def _swatch(color: NDArray[np.float64]) -> str:
    """Return a color as a block of it; nothing where it is no display color."""
    top = 1 if color.max() <= 1 else 255
    if len(color) < 3 or not 0 <= color.min() <= color.max() <= top:
        return ""
    red, green, blue = (round(255 * channel / top) for channel in color[:3])
    return f'<span style="color:#{red:02x}{green:02x}{blue:02x}">■</span> '
