"""Strokes on a trimap, kept as text: painted again, they give the same trimap anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import BACKGROUND, FOREGROUND, UNKNOWN, Image, Trimap, as_rgb
from ..errors import ParameterError
from ..solvers.boxes import Slices, is_empty, union, widened

Tool = Literal["brush", "hair", "fill", "point", "box"]
PAINTING: tuple[Tool, ...] = ("brush", "hair", "fill")
"""What is used on a trimap; points and boxes are marks beside one."""
VALUES = {"background": BACKGROUND, "unknown": UNKNOWN, "foreground": FOREGROUND}
LARGEST_RADIUS = 2000
"""Pixels."""
MOST_POINTS = 200_000
"""Points of all strokes; more are no drawing by hand."""
EDGE_SCALE = 1.5
"""Deviation of the Gaussian before the gradient, in pixels: single hairs are no edges."""
EPSILON = 0.02
"""A pixel without any gradient costs 1 / ε, one on the strongest edge about 1."""
FLAT = 1e-4
"""Gradients below are rounding."""


@dataclass(frozen=True)
class Stroke:
    """One stroke.

    Parameters
    ----------
    tool : {"brush", "hair", "fill", "point", "box"}
        A brush marks all that it passes over. A hair brush moves to the edge that it passes
        along, and marks as unknown what is within its radius of that. Fill marks the connected
        pixels that have the first point's value. A point is a place, and a box lies between
        its first and its last point.
    value : {"background", "unknown", "foreground"}
        What it marks pixels as; a hair brush always marks unknown.
    radius : float, pixels
        Radius of the brush.
    points : tuple of (x, y), pixels
        Where it went; the center of the first pixel is at (0, 0).
    frame : int
        The frame of a batch that it is on, from 0.
    """

    tool: Tool
    value: str
    radius: float
    points: tuple[tuple[float, float], ...]
    frame: int = 0


def strokes_from(
    text: str, tools: tuple[Tool, ...] = PAINTING, name: str = "strokes"
) -> list[Stroke]:
    """Return the strokes that a text holds; none if it is empty.

    Parameters
    ----------
    text : str
        As `strokes_text` gives it.
    tools : tuple of str
        Those that may have been used.
    name : str
        What the text is called in errors.

    Raises
    ------
    ParameterError
        If it holds something else.

    Examples
    --------
    >>> stroke = Stroke("brush", "unknown", 4.0, ((10.0, 20.0), (30.0, 20.0)))
    >>> strokes_from(strokes_text([stroke])) == [stroke]
    True
    """
    if not text.strip():
        return []
    try:
        strokes = [_stroke(entry, tools) for entry in json.loads(text)["strokes"]]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ParameterError(
            f"{name} are {text[:60]!r}: {error}",
            'They are {"strokes": [{"tool": "brush", "value": "unknown", "radius": 8, '
            f'"points": [[x, y], …]}}, …]}}; tools are {", ".join(tools)}, values background, '
            f"unknown and foreground, radii 0.5 to {LARGEST_RADIUS}",
            "Paint them again, or clear the field",
        ) from error
    count = sum(len(stroke.points) for stroke in strokes)
    if count > MOST_POINTS:
        raise ParameterError(
            f"{name} have {count} points", f"They have at most {MOST_POINTS}", "Paint fewer"
        )
    return strokes


def strokes_text(strokes: Iterable[Stroke]) -> str:
    """Return strokes as a text, for a workflow to keep."""
    return json.dumps({"strokes": [asdict(stroke) for stroke in strokes]}, separators=(",", ":"))


def _stroke(entry: Any, tools: tuple[Tool, ...]) -> Stroke:
    tool, value = entry["tool"], entry.get("value", "unknown")
    radius, frame = float(entry.get("radius", 1)), entry.get("frame", 0)
    points = tuple((float(x), float(y)) for x, y in entry["points"])
    if tool not in tools or value not in VALUES:
        raise ValueError(f"{tool!r}, {value!r}")
    if not 0.5 <= radius <= LARGEST_RADIUS or not points:
        raise ValueError(f"radius {radius:g}, {len(points)} points")
    if not np.isfinite(points).all() or type(frame) is not int or frame < 0:
        raise ValueError(f"frame {frame!r}, or a point that is no place")
    return Stroke(tool, value, radius, points, frame)


def painted(trimap: Trimap, strokes: Iterable[Stroke], image: Image | None = None) -> Trimap:
    """Return a trimap with strokes painted on it, one after the other.

    Parameters
    ----------
    trimap : (H, W) uint8
        What is painted on; it stays as it is.
    strokes : iterable of Stroke
        Those beyond the picture leave it as it is.
    image : (H, W, 3) or (H, W, 1) float32, 0..1, optional
        Where hair brushes find edges; without it they stay where they were drawn.
    """
    result = trimap.copy()
    for stroke in strokes:
        paint(result, stroke, image)
    return result


def paint(trimap: Trimap, stroke: Stroke, image: Image | None = None) -> Slices:
    """Paint a stroke on a trimap, in place.

    Parameters
    ----------
    trimap : (H, W) uint8
        The trimap.
    stroke : Stroke
        What is painted.
    image : array, optional
        As for `painted`.

    Returns
    -------
    rows, columns : slice
        Outside of which nothing has changed.
    """
    if stroke.tool == "fill":
        return _filled(trimap, stroke)
    points = np.array(stroke.points, np.float64)
    if stroke.tool == "hair" and image is not None:
        points = along_edge(image, points, stroke.radius)
    value = UNKNOWN if stroke.tool == "hair" else VALUES[stroke.value]
    return _swept(trimap, points, stroke.radius, value)


def _filled(trimap: Trimap, stroke: Stroke) -> Slices:
    import cv2

    x, y = (round(place) for place in stroke.points[0])
    if not (0 <= y < trimap.shape[0] and 0 <= x < trimap.shape[1]):
        return slice(0, 0), slice(0, 0)
    _, _, _, (left, top, width, height) = cv2.floodFill(
        trimap, None, (x, y), VALUES[stroke.value], flags=4
    )
    return slice(top, top + height), slice(left, left + width)


def _swept(trimap: Trimap, points: NDArray[np.float64], radius: float, value: int) -> Slices:
    """Mark what is within a radius of a line through the points."""
    changed: Slices = (slice(0, 0), slice(0, 0))
    ends = list(pairwise(points)) if len(points) > 1 else [(points[0], points[0])]
    for start, stop in ends:
        low, high = np.minimum(start, stop) - radius, np.maximum(start, stop) + radius
        left, top = np.maximum(np.ceil(low), 0).astype(int)
        right, bottom = np.minimum(np.floor(high) + 1, trimap.shape[1::-1]).astype(int)
        if left >= right or top >= bottom:
            continue
        box = slice(int(top), int(bottom)), slice(int(left), int(right))
        rows, columns = np.ogrid[box]
        trimap[box][_squared_distance(columns, rows, start, stop) <= radius**2] = value
        changed = box if is_empty(changed) else union(box, changed)
    return changed


def _squared_distance(
    x: NDArray[Any], y: NDArray[Any], start: NDArray[np.float64], stop: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the squared distance of places to the straight line between two points."""
    along = stop - start
    length = float(along @ along)
    part = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (length or 1)
    part = part.clip(0, 1)
    squared: NDArray[np.float64] = (x - start[0] - part * along[0]) ** 2 + (
        y - start[1] - part * along[1]
    ) ** 2
    return squared


def along_edge(image: Image, points: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """Return the path along the strongest edges near a stroke.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    points : (N, 2) float, pixels
        x and y of the stroke.
    reach : float, pixels
        How far from the stroke the path may lie.

    Returns
    -------
    (M, 2) float, pixels
        x and y; the stroke itself where the picture has no edges.

    Notes
    -----
    The path of least cost 1 / (ε + |∇I|), as of Mortensen and Barrett, "Intelligent Scissors for
    Image Composition", SIGGRAPH 1995, with scikit-image's minimum cost paths.
    """
    import cv2
    from skimage.graph import MCP_Geometric

    near = np.full(image.shape[:2], BACKGROUND, np.uint8)
    box = widened(_swept(near, points, reach, FOREGROUND), 2, near.shape)
    band = near[box] == FOREGROUND
    if np.count_nonzero(band) < 2:
        return points
    grey = cv2.cvtColor(as_rgb(image[box]), cv2.COLOR_RGB2GRAY)
    grey = cv2.GaussianBlur(grey, (0, 0), EDGE_SCALE)
    strength = np.hypot(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1))
    strongest = float(strength[band].max())
    if strongest < FLAT:
        return points
    cost = np.where(band, 1 / (EPSILON + strength / strongest), -1)  # negative: not to be crossed
    origin = np.array([box[1].start, box[0].start])
    # It may begin and end anywhere within reach of the stroke's ends.
    starts, stops = (_within(band, points[end] - origin, reach) for end in (0, -1))
    paths = MCP_Geometric(cost)
    costs, _ = paths.find_costs(starts, stops, find_all_ends=True)
    best = min(stops, key=lambda place: costs[place])
    path: NDArray[np.float64] = np.array(paths.traceback(best), np.float64)[:, ::-1] + origin
    return path


def _within(
    band: NDArray[np.bool_], point: NDArray[np.float64], reach: float
) -> list[tuple[int, int]]:
    """Return the pixels of a band at the end of a stroke: on a line of its reach around it."""
    rows, columns = np.nonzero(band)
    squared = (columns - point[0]) ** 2 + (rows - point[1]) ** 2
    chosen = squared <= max(reach / 2, 1) ** 2
    if not chosen.any():
        chosen = squared == squared.min()
    return list(zip(rows[chosen].tolist(), columns[chosen].tolist(), strict=True))
