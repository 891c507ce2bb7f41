"""What was measured, below Run: a table, a plot over a stack, and the object of a chosen row."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ...framework.tables import has_rows, rows_of
from ._places import Shape, pixels
from ._showing import camera_of
from ._table import ResultTable
from ._time_plot import TimePlot
from ._work import Outcome, Request

if TYPE_CHECKING:
    import napari


class Measurements(QWidget):
    """Numbers of a run: of one plane or object, or of many.

    Parameters
    ----------
    viewer : Viewer
        Where the object of a chosen row is shown.

    Attributes
    ----------
    table : ResultTable
    plot : TimePlot or None
        Of objects over a stack; None before the first.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._objects: list[tuple[Shape, int]] = []
        self._labels: Any = None
        self.table = ResultTable()
        self.table.view.itemSelectionChanged.connect(self._show_object)
        self.plot: TimePlot | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        self.hide()

    def show_tables(self, request: Request, outcome: Outcome) -> list[str]:
        """Show what was measured: a table of a stack or of objects; return the rest as lines.

        Parameters
        ----------
        request : Request
            What was asked for.
        outcome : Outcome
            Its tables, one a plane.
        """
        tables, several = outcome.tables, len(outcome.tables) > 1
        self._objects = []
        if tables and has_rows(tables[0]):
            return [self._show_objects(request, outcome)]
        self.setVisible(several)
        if several:
            rows = zip(request.planes, tables, strict=True)
            self.table.fill(
                [*(f"axis {n}" for n in range(len(request.grid.stack))), *tables[0]],
                [[*plane, *table.values()] for plane, table in rows],
            )
        told = [f"mean of {len(tables)} planes"] if several else []
        for name in tables[0] if tables else ():
            told.append(f"{name}: {fmean(table[name] for table in tables):.5g}")
        return told

    def _show_objects(self, request: Request, outcome: Outcome) -> str:
        """Show a row for each object, of one plane in the features of its layer, too."""
        tables = outcome.tables
        stacked = len(request.grid.stack) if len(tables) > 1 else 0
        rows = [
            (plane, row)
            for plane, table in zip(request.planes, tables, strict=True)
            for row in rows_of(table)
        ]
        self.table.fill(
            [*(f"axis {n}" for n in range(stacked)), *tables[0]],
            [[*plane[:stacked], *row] for plane, row in rows],
        )
        labels = list(tables[0]).index("label")
        self._objects = [(plane, int(row[labels])) for plane, row in rows]
        self._labels = request.layers.get("labels")
        if len(tables) == 1 and self._labels is not None and hasattr(self._labels, "features"):
            columns = dict(tables[0])
            # napari finds an object's row by this name.
            self._labels.features = {"index": columns.pop("label").astype(int), **columns}
        if stacked == 1:
            self._plot(request, outcome)
        elif self.plot is not None:
            self.plot.hide()
        self.show()
        return f"{len(rows)} objects"

    def _plot(self, request: Request, outcome: Outcome) -> None:
        if self.plot is None:
            self.plot = TimePlot(self._viewer)
            layout = self.layout()
            assert layout is not None
            layout.addWidget(self.plot)
        layer: Any = request.grid.stack_layer
        unit, name = layer.units[0], layer.axis_labels[0]
        counts = [len(table["label"]) for table in outcome.tables]
        places = np.repeat([float(plane[0]) for plane in request.planes], counts)
        # napari calls an axis without a name -3.
        over = f"axis {name}" if name.startswith("-") else name
        if str(unit) == "pixel":
            over += " (planes)"
        else:
            over, places = f"{over} ({unit:~P})", places * layer.scale[0]
        columns = {
            title: np.concatenate([table[title] for table in outcome.tables])
            for title in outcome.tables[0]
        }
        self.plot.fill(over, places, columns)
        self.plot.show()

    def _show_object(self) -> None:
        """Select the object of the chosen row, and move to where it lies."""
        chosen = self.table.chosen_row()
        layer = self._labels
        if chosen is None or not self._objects or layer is None or layer not in self._viewer.layers:
            return
        plane, label = self._objects[chosen]
        data = pixels(layer)
        own = plane if len(data.shape) == len(plane) + 2 else ()
        places = np.argwhere(np.asarray(data[own]) == label)
        layer.selected_label = label
        if len(places) == 0:
            return
        world = layer.data_to_world((*own, *places.mean(axis=0)))
        lead = len(self._viewer.dims.point) - len(world)
        for axis, at in enumerate(world[:-2]):
            self._viewer.dims.set_point(lead + axis, at)
        camera_of(self._viewer).center = tuple(world[-2:])
