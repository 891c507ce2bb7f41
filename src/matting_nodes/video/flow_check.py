"""The check of optical flow, compiled: what goes there and back must arrive where it began."""

from __future__ import annotations

import numba
import numpy as np

CHECK_SHARE, CHECK_OFFSET = 0.01, 0.5
"""|forward + backward|² may be this share of |forward|² + |backward|², and so many pixels²."""


@numba.njit(cache=True, nogil=True, error_model="numpy")
def check(start, stop, back, forth, certain):
    """Mark the pixels of some rows whose flow and the flow back from there agree.

    Parameters
    ----------
    start, stop : int
        The rows.
    back, forth : (H, W, 2) float32, pixels
        Flow to another frame, and from there to this one.
    certain : (H, W) bool
        Written to.
    """
    height, width = certain.shape
    one = np.float32(1)
    for i in range(start, stop):
        for j in range(width):
            x, y = j + back[i, j, 0], i + back[i, j, 1]
            if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
                certain[i, j] = False
                continue
            left, top = min(int(x), width - 2), min(int(y), height - 2)
            tx, ty = np.float32(x - left), np.float32(y - top)
            gap, length = np.float32(0), np.float32(0)
            for c in range(2):
                above = (one - tx) * forth[top, left, c] + tx * forth[top, left + 1, c]
                below = (one - tx) * forth[top + 1, left, c] + tx * forth[top + 1, left + 1, c]
                returned = (one - ty) * above + ty * below
                gap += (back[i, j, c] + returned) ** 2
                length += back[i, j, c] ** 2 + returned**2
            certain[i, j] = gap < CHECK_SHARE * length + CHECK_OFFSET
