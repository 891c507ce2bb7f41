"""Segment: an image becomes a rough mask of one object."""

from dataclasses import fields

from .. import segmentation as segmentation
from ..arrays import Image, Mask, Prompts
from ..framework.register import node
from ..framework.spec import Method
from ..models.settings import Device


@node(
    title="Segment",
    command="segment",
    step=1,
    aliases=("segmentation", "mask", "select object", "grabcut", "threshold", "otsu"),
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
    prompts = prompts or Prompts()
    mask: Mask = method(
        image=image, **{field.name: getattr(prompts, field.name) for field in fields(prompts)}
    )
    return mask.clip(0, 1)
