"""GrabCut: an object cut out of its surroundings by color, from a box, scribbles or a mask."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import (
    BACKGROUND,
    FOREGROUND,
    UNKNOWN,
    Box,
    Image,
    Mask,
    Points,
    Trimap,
    as_rgb,
)
from ..errors import EmptyRegionError, ShapeError, ValueRangeError
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..job import Job, in_background
from ..regions import without_small, without_small_holes
from ..resizing import resized, size_within

Labels = NDArray[np.uint8]
# Radius of the dot that a point stands for, in pixels at the working size.
DOT = 3
# Around what stands out, this far the object may reach, in longer sides.
FAR = 0.08


@method("segment", title="GrabCut")
def grabcut(
    image: Image,
    box: Box | None = None,
    scribbles: Trimap | None = None,
    mask: Mask | None = None,
    foreground_points: Points | None = None,
    background_points: Points | None = None,
    *,
    iterations: Annotated[int, Slider(1, 20)] = 5,
    working_size: Annotated[int, Slider(64, 8192, unit="px"), Advanced()] = 1024,
    smallest_object: Annotated[int, Slider(0, 1_000_000, unit="px²"), Advanced()] = 0,
    largest_hole: Annotated[int, Slider(0, 1_000_000, unit="px²"), Advanced()] = 0,
    start: Annotated[Literal["saliency", "box"], Advanced()] = "saliency",
    job: Job,
) -> Mask:
    """Separate an object from its surroundings by their colors.

    Without any prompt it begins with what stands out in the picture. Where there are prompts but
    none says what is background, the object is looked for in a box that leaves 5 % free at the
    left, top and right and reaches the bottom, where subjects usually stand.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture. GrabCut itself looks at 8 bits a channel.
    box : (left, top, right, bottom), pixels, optional
        Everything outside is background.
    scribbles : (H, W) uint8 trimap, optional
        0 is surely background, 255 surely foreground.
    mask : (H, W) float32, 0..1, optional
        A rough mask to begin with; its pixels may change sides.
    foreground_points, background_points : (N, 2) float, pixels, optional
        x and y of dots on the object and beside it.
    iterations : int
        Rounds of learning colors and cutting again.
    working_size : int, pixels
        A picture with a longer side is cut at this size, and its mask enlarged: the matte
        refines the edge anyway, and the time grows faster than the number of pixels.
    smallest_object : int, pixels
        Smaller connected parts are dropped.
    largest_hole : int, pixels
        Holes up to this size are filled, such as eyes that have the background's color.
    start : {"saliency", "box"}
        Where to begin when nothing is pointed at: saliency with what differs from the border and
        is sharp, the best of a few guesses; box with the box that leaves 5 % free.

    Returns
    -------
    (H, W) float32, {0, 1}

    Raises
    ------
    EmptyRegionError
        If the prompts leave no pixel for the foreground, or none for the background.
    ShapeError
        If nothing is pointed at in a picture of less than 2 × 2 pixels.

    Notes
    -----
    Rother, Kolmogorov and Blake, SIGGRAPH 2004, in OpenCV's implementation, with its
    random generator seeded: the same input gives the same mask.
    """
    import cv2

    scale = min(1.0, working_size / max(image.shape[:2]))
    scribbles = _with_dots(
        scribbles, image.shape, foreground_points, background_points, round(DOT / scale)
    )
    height, width = image.shape[:2]
    small = size_within(height, width, working_size)
    pixels = resized(np.round(as_rgb(image) * 255).astype(np.uint8), *small, "area")
    cutting, salient = job, None
    if start == "saliency" and box is None and mask is None and (scribbles == UNKNOWN).all():
        salient = _salient_labels(pixels, job.part(0, 0.4))
        cutting = job.part(0.4, 1)
    if salient is not None:
        labels = salient
    else:
        if box is None and mask is None and not (scribbles == BACKGROUND).any():
            if min(width, height) < 2:
                raise ShapeError(
                    f"The picture is {width} × {height} pixels",
                    "Where nothing is pointed at, GrabCut takes a margin of a pixel for background",
                    "Use a picture of at least 2 × 2 pixels, or mark the object",
                )
            box = default_box(width, height)
        labels = resized(_first_labels((height, width), box, scribbles, mask), *small, "nearest")
    _check_labels(labels)
    # A round may take minutes, and OpenCV asks nobody: a cancel leaves it to itself.
    labels = in_background(lambda inner: _cut(pixels, labels, iterations, inner), cutting)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    whole = resized(found, height, width, "linear")
    region = without_small_holes(without_small(whole > 0.5, smallest_object), largest_hole)
    return region.astype(np.float32)


def _cut(pixels: NDArray[np.uint8], labels: Labels, iterations: int, job: Job) -> Labels:
    """Return the labels after so many rounds of learning colors and cutting."""
    import cv2

    models, labels = np.zeros((2, 1, 65)), labels.copy()
    cv2.setRNGSeed(0)  # of this thread
    for done in range(iterations):
        job.step(done, iterations, "GrabCut")
        mode = cv2.GC_EVAL if done else cv2.GC_INIT_WITH_MASK
        cv2.grabCut(pixels, labels, (0, 0, 1, 1), models[0], models[1], 1, mode)
    return labels


def default_box(width: int, height: int) -> Box:
    """Return the box that GrabCut looks in when nothing is pointed at.

    Parameters
    ----------
    width, height : int, pixels
        Size of the picture.
    """
    margin = max(1, round(0.05 * width)), max(1, round(0.05 * height))
    return margin[0], margin[1], max(width - margin[0], margin[0] + 1), height


def _salient_labels(pixels: NDArray[np.uint8], job: Job) -> Labels | None:
    """Return labels that begin with what stands out, or None if nothing does."""
    import cv2

    from ..trimap.band import distance_to
    from ._saliency import SIDE, salient_region

    height, width = pixels.shape[:2]
    small = resized(pixels, *size_within(height, width, SIDE), "area")
    found = salient_region(small, job)
    if found is None:
        return None
    whole = resized(found.astype(np.float32), height, width, "linear") > 0.5
    labels = np.where(whole, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    # What is far away stays background: less to cut, and no second object.
    labels[distance_to(whole) > FAR * max(height, width)] = cv2.GC_BGD
    return labels


def _with_dots(
    scribbles: Trimap | None,
    shape: tuple[int, ...],
    foreground: Points | None,
    background: Points | None,
    radius: int,
) -> Trimap:
    """Return the scribbles with a dot at every point."""
    import cv2

    marked = np.full(shape[:2], UNKNOWN, np.uint8) if scribbles is None else scribbles.copy()
    for points, value in ((foreground, FOREGROUND), (background, BACKGROUND)):
        for x, y in () if points is None else points:
            if not (-0.5 <= x < shape[1] - 0.5 and -0.5 <= y < shape[0] - 0.5):
                raise ValueRangeError(
                    f"The point ({x:g}, {y:g}) lies outside the picture of {shape[1]} × {shape[0]}",
                    "Points lie in the picture",
                    "Move it, or take it away",
                )
            cv2.circle(marked, (round(x), round(y)), radius, value, cv2.FILLED)
    return marked


def _first_labels(
    shape: tuple[int, ...], box: Box | None, scribbles: Trimap, mask: Mask | None
) -> Labels:
    import cv2

    if mask is not None:
        probable = mask > 0.5
    elif box is None:
        probable = _nearer_to_foreground(scribbles)
    else:
        probable = np.ones(shape, bool)
    labels = np.where(probable, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[scribbles == BACKGROUND] = cv2.GC_BGD
    labels[scribbles == FOREGROUND] = cv2.GC_FGD
    if box is not None:
        labels[~_inside(box, shape)] = cv2.GC_BGD
    return labels


def _inside(box: Box, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    left, top, right, bottom = box
    height, width = shape
    if left >= width or top >= height or right <= 0 or bottom <= 0:
        raise ValueRangeError(
            f"The box {box} lies outside the picture of {width} × {height} pixels",
            "It must hold a part of the picture",
            "Draw it around the object",
        )
    inside = np.zeros(shape, bool)
    inside[max(top, 0) : bottom, max(left, 0) : right] = True
    return inside


def _nearer_to_foreground(scribbles: Trimap) -> NDArray[np.bool_]:
    """Unmarked pixels first side with the nearest stroke; without strokes, with the object."""
    from ..trimap.band import distance_to

    to_foreground = distance_to(scribbles == FOREGROUND)
    to_background = distance_to(scribbles == BACKGROUND)
    nearer: NDArray[np.bool_] = to_foreground <= to_background
    return nearer


def _check_labels(labels: Labels) -> None:
    import cv2

    sides: dict[str, tuple[Any, str]] = {
        "foreground": ((cv2.GC_FGD, cv2.GC_PR_FGD), "Mark some of the object"),
        "background": (
            (cv2.GC_BGD, cv2.GC_PR_BGD),
            "Draw a smaller box, or scribble on the background",
        ),
    }
    for side, (values, fix) in sides.items():
        if not np.isin(labels, values).any():
            raise EmptyRegionError(
                f"The prompts leave no pixel for the {side}",
                "GrabCut learns the colors of both sides from some pixels of each",
                fix,
            )
