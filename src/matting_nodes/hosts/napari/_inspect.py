"""Inspect: a matte's histogram, its values along a drawn line, and a linked side-by-side view."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui import widgets
from numpy.typing import NDArray

if TYPE_CHECKING:
    import napari
    from napari.layers import Image, Shapes

BINS = 64
# A line being dragged is followed, but not drawn at every step of the mouse.
PAUSE = 50


class InspectWidget(widgets.Container):  # type: ignore[type-arg]
    """Shows how alpha is distributed, and what it is along a line, beside another matte.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers can be chosen.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
        from matplotlib.figure import Figure
        from napari.layers import Image, Shapes
        from superqt.utils import QSignalDebouncer

        self._viewer = napari_viewer
        self._watched: list[Any] = []
        self.alpha = _choice("alpha", Image, "The matte.")
        self.reference = _choice("reference", Image | None, "Another matte, or the ground truth.")
        self.line = _choice("line", Shapes | None, "Its last shape is the line: draw one.")
        self.side_by_side = widgets.CheckBox(
            text="side by side", tooltip="Show every visible layer apart; all move together."
        )
        super().__init__(widgets=[self.alpha, self.reference, self.line, self.side_by_side])
        self.figure = Figure(figsize=(4, 5), layout="constrained")
        self.histogram, self.profile = self.figure.subplots(2, 1)
        self._canvas = FigureCanvasQTAgg(self.figure)
        self.native.layout().addWidget(self._canvas)
        self._pause = QSignalDebouncer(parent=self.native)
        self._pause.setTimeout(PAUSE)
        self._pause.triggered.connect(self.draw)
        for choice in (self.alpha, self.reference, self.line):
            choice.changed.connect(self._choose)
        self.side_by_side.changed.connect(self._arrange)
        napari_viewer.dims.events.current_step.connect(self._ask)
        self.native.destroyed.connect(self._stop_watching)
        self._choose()

    def draw(self) -> None:
        """Draw what the chosen layers hold now."""
        mattes = [layer for layer in (self.alpha.value, self.reference.value) if layer is not None]
        line = self.line.value
        self.histogram.clear()
        self.profile.clear()
        for layer in mattes:
            plane = self._plane(layer)
            self.histogram.hist(
                plane.ravel(), bins=BINS, range=(0, 1), histtype="step", label=layer.name
            )
            if line is not None and len(line.data):
                self.profile.plot(profile(plane, path(line, layer)), label=layer.name)
        self.histogram.set(xlabel="alpha", ylabel="pixels", yscale="log")
        self.profile.set(xlabel="pixels along the line", ylabel="alpha", ylim=(-0.05, 1.05))
        if mattes:
            self.histogram.legend()
        self._canvas.draw_idle()

    def _plane(self, layer: Image) -> NDArray[np.floating[Any]]:
        """Return the plane of a layer that is on show, in 0..1."""
        from ...arrays import as_alpha

        data = layer.data[0] if layer.multiscale else layer.data
        step = self._viewer.dims.current_step[-data.ndim : -2] if data.ndim > 2 else ()
        return as_alpha(np.asarray(data[tuple(step)]))

    def _choose(self, _value: Any = None) -> None:
        self._stop_watching()
        for choice in (self.alpha, self.reference, self.line):
            if choice.value is not None:
                choice.value.events.data.connect(self._ask)
                choice.value.events.set_data.connect(self._ask)
                self._watched.append(choice.value)
        self._ask()

    def _stop_watching(self, _event: Any = None) -> None:
        for layer in self._watched:
            layer.events.data.disconnect(self._ask)
            layer.events.set_data.disconnect(self._ask)
        self._watched = []

    def _ask(self, _event: Any = None) -> None:
        self._pause.throttle()

    def _arrange(self, apart: bool) -> None:
        # Before napari 0.9 the grid was the viewer's own.
        getattr(self._viewer, "canvas", self._viewer).grid.enabled = apart
        self._viewer.reset_view()


def path(line: Shapes, layer: Image) -> NDArray[np.float64]:
    """Return the corners of a layer's last shape in the pixels of another layer, (N, 2)."""
    corners = [layer.world_to_data(line.data_to_world(corner)) for corner in line.data[-1]]
    return np.asarray(corners, float)[:, -2:]


def profile(plane: NDArray[Any], corners: NDArray[np.float64]) -> NDArray[np.floating[Any]]:
    """Return the values of a picture along a path, one a pixel, between pixels linearly."""
    from skimage.measure import profile_line

    parts = [
        profile_line(plane, start, end, order=1, mode="nearest") for start, end in pairwise(corners)
    ]
    # Each part holds both its ends: the joints would count twice.
    return np.concatenate([part[(i > 0) :] for i, part in enumerate(parts)])


def _choice(name: str, annotation: Any, tooltip: str) -> Any:
    return widgets.create_widget(name=name, annotation=annotation, options={"tooltip": tooltip})
