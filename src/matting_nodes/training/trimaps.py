"""Trimaps from true alphas: random ones for training, or a fixed recipe for prepared data."""

from __future__ import annotations

import numpy as np

from ..arrays import Alpha, Trimap, trimap_from
from ..trimap.structuring_element import eroded_and_dilated


def random_trimap(alpha: Alpha, chance: np.random.Generator, narrowest: int, widest: int) -> Trimap:
    """Return a trimap with a band of random width on either side of the edge.

    Parameters
    ----------
    alpha : (H, W) float32, 0..1
        The true alpha; pixels that are neither 0 nor 1 are always unknown.
    chance : numpy.random.Generator
        Draws the two widths.
    narrowest, widest : int, pixels
        The range of the band's reach into foreground and background.

    Returns
    -------
    (H, W) uint8, {0, 128, 255}
        Either definite region may be empty.

    Notes
    -----
    Xu, Price, Cohen and Huang, "Deep Image Matting", CVPR 2017, section 3.1: randomly dilated
    from the true alphas, so that a network learns to cope with rough trimaps.
    """
    inner, outer = chance.integers(narrowest, widest, 2, endpoint=True)
    eroded, _ = eroded_and_dilated(alpha, "ellipse", 2 * int(inner) + 1, 1)
    _, dilated = eroded_and_dilated(alpha, "ellipse", 2 * int(outer) + 1, 1)
    return trimap_from(eroded == 255, dilated == 0)


def cutout_trimap(alpha: Alpha, threshold: int = 50, width: int = 11) -> Trimap:
    """Return the trimap of a cut-out: a mask by threshold, and an ellipse along its edge.

    Parameters
    ----------
    alpha : (H, W) float32, 0..1
        The alpha of the cut-out.
    threshold : int, of 255
        Pixels above it are taken as the object.
    width : int, pixels
        Width of the ellipse; odd, so that the band is equally wide on both sides.

    Returns
    -------
    (H, W) uint8, {0, 128, 255}
        Known pixels may be soft in the alpha: the recipe is that of human matting data, whose
        cut-outs are hard but for their edge.

    Examples
    --------
    >>> cutout_trimap(np.float32([[0, 0, 0, 0.1, 0.9, 1, 1, 1]]), width=3)
    array([[  0,   0,   0, 128, 128, 255, 255, 255]], dtype=uint8)
    """
    mask = (alpha > threshold / 255).astype(np.float32)
    eroded, dilated = eroded_and_dilated(mask, "ellipse", width, 1)
    return trimap_from(eroded == 255, dilated == 0)
