"""Draw the icon and the banner that hubs show: `python scripts/draw_icon.py`.

The icon is a lemur, half photo, half cutout; the banner its photo, trimap, alpha and cutout.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from matting_nodes import alpha_matte, composite, estimate_foreground, sample_data

PICTURES = Path(__file__).parent.parent / "docs/pictures"
COLOR = "#0f766e"
# Rows and columns of the lemur: a square around its face, and a fourth of the banner.
FACE, UPRIGHT = np.s_[20:356, 196:532], np.s_[0:440, 236:492]
# What ComfyUI's registry asks for, in pixels.
ICON, BANNER = (400, 400), (798, 342)


def steps() -> list[NDArray[np.float32]]:
    """Return photo, trimap, alpha and cutout, each (H, W, 3)."""
    photo = sample_data.lemur()
    trimap = sample_data.lemur_trimap()
    alpha = alpha_matte(photo, trimap)
    foreground, _ = estimate_foreground(photo, alpha)
    cutout = composite(photo, alpha, foreground=foreground, color=COLOR)
    greys = [np.repeat(grey[..., None], 3, axis=2) for grey in (trimap / np.float32(255), alpha)]
    return [photo, *greys, cutout[..., :3]]


def halves(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the left half of one picture beside the right half of the other, a line between."""
    middle = left.shape[1] // 2
    joined = np.hstack([left[:, :middle], right[:, middle:]])
    joined[:, middle - 1 : middle + 1] = 1
    return joined


def save(name: str, picture: NDArray[np.float32], size: tuple[int, int]) -> None:
    """Write a picture in 256 colors, so that hubs load it at once."""
    image = Image.fromarray((picture * 255 + 0.5).astype(np.uint8))
    image.resize(size, Image.Resampling.LANCZOS).quantize(256).save(PICTURES / name, optimize=True)


if __name__ == "__main__":
    photo, trimap, alpha, cutout = steps()
    save("icon.png", halves(photo[FACE], cutout[FACE]), ICON)
    save(
        "banner.png", np.hstack([step[UPRIGHT] for step in (photo, trimap, alpha, cutout)]), BANNER
    )
