"""Difference Matte: an exact alpha from the same object before two known backgrounds."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import numpy as np

from ..arrays import Alpha, Difference, Image, ValuesOf, as_rgb
from ..compositing.difference import Shots, check_order, find_shift, unmix
from ..errors import ParameterError, ValueRangeError
from ..framework.parameters import Advanced, Color, Slider, parse_color
from ..framework.register import node
from ..job import Job


class Unmixed(NamedTuple):
    """An object without its backgrounds."""

    alpha: Alpha
    foreground: Image
    residual: Annotated[Image, Difference()]


@node(
    title="Difference Matte",
    command="difference-matte",
    step=7,
    aliases=("two backgrounds", "triangulation", "clean plate", "white and black", "glass"),
)
def difference_matte(
    image: Image,
    second_image: Annotated[Image, ValuesOf("image", jointly=True)],
    plate: Annotated[Image, ValuesOf("image", jointly=True)] | None = None,
    second_plate: Annotated[Image, ValuesOf("image", jointly=True)] | None = None,
    *,
    color: Annotated[str, Color()] = "white",
    second_color: Annotated[str, Color()] = "black",
    registration: Literal["refuse", "align", "ignore"] = "refuse",
    least_difference: Annotated[float, Slider(0.01, 1, step=0.01), Advanced()] = 0.1,
    job: Job,
) -> Unmixed:
    """Unmix two pictures of one object before two known backgrounds: glass and hair, exactly.

    In every pixel I₁ = αF + (1 − α)B₁ and I₂ = αF + (1 − α)B₂, so that, with sums over channels,
    α = 1 − Σ (I₁ − I₂)(B₁ − B₂) / Σ (B₁ − B₂)². Smith and Blinn, "Blue Screen Matting",
    SIGGRAPH 1996. Object, camera and light must be the same in both pictures.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The object before the first background.
    second_image : like image
        The same object before the second background.
    plate : like image, optional
        The first background without the object (clean plate). It is used instead of the color.
    second_plate : like image, optional
        The second background without the object. It is used instead of the second color.
    color : str
        Color of the first background: a name or #rrggbb.
    second_color : str
        Color of the second background: a name or #rrggbb.
    registration : {"refuse", "align", "ignore"}
        What to do if the second picture is shifted: refuse says how far, align moves it and its
        background back, ignore does not look.
    least_difference : float, 0..1
        Where the backgrounds differ by less (root mean square over channels), alpha and
        foreground are those of the nearest pixel where they do not, and the residual is 1.

    Returns
    -------
    alpha : (H, W) float32, 0..1
        The matte.
    foreground : like image
        Straight colors, defined everywhere.
    residual : (H, W, 1) float32, 0..1
        Root mean square of what alpha and foreground leave of the two pictures: 0 where they fit,
        1 where the backgrounds are too alike.

    Raises
    ------
    ParameterError
        If a background is transparent.
    ValueRangeError
        If the backgrounds are too alike in more than half of the picture, belong to the other
        picture, or the second picture is shifted.
    """
    grey = image.shape[2] == 1
    shots = Shots(
        as_rgb(image),
        as_rgb(second_image),
        _behind(plate, image, color, "color"),
        _behind(second_plate, image, second_color, "second_color"),
    )
    matte = unmix(shots, least_difference, job.part(0, 0.5))
    check_order(shots)
    shift = None
    if registration != "ignore":
        shift = find_shift(shots, matte, least_difference, job)
    if shift is not None and registration == "refuse":
        raise ValueRangeError(
            f"The second picture is shifted by {shift}",
            "The object must be at the same place in both pictures",
            "Choose the registration align, or take the pictures from a tripod",
        )
    if shift is not None:
        matte = unmix(shots.aligned(shift), least_difference, job.part(0.5, 1))
        job.note(shift=[round(shift.right, 3), round(shift.down, 3)])
    alpha, foreground, residual = matte
    return Unmixed(alpha, foreground[..., :1] if grey else foreground, residual[..., None])


def _behind(picture: Image | None, like: Image, color: str, name: str) -> Image:
    """Return a background in three channels: the picture, or the color all over."""
    if picture is not None:
        return as_rgb(picture)
    rgb = parse_color(color)
    if rgb is None:
        raise ParameterError(
            f"{name} of Difference Matte is transparent",
            "A background is a color that can be seen",
            "Choose a color, or give the background as a plate",
        )
    return np.broadcast_to(np.array(rgb, np.float32), (*like.shape[:2], 3))
