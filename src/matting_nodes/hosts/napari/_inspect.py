"""Inspect: a matte's histogram, its values along a line, and what is known of a pixel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui import widgets
from numpy.typing import NDArray

from ...arrays import Kind, Pixels, as_alpha
from ...errors import ValueRangeError
from ...framework.spec import Input
from ._choices import LayerChoice, propose
from ._drawing import DrawButtons
from ._explain import NO_COLORS, colors_at, compile_estimates, confidence_at, explained
from ._layers import plane_on_show
from ._places import in_pixels_of
from ._protocols import Layer
from ._theme import color_axes

if TYPE_CHECKING:
    import napari

BINS = 64
# What is dragged or hovered over is followed, but not drawn at every step of the mouse.
PAUSE = 50
SMALLEST = 120
"""Pixels; in fewer there is no room for axes beside their labels."""
INPUTS = (
    Input("alpha", Kind.ALPHA, help="The matte."),
    Input("reference", Kind.ALPHA, optional=True, help="Another matte, or the ground truth."),
    Input("line", Kind.BOX, optional=True, help="Its last shape is the line: draw one."),
)


class InspectWidget(widgets.Container[widgets.bases.Widget]):
    """Shows how alpha is distributed, and what it is along a line, beside another matte.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers can be chosen.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
        from matplotlib.figure import Figure
        from superqt.utils import QSignalThrottler

        self._viewer = napari_viewer
        self._watched: list[tuple[Layer, Callable[..., None]]] = []
        self._planes: dict[Layer, Pixels] = {}
        self._changed = True
        """Whether the planes, as they were read, may no longer be what is shown."""
        self._laid_out: tuple[int, int] | None = None
        self._rest: Any = None
        self._range, self._values = (0.0, 1.0), "alpha"
        self._compiling: Any = None
        self._estimates = False
        self._under_mouse: Sequence[float] | None = None
        self.layer_choices = {wire.name: LayerChoice(wire, napari_viewer) for wire in INPUTS}
        self.alpha, self.reference, self.line = self.layer_choices.values()
        self.side_by_side = widgets.CheckBox(
            text="side by side", tooltip="Show every visible layer apart; all move together."
        )
        self.draw_buttons = DrawButtons(napari_viewer, self.layer_choices)
        self.pixel = widgets.Label(value="")
        self.pixel.native.setWordWrap(True)
        super().__init__(
            widgets=[*self.layer_choices.values(), self.draw_buttons, self.side_by_side]
        )
        self.figure = Figure(figsize=(4, 5), layout="constrained")
        self.histogram, self.profile = self.figure.subplots(2, 1)
        self._canvas = FigureCanvasQTAgg(self.figure)
        self.native.layout().addWidget(self.pixel.native)
        self.native.layout().addWidget(self._canvas)
        self._canvas.mpl_connect("resize_event", self._ask)
        self._pause, self._hovering = (QSignalThrottler(parent=self.native) for _ in range(2))
        for throttler, act in ((self._pause, self.draw), (self._hovering, self._explain)):
            throttler.setTimeout(PAUSE)
            throttler.triggered.connect(act)
        self._propose_layers()
        for choice in self.layer_choices.values():
            choice.changed.connect(self._propose_layers)
            choice.changed.connect(self._choose)
        self.side_by_side.changed.connect(self._arrange)
        napari_viewer.dims.events.current_step.connect(self._ask_anew)
        napari_viewer.events.theme.connect(self._follow_theme)
        napari_viewer.mouse_move_callbacks.append(self._hover)
        self.native.destroyed.connect(self._stop)
        self._choose()

    def reset_choices(self, *args: object) -> None:
        """Offer new layers."""
        super().reset_choices(*args)
        self._propose_layers()

    def draw(self) -> None:
        """Draw what the chosen layers hold now; values that have not changed are not read again."""
        if min(self._canvas.get_width_height()) < SMALLEST:
            return  # Folded away, or unfolding: it is drawn when it gets its size.
        mattes = [layer for layer in (self.alpha.value, self.reference.value) if layer is not None]
        changed, self._changed = self._changed, False
        if changed:
            point = self._viewer.dims.point
            self._planes = {layer: shown_values(plane_on_show(layer, point)) for layer in mattes}
            self._draw_histogram()
            self._explain()
        self._draw_profile()
        self._color_axes()
        if changed or self._laid_out != self._canvas.get_width_height():
            self._lay_out()
        # The profile alone, over the rest as it was: all of it takes longer than a line is still.
        self._canvas.restore_region(self._rest)
        self.figure.draw_artist(self.profile)
        self._canvas.update()

    def _lay_out(self) -> None:
        """Place the axes, and keep a picture of all but the profile."""
        self._laid_out = self._canvas.get_width_height()
        self.figure.set_layout_engine("constrained")
        self._canvas.draw()
        self.figure.set_layout_engine("none")
        self.profile.set_visible(False)
        self._canvas.draw()
        self._rest = self._canvas.copy_from_bbox(self.figure.bbox)
        self.profile.set_visible(True)

    def _draw_histogram(self) -> None:
        self.histogram.clear()
        low, high = self._range = shown_range(list(self._planes.values()))
        for layer, plane in self._planes.items():
            finite = plane[np.isfinite(plane)]
            lost = plane.size - finite.size
            label = f"{layer.name} ({lost} NaN or infinite)" if lost else layer.name
            self.histogram.hist(finite, bins=BINS, range=(low, high), histtype="step", label=label)
        self._values = "alpha" if (low, high) == (0, 1) else "value"
        self.histogram.set(xlabel=self._values, ylabel="pixels", yscale="log")
        if self._planes:
            self.histogram.legend(labelcolor="linecolor", framealpha=0)

    def _draw_profile(self) -> None:
        self.profile.clear()
        line, unit = self.line.value, "pixels"
        for layer, plane in self._planes.items():
            if line is not None and len(line.data):
                path = in_pixels_of(layer, line, line.data[-1])
                values = profile(plane, path)
                distances, unit = along(layer, path, len(values))
                self.profile.plot(distances, values, label=layer.name)
        low, high = self._range
        margin = 0.05 * (high - low)
        limits = low - margin, high + margin
        self.profile.set(xlabel=f"{unit} along the line", ylabel=self._values, ylim=limits)

    def _hover(self, _viewer: object, event: Any) -> None:
        self._under_mouse = event.position
        # A stroke or a drag has the machine for itself.
        if not event.is_dragging:
            self._hovering.throttle()

    def _explain(self) -> None:
        """Say what is known of the pixel under the mouse."""
        layer, plane = self.alpha.value, self._planes.get(self.alpha.value)
        if plane is None or self._under_mouse is None or not self.native.isVisible():
            return
        row, column = np.round(layer.world_to_data(self._under_mouse)[-2:]).astype(int).tolist()
        if not (0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]):
            self.pixel.value = ""
            return
        place, point, layers = (row, column), self._viewer.dims.point, list(self._viewer.layers)
        colors = NO_COLORS
        if self._values == "alpha":
            colors = colors_at(layers, layer, plane, place, point, self._can_estimate())
        sure = confidence_at(layers, layer, place, point)
        self.pixel.value = explained(place, float(plane[place]), colors, sure)

    def _can_estimate(self) -> bool:
        """Tell whether F and B can be estimated at once; if not, compile, and explain then."""
        from napari.qt.threading import create_worker

        if self._compiling is None:
            self._compiling = create_worker(compile_estimates, _start_thread=False)
            self._compiling.finished.connect(self._compiled)
            self._compiling.start()
        return self._estimates

    def _compiled(self) -> None:
        self._estimates = True
        with suppress(RuntimeError):  # The window may be gone by now.
            self._hovering.throttle()

    def _follow_theme(self, _event: object = None) -> None:
        self._color_axes()
        self._laid_out = None
        self._ask()

    def _color_axes(self) -> None:
        color_axes((self.histogram, self.profile), self._viewer.theme)

    def _propose_layers(self, _value: object = None) -> None:
        propose(self.layer_choices, {"alpha", "reference"}, self._viewer.layers.selection.active)

    def _choose(self, _value: object = None) -> None:
        self._stop_watching()
        for choice in self.layer_choices.values():
            if choice.value is not None:
                answer = self._ask if choice is self.line else self._ask_anew
                choice.value.events.data.connect(answer)
                choice.value.events.set_data.connect(answer)
                self._watched.append((choice.value, answer))
        self._ask_anew()

    def _stop_watching(self) -> None:
        for layer, answer in self._watched:
            layer.events.data.disconnect(answer)
            layer.events.set_data.disconnect(answer)
        self._watched = []

    def _stop(self, _event: object = None) -> None:
        self._stop_watching()
        self._viewer.dims.events.current_step.disconnect(self._ask_anew)
        self._viewer.events.theme.disconnect(self._follow_theme)
        if self._hover in self._viewer.mouse_move_callbacks:
            self._viewer.mouse_move_callbacks.remove(self._hover)

    def _ask(self, _event: object = None) -> None:
        self._pause.throttle()

    def _ask_anew(self, _event: object = None) -> None:
        """Ask for a drawing of values that may have changed."""
        self._changed = True
        self._ask()

    def _arrange(self, apart: bool) -> None:
        # Before napari 0.9 the grid was the viewer's own.
        getattr(self._viewer, "canvas", self._viewer).grid.enabled = apart
        self._viewer.reset_view()


def shown_values(plane: Pixels) -> Pixels:
    """Return a plane as an alpha in 0..1; what is none, such as signed counts, as it is."""
    try:
        return as_alpha(plane)
    except ValueRangeError:
        return plane.astype(np.float64)


def shown_range(planes: list[Pixels]) -> tuple[float, float]:
    """Return the range of the axes: 0..1, or further where finite values lie outside."""
    finite = [plane[np.isfinite(plane)] for plane in planes]
    low = min((float(values.min(initial=0)) for values in finite), default=0.0)
    high = max((float(values.max(initial=1)) for values in finite), default=1.0)
    return low, high


def along(layer: Layer, path: NDArray[np.float64], count: int) -> tuple[Pixels, str]:
    """Return how far along a path its values lie, and in what unit: the layer's, or pixels.

    Parameters
    ----------
    layer : Layer
        In whose pixels the path is.
    path : (N, 2) float64, pixels
        (row, column) of each corner.
    count : int
        The number of values, evenly spaced.
    """
    unit = layer.units[-1]
    if str(unit) == "pixel":
        return np.arange(count), "pixels"
    lead = np.zeros(layer.ndim - 2)
    world = np.array([layer.data_to_world([*lead, *corner])[-2:] for corner in path])
    length = np.linalg.norm(np.diff(world, axis=0), axis=1).sum()
    return np.linspace(0, length, count), f"{unit:~P}"


def profile(plane: Pixels, corners: NDArray[np.float64]) -> Pixels:
    """Return the values of a picture along a path, one a pixel, between pixels linearly.

    Parameters
    ----------
    plane : (H, W) array
        The picture.
    corners : (N, 2) float64, pixels
        (row, column) of each corner of the path.
    """
    from scipy.ndimage import map_coordinates

    # Each part holds both its ends: the joints would count twice.
    parts = [
        np.linspace(start, end, math.ceil(np.hypot(*(end - start)) + 1), axis=1)[:, (i > 0) :]
        for i, (start, end) in enumerate(pairwise(corners))
    ]
    places = np.concatenate(parts, axis=1)
    values: Pixels = map_coordinates(plane, places, order=1, mode="nearest")
    return values
