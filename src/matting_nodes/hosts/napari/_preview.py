"""A preview of the cutout: a layer that is composed plane by plane as it is looked at.

Twelve megapixels take half a second to compose, so that is not done in the thread of the window.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui import widgets
from numpy.typing import NDArray

from ...errors import MattingError, as_matting_error
from ...framework.frames import frame
from ...framework.run import Frames, run
from ...job import Cancelled, Job
from ._choices import is_picture
from ._keys import bind_to_viewer, unbind
from ._layers import frames, plane_number
from ._places import LayerPlaces, put_in_place, transforms
from ._protocols import Layer, Worker, without_proxy
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
    """The pixels of Composite's result, RGBA, as an array of which one plane is held.

    NumPy gets all planes. To the thread of the window, which must not wait, those that are not held
    are transparent; `wanted` is the number of the last that was read there, or −1.

    Parameters
    ----------
    widget : NodeWidget
        Composite's.
    request : Request
        Its layers and parameters.
    missing : callable()
        Told when a plane was read that is not held.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, widget: NodeWidget, request: Request, missing: Callable[[], object]) -> None:
        self._spec, self.request, self._missing = widget.spec, request, missing
        self._stack = request.grid.stack
        self.shape = (*self._stack, *request.grid.shape, 4)
        self.ndim, self.size = len(self.shape), int(np.prod(self.shape))
        self._held: tuple[int, NDArray[np.uint8]] | None = None
        self.wanted = -1

    def __getitem__(self, index: Any) -> NDArray[np.uint8]:
        shown = threading.current_thread() is threading.main_thread()
        return self._part(index, self._shown if shown else self.composed)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self._part((), self.composed), dtype)

    def _part(self, index: Any, plane: Callable[[int], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        index = index if isinstance(index, tuple) else (index,)
        numbers = np.arange(len(self.request.grid)).reshape(self._stack)
        lead = len(self._stack)
        chosen = np.asarray(numbers[index[:lead]])
        planes = np.stack([plane(int(number)) for number in chosen.ravel()])
        planes = planes.reshape(chosen.shape + planes.shape[1:])
        part: NDArray[np.uint8] = planes[(slice(None),) * chosen.ndim + index[lead:]]
        return part

    def _shown(self, number: int) -> NDArray[np.uint8]:
        if self._held is not None and self._held[0] == number:
            self.wanted = -1
            return self._held[1]
        self.wanted = number
        self._missing()
        return np.zeros(self.shape[-3:], np.uint8)

    def composed(self, number: int, job: Job | None = None) -> NDArray[np.uint8]:
        """Return the plane of this number.

        Parameters
        ----------
        number : int
            Of the stack's planes, in C order.
        job : Job, optional
            Stops the work when it is cancelled.
        """
        if self._held is not None and self._held[0] == number:
            return self._held[1]
        inputs = frame(self.request.inputs, number)
        result = run(self._spec, inputs, self.request.parameters, job)
        picture = result.values["image"]
        if result.range is not None:
            picture = result.range.normalized(picture)
        shown: NDArray[np.uint8] = np.full(self.shape[-3:], 255, np.uint8)
        shown[..., :3] = np.rint(255 * picture.clip(0, 1))
        return shown

    def hold(self, number: int, plane: NDArray[np.uint8]) -> None:
        """Keep a plane that was composed, instead of the last one."""
        self._held = number, plane


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
        self._pixels: PreviewPixels | None = None
        self._asked: tuple[PreviewPixels, int] | None = None
        self._worker: Worker | None = None
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
        # A layer may read another plane before it reads the one on show.
        self._scrolled = QSignalDebouncer(parent=native)
        self._scrolled.setTimeout(PAUSE)
        self._scrolled.triggered.connect(self._catch_up)
        self.backdrop.changed.connect(self._show)
        composite.parameters_changed.connect(self._ask)
        viewer.layers.events.removed.connect(self._removed)
        bind_to_viewer(viewer, KEY, self.next)
        native.destroyed.connect(self._stop)

    @property
    def running(self) -> bool:
        """Whether a plane is being composed."""
        return self._worker is not None

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
            self._forget()
            if self._layer is not None and self._layer in self._viewer.layers:
                self._viewer.layers.remove(self._layer)
            return
        try:
            request = self._request()
            pixels = PreviewPixels(self._composite, request, self._scrolled.throttle)
            number = plane_number(request.grid, self._viewer)
        except MattingError as error:
            self.backdrop.value = OFF
            show_warning(str(error))
            return
        self._places.watch(list(request.layers.values()))
        self._compose(pixels, number)

    def _compose(self, pixels: PreviewPixels, number: int) -> None:
        """Compose a plane in a thread; one that is under way is stopped first."""
        self._asked = pixels, number
        if self._worker is not None:
            self._worker.quit()
        else:
            self._start(self._asked)

    def _start(self, asked: tuple[PreviewPixels, int]) -> None:
        from napari.qt.threading import create_worker

        self._worker = worker = create_worker(
            _work,
            # A worker may outlive its run; what it works on need not.
            [asked],
            # The worker itself is only known once it is made.
            lambda: Job(cancelled=lambda: worker.abort_requested),
            _start_thread=False,
        )
        worker.returned.connect(self._finish)
        worker.finished.connect(self._end)
        worker.start()

    def _finish(self, found: NDArray[np.uint8] | MattingError | None) -> None:
        from napari.utils.notifications import show_warning

        worker = self._worker
        if self._asked is None or found is None or worker is None or worker.abort_requested:
            return
        (pixels, number), self._asked = self._asked, None
        if isinstance(found, MattingError):
            self.backdrop.value = OFF
            show_warning(str(found))
            return
        pixels.hold(number, found)
        if pixels is self._pixels and self._layer is not None:
            self._layer.refresh()
        else:
            self._pixels = pixels
            self._show_layer(pixels)

    def _end(self) -> None:
        self._worker = None
        if self._asked is not None:
            self._start(self._asked)

    def _show_layer(self, pixels: PreviewPixels) -> None:
        grid = pixels.request.grid
        if self._layer is not None and self._layer.ndim == len(pixels.shape) - 1:
            self._layer.data = pixels
            put_in_place(self._layer, grid.stack_layer)
            return
        name = tag(grid.picture).get("base", grid.picture.name)
        metadata = {TAG: {"kind": "preview", "base": name}}
        place = transforms(grid.stack_layer)
        with below_what_is_edited(self._viewer):
            self._layer = without_proxy(
                self._viewer.add_image(
                    pixels, name=f"{name} preview", rgb=True, metadata=metadata, **place
                )
            )

    def _catch_up(self) -> None:
        """Compose the plane that was scrolled to."""
        if self._pixels is not None and self._pixels.wanted >= 0:
            self._compose(self._pixels, self._pixels.wanted)

    def _forget(self) -> None:
        """Let go of what is composed, or will be."""
        self._pixels = self._asked = None
        if self._worker is not None:
            self._worker.quit()

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
            self._forget()
            with suppress(RuntimeError):  # The window may be closing.
                self.backdrop.value = OFF

    def _stop(self, _event: object = None) -> None:
        self._places.stop()
        self._forget()
        self._viewer.layers.events.removed.disconnect(self._removed)
        unbind(self._viewer, KEY)


def _work(
    asked: list[tuple[PreviewPixels, int]], job: Callable[[], Job]
) -> NDArray[np.uint8] | MattingError | None:
    """Compose a plane; this touches no layer and no widget."""
    pixels, number = asked.pop()
    try:
        return pixels.composed(number, job())
    except Cancelled:
        return None
    except Exception as error:
        return as_matting_error(error)
