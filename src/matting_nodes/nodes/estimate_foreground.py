"""EstimateForeground: the colors of foreground and background, unmixed."""

from typing import NamedTuple

from .. import foreground as foreground
from ..arrays import Alpha, Image, Trimap
from ..framework.register import node
from ..framework.spec import Method
from ..models.parameters import Device


class Colors(NamedTuple):
    """What a picture was mixed from."""

    foreground: Image
    background: Image


@node(
    title="Estimate Foreground",
    command="foreground",
    step=4,
    aliases=("foreground colors", "decontaminate", "defringe", "halo", "color bleed"),
)
def estimate_foreground(
    image: Image,
    alpha: Alpha,
    trimap: Trimap | None = None,
    *,
    method: Method = Method("multilevel"),
    device: Device = "auto",
) -> Colors:
    """Solve I = αF + (1 − α)B for F and B, so that no old background shines through.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    alpha : (H, W) float32, 0..1
        Its matte.
    trimap : (H, W) uint8, optional
        For methods that use it.
    method : str
        How to unmix.

    Returns
    -------
    foreground, background : like image
        Straight colors, defined everywhere.
    """
    result = method(image=image, alpha=alpha, trimap=trimap)
    return Colors(*(_clipped(part) for part in result))


def _clipped(colors: Image) -> Image:
    """Return colors in 0..1: the same array if they are, since a copy takes longer than to look."""
    import cv2

    low, high, *_ = cv2.minMaxLoc(colors.reshape(len(colors), -1))
    return colors if low >= 0 and high <= 1 else colors.clip(0, 1)
