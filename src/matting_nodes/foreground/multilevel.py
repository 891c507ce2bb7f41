"""Multilevel: foreground and background colors, from coarse to fine."""

from __future__ import annotations

from typing import Annotated

from ..arrays import Alpha, Image
from ..node import method
from ..parameters import Advanced, Slider


@method("estimate_foreground", title="Multilevel")
def multilevel(
    image: Image,
    alpha: Alpha,
    *,
    regularization: Annotated[float, Slider(1e-9, 1.0), Advanced()] = 1e-5,
) -> tuple[Image, Image]:
    """Unmix colors that vary smoothly, from a coarse image to the full one.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    alpha : (H, W) float32, 0..1
        Its matte.
    regularization : float
        Weight of smoothness against I = αF + (1 − α)B. Larger is smoother.

    Returns
    -------
    foreground, background : like image

    Notes
    -----
    Germer et al., "Fast Multi-Level Foreground Estimation", ICPR 2020 (arXiv:2006.14970),
    in PyMatting's implementation.
    """
    from pymatting import estimate_foreground_ml

    if max(alpha.shape) == 1:
        # One pixel has no coarser level to begin from; it unmixes into itself.
        return image, image
    foreground, background = estimate_foreground_ml(
        image, alpha, regularization=regularization, return_background=True
    )
    return foreground, background
