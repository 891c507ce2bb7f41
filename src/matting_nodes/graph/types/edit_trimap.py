"""Edit Trimap: strokes by hand on a trimap, kept in the workflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...arrays import UNKNOWN, as_trimap, check_same_size
from ...errors import ParameterError
from ...trimap.painting import Stroke, painted, strokes_from
from ..node_types import ImageBatch, MaskBatch, node_type


class Edited(NamedTuple):
    """The trimap with what was painted on it."""

    trimap: MaskBatch


@node_type(
    title="Edit Trimap",
    aliases=("paint trimap", "brush", "mask editor", "refine edge", "hair", "touch up"),
)
def edit_trimap(image: ImageBatch, trimap: MaskBatch | None = None, *, strokes: str = "") -> Edited:
    """Correct a trimap with the brush, and see the matte follow.

    Parameters
    ----------
    image : (B, H, W, C) float32, 0..1
        The picture, to be seen below the trimap.
    trimap : (B, H, W) float32, 0..1
        What is painted on; without one, everything is unknown at first.
    strokes : str
        What was painted, as the editor writes it; the workflow keeps it.

    Returns
    -------
    trimap : (B, H, W) float32, 0..1
        0 background, 0.5 unknown, 1 foreground; softer values stay where nothing was painted.
    """
    drawn = strokes_from(strokes)
    check_frames_of(drawn, len(image))
    result = np.empty(image.shape[:3], np.float32)
    for index, picture in enumerate(image):
        base = base_trimap(picture, trimap, index)
        edited = painted(base, [s for s in drawn if s.frame == index], picture[..., :3])
        result[index] = np.where(edited == UNKNOWN, np.float32(0.5), edited / np.float32(255))
    return Edited(result)


def check_frames_of(strokes: Sequence[Stroke], count: int) -> None:
    """Refuse strokes on frames that a batch lacks.

    Parameters
    ----------
    strokes : sequence of Stroke
        What was drawn.
    count : int
        Frames of the batch.

    Raises
    ------
    ParameterError
    """
    last = max((stroke.frame for stroke in strokes), default=0)
    if last >= count:
        raise ParameterError(
            f"A stroke is on frame {last}, and the batch has {count} frames",
            "Frames are counted from 0",
            "Wire the pictures that were painted on, or clear the strokes",
        )


def base_trimap(picture: np.ndarray, trimap: np.ndarray | None, index: int) -> np.ndarray:
    """Return the trimap of a frame that strokes are painted on, (H, W) uint8.

    Parameters
    ----------
    picture : (H, W, C) float32
        The frame.
    trimap : (B, H, W) float32, optional
        One serves all frames; without one all is unknown.
    index : int
        Which frame it is.

    Raises
    ------
    SizeMismatchError
        If the trimap has another size.
    """
    if trimap is None:
        return np.full(picture.shape[:2], UNKNOWN, np.uint8)
    frames = trimap.reshape(-1, *trimap.shape[-2:])
    base = as_trimap(frames[index if len(frames) > 1 else 0].clip(0, 1))
    check_same_size({"image": picture, "trimap": base})
    return base
