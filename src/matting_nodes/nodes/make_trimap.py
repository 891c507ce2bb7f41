"""MakeTrimap: a mask becomes foreground, background, and the unknown between them."""

from .. import trimap as trimap
from ..arrays import Image, Mask, Trimap
from ..node import node
from ..spec import Method


@node(
    title="Make Trimap",
    command="trimap",
    step=2,
    aliases=("trimap", "unknown region", "erode dilate", "band"),
)
def make_trimap(
    mask: Mask | None = None, image: Image | None = None, *, method: Method = Method("band")
) -> Trimap:
    """Mark what is surely foreground, what is surely background, and what is to be solved.

    Parameters
    ----------
    mask : (H, W) float32, 0..1
        1 is foreground.
    image : (H, W, C) float32, 0..1
        The picture, for methods that look at it.
    method : str
        How to draw the unknown region.

    Returns
    -------
    (H, W) uint8, {0, 128, 255}
        Background, unknown, foreground.
    """
    return method(mask=mask, image=image)  # type: ignore[no-any-return]
