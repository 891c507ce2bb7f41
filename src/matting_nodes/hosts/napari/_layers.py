"""Layers as frames: planes in the core's own form, read when they are needed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...arrays import Kind, Pixels
from ...errors import MissingInputError, SizeMismatchError, ValueRangeError
from ...framework.run import Frames
from ...framework.spec import Input, NodeSpec
from ._axes import ChannelsTogether, OfLabels
from ._places import FIX, Grid, Shape, Transform, leading_shape, pixels, unit_factors
from ._prompts import prompts
from ._protocols import Layer, Viewer, is_labels, is_shapes
from ._trimap import is_trimap, labels_to_trimap

Convert = Callable[[Pixels], Pixels]


def plane_on_show(layer: Layer, point: Sequence[float]) -> Pixels:
    """Return the plane of a layer that a viewer shows at a point of the world.

    Parameters
    ----------
    layer : Layer
        A layer of pixels.
    point : sequence of float
        The viewer's `dims.point`.
    """
    leading = leading_shape(layer)
    place = np.round(layer.world_to_data(point)[: len(leading)]).astype(int)
    at = tuple(place.clip(0, np.array(leading, int) - 1))
    return np.asarray(pixels(layer)[at])


def plane_number(grid: Grid, viewer: Viewer) -> int:
    """Return the number of a grid's plane that a viewer shows.

    Parameters
    ----------
    grid : Grid
        The planes of a run.
    viewer : Viewer
        Shows one of them.
    """
    if not grid.stack:
        return 0
    world = np.asarray(viewer.dims.point, np.float64)
    units = getattr(viewer.layers.extent, "units", None)  # None where layers do not agree
    if units:
        own = grid.stack_layer.units
        factors = unit_factors(units[-len(own) :], own[-len(units) :])
        world[len(world) - len(factors) :] *= factors
    place = np.round(grid.stack_layer.world_to_data(world)[: len(grid.stack)]).astype(int)
    return int(np.ravel_multi_index(tuple(place), grid.stack, mode="clip"))


class OnePlane:
    """One frame of several, read when it is needed.

    Parameters
    ----------
    frames : Frames
        The frames; a single one serves all.
    index : int
        The number of the one.
    """

    def __init__(self, frames: Frames, index: int) -> None:
        self.all, self._index = frames, index if len(frames) > 1 else 0

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Any:
        return self.all[self._index]


def grid_of(spec: NodeSpec, layers: Mapping[str, Layer]) -> Grid:
    """Return the pixels that a node runs on: those of its first image, else of its first input.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    layers : mapping of Layer
        By the input's name.

    Raises
    ------
    MattingError
        If a layer is of another kind, or does not go with the others; no pixel is read for it.
    """
    given = {
        wire: layers[wire.name]
        for wire in spec.inputs
        if wire.name in layers and wire.kind.is_picture and not is_shapes(layers[wire.name])
    }
    placed = [wire for wire in given if not wire.any_size]
    if not placed:
        raise MissingInputError(
            f"{spec.title} has no layer to work on",
            f"It needs the {spec.inputs[0].name}",
            "Open a picture, or choose a layer",
        )
    for wire, layer in given.items():
        conversion(layer, wire.kind)
    picture = given[min(placed, key=lambda wire: wire.kind is not Kind.IMAGE)]
    grid = Grid.of(picture, {wire.name: layer for wire, layer in given.items()})
    if isinstance(picture, ChannelsTogether) and picture.kept:
        along = grid.stack[picture.axis - len(leading_shape(picture))]
        if along > 1:
            raise SizeMismatchError(
                f"A layer has {along} planes along the axis of {picture.name}'s channels",
                "Where channels make one picture, there is one plane for all of them",
                "Choose a layer with a single plane there, or read each channel by itself",
            )
    for wire in placed:
        moved = grid.placement(given[wire]) is not None
        if moved and given[wire] is grid.stack_layer:
            raise SizeMismatchError(
                f"{grid.stack_layer.name} is a stack and does not lie on {picture.name}",
                "A stack and a single picture must have their pixels in common",
                FIX,
            )
    return grid


class LayerFrames:
    """The planes of a layer, in the order of a stack that its own broadcasts to.

    Parameters
    ----------
    layer : Layer
        The layer.
    stack : tuple of int
        The shape of the stack's axes.
    convert : callable
        Makes a value of a plane.
    resample : callable
        Brings a value to the pixels of the run.
    """

    def __init__(
        self,
        layer: Layer,
        stack: Shape,
        convert: Convert,
        resample: Convert = lambda value: value,
    ) -> None:
        self._data = pixels(layer)
        if isinstance(self._data, np.ndarray | OfLabels) and is_labels(layer):
            # The user may go on painting while this is read in another thread.
            self._data = self._data.copy()
        self._own = leading_shape(layer)
        self._stack = stack
        self._convert, self._resample = convert, resample

    def __len__(self) -> int:
        return math.prod(self._stack)

    def sha256(self) -> str:
        """Return the hash of the layer's pixels, in C order; nothing of a lazy array."""
        data = getattr(self._data, "whole", self._data)
        return sha256(data) if isinstance(data, np.ndarray) else ""

    def __getitem__(self, index: int) -> Pixels:
        place = np.unravel_index(index, self._stack) if self._stack else ()
        own = place[len(place) - len(self._own) :]
        at = tuple(0 if n == 1 else int(i) for i, n in zip(own, self._own, strict=True))
        return self._resample(self._convert(np.asarray(self._data[at])))


def sha256(data: Pixels) -> str:
    """Return the hash of an array's bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(data).data).hexdigest()


def hashes(inputs: Mapping[str, Frames | None]) -> dict[str, str]:
    """Return the hash of the pixels of every layer that holds them in memory, by input."""
    layers = {name: getattr(each, "all", each) for name, each in inputs.items()}
    found = {n: each.sha256() for n, each in layers.items() if isinstance(each, LayerFrames)}
    return {name: digest for name, digest in found.items() if digest}


def frames(layer: Layer, wire: Input, grid: Grid) -> Frames:
    """Return a layer's planes as the values of an input.

    Parameters
    ----------
    layer : Layer
        The layer.
    wire : Input
        The input that it is chosen for.
    grid : Grid
        The planes and pixels of the run.

    Raises
    ------
    MattingError
        If the layer does not hold such values.
    """
    if wire.kind in (Kind.BOX, Kind.POINTS) or is_shapes(layer):
        return prompts(layer, wire.kind, grid)
    convert = conversion(layer, wire.kind)
    placement = None if wire.any_size else grid.placement(layer)
    if placement is None:
        return LayerFrames(layer, grid.stack, convert)
    # Between labels, and between the classes of a trimap, there is nothing.
    order = 0 if is_labels(layer) else 1
    return LayerFrames(
        layer, grid.stack, convert, lambda v: resampled(v, placement, grid.shape, order)
    )


def resampled(plane: Pixels, placement: Transform, shape: Shape, order: int) -> Pixels:
    """Return a plane in other pixels.

    Parameters
    ----------
    plane : (H, W) or (H, W, C) array
        Its values.
    placement : Transform
        From the new pixels, (row, column), to the plane's.
    shape : (height, width)
        Size of the result.
    order : {0, 1}
        0 takes the nearest value, 1 goes linearly between four.

    Returns
    -------
    (height, width) or (height, width, C) array
        In the plane's type.
    """
    from scipy.ndimage import affine_transform

    if plane.ndim == 3:
        channels = np.moveaxis(plane, 2, 0)
        return np.stack([resampled(c, placement, shape, order) for c in channels], axis=2)
    exact = plane.astype(np.float64) if order else plane
    moved: Pixels = affine_transform(
        exact, placement.matrix, placement.offset, shape, order=order, mode="nearest"
    )
    whole = order and plane.dtype.kind in "iu"
    return (np.rint(moved) if whole else moved).astype(plane.dtype)


def conversion(layer: Layer, kind: Kind) -> Convert:
    """Return what makes values of a kind of a layer's planes.

    Parameters
    ----------
    layer : Layer
        The layer.
    kind : Kind
        What its planes are to be.

    Raises
    ------
    MattingError
        If the layer is of another kind.
    """
    conversions: dict[Kind, Callable[[Layer], Convert]] = {
        Kind.IMAGE: lambda layer: _as_it_is,
        Kind.MASK: _mask,
        Kind.LABELS: _labels,
        Kind.TRIMAP: _trimap,
        Kind.ALPHA: lambda layer: _as_it_is,
    }
    return conversions[kind](layer)


def _as_it_is(plane: Pixels) -> Pixels:
    """Return the pixels as they are: how a layer is displayed says nothing of them."""
    return plane


def _mask(layer: Layer) -> Convert:
    if is_trimap(layer):
        raise ValueRangeError(
            f"{layer.name} is a trimap",
            "A mask has 0 for background and any label for foreground; a trimap would read as "
            "all foreground",
            "Choose the mask, or use the trimap where a trimap is asked for",
        )
    if not is_labels(layer):
        return _as_it_is  # a soft mask: probabilities, or a picture of a mask
    if layer.show_selected_label:
        chosen = layer.selected_label
        return lambda plane: plane == chosen
    return lambda plane: plane > 0


def _labels(layer: Layer) -> Convert:
    _mask(layer)  # A trimap is no set of objects either.
    return lambda plane: plane


def _trimap(layer: Layer) -> Convert:
    if not is_trimap(layer):
        raise ValueRangeError(
            f"{layer.name} is a Labels layer without the trimap tag",
            "A trimap holds 0 unknown, 1 background, 2 foreground; a mask read as one would be "
            "inside out",
            "Make a trimap from it with Make Trimap, or paint one: Layers > Annotate > New trimap",
        )

    return lambda plane: labels_to_trimap(plane, layer.name)
