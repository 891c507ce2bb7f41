"""AlphaMatte: how much of each unknown pixel is foreground."""

import numpy as np

from .. import alpha as alpha
from ..alpha._checks import has_both_regions
from ..arrays import FOREGROUND, Alpha, Image, Trimap, unknown
from ..framework.register import node
from ..framework.spec import Method
from ..job import Job
from ..models.parameters import Device


def is_solvable(trimap: Trimap | None) -> None:
    """Refuse a trimap without definite foreground or without definite background.

    Parameters
    ----------
    trimap : (H, W) uint8, optional
        Where there is none, the method decides by itself.

    Raises
    ------
    EmptyRegionError
    """
    if trimap is not None:
        has_both_regions(trimap)


@node(
    title="Alpha Matte",
    command="matte",
    step=3,
    aliases=(
        "matting",
        "image matting",
        "alpha matting",
        "remove background",
        "refine edge",
        "mask edge",
        "hair",
        "fur",
        "closed form",
    ),
    check=is_solvable,
)
def alpha_matte(
    image: Image,
    trimap: Trimap | None = None,
    *,
    method: Method = Method("sampled_propagation"),
    device: Device = "auto",
    job: Job | None = None,
) -> Alpha:
    """Solve I = αF + (1 − α)B for α where the trimap is unknown.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture. Sampled propagation and closed form take any number of channels.
    trimap : (H, W) uint8, optional
        0 background, 255 foreground, between them unknown. BiRefNet and MODNet need none, and
        decide only the unknown pixels of one that is given.
    method : str
        How to solve it.

    Returns
    -------
    (H, W) float32, 0..1
        Exactly 0 in the trimap's definite background and exactly 1 in its definite foreground.

    Raises
    ------
    EmptyRegionError
        If the trimap has no definite foreground, or no definite background.
    MissingInputError
        If there is no trimap and the method needs one.
    """
    if trimap is None:
        whole: Alpha = method(image=image, trimap=None).clip(0, 1)
        return whole
    result: Alpha = (trimap == FOREGROUND).astype(np.float32)
    solve = unknown(trimap)
    if solve.any():
        result[solve] = method(image=image, trimap=trimap)[solve].clip(0, 1)
    elif job is not None:
        job.announce("Nothing in the trimap is unknown: the matte is the trimap itself")
    return result
