"""Draw the picture of docs/video.md: python scripts/draw_film_strip.py.

Frames of the generated clip, the one trimap carried to them, their mattes, and the object over
another background.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from matting_nodes.video.backgrounds import Background
from matting_nodes.video.clip import ClipTask, composited, mattes, plan
from matting_nodes.video.sample import sample_clip

TARGET = Path(__file__).parent.parent / "docs/pictures/film-strip.jpg"
COUNT, EVERY, WIDTH, GAP = 73, 24, 240, 6
"""Frames of the clip, between two that are shown; pixels."""


def main() -> None:
    """Write the picture."""
    clip, trimap = sample_clip(COUNT)
    made = plan(ClipTask(clip, "strip.mp4", trimap, background="teal"))
    behind = Background("teal", made.info.height, made.info.width, print)
    columns = []
    for matte in mattes(made):
        if matte.number % EVERY:
            continue
        over = composited(matte.picture, matte.alpha, behind.at(matte.time))
        grey = [np.repeat(plane[..., None], 3, 2) for plane in (matte.trimap, matte.alpha * 255)]
        rows = [matte.picture, *grey, over]
        height = round(WIDTH * made.info.height / made.info.width)
        small = [
            cv2.resize(row.astype(np.float32), (WIDTH, height), interpolation=cv2.INTER_AREA)
            for row in rows
        ]
        framed = [np.pad(row, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for row in small]
        columns.append(np.vstack(framed))
    strip = np.rint(np.hstack(columns)[:-GAP, :-GAP]).astype(np.uint8)
    cv2.imwrite(str(TARGET), strip[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(TARGET)


if __name__ == "__main__":
    main()
