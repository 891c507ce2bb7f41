"""Connected regions of a mask: dropping small ones, filling small holes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Region = NDArray[np.bool_]


def without_small(region: Region, area: int, connectivity: int = 8) -> Region:
    """Return a region without its connected parts of fewer than `area` pixels.

    Parameters
    ----------
    region : (H, W) bool
    area : int, pixels
        Parts of this size and more stay.
    connectivity : {4, 8}
        Whether pixels that touch at a corner belong together.

    Examples
    --------
    >>> import numpy as np
    >>> without_small(np.array([[True, False, True, True]]), 2)
    array([[False, False,  True,  True]])
    """
    import cv2

    if area <= 1:
        return region
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        region.astype(np.uint8), connectivity=connectivity
    )
    large: Region = stats[:, cv2.CC_STAT_AREA] >= area
    # Label 0 is the outside of the region.
    large[0] = False
    kept: Region = large[labels]
    return kept


def without_small_holes(region: Region, area: int) -> Region:
    """Return a region with its holes of at most `area` pixels filled.

    A hole is a part of the outside that does not reach the border.

    Parameters
    ----------
    region : (H, W) bool
    area : int, pixels
        The largest hole that is filled; 0 fills none.
    """
    import cv2

    if area <= 0:
        return region
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        (~region).astype(np.uint8), connectivity=4
    )
    holes = stats[:, cv2.CC_STAT_AREA] <= area
    holes[0] = False
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        holes[edge] = False
    filled: Region = region | holes[labels]
    return filled
