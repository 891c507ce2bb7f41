"""Draw the film strip of docs/video.md: `python scripts/draw_film_strip.py`.

The generated clip of the lemur, one of whose hundred frames has a trimap: frames with the trimap
that was carried to them, their mattes, and the composite; a second lies between them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from matting_nodes.video.clip import ClipTask, composited, mattes, plan
from matting_nodes.video.matting import Matte
from matting_nodes.video.sample import sample_clip

TARGET = Path(__file__).parent.parent / "docs/pictures/film-strip.jpg"
SHOWN = (0, 25, 50, 75)
WIDTH, GAP = 320, 4
GREEN, BLUE, TEAL = (51, 217, 87), (26, 64, 230), (15, 118, 110)


def main() -> None:
    """Matte the clip, and draw some of its frames."""
    source, trimap = sample_clip()
    with tempfile.TemporaryDirectory() as folder:
        task = ClipTask(source, f"{folder}/out.mp4", trimap, background="teal")
        columns = [column(matte) for matte in mattes(plan(task)) if matte.number in SHOWN]
    Image.fromarray(np.concatenate(columns, axis=1)[:, GAP:]).save(TARGET, quality=88)


def column(matte: Matte) -> NDArray[np.uint8]:
    """Return a frame with its trimap, its matte and its composite, one below the other."""
    picture = matte.picture.astype(np.float32)
    for label, color in ((255, GREEN), (0, BLUE)):
        inside = matte.trimap == label
        picture[inside] = 0.6 * picture[inside] + 0.4 * np.float32(color)
    grey = np.repeat(np.rint(255 * matte.alpha)[..., None], 3, axis=2)
    behind = np.zeros(matte.picture.shape, np.uint8) + np.uint8(TEAL)
    rows = picture, grey, composited(matte.picture, matte.alpha, behind)
    height = round(WIDTH * picture.shape[0] / picture.shape[1])
    made = np.full((3 * (height + GAP) - GAP, WIDTH + GAP, 3), 255, np.uint8)
    for number, row in enumerate(rows):
        small = Image.fromarray(row.astype(np.uint8)).resize((WIDTH, height))
        made[number * (height + GAP) :][:height, GAP:] = np.asarray(small)
    return made


if __name__ == "__main__":
    main()
