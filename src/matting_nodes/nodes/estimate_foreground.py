"""EstimateForeground: the colors of foreground and background, unmixed."""

from typing import Annotated, Literal, NamedTuple

from .. import foreground as foreground
from ..arrays import Alpha, Image, Trimap
from ..node import node
from ..parameters import Advanced
from ..spec import Method


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
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Advanced()] = "auto",
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
    device : {"auto", "cpu", "cuda", "mps"}
        Where to compute; auto takes the fastest that the method can use.

    Returns
    -------
    foreground, background : like image
        Straight colors, defined everywhere.
    """
    result = method(image=image, alpha=alpha, trimap=trimap)
    return Colors(*(part.clip(0, 1) for part in result))
