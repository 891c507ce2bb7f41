"""How results are shown, so that each can be seen: what hides them, and what lies below them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from weakref import finalize

import numpy as np

from ...compositing.backgrounds import checkerboard
from ._places import leading_shape, plane_shape
from ._protocols import Layer, Viewer, is_labels, without_proxy
from ._trimap import TAG, is_trimap, show_unknown, tag

SQUARE = 16
"""Side of a checkerboard's squares, about, in pixels."""
_followed: set[int] = set()


def camera_of(viewer: Viewer) -> Any:
    """Return the camera of a viewer; before napari 0.9 it was the viewer's own, later the scene's.

    Parameters
    ----------
    viewer : Viewer
    """
    owner: Any = getattr(viewer, "scene", viewer)
    return owner.camera


def show_well(viewer: Viewer, made: Iterable[Layer], inputs: Mapping[str, Layer]) -> None:
    """Hide the mask of a new trimap, and lay checkerboards under pictures with clear parts.

    Parameters
    ----------
    viewer : Viewer
        Where they are.
    made : iterable of Layer
        The layers that a run has added.
    inputs : mapping of Layer
        What it ran on, by the input's name.
    """
    for layer in made:
        if is_trimap(layer) and "mask" in inputs:
            inputs["mask"].visible = False
        if getattr(layer, "rgb", False) and layer.data.shape[-1] == 4:
            put_on_checkerboard(viewer, layer)


def put_on_checkerboard(viewer: Viewer, layer: Layer) -> None:
    """Lay a checkerboard under a layer with transparent parts, seen and removed together with it.

    Parameters
    ----------
    viewer : Viewer
        Where the layer is.
    layer : Layer
        Of RGBA.
    """
    layer, layers = without_proxy(layer), viewer.layers
    active = layers.selection.active
    size = np.array(plane_shape(layer))
    # One pixel for a square: it takes no memory to speak of.
    squares = np.maximum(1, np.round(size / SQUARE)).astype(int)
    board: Any = viewer.add_image(
        checkerboard(int(squares[0]), int(squares[1]), 1),
        name=f"{layer.name} checkerboard",
        rgb=True,
        contrast_limits=(0, 1),
        interpolation2d="nearest",
        affine=_spread(layer, size / squares),
        units=layer.units[-2:],
        metadata={TAG: {"kind": "backdrop", "base": tag(layer).get("base", layer.name)}},
    )
    layers.move(layers.index(board), layers.index(layer))
    layers.selection.active = active

    def follow(_event: object = None) -> None:
        board.visible = layer.visible

    def remove(event: Any) -> None:
        if event.value is layer:
            layers.events.removed.disconnect(remove)
            if board in layers:
                viewer.layers.remove(board)

    layer.events.visible.connect(follow)
    layers.events.removed.connect(remove)


def _spread(layer: Layer, factor: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    """Return the affine transform of a layer whose pixels are so many of another's."""
    lead = np.zeros(len(leading_shape(layer)))

    def world(row: float, column: float) -> Any:
        return np.array(layer.data_to_world([*lead, row, column]))[-2:]

    # The first pixel's center, and steps down and right; pixel centers are whole numbers.
    first = world(*(factor / 2 - 0.5))
    down, right = world(1, 0) - world(0, 0), world(0, 1) - world(0, 0)
    matrix = np.eye(3)
    matrix[:2, 0], matrix[:2, 1], matrix[:2, 2] = down * factor[0], right * factor[1], first
    return matrix


def follow_grid(viewer: Viewer) -> None:
    """Show what is unknown in trimaps as white while layers lie side by side.

    There it is over no picture, and the canvas would show through.

    Parameters
    ----------
    viewer : Viewer
        Whose trimaps change.
    """
    viewer = without_proxy(viewer)
    if id(viewer) in _followed:
        return
    _followed.add(id(viewer))
    finalize(viewer, _followed.discard, id(viewer))
    # Before napari 0.9 the grid was the viewer's own.
    canvas: Any = getattr(viewer, "canvas", viewer)
    grid, layers = canvas.grid, viewer.layers

    def change(_event: object = None) -> None:
        for layer in layers:
            if is_trimap(layer) and is_labels(layer):
                show_unknown(layer, grid.enabled)

    grid.events.enabled.connect(change)
    layers.events.inserted.connect(change)
