"""Where layers lie: places in one layer as places in another, by way of the world."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import ParameterError, SizeMismatchError
from ._protocols import Event, Layer, LayerMeta, LazyArray, Unit

Shape = tuple[int, ...]
TRANSFORMS = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
# Pixels; layers that lie closer than this, in every corner, lie on each other.
PLACE_TOLERANCE = 0.01
# How layers are brought together by hand, as napari's menus call it.
FIX = (
    "Give it the other's place: right-click that one in the layer list, Copy scale and transforms "
    "> Copy all to clipboard; right-click this one, Apply scale/transforms from Clipboard"
)


def transforms(layer: Layer) -> LayerMeta:
    """Return where a layer lies in the world, as parameters of another of the same axes."""
    return {name: getattr(layer, name) for name in TRANSFORMS}


def put_in_place(layer: Layer, reference: Layer) -> None:
    """Let a layer lie as another of the same axes; what is so already draws nothing again.

    Parameters
    ----------
    layer : Layer
        Is moved.
    reference : Layer
        Lies where it is to lie.
    """
    for name, value in transforms(reference).items():
        if not np.array_equal(getattr(layer, name), value):
            setattr(layer, name, value)


def lies_as(layer: Layer, other: Layer) -> bool:
    """Tell whether two layers of the same axes lie in one place, whatever the axes are called."""
    return all(
        np.array_equal(getattr(layer, name), getattr(other, name)) for name in TRANSFORMS[:-1]
    )


def place(layer: Layer) -> str:
    """Return what differs when a layer lies elsewhere."""
    return repr(list(transforms(layer).values())[:-1])


def pixels(layer: Layer) -> LazyArray:
    """Return the full-resolution array, lazy if the layer's is."""
    data: LazyArray = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    return data


def _plane_axes(layer: Layer) -> int:
    return 3 if getattr(layer, "rgb", False) else 2


def leading_shape(layer: Layer) -> Shape:
    """Return the shape of the axes before the plane: time, z, channel."""
    return tuple(pixels(layer).shape[: -_plane_axes(layer)])


def plane_shape(layer: Layer) -> Shape:
    """Return (height, width)."""
    shape = pixels(layer).shape
    return tuple(shape[len(shape) - _plane_axes(layer) :][:2])


def common_shape(layers: Mapping[str, Layer]) -> Shape:
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


class LayerPlaces:
    """Tells when layers are moved, scaled or turned, or get data of another size.

    Parameters
    ----------
    changed : callable(event)
        Called then.
    """

    EVENTS = ("data", *TRANSFORMS[:-1])

    def __init__(self, changed: Callable[[object], None]) -> None:
        self._changed, self._layers = changed, list[Layer]()

    def watch(self, layers: list[Layer]) -> None:
        """Listen to these layers, and to no others."""
        self.stop()
        self._layers = layers
        for event in self._events():
            event.connect(self._changed)

    def stop(self, _event: object = None) -> None:
        """Listen no longer."""
        for event in self._events():
            event.disconnect(self._changed)
        self._layers = []

    def _events(self) -> Iterator[Event]:
        for layer in self._layers:
            yield from (getattr(layer.events, n) for n in self.EVENTS if hasattr(layer.events, n))


@dataclass(frozen=True)
class Transform:
    """Places of one layer's data as places in another's: matrix @ place + offset."""

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    @classmethod
    def between(cls, source: Layer, target: Layer) -> Transform:
        """Return the transform from a layer's data to another's.

        Axes are counted from the last, as napari does; units of length are converted.

        Parameters
        ----------
        source, target : Layer
            The layers; they may differ in their number of axes.
        """
        factors = unit_factors(source.units, target.units, (source.name, target.name))

        def moved(place: NDArray[np.float64]) -> NDArray[np.float64]:
            world = np.array(source.data_to_world(place), np.float64)
            world[len(world) - len(factors) :] *= factors
            return np.asarray(target.world_to_data(world), np.float64)

        offset = moved(np.zeros(source.ndim))
        columns = [moved(unit) - offset for unit in np.eye(source.ndim)]
        return cls(np.stack(columns, axis=1), offset)

    def __call__(self, places: Iterable[ArrayLike]) -> NDArray[np.float64]:
        """Return places, (N, axes of the target)."""
        given = np.array(list(places), np.float64).reshape(-1, self.matrix.shape[1])
        return given @ self.matrix.T + self.offset


def unit_factors(
    units: Sequence[Unit], others: Sequence[Unit], names: Sequence[str] = ("One", "another")
) -> list[float]:
    """Return how many of other units each unit is; axes are counted from the last.

    A layer without units of its own has pixels: napari draws them as any others.

    Parameters
    ----------
    units, others : sequence of Unit
        By axis.
    names : (str, str)
        Whose they are, for errors.

    Raises
    ------
    SizeMismatchError
        If they measure different things, such as seconds and micrometers.
    """
    import pint

    def factor(unit: Unit, other: Unit) -> float:
        if "pixel" in (str(unit), str(other)):
            return 1.0
        try:
            return float((1 * unit).to(other).magnitude)
        except pint.DimensionalityError as error:
            raise SizeMismatchError(
                f"{names[0]} measures an axis in {unit}, and {names[1]} measures it in {other}",
                "Layers lie on each other where their axes measure the same, in any unit of it",
                FIX,
            ) from error

    shared = min(len(units), len(others))
    pairs = zip(units[-shared:], others[-shared:], strict=True)
    return [factor(unit, other) for unit, other in pairs]


def in_pixels_of(
    reference: Layer, layer: Layer, places: Iterable[ArrayLike]
) -> NDArray[np.float64]:
    """Return places in a layer as (row, column) in another's pixels, (N, 2).

    Parameters
    ----------
    reference : Layer
        In whose pixels the result is.
    layer : Layer
        Where the places are.
    places : iterable of (axes,) array
        In the layer's data coordinates.
    """
    return Transform.between(layer, reference)(places)[:, -2:]


def pixel_size(layer: Layer) -> float:
    """Return the side of a layer's pixels in its world, however it is turned or mirrored.

    Raises
    ------
    ParameterError
        If they are not square.
    """
    corner = np.array(layer.data_to_world(np.zeros(layer.ndim)))
    down, right = (np.array(layer.data_to_world(step)) - corner for step in np.eye(layer.ndim)[-2:])
    height, width = np.linalg.norm(down), np.linalg.norm(right)
    if not math.isclose(height, width, rel_tol=1e-3) or abs(down @ right) > 1e-3 * height * width:
        raise ParameterError(
            f"The pixels of {layer.name} are {height:g} high and {width:g} wide, or askew",
            "A band in physical units needs square pixels",
            "Choose px or percent",
        )
    return float(width)


@dataclass(frozen=True)
class Grid:
    """The planes and pixels that a run is on, and that its results have.

    Parameters
    ----------
    picture : Layer
        Whose pixels they are.
    stack_layer : Layer
        Whose axes before the plane they have; the picture itself if it has as many.
    stack : tuple of int
        The shape of these axes.
    """

    picture: Layer
    stack_layer: Layer
    stack: Shape

    @classmethod
    def of(cls, picture: Layer, layers: Mapping[str, Layer]) -> Grid:
        """Return the grid of a picture and of the layers that are used with it.

        Parameters
        ----------
        picture : Layer
            Whose pixels the grid has.
        layers : mapping of Layer
            By the input's name.

        Raises
        ------
        SizeMismatchError
            If their stacks differ.
        """
        stack_layer = max((picture, *layers.values()), key=_stack_size)
        return cls(picture, stack_layer, common_shape(layers))

    @property
    def shape(self) -> Shape:
        """The (height, width) of its planes."""
        return plane_shape(self.picture)

    def __len__(self) -> int:
        return math.prod(self.stack)

    def plane(self, index: int) -> Shape:
        """Return where in the stack the frame of this number is."""
        return tuple(int(i) for i in np.unravel_index(index, self.stack)) if self.stack else ()

    def placement(self, layer: Layer) -> Transform | None:
        """Return the transform from this grid's pixels, (row, column), to a layer's.

        None if the layer's pixels are the picture's.

        Raises
        ------
        SizeMismatchError
            If the layer does not cover the picture, or lies in other planes.
        """
        if layer is self.picture:
            return None
        self._check_planes(layer)
        whole = Transform.between(self.picture, layer)
        within = Transform(whole.matrix[-2:, -2:], whole.offset[-2:])
        corners = _corners(self.shape)
        moved, size = within(corners), plane_shape(layer)
        if np.abs(moved - corners).max() < PLACE_TOLERANCE:
            self._check_size(layer)
            return None
        low, high = moved.min(axis=0), moved.max(axis=0)
        # Pixels reach half a pixel beyond their centers.
        beyond = np.maximum(-0.5 - low, high - (np.array(size) - 0.5))
        if beyond.max() > PLACE_TOLERANCE:
            raise SizeMismatchError(
                f"{layer.name} does not cover {self.picture.name}, which lies at its rows "
                f"{low[0]:.4g} to {high[0]:.4g} of {size[0]} and columns {low[1]:.4g} to "
                f"{high[1]:.4g} of {size[1]}",
                "Layers are used where they lie in the world",
                FIX,
            )
        return within

    def _check_size(self, layer: Layer) -> None:
        (height, width), (tall, wide) = self.shape, plane_shape(layer)
        if (height, width) != (tall, wide):
            raise SizeMismatchError(
                f"{layer.name} is {wide} × {tall} pixels and {self.picture.name} is "
                f"{width} × {height}",
                "They must have one width and height, or lie on each other by scale and translate",
                f"Choose the layer that belongs to {self.picture.name}, or scale it",
            )

    def _check_planes(self, layer: Layer) -> None:
        """Check that the planes of a layer are those of the stack, and parallel to them."""
        own, stack = leading_shape(layer), leading_shape(self.stack_layer)
        corners = _corners(stack + plane_shape(self.stack_layer))
        moved = Transform.between(self.stack_layer, layer)(corners)
        first = len(stack) - len(own)
        apart = [
            np.abs(moved[:, axis] - corners[:, first + axis]).max()
            for axis, count in enumerate(own)
            if count > 1 and stack[first + axis] > 1
        ]
        lead = np.array([n - 1 for n in leading_shape(self.picture)])
        drift = Transform.between(self.picture, layer).matrix[-2:, :-2] @ lead
        if max(apart, default=0) >= 0.5 or np.abs(drift).max(initial=0) > PLACE_TOLERANCE:
            raise SizeMismatchError(
                f"The planes of {layer.name} do not lie on those of {self.stack_layer.name}",
                "Layers are used where they lie in the world",
                FIX,
            )


def _stack_size(layer: Layer) -> tuple[int, int]:
    leading = leading_shape(layer)
    return len(leading), math.prod(leading)


def _corners(shape: Shape) -> NDArray[np.float64]:
    """Return the first and the last place along every axis, each with each."""
    return np.array(list(product(*((0, count - 1) for count in shape))), np.float64)
