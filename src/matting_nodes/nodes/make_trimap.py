"""MakeTrimap: a mask becomes foreground, background, and the unknown between them."""

from typing import Annotated

from .. import trimap as trimap
from ..arrays import BACKGROUND, FOREGROUND, UNKNOWN, Image, Labels, Mask, Trimap
from ..framework.parameters import Advanced, Slider
from ..framework.register import node
from ..framework.spec import Method
from ..models.parameters import Device
from ..regions import without_small


@node(
    title="Make Trimap",
    command="trimap",
    step=2,
    aliases=("trimap", "unknown region", "erode dilate", "band"),
)
def make_trimap(
    mask: Mask | None = None,
    image: Image | None = None,
    labels: Labels | None = None,
    *,
    method: Method = Method("band"),
    smallest_region: Annotated[int, Slider(0, 1_000_000, unit="px²"), Advanced()] = 0,
    device: Device = "auto",
) -> Trimap:
    """Mark what is surely foreground, what is surely background, and what is to be solved.

    Parameters
    ----------
    mask : (H, W) float32, 0..1
        1 is foreground.
    image : (H, W, C) float32, 0..1
        The picture, for methods that look at it.
    labels : (H, W) int32, optional
        Numbered objects, for methods that keep them apart.
    method : str
        How to draw the unknown region.
    smallest_region : int, pixels
        Smaller islands of foreground or background become unknown.

    Returns
    -------
    (H, W) uint8, {0, 128, 255}
        Background, unknown, foreground.
    """
    trimap: Trimap = method(mask=mask, image=image, labels=labels)
    for value in (BACKGROUND, FOREGROUND) if smallest_region else ():
        region = trimap == value
        trimap[region & ~without_small(region, smallest_region)] = UNKNOWN
    return trimap
