"""Prompts as frames: boxes, points and outlines, each on the plane that it was drawn in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...arrays import Kind
from ...errors import MissingInputError
from ._places import Grid, Shape, Transform
from ._protocols import Layer, is_shapes

Vertices = Sequence[NDArray[np.float64]]
PointList = list[tuple[float, float]]
Sides = tuple[float, float, float, float]
Inside = NDArray[np.bool_]
Prompt = PointList | Sides | Inside


def prompts(layer: Layer, kind: Kind, grid: Grid) -> list[Prompt | None]:
    """Return what a Points or Shapes layer points at: one value for all planes, or one a plane.

    Parameters
    ----------
    layer : Layer
        Its points or shapes lie in the world.
    kind : Kind
        BOX, POINTS, or MASK for the inside of shapes.
    grid : Grid
        In whose pixels the values are.

    Returns
    -------
    list
        One value if the layer lacks the axes of the stack; else one for each plane, None where
        nothing was drawn.

    Raises
    ------
    MissingInputError
        If the layer holds nothing that lies on the picture.
    """
    drawn = [np.atleast_2d(vertices) for vertices in layer.data]
    to_picture = Transform.between(layer, grid.picture)
    placed = [to_picture(vertices)[:, -2:] for vertices in drawn]
    values_of: dict[Kind, Callable[[Layer, Vertices, list[int], Shape], Prompt | None]] = {
        Kind.BOX: _box,
        Kind.POINTS: _points,
        Kind.MASK: _inside,
    }
    value_of = values_of[kind]
    values = [
        value_of(layer, placed, chosen, grid.shape) if chosen else None
        for chosen in _by_plane(layer, drawn, grid)
    ]
    if all(value is None for value in values):
        raise MissingInputError(
            f"{layer.name} holds nothing that lies on {grid.picture.name}",
            "Boxes, points and outlines are drawn on the picture, in the planes that are meant",
            "Draw them there, or choose another layer",
        )
    return values


def _by_plane(layer: Layer, drawn: Vertices, grid: Grid) -> list[list[int]]:
    """Return which shapes or points lie in each plane; all, of a layer without such axes."""
    axes = min(layer.ndim, grid.stack_layer.ndim) - 2
    if axes <= 0 or not drawn:
        return [list(range(len(drawn)))]
    to_planes = Transform.between(layer, grid.stack_layer)
    places = [np.round(to_planes(vertices)[:, -2 - axes : -2]) for vertices in drawn]
    low, high = (np.array([end(p, axis=0) for p in places]) for end in (np.min, np.max))
    planes = (np.array(grid.plane(index)[-axes:]) for index in range(len(grid)))
    return [
        np.flatnonzero(((low <= plane) & (plane <= high)).all(axis=1)).tolist() for plane in planes
    ]


def _points(_layer: Layer, placed: Vertices, chosen: list[int], _shape: Shape) -> PointList:
    """Return points, x first."""
    return [(x, y) for number in chosen for y, x in placed[number]]


def _box(layer: Layer, placed: Vertices, chosen: list[int], _shape: Shape) -> Sides:
    """Return the sides of the selected shape, or of the last."""
    selected = layer.selected_data & set(chosen) if is_shapes(layer) else set()
    corners = placed[max(selected, default=chosen[-1])]
    # napari's pixel (i, j) is centered there: its edges lie half a pixel off.
    (top, left), (bottom, right) = corners.min(axis=0) + 0.5, corners.max(axis=0) + 0.5
    return left, top, right, bottom


def _inside(layer: Layer, placed: Vertices, chosen: list[int], shape: Shape) -> Inside | None:
    """Return which pixels shapes cover, as napari rasterizes them; None if it is none."""
    from napari.layers import Shapes

    assert is_shapes(layer)
    types = [layer.shape_type[n] for n in chosen]
    outlines = [placed[n] for n in chosen]
    inside: Inside = Shapes(outlines, shape_type=types).to_masks(shape).any(axis=0)
    return inside if inside.any() else None
