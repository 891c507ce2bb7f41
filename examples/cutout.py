"""Cut a lemur out of its photo and put it on a beach: python examples/cutout.py [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

from matting_nodes import (
    alpha_matte,
    composite,
    estimate_foreground,
    make_trimap,
    sample_data,
    segment,
    write_image,
)


def main(folder: Path) -> None:
    """Write the alpha and the composite into a folder."""
    image = sample_data.lemur()
    mask = segment(image, box=(150, 50, 540, 440))
    trimap = make_trimap(mask, inner=15, outer=25)
    alpha = alpha_matte(image, trimap)
    foreground, _ = estimate_foreground(image, alpha)
    beach = composite(
        image, alpha, foreground=foreground, background=sample_data.beach(), linear_light=True
    )
    print(write_image(folder / "alpha.png", alpha, force=True))
    print(write_image(folder / "beach.png", beach, force=True))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
