"""What was measured on a stack, plotted over one of its axes: a line for each object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from ._theme import color_axes

if TYPE_CHECKING:
    import napari

LABELED = 10
"""So many objects are named in the legend."""
HEIGHT = 220
"""Pixels."""


class TimePlot(QWidget):
    """A column of a table over the planes of a stack.

    Parameters
    ----------
    viewer : Viewer
        Whose theme it follows.

    Attributes
    ----------
    column : QComboBox
        What is plotted.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
        from matplotlib.figure import Figure

        super().__init__()
        self._viewer = viewer
        self._columns: dict[str, NDArray[np.float64]] = {}
        self._over = ""
        self.column = QComboBox()
        self.column.currentTextChanged.connect(self.draw)
        self.axes = Figure(figsize=(4, 2.4), layout="constrained").subplots()
        self._canvas = FigureCanvasQTAgg(self.axes.figure)
        self._canvas.setMinimumHeight(HEIGHT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.column)
        layout.addWidget(self._canvas)

    def fill(
        self, over: str, places: NDArray[np.float64], table: dict[str, NDArray[np.float64]]
    ) -> None:
        """Plot another table.

        Parameters
        ----------
        over : str
            What the horizontal axis is, with its unit.
        places : (N,) array
            Where on it each row lies.
        table : dict of (N,) arrays
            The columns; "label" tells objects apart, if it is among them.
        """
        self._over = over
        self._columns = {"": places, **table}
        shown = self.column.currentText()
        choices = [name for name in table if name != "label"]
        self.column.blockSignals(True)
        self.column.clear()
        self.column.addItems(choices)
        if shown in choices:
            self.column.setCurrentText(shown)
        self.column.blockSignals(False)
        self.draw()

    def draw(self, _text: str = "") -> None:
        """Draw the chosen column."""
        name = self.column.currentText()
        self.axes.clear()
        places, values = self._columns[""], self._columns[name]
        labels = self._columns.get("label", np.zeros(len(values)))
        objects = np.unique(labels)
        for label in objects:
            mine = np.flatnonzero(labels == label)
            mine = mine[np.argsort(places[mine], kind="stable")]
            style = "o-" if len(mine) < LABELED else "-"
            self.axes.plot(places[mine], values[mine], style, markersize=3, label=f"{label:g}")
        if 1 < len(objects) <= LABELED:
            self.axes.legend(title="label", fontsize="small", framealpha=0, labelcolor="linecolor")
        self.axes.set(xlabel=self._over, ylabel=name)
        color_axes((self.axes,), self._viewer.theme)
        self._canvas.draw_idle()
