"""A preview of the cutout: a layer that is composed plane by plane as it is looked at."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui import widgets
from numpy.typing import NDArray

from ...errors import MattingError
from ...framework.frames import frame
from ...framework.run import Frames, run
from ._choices import is_picture
from ._keys import bind_to_viewer, unbind
from ._layers import frames
from ._places import LayerPlaces, put_in_place, transforms
from ._protocols import Layer, without_proxy
from ._results import below_what_is_edited
from ._trimap import TAG, tag
from ._work import Request

if TYPE_CHECKING:
    import napari

    from ._widget import NodeWidget

OFF, LAYER = "off", "another layer"
BACKDROPS: dict[str, dict[str, object]] = {
    OFF: {},
    "checkerboard": {"backdrop": "checkerboard"},
    **{name: {"backdrop": "color", "color": name} for name in ("white", "black", "red")},
    LAYER: {},
}
KEY = "G"
# Changes that come together, such as a new result and its place, are composed once.
PAUSE = 30


class PreviewPixels:
    """The pixels of Composite's result as an array that holds none: each plane is made when read.

    Parameters
    ----------
    widget : NodeWidget
        Composite's.
    request : Request
        Its layers and parameters.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, widget: NodeWidget, request: Request) -> None:
        self._spec, self._request = widget.spec, request
        self._stack = request.grid.stack
        self.shape = (*self._stack, *request.grid.shape, 3)
        self.ndim, self.size = len(self.shape), int(np.prod(self.shape))

    def __getitem__(self, index: Any) -> NDArray[np.uint8]:
        index = index if isinstance(index, tuple) else (index,)
        numbers = np.arange(len(self._request.grid)).reshape(self._stack)
        lead = len(self._stack)
        chosen = np.asarray(numbers[index[:lead]])
        planes = np.stack([self._plane(int(number)) for number in chosen.ravel()])
        planes = planes.reshape(chosen.shape + planes.shape[1:])
        part: NDArray[np.uint8] = planes[(slice(None),) * chosen.ndim + index[lead:]]
        return part

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[()], dtype)

    def _plane(self, number: int) -> NDArray[np.uint8]:
        result = run(self._spec, frame(self._request.inputs, number), self._request.parameters)
        picture = result.values["image"]
        if result.range is not None:
            picture = result.range.normalized(picture)
        shown: NDArray[np.uint8] = np.rint(255 * picture.clip(0, 1)).astype(np.uint8)
        return shown


class Preview:
    """Shows what Composite would give over other backdrops, and follows its layers.

    Parameters
    ----------
    viewer : Viewer
        Where the layer is shown.
    composite : NodeWidget
        Composite's: its picture, alpha, foreground and parameters are used.
    """

    def __init__(self, viewer: napari.viewer.Viewer, composite: NodeWidget) -> None:
        from superqt.utils import QSignalDebouncer

        self._viewer, self._composite = viewer, composite
        self._layer: Layer | None = None
        self._places = LayerPlaces(self._ask)
        self.backdrop = widgets.ComboBox(
            label=f"preview ({KEY})",
            choices=list(BACKDROPS),
            tooltip="Show the object over this, as Composite would; nothing is computed for planes "
            f"that are not looked at. {KEY} goes to the next, {LAYER} is Composite's background "
            "or the last other picture.",
        )
        native = composite.native
        self._pause = QSignalDebouncer(parent=native)
        self._pause.setTimeout(PAUSE)
        self._pause.triggered.connect(self._show)
        self.backdrop.changed.connect(self._show)
        composite.parameters_changed.connect(self._ask)
        viewer.layers.events.removed.connect(self._removed)
        bind_to_viewer(viewer, KEY, self.next)
        native.destroyed.connect(self._stop)

    def next(self, _viewer: object = None) -> None:
        """Show the next backdrop."""
        names = list(BACKDROPS)
        self.backdrop.value = names[(names.index(self.backdrop.value) + 1) % len(names)]

    def _ask(self, _event: object = None) -> None:
        if self.backdrop.value != OFF:
            self._pause.throttle()

    def _show(self, _value: object = None) -> None:
        from napari.utils.notifications import show_warning

        if self.backdrop.value == OFF:
            self._places.stop()
            if self._layer is not None and self._layer in self._viewer.layers:
                self._viewer.layers.remove(self._layer)
            return
        try:
            request = self._request()
            pixels = PreviewPixels(self._composite, request)
        except MattingError as error:
            self.backdrop.value = OFF
            show_warning(str(error))
            return
        self._places.watch(list(request.layers.values()))
        picture, below = request.grid.picture, request.grid.stack_layer
        if self._layer is not None and self._layer.ndim == len(pixels.shape) - 1:
            self._layer.data = pixels
            put_in_place(self._layer, below)
            return
        name = tag(picture).get("base", picture.name)
        metadata = {TAG: {"kind": "preview", "base": name}}
        with below_what_is_edited(self._viewer):
            self._layer = without_proxy(
                self._viewer.add_image(
                    pixels, name=f"{name} preview", rgb=True, metadata=metadata, **transforms(below)
                )
            )

    def _request(self) -> Request:
        """Return Composite's request, with another backdrop in it."""
        request = self._composite.request()
        inputs: dict[str, Frames | None] = {**request.inputs}
        if self.backdrop.value != LAYER:
            inputs["background"] = None
        elif inputs.get("background") is None:
            used = list(request.layers.values())
            pictures = map(without_proxy, filter(is_picture, self._viewer.layers))
            others = [layer for layer in pictures if layer not in used]
            if not others:
                raise MattingError(
                    "There is no other picture to show the object over",
                    f"{LAYER} is the last picture that is neither the source nor its foreground",
                    "Open one, or choose another backdrop",
                )
            wire = next(w for w in self._composite.spec.inputs if w.name == "background")
            request.layers["background"] = behind = others[-1]
            inputs["background"] = frames(behind, wire, request.grid)
        # A preview lies on the picture: it is not cropped for a print.
        parameters = {**request.parameters, **BACKDROPS[self.backdrop.value], "print_size": "none"}
        return Request(request.layers, inputs, parameters, request.grid)

    def _removed(self, event: Any) -> None:
        if self._layer is not None and event.value is self._layer:
            self._layer = None
            with suppress(RuntimeError):  # The window may be closing.
                self.backdrop.value = OFF

    def _stop(self, _event: object = None) -> None:
        self._places.stop()
        self._viewer.layers.events.removed.disconnect(self._removed)
        unbind(self._viewer, KEY)
