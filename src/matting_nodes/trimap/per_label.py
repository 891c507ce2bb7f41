"""Band per label: touching objects keep a band between them."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from ..arrays import Labels, Trimap, trimap_from
from ..framework.parameters import Slider
from ..framework.register import method
from .band import check_remains, distance_to


@method("make_trimap", title="Band per label")
def per_label(
    labels: Labels,
    *,
    inner: Annotated[float, Slider(0, 200)] = 10.0,
    outer: Annotated[float, Slider(0, 200)] = 10.0,
) -> Trimap:
    """Mark a band along the edge of every labelled object, also where two touch.

    Parameters
    ----------
    labels : (H, W) int32
        0 is background, each object has a number of its own.
    inner, outer : float, pixels
        How far the band reaches into each object, and into the background.

    Returns
    -------
    (H, W) uint8, {0, 128, 255}

    Raises
    ------
    EmptyRegionError
        If no definite foreground or no definite background would remain.

    Examples
    --------
    >>> import numpy as np
    >>> per_label(np.int32([[0, 0, 1, 1, 1, 2, 2, 2]]), inner=1, outer=1)
    array([[  0, 128, 128, 255, 128, 128, 255, 255]], dtype=uint8)
    """
    from scipy.ndimage import find_objects

    foreground = np.zeros(labels.shape, bool)
    for label, box in enumerate(find_objects(labels), start=1):
        if box is None:
            continue
        # One pixel more on each side: the nearest pixel outside lies no farther.
        around = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in box)
        own = labels[around] == label
        foreground[around] |= own & (distance_to(~own) > inner)
    background = distance_to(labels > 0) > outer
    check_remains(foreground, labels > 0, "foreground", inner, "Choose a smaller inner")
    check_remains(background, labels == 0, "background", outer, "Choose a smaller outer")
    return trimap_from(foreground, background)
