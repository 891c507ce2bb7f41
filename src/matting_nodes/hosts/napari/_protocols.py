"""What this plugin uses of napari's viewer and layers, which napari itself leaves untyped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeGuard, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

T = TypeVar("T")

LayerMeta = dict[str, Any]
"""A layer's parameters by name."""

LayerPixels = Any
"""An array of any library; of a multiscale layer a list of them."""

LayerData = tuple[LayerPixels, LayerMeta, str]
"""A layer as npe2's readers and writers have it: its data, its parameters, its type."""


class Event(Protocol):
    """An event that functions are connected to."""

    def connect(self, callback: Callable[..., object]) -> object: ...

    def disconnect(self, callback: Callable[..., object]) -> object: ...


class LayerEvents(Protocol):
    """The events that every layer has."""

    data: Event
    set_data: Event
    visible: Event
    paint: Event


class LazyArray(Protocol):
    """The pixels of a layer: a NumPy array, or one that is computed plane by plane."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, index: tuple[int, ...], /) -> ArrayLike: ...


class Layer(Protocol):
    """A layer of any kind."""

    name: str
    visible: bool
    data: LayerPixels
    """An array, for multiscale layers a list of arrays, for points and shapes their vertices."""
    metadata: LayerMeta
    events: LayerEvents

    @property
    def unique_id(self) -> object: ...

    @property
    def ndim(self) -> int: ...

    mode: str

    @property
    def axis_labels(self) -> Sequence[str]: ...

    @property
    def units(self) -> Sequence[Unit]: ...

    def data_to_world(self, position: ArrayLike, /) -> Sequence[float]: ...

    def world_to_data(self, position: ArrayLike, /) -> NDArray[np.float64]: ...

    def bind_key(self, key: str, action: Callable[..., object], /) -> object: ...

    def refresh(self) -> object: ...


class Unit(Protocol):
    """A unit of length: pint's."""

    def __rmul__(self, number: float, /) -> Quantity: ...


class Quantity(Protocol):
    """A length with its unit: pint's."""

    @property
    def magnitude(self) -> float: ...

    def to(self, other: Unit, /) -> Quantity: ...


class LabelsLayer(Layer, Protocol):
    """A layer of labels."""

    selected_label: int
    show_selected_label: bool
    brush_size: float
    colormap: Any
    mouse_drag_callbacks: list[Callable[..., object]]

    def undo(self) -> None: ...

    def data_setitem(self, indices: tuple[NDArray[Any], ...], value: int, /) -> None: ...


class ShapesLayer(Layer, Protocol):
    """A layer of shapes."""

    selected_data: set[int]

    @property
    def shape_type(self) -> list[str]: ...


class ImageLayer(Layer, Protocol):
    """A layer of pictures."""

    rgb: bool


class SelectionEvents(Protocol):
    """The events of selected layers."""

    changed: Event


class Selection(Protocol):
    """The selected layers."""

    active: Layer | None
    events: SelectionEvents

    def __contains__(self, layer: Layer, /) -> bool: ...

    def __iter__(self) -> Iterator[Layer]: ...


class ListEvents(Protocol):
    """The events of a list of layers."""

    inserted: Event
    removed: Event


class LayerList(Protocol):
    """A viewer's layers."""

    selection: Selection
    events: ListEvents

    @property
    def extent(self) -> object: ...

    def __iter__(self) -> Iterator[Layer]: ...

    def index(self, layer: Layer, /) -> int: ...

    def move(self, source: int, target: int, /) -> bool: ...

    def remove(self, layer: Layer, /) -> None: ...


class Dims(Protocol):
    """What a viewer shows of its axes."""

    @property
    def point(self) -> Sequence[float]: ...


class Viewer(Protocol):
    """A viewer; napari hands a proxy of it to plugins."""

    layers: LayerList
    dims: Dims

    def bind_key(
        self, key: str, action: Callable[..., object] | None, /, *, overwrite: bool = False
    ) -> object: ...

    def add_image(self, data: ArrayLike, **parameters: Any) -> ImageLayer: ...

    def add_labels(self, data: ArrayLike, **parameters: Any) -> LabelsLayer: ...


class Worker(Protocol):
    """A thread that napari runs a function in."""

    @property
    def abort_requested(self) -> bool: ...

    def quit(self) -> None: ...


def without_proxy(wrapped: T) -> T:
    """Return a viewer or layer without the proxy in which napari hands it to plugins."""
    itself: T = getattr(wrapped, "__wrapped__", wrapped)
    return itself


def is_labels(layer: Layer) -> TypeGuard[LabelsLayer]:
    """Tell whether a layer holds labels."""
    return hasattr(layer, "selected_label")


def is_shapes(layer: Layer) -> TypeGuard[ShapesLayer]:
    """Tell whether a layer holds shapes rather than pixels."""
    return hasattr(layer, "shape_type")
