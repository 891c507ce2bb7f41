"""Small pictures of what travels on wires."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# A picture is sampled to so many pixels for each of the thumbnail's, which are then averaged.
SAMPLES = 4


def thumbnail(value: object, side: int = 96) -> NDArray[np.uint8] | None:
    """Return a small picture of what a node gives.

    Parameters
    ----------
    value : any
        What an output holds: pictures (B, H, W, C) or masks (B, H, W), float in 0..1, of which
        the first is drawn; anything else has no picture.
    side : int, pixels
        The longer side, at most: a picture that is smaller stays as small.

    Returns
    -------
    (h, w, 3) or (h, w, 4) uint8, or None
        Straight alpha; a mask is grey. None if there is nothing to draw.
    """
    if not isinstance(value, np.ndarray) or value.ndim not in (3, 4) or not value.size:
        return None
    frame = value[0] if value.ndim == 4 else value[0, ..., None]
    height, width, channels = frame.shape
    step = max(1, max(height, width) // (SAMPLES * side))
    small = np.nan_to_num(frame[::step, ::step].astype(np.float32), nan=0.0).clip(0, 1)
    if channels not in (3, 4):
        small = np.repeat(small[..., :1], 3, axis=2)
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return _averaged(np.round(small * 255).astype(np.uint8), size)


def _averaged(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    from PIL import Image

    # Pillow weighs colors with their alpha, so that what is clear does not show at edges.
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))
