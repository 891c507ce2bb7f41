"""Layers as frames: planes in the core's own form, read when they are needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import Kind
from ...errors import MissingInputError, ParameterError, SizeMismatchError, ValueRangeError
from ...framework.frames import Frames
from ._trimap import is_trimap, labels_to_trimap

Shape = tuple[int, ...]
_TRANSFORMS = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


def transforms(layer: Any) -> dict[str, Any]:
    """Return where a layer lies in the world, as options of another of the same axes."""
    return {name: getattr(layer, name) for name in _TRANSFORMS}


def _data(layer: Any) -> Any:
    """Return the full-resolution array, lazy if the layer's is."""
    return layer.data[0] if getattr(layer, "multiscale", False) else layer.data


def _plane_axes(layer: Any) -> int:
    return 3 if getattr(layer, "rgb", False) else 2


def leading_shape(layer: Any) -> Shape:
    """Return the shape of the axes before the plane: time, z, channel."""
    return tuple(_data(layer).shape[: -_plane_axes(layer)])


def plane_shape(layer: Any) -> Shape:
    """Return (height, width)."""
    shape = _data(layer).shape
    return tuple(shape[len(shape) - _plane_axes(layer) :][:2])


def plane_on_show(layer: Any, point: Sequence[float]) -> NDArray[Any]:
    """Return the plane of a layer that a viewer shows at a point of the world."""
    leading = leading_shape(layer)
    place = np.round(layer.world_to_data(point)[: len(leading)]).astype(int)
    at = tuple(place.clip(0, np.array(leading, int) - 1))
    return np.asarray(_data(layer)[at])


def common_shape(layers: dict[str, Any]) -> Shape:
    """Return the leading shape that all layers broadcast to.

    Raises
    ------
    SizeMismatchError
    """
    shapes = {name: leading_shape(layer) for name, layer in layers.items()}
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError as error:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise SizeMismatchError(
            f"The layers have different stacks: {listed}",
            "Their axes before the plane must be equal, or 1, or absent",
            "Choose layers of one stack, or a single plane",
        ) from error


class LayerFrames:
    """The planes of a layer, in the order of a stack that its own broadcasts to."""

    def __init__(self, layer: Any, stack: Shape, convert: Callable[[Any], Any]) -> None:
        self._data = _data(layer)
        if isinstance(self._data, np.ndarray) and hasattr(layer, "selected_label"):
            # The user may go on painting while this is read in another thread.
            self._data = self._data.copy()
        self._own = leading_shape(layer)
        self._stack = stack
        self._convert = convert

    def __len__(self) -> int:
        return math.prod(self._stack)

    def __getitem__(self, index: int) -> NDArray[Any]:
        place = np.unravel_index(index, self._stack) if self._stack else ()
        own = place[len(place) - len(self._own) :]
        at = tuple(0 if n == 1 else int(i) for i, n in zip(own, self._own, strict=True))
        return self._convert(np.asarray(self._data[at]))  # type: ignore[no-any-return]


def frames(layer: Any, kind: Kind, stack: Shape, reference: Any) -> Frames:
    """Return a layer's planes as values of a kind.

    `reference` is the image layer whose pixels a box is given in.

    Raises
    ------
    MattingError
        If the layer does not hold such values.
    """
    if kind is Kind.BOX:
        return [_box(layer, reference)]
    if kind is Kind.POINTS:
        return [_points(layer, reference)]
    if is_shapes(layer):
        return [_inside_of_shapes(layer, reference)]
    return LayerFrames(layer, stack, conversion(layer, kind))


def conversion(layer: Any, kind: Kind) -> Callable[[Any], Any]:
    """Return what makes values of a kind of a layer's planes.

    Raises
    ------
    MattingError
        If the layer is of another kind.
    """
    return {
        Kind.IMAGE: _image,
        Kind.MASK: _mask,
        Kind.LABELS: _labels,
        Kind.TRIMAP: _trimap,
        Kind.ALPHA: lambda layer: lambda plane: plane,
    }[kind](layer)


def _image(layer: Any) -> Callable[[Any], Any]:
    low, high = (float(limit) for limit in layer.contrast_limits_range)
    kind = np.dtype(layer.dtype).kind
    if kind in "bu" or layer.rgb or (kind == "f" and low >= 0 and high <= 1):
        return lambda plane: plane

    # Signed integers and floats of any range: the range that napari found for the layer.
    def scaled(plane: NDArray[Any]) -> NDArray[Any]:
        values = (plane.astype(np.float64) - low) / (high - low or 1)
        # NaN passes, to be refused by name; the layer's range may come from a sample.
        return np.clip(values, 0, 1)

    return scaled


def _mask(layer: Any) -> Callable[[Any], Any]:
    if is_trimap(layer):
        raise ValueRangeError(
            f"{layer.name} is a trimap",
            "A mask has 0 for background and any label for foreground; a trimap would read as "
            "all foreground",
            "Choose the mask, or use the trimap where a trimap is asked for",
        )
    if not hasattr(layer, "selected_label"):
        return _image(layer)  # a soft mask: probabilities, or a picture of a mask
    if layer.show_selected_label:
        chosen = layer.selected_label
        return lambda plane: plane == chosen
    return lambda plane: plane > 0


def _labels(layer: Any) -> Callable[[Any], Any]:
    _mask(layer)  # A trimap is no set of objects either.
    return lambda plane: plane


def pixel_size(layer: Any) -> float:
    """Return the side of a layer's pixels in its world.

    Raises
    ------
    ParameterError
        If they are not square.
    """
    height, width = (float(side) for side in layer.scale[-2:])
    if not math.isclose(height, width, rel_tol=1e-3):
        raise ParameterError(
            f"The pixels of {layer.name} are {height:g} high and {width:g} wide",
            "A band in physical units needs square pixels",
            "Choose px or percent",
        )
    return width


def _trimap(layer: Any) -> Callable[[Any], Any]:
    if not is_trimap(layer):
        raise ValueRangeError(
            f"{layer.name} is a Labels layer without the trimap tag",
            "A trimap holds 0 unknown, 1 background, 2 foreground; a mask read as one would be "
            "inside out",
            "Make a trimap from it with Make Trimap, or paint one: Layers > Annotate > New trimap",
        )

    def checked(plane: NDArray[Any]) -> NDArray[Any]:
        highest = int(plane.max(initial=0))
        if highest > 2:
            raise ValueRangeError(
                f"{layer.name} holds the label {highest}",
                "A trimap holds 0 unknown, 1 background, 2 foreground",
                "Paint these pixels with 0, 1 or 2",
            )
        return labels_to_trimap(plane)

    return checked


def in_pixels_of(reference: Any, layer: Any, places: Iterable[Any]) -> NDArray[np.float64]:
    """Return places in a layer as (row, column) in another's pixels, (N, 2)."""
    moved = [reference.world_to_data(layer.data_to_world(place))[-2:] for place in places]
    return np.array(moved, np.float64).reshape(-1, 2)


def _points(layer: Any, reference: Any) -> list[tuple[float, float]]:
    """Return the points in the reference's pixels, x first."""
    return [(x, y) for y, x in in_pixels_of(reference, layer, layer.data)]


def is_shapes(layer: Any) -> bool:
    """Tell whether a layer holds shapes rather than pixels."""
    return hasattr(layer, "shape_type")


def _inside_of_shapes(layer: Any, reference: Any) -> NDArray[np.bool_]:
    """Return which of the reference's pixels lie inside of a shape."""
    from skimage.draw import polygon2mask

    shape = plane_shape(reference)
    inside = np.zeros(shape, bool)
    for outline in layer.data:
        inside |= polygon2mask(shape, in_pixels_of(reference, layer, outline))
    if not inside.any():
        raise MissingInputError(
            f"{layer.name} holds no pixel of {reference.name}",
            "A rough mask is drawn as shapes around the object",
            "Draw a polygon on the picture, or choose another layer",
        )
    return inside


def _box(layer: Any, reference: Any) -> tuple[float, ...]:
    if not layer.data:
        raise MissingInputError(
            f"{layer.name} has no shapes",
            "The box is drawn as a rectangle around the object",
            "Draw one, or choose no shapes layer",
        )
    index = max(layer.selected_data, default=len(layer.data) - 1)
    corners = in_pixels_of(reference, layer, layer.data[index])
    # napari's pixel (i, j) is centered there: its edges lie half a pixel off.
    (top, left), (bottom, right) = corners.min(axis=0) + 0.5, corners.max(axis=0) + 0.5
    return left, top, right, bottom
