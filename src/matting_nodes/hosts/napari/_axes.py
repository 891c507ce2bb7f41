"""How a layer's axes are read: channels that make one picture, or labels each by itself.

The channels lie along an axis of the layer, or each is a layer of its own. The choice belongs to
the layer, so that all nodes read it alike; it is kept in its metadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...arrays import Kind, Pixels
from ...errors import ShapeError
from ...framework.spec import Input, NodeSpec
from ._places import TRANSFORMS, leading_shape, lies_as, pixels, transforms
from ._protocols import Layer, LayerMeta, LazyArray, is_labels, is_shapes

READING = "matting_nodes reading"
APART, TOGETHER = "apart", "together"
LAYERS = "layers "
"""Begins a reading with other layers as channels; the ids of all of them follow."""
NAMES = frozenset({"c", "ch", "channel", "channels"})
# As many as a guess takes for the channels of one picture.
GUESSED = range(2, 5)


_by_id: WeakValueDictionary[str, Layer] = WeakValueDictionary()
"""Layers that were offered as channels of one picture."""


def choose_reading(layer: Layer, reading: int | str) -> None:
    """Keep how a layer is read.

    Parameters
    ----------
    layer : Layer
        A picture or labels.
    reading : int or str
        The axis whose channels make one picture; what `reading_with` returns for layers that do;
        APART for planes or labels each by itself, TOGETHER for labels that are one object.
    """
    layer.metadata = {**layer.metadata, READING: reading}


def reading_of(layer: Layer) -> int | str:
    """Return how a layer is read: as chosen, else as guessed."""
    chosen = layer.metadata.get(READING)
    if is_labels(layer):
        return APART if chosen == APART else TOGETHER
    if channels_of(layer):
        return cast("str", chosen)
    fits = chosen == APART or (isinstance(chosen, int) and chosen < len(leading_shape(layer)))
    return cast("int | str", chosen if fits else guessed(layer)[0])


def reading_with(layers: Iterable[Layer]) -> str:
    """Return the reading by which layers are the channels of one picture, in this order."""
    layers = list(layers)
    _by_id.update((str(layer.unique_id), layer) for layer in layers)
    return LAYERS + " ".join(str(layer.unique_id) for layer in layers)


def channels_of(layer: Layer) -> list[Layer]:
    """Return the layers that are read as the channels of a picture; none if they are not layers."""
    chosen = layer.metadata.get(READING)
    if not isinstance(chosen, str) or not chosen.startswith(LAYERS):
        return []
    found = [_by_id.get(name) for name in chosen[len(LAYERS) :].split()]
    layers = [one for one in found if one is not None]
    # One may be gone, or moved, or the layer be a copy of one that was read so.
    fit = all(one is layer or could_be_channels(layer, one) for one in layers)
    return layers if fit and layer in layers and len(layers) == len(found) else []


def could_be_channels(layer: Layer, other: Layer) -> bool:
    """Tell whether two Image layers of one channel have the same size and place."""
    gray = not any(getattr(one, "rgb", False) or is_labels(one) for one in (layer, other))
    return gray and pixels(layer).shape == pixels(other).shape and lies_as(layer, other)


def with_channels(layers: Mapping[str, Layer]) -> dict[str, Layer]:
    """Return layers by the input's name, and those that are read as channels together with them."""
    return dict(layers) | {
        f"{name} channel {number}": one
        for name, layer in layers.items()
        for number, one in enumerate(channels_of(layer))
        if one is not layer
    }


def guessed(layer: Layer) -> tuple[int | str, str]:
    """Return the axis that seems to hold a picture's channels, and what tells so.

    Parameters
    ----------
    layer : Layer
        A picture.
    """
    lengths = leading_shape(layer)
    named = [str(name).lower() in NAMES for name in layer.axis_labels[: len(lengths)]]
    source = getattr(getattr(layer, "source", None), "path", None)
    letters = _letters(str(source), pixels(layer).shape) if source else ""
    for axis, length in enumerate(lengths):
        if length in GUESSED and named[axis]:
            return axis, f"its axis is called {layer.axis_labels[axis]}"
        if length in GUESSED and letters and letters[axis] in "CS":
            return axis, f"its file calls the axes {letters}"
    return APART, ""


@cache
def _letters(path: str, shape: tuple[int, ...]) -> str:
    """Return the axes of an OME-TIFF or ImageJ file, such as TCYX; nothing if it tells none."""
    if Path(path).suffix.lower() not in (".tif", ".tiff") or not Path(path).is_file():
        return ""
    from tifffile import TiffFile, TiffFileError

    try:
        with TiffFile(path) as file:
            series = file.series[0]
            return str(series.axes) if series.shape == shape else ""
    except (TiffFileError, OSError, IndexError):
        return ""


def as_read(spec: NodeSpec, layers: Mapping[str, Layer], method: str) -> dict[str, Layer]:
    """Return the layers as a node reads them: themselves, or with their axes read otherwise.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    layers : mapping of Layer
        By the input's name.
    method : str
        The selected method.

    Raises
    ------
    ShapeError
        If a picture has more channels than the method takes.
    """
    wires = {wire.name: wire for wire in spec.inputs}
    views = {name: _as_read(layer, wires[name]) for name, layer in layers.items()}
    for name, layer in views.items():
        _check_channels(layer, wires[name], spec, method)
    return views


def _as_read(layer: Layer, wire: Input) -> Layer:
    """Return a layer as an input reads it."""
    if not has_readings(wire) or getattr(layer, "rgb", False) or is_shapes(layer):
        return layer
    if wire.kind is Kind.IMAGE:
        return as_picture(layer)
    apart = is_labels(layer) and reading_of(layer) == APART
    return cast("Layer", LabelsApart(layer)) if apart else layer


def as_picture(layer: Layer, like: Layer | None = None) -> Layer:
    """Return an Image layer as pictures are read: itself, or with its channels together.

    Parameters
    ----------
    layer : Layer
        A picture.
    like : Layer, optional
        The picture that it was made from, which says how both are read.
    """
    # What was made of several layers has an axis of channels.
    like = layer if like is None or channels_of(like) else like
    if getattr(layer, "rgb", False) or is_labels(layer) or layer.ndim != like.ndim:
        return layer
    if channels := channels_of(layer):
        return cast("Layer", LayersTogether(layer, channels))
    reading = reading_of(like)
    together = isinstance(reading, int) and reading < len(leading_shape(layer))
    return cast("Layer", ChannelsTogether(layer, int(reading))) if together else layer


def has_readings(wire: Input) -> bool:
    """Tell whether an input may read a layer in several ways."""
    return wire.kind is Kind.IMAGE or (wire.kind is Kind.MASK and not wire.group)


def readings(
    layer: Layer, wire: Input, others: Sequence[Layer] = (), selected: Iterable[Layer] = ()
) -> list[tuple[str, int | str]]:
    """Return the ways in which an input can read a layer, and what they are called.

    Parameters
    ----------
    layer : Layer
        The layer.
    wire : Input
        The input that it is chosen for.
    others : sequence of Layer
        All that could be chosen, the layer itself among them.
    selected : iterable of Layer
        Those that are selected in the list of layers.
    """
    if not has_readings(wire) or getattr(layer, "rgb", False):
        return []
    if is_labels(layer):
        several = max(int(np.max(np.asarray(pixels(layer)))), layer.selected_label) > 1
        return [("one object", TOGETHER), ("one matte each", APART)] if several else []
    if wire.kind is not Kind.IMAGE:
        return []
    guess, reason = guessed(layer)
    axes = [
        (f"axis {axis} ({count})" + f", guessed: {reason}" * (axis == guess), axis)
        for axis, count in enumerate(leading_shape(layer))
        if count > 1
    ]
    sets = _sets_of_channels(layer, others, selected)
    if not leading_shape(layer):
        return [("by itself", APART), *sets] if sets else []
    return [("each plane by itself", APART), *axes, *sets]


def _sets_of_channels(
    layer: Layer, others: Sequence[Layer], selected: Iterable[Layer]
) -> list[tuple[str, int | str]]:
    """Return what could be the channels of one picture: chosen, selected, or all layers."""
    alike = [one for one in others if one is layer or could_be_channels(layer, one)]
    selected = list(selected)
    sets = (channels_of(layer), [one for one in alike if one in selected], alike)
    found = {reading_with(one): one for one in sets if layer in one and len(one) > 1}
    return [(f"channels: {', '.join(c.name for c in one)}", r) for r, one in found.items()]


def _check_channels(layer: Layer, wire: Input, spec: NodeSpec, method: str) -> None:
    chosen = spec.chosen(method)
    if not isinstance(layer, ChannelsTogether) or layer.count == 3:
        return
    if chosen is not None and wire.name not in chosen.takes:
        return
    if chosen is None or wire.name not in chosen.any_channels:
        able = [m.title for m in spec.methods.values() if wire.name in m.any_channels]
        others = f"; or a method that takes any number: {', '.join(able)}" if able else ""
        raise ShapeError(
            f"{layer.name} has {layer.count} channels that make one picture",
            f"{chosen.title if chosen else spec.title} takes 1 or 3",
            f"Choose to read each channel by itself below the {wire.name}{others}",
        )


class AxesView:
    """A layer with its axes read otherwise; what is not said here is the layer's own."""

    multiscale = False
    _OF_PLACE = frozenset({*TRANSFORMS, "ndim", "data_to_world", "world_to_data"})

    def __init__(self, layer: Layer, place: Layer, data: LazyArray) -> None:
        self.layer, self._place, self.data = layer, place, data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._place if name in self._OF_PLACE else self.layer, name)

    @property
    def told(self) -> LayerMeta:
        """How the layer was read, for the provenance."""
        raise NotImplementedError


class ChannelsTogether(AxesView):
    """A layer whose channels make one picture.

    The first axis is left out. Another stays, a single step as long as all channels are, so that
    results are seen in each of them.

    Parameters
    ----------
    layer : Layer
        An Image layer.
    axis : int
        The axis of the channels, before the plane's.
    """

    rgb = True

    def __init__(self, layer: Layer, axis: int) -> None:
        data = pixels(layer)
        self.axis, self.count = axis, data.shape[axis]
        # The axes of the result: the first is not needed, since napari aligns the last ones.
        self.kept = axis > 0
        super().__init__(layer, self._placed(layer), _ChannelsLast(data, axis))

    @property
    def told(self) -> LayerMeta:
        """How the layer was read, for the provenance."""
        return {"axis": self.axis, "name": str(self.layer.axis_labels[self.axis])}

    @property
    def of_results(self) -> Layer:
        """A layer with the axes of pictures that are made of it."""
        return self.layer

    def _placed(self, layer: Layer) -> Layer:
        scale, translate = (np.array(getattr(layer, name)) for name in ("scale", "translate"))
        translate[self.axis] += scale[self.axis] * (self.count - 1) / 2
        scale[self.axis] *= self.count
        axes = [axis for axis in range(layer.ndim) if axis != self.axis or self.kept]
        return _carrier(layer, axes, scale=scale, translate=translate)

    def has_channels_of(self, picture: NDArray[Any]) -> bool:
        """Tell whether a picture, (H, W, C), is one of these channels, and no transparent one."""
        return bool(picture.shape[2] == self.count)

    def restored(self, data: Pixels) -> Pixels:
        """Return pictures, (..., H, W, C), with their channels where the layer has them."""
        return np.moveaxis(data.squeeze(self.axis) if self.kept else data, -1, self.axis)


class LayersTogether(ChannelsTogether):
    """Layers of one channel each that make one picture.

    Parameters
    ----------
    layer : Layer
        The one that was chosen, where the picture lies.
    channels : sequence of Layer
        All of them, in the order of the channels.
    """

    def __init__(self, layer: Layer, channels: Sequence[Layer]) -> None:
        self.channels, self.axis, self.count, self.kept = channels, 0, len(channels), False
        AxesView.__init__(self, layer, layer, _Stacked([pixels(one) for one in channels]))

    @property
    def told(self) -> LayerMeta:
        """How the layers were read, for the provenance."""
        return {"layers": [one.name for one in self.channels]}

    @property
    def of_results(self) -> Layer:
        """A layer with the axes of pictures that are made of it: one with all channels."""
        return _carrier(self.layer, list(range(self.layer.ndim)), added=1, name="c")


class LabelsApart(AxesView):
    """A layer of labels as a stack of masks, (L, ...), one for each label.

    Parameters
    ----------
    layer : Layer
        A Labels layer.
    """

    show_selected_label = False

    def __init__(self, layer: Layer) -> None:
        data = layer.data
        self.labels = _labels_in(np.asarray(data))
        place = _carrier(layer, list(range(layer.ndim)), added=1)
        super().__init__(layer, place, OfLabels(data, self.labels))

    @property
    def told(self) -> LayerMeta:
        """How the layer was read, for the provenance: the label of each plane."""
        return {"labels": self.labels}


def _labels_in(data: NDArray[Any]) -> list[int]:
    """Return the labels of objects, 1 and more, in order."""
    # Counting takes a tenth of the time of sorting, where the numbers are not huge.
    few = data.size and data.min() >= 0 and data.max() < 1 << 20
    found = np.flatnonzero(np.bincount(data.ravel())) if few else np.unique(data)
    return [int(label) for label in found if label > 0]


def _carrier(
    layer: Layer, axes: list[int], added: int = 0, name: str = "label", **changed: ArrayLike
) -> Layer:
    """Return a layer of one pixel that lies as some axes of another do, and others before them."""
    from napari.layers import Image
    from napari.utils.transforms import Affine, CompositeAffine

    own = transforms(layer) | changed
    affine = Affine(affine_matrix=np.asarray(own.pop("affine"))).set_slice(axes)
    units = ("pixel",) * added + tuple(own["units"][axis] for axis in axes)
    composed = CompositeAffine(**own).set_slice(axes)
    if added:
        composed, affine = (part.expand_dims(list(range(added))) for part in (composed, affine))
    place = {name: getattr(composed, name) for name in ("scale", "translate", "rotate", "shear")}
    names = [str(own["axis_labels"][axis]) for axis in axes]
    # That an axis holds channels has to be said; of others, numbers say nothing.
    named = name == "c" or not all(one.lstrip("-").isdecimal() for one in names)
    return cast(
        "Layer",
        Image(
            np.zeros((1,) * len(units)),
            affine=affine.affine_matrix,
            units=units,
            axis_labels=(name,) * added + tuple(names) if named else None,
            **place,
        ),
    )


class _ChannelsLast:
    """Planes of (H, W, C), read one by one."""

    def __init__(self, data: LazyArray, axis: int) -> None:
        self.whole: Any = data
        self._axis, self.dtype = axis, data.dtype
        self._kept = axis > 0
        lengths = list(data.shape)
        count = lengths.pop(axis)
        self.shape = (*lengths[:axis], *(1,) * self._kept, *lengths[axis:], count)

    def __getitem__(self, at: tuple[int, ...]) -> NDArray[Any]:
        before, after = at[: self._axis], at[self._axis + self._kept :]
        return _no_alpha(np.moveaxis(np.asarray(self.whole[(*before, slice(None), *after)]), 0, -1))


class _Stacked:
    """Planes of (H, W, C), each channel from another array."""

    def __init__(self, channels: Sequence[LazyArray]) -> None:
        self._channels = channels
        self.shape = (*channels[0].shape, len(channels))
        self.dtype = np.result_type(*(channel.dtype for channel in channels))

    def __getitem__(self, at: tuple[int, ...]) -> NDArray[Any]:
        return _no_alpha(np.stack([np.asarray(channel[at]) for channel in self._channels], axis=-1))

    @property
    def whole(self) -> Any:
        """All of them, channels first, if they are in memory."""
        arrays = [channel for channel in self._channels if isinstance(channel, np.ndarray)]
        return np.stack(arrays) if len(arrays) == len(self._channels) else None


def _no_alpha(plane: NDArray[Any]) -> NDArray[Any]:
    """Return a plane whose fourth channel the core does not take for an alpha."""
    if plane.shape[2] != 4:
        return plane
    # A constant fifth changes no matte.
    return np.dstack([plane, np.full(plane.shape[:2], plane.min())])


class OfLabels:
    """Masks of labels, made one by one."""

    def __init__(self, data: LazyArray, labels: list[int]) -> None:
        self.whole, self._labels, self.dtype = data, labels, np.dtype(bool)
        self.shape = (len(labels), *data.shape)

    def __getitem__(self, at: tuple[int, ...]) -> NDArray[np.bool_]:
        return np.asarray(np.asarray(self.whole[at[1:]]) == self._labels[at[0]])

    def copy(self) -> OfLabels:
        """Return the masks as they are now, whatever is painted later."""
        return OfLabels(np.array(self.whole), self._labels)
