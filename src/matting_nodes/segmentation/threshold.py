"""Threshold: objects brighter or darker than their surroundings, as in microscopy."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..arrays import Image, Mask, grey
from ..errors import EmptyRegionError
from ..node import method


@method("segment", title="Threshold (Otsu)")
def threshold(image: Image, *, objects: Literal["bright", "dark"] = "bright") -> Mask:
    """Take what is brighter, or darker, than a threshold found from the histogram.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture; of colors, the luma.
    objects : {"bright", "dark"}
        Which side of the threshold is foreground.

    Returns
    -------
    (H, W) float32, {0, 1}

    Raises
    ------
    EmptyRegionError
        If all pixels are equal.

    Notes
    -----
    Otsu, IEEE Trans. SMC 1979, in scikit-image's implementation (256 bins).
    """
    from skimage.filters import threshold_otsu

    values = grey(image)
    if values.min() == values.max():
        raise EmptyRegionError(
            f"Every pixel of the image is {values.flat[0]:g}",
            "A threshold needs two levels of brightness",
            "Choose another image, channel or plane",
        )
    bright = values > threshold_otsu(values)  # type: ignore[no-untyped-call]
    mask: Mask = (bright if objects == "bright" else ~bright).astype(np.float32)
    return mask
