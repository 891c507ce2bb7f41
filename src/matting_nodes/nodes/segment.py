"""Segment: an image becomes a rough mask of one object."""

from dataclasses import fields

import numpy as np

from .. import segmentation as segmentation
from ..arrays import Image, Mask, Prompts
from ..errors import ParameterError
from ..framework.register import node
from ..framework.spec import Method
from ..models.parameters import Device


def strokes_are_apart(foreground_scribbles: Mask | None, background_scribbles: Mask | None) -> None:
    """Refuse strokes of which some mark a pixel as foreground and others as background.

    Parameters
    ----------
    foreground_scribbles, background_scribbles : (H, W) float32, 0..1, optional
        Above 0.5 are strokes.

    Raises
    ------
    ParameterError
    """
    if foreground_scribbles is None or background_scribbles is None:
        return
    both = np.count_nonzero((foreground_scribbles >= 0.5) & (background_scribbles >= 0.5))
    if both:
        raise ParameterError(
            f"{both} pixels are in the foreground and in the background scribbles",
            "A stroke says one or the other",
            "Erase one of them there, or invert the mask of one",
        )


@node(
    title="Segment",
    command="segment",
    step=1,
    aliases=(
        "segmentation",
        "mask",
        "select object",
        "remove background",
        "cutout",
        "grabcut",
        "threshold",
        "otsu",
    ),
    check=strokes_are_apart,
)
def segment(
    image: Image,
    *,
    prompts: Prompts | None = None,
    method: Method = Method("grabcut"),
    device: Device = "auto",
) -> Mask:
    """Find the object: a rough mask is enough, the matte refines its edge.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    prompts : Prompts, optional
        Which object is meant: a box around it, points or scribbles on it, or a rough mask.
    method : str
        How to find it.

    Returns
    -------
    (H, W) float32, 0..1
        1 is foreground.
    """
    prompts = (prompts or Prompts()).joined()
    mask: Mask = method(
        image=image, **{field.name: getattr(prompts, field.name) for field in fields(prompts)}
    )
    return mask.clip(0, 1)
