"""Mark Object: points, a box and scribbles by hand, kept in the workflow, for Segment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...arrays import BACKGROUND, FOREGROUND, UNKNOWN, Trimap
from ...errors import ParameterError
from ...trimap.painting import Stroke, Tool, painted, strokes_from
from ..node_types import Box, ImageBatch, MaskBatch, Text, node_type
from .edit_trimap import check_frames_of

MARKING: tuple[Tool, ...] = ("point", "box", "brush")
COLORS = {"foreground": (40, 170, 70), "background": (200, 40, 40), "unknown": (255, 210, 0)}


class Marked(NamedTuple):
    """What Segment takes to know which object is meant."""

    box: Box | None
    foreground_points: Text
    background_points: Text
    foreground_scribbles: MaskBatch
    background_scribbles: MaskBatch


@node_type(
    title="Mark Object",
    aliases=("prompt", "points editor", "draw box", "scribbles", "select object", "SAM points"),
)
def mark_object(image: ImageBatch, *, marks: str = "") -> Marked:
    """Point at an object, draw a box around it, or scribble on it: Segment finds the rest.

    Wire each output to the input of Segment of that name; where nothing was drawn it says
    nothing. In a batch each mark belongs to the frame that it was drawn in.

    Parameters
    ----------
    image : (B, H, W, C) float32, 0..1
        The picture that is marked.
    marks : str
        What was drawn, as the editor writes it; the workflow keeps it.

    Returns
    -------
    box : {"x", "y", "width", "height"}, pixels, or None
        Around the object; the last one that was drawn. Of several frames a list of lists.
    foreground_points, background_points : str
        Places on the object and beside it, as JSON; of several frames a list of lists.
    foreground_scribbles, background_scribbles : (B, H, W) float32, 0 or 1
        Strokes on the object and beside it.

    Raises
    ------
    ParameterError
        If the marks are no marks, lie on a frame that is not there, or a box is empty.
    """
    drawn = marks_from(marks)
    count, (height, width) = len(image), image.shape[1:3]
    check_frames_of(drawn, count)
    by_frame = [[stroke for stroke in drawn if stroke.frame == index] for index in range(count)]
    boxes = [_box(strokes, height, width) for strokes in by_frame]
    scribbles = np.stack([_scribbles(strokes, height, width) for strokes in by_frame])
    return Marked(
        _of_frames(boxes),
        _points(by_frame, "foreground"),
        _points(by_frame, "background"),
        (scribbles == FOREGROUND).astype(np.float32),
        (scribbles == BACKGROUND).astype(np.float32),
    )


def marks_from(text: str) -> list[Stroke]:
    """Return the points, boxes and strokes that a text holds.

    Parameters
    ----------
    text : str
        As the editor writes it.

    Raises
    ------
    ParameterError
        If it holds something else.
    """
    return strokes_from(text, MARKING, "marks")


def _box(strokes: Sequence[Stroke], height: int, width: int) -> dict[str, int] | None:
    """Return the last box as whole pixels of the picture."""
    drawn = [stroke for stroke in strokes if stroke.tool == "box"]
    if not drawn:
        return None
    ends = np.array([drawn[-1].points[0], drawn[-1].points[-1]])
    # The center of the first pixel is at (0, 0), so its edge at -0.5.
    low = np.floor(ends.min(0) + 0.5).clip(0).astype(int)
    high = np.minimum(np.ceil(ends.max(0) + 0.5), (width, height)).astype(int)
    if (low >= high).any():
        raise ParameterError(
            f"A box goes from {drawn[-1].points[0]} to {drawn[-1].points[-1]}",
            f"It holds pixels of the picture, which has {width} × {height}",
            "Draw it again",
        )
    (x, y), (across, down) = low.tolist(), (high - low).tolist()
    return {"x": x, "y": y, "width": across, "height": down}


def _of_frames(boxes: list[dict[str, int] | None]) -> Any:
    """Return the box of a single frame, or a list of each frame's."""
    if len(boxes) == 1:
        return boxes[0]
    return [[box] if box else [] for box in boxes] if any(boxes) else None


def _points(by_frame: Sequence[Sequence[Stroke]], value: str) -> str:
    listed = [
        [{"x": x, "y": y} for s in strokes if _is_point(s, value) for x, y in s.points]
        for strokes in by_frame
    ]
    if not any(listed):
        return ""
    return json.dumps(listed[0] if len(listed) == 1 else listed)


def _is_point(stroke: Stroke, value: str) -> bool:
    return stroke.tool == "point" and stroke.value == value


def _scribbles(strokes: Sequence[Stroke], height: int, width: int) -> Trimap:
    """Return the strokes of the brush, the later ones over those before; unknown erases."""
    blank = np.full((height, width), UNKNOWN, np.uint8)
    return painted(blank, [stroke for stroke in strokes if stroke.tool == "brush"])


def picture_of_marks(image: NDArray[np.float32], marks: str, frame: int = 0) -> NDArray[np.float32]:
    """Return a picture with the marks drawn over it, for people to look at.

    Parameters
    ----------
    image : (H, W, C) float32, 0..1
        The frame.
    marks : str
        As for `mark_object`.
    frame : int
        Which frame it is.
    """
    import cv2

    strokes = [stroke for stroke in marks_from(marks) if stroke.frame == frame]
    height, width = image.shape[:2]
    shown = np.round(image[..., :3] * 255).clip(0, 255).astype(np.uint8)
    scribbles = _scribbles(strokes, height, width)
    for level, value in ((FOREGROUND, "foreground"), (BACKGROUND, "background")):
        shown[scribbles == level] = COLORS[value]
    size = max(2, round(max(height, width) / 150))
    if box := _box(strokes, height, width):
        low = box["x"], box["y"]
        high = box["x"] + box["width"] - 1, box["y"] + box["height"] - 1
        cv2.rectangle(shown, low, high, COLORS["unknown"], max(1, size // 2))
    for stroke in strokes:
        for x, y in stroke.points if stroke.tool == "point" else ():
            at = round(x), round(y)
            cv2.circle(shown, at, size + max(1, size // 3), (255, 255, 255), -1)
            cv2.circle(shown, at, size, COLORS[stroke.value], -1)
    return shown.astype(np.float32) / np.float32(255)
