"""Inspect: a matte's histogram, its values along a drawn line, and a linked side-by-side view."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from magicgui import widgets
from numpy.typing import NDArray

from ...arrays import Kind, Pixels, as_alpha
from ...errors import ValueRangeError
from ...framework.spec import Input
from ._choices import LayerChoice, propose
from ._layers import plane_on_show
from ._places import in_pixels_of
from ._protocols import Layer

if TYPE_CHECKING:
    import napari

BINS = 64
# A line being dragged is followed, but not drawn at every step of the mouse.
PAUSE = 50
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
        from superqt.utils import QSignalDebouncer

        self._viewer = napari_viewer
        self._watched: list[Layer] = []
        self.layer_choices = {wire.name: LayerChoice(wire, napari_viewer) for wire in INPUTS}
        self.alpha, self.reference, self.line = self.layer_choices.values()
        self.side_by_side = widgets.CheckBox(
            text="side by side", tooltip="Show every visible layer apart; all move together."
        )
        super().__init__(widgets=[*self.layer_choices.values(), self.side_by_side])
        self.figure = Figure(figsize=(4, 5), layout="constrained")
        self.histogram, self.profile = self.figure.subplots(2, 1)
        self._canvas = FigureCanvasQTAgg(self.figure)
        self.native.layout().addWidget(self._canvas)
        self._pause = QSignalDebouncer(parent=self.native)
        self._pause.setTimeout(PAUSE)
        self._pause.triggered.connect(self.draw)
        self._propose_layers()
        for choice in self.layer_choices.values():
            choice.changed.connect(self._propose_layers)
            choice.changed.connect(self._choose)
        self.side_by_side.changed.connect(self._arrange)
        napari_viewer.dims.events.current_step.connect(self._ask)
        self.native.destroyed.connect(self._stop_watching)
        self._choose()

    def reset_choices(self, *args: object) -> None:
        """Offer new layers."""
        super().reset_choices(*args)
        self._propose_layers()

    def draw(self) -> None:
        """Draw what the chosen layers hold now."""
        mattes = [layer for layer in (self.alpha.value, self.reference.value) if layer is not None]
        line = self.line.value
        self.histogram.clear()
        self.profile.clear()
        planes = [shown_values(plane_on_show(layer, self._viewer.dims.point)) for layer in mattes]
        low, high = shown_range(planes)
        for layer, plane in zip(mattes, planes, strict=True):
            finite = plane[np.isfinite(plane)]
            lost = plane.size - finite.size
            label = f"{layer.name} ({lost} NaN or infinite)" if lost else layer.name
            self.histogram.hist(finite, bins=BINS, range=(low, high), histtype="step", label=label)
            if line is not None and len(line.data):
                path = in_pixels_of(layer, line, line.data[-1])
                self.profile.plot(profile(plane, path), label=layer.name)
        values, margin = ("alpha" if (low, high) == (0, 1) else "value"), 0.05 * (high - low)
        self.histogram.set(xlabel=values, ylabel="pixels", yscale="log")
        limits = low - margin, high + margin
        self.profile.set(xlabel="pixels along the line", ylabel=values, ylim=limits)
        if mattes:
            self.histogram.legend()
        self._canvas.draw_idle()

    def _propose_layers(self, _value: object = None) -> None:
        propose(self.layer_choices, {"alpha", "reference"}, self._viewer.layers.selection.active)

    def _choose(self, _value: object = None) -> None:
        self._stop_watching()
        for choice in self.layer_choices.values():
            if choice.value is not None:
                choice.value.events.data.connect(self._ask)
                choice.value.events.set_data.connect(self._ask)
                self._watched.append(choice.value)
        self._ask()

    def _stop_watching(self, _event: object = None) -> None:
        for layer in self._watched:
            layer.events.data.disconnect(self._ask)
            layer.events.set_data.disconnect(self._ask)
        self._watched = []

    def _ask(self, _event: object = None) -> None:
        self._pause.throttle()

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


def profile(plane: Pixels, corners: NDArray[np.float64]) -> Pixels:
    """Return the values of a picture along a path, one a pixel, between pixels linearly.

    Parameters
    ----------
    plane : (H, W) array
        The picture.
    corners : (N, 2) float64, pixels
        (row, column) of each corner of the path.
    """
    from skimage.measure import profile_line

    parts = [
        profile_line(plane, start, end, order=1, mode="nearest") for start, end in pairwise(corners)
    ]
    # Each part holds both its ends: the joints would count twice.
    return np.concatenate([part[(i > 0) :] for i, part in enumerate(parts)])
