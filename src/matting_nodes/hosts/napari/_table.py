"""A table that can be sorted by its columns and saved; it scrolls, and grows no window."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...errors import MattingError
from ...framework.tables import write_table
from ...io.images import write_whole

Cell = str | float
ROW = Qt.ItemDataRole.UserRole + 1
"""Where a cell keeps the number of its row, as it was filled in."""
HEIGHT = 200
"""Pixels."""


class ResultTable(QWidget):
    """Rows of texts and numbers, and a button that saves them in the order on show."""

    def __init__(self) -> None:
        super().__init__()
        self.view = QTableWidget()
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setMinimumHeight(HEIGHT)
        self.view.setMinimumWidth(0)
        if (numbers := self.view.verticalHeader()) is not None:
            numbers.hide()
        self.save_button = QPushButton("Save table…")
        self.save_button.clicked.connect(self._ask_and_save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        layout.addWidget(self.save_button)

    def fill(self, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Show other rows.

        Parameters
        ----------
        columns : sequence of str
            Their titles.
        rows : sequence of sequences
            A cell for each column.
        """
        self.view.setSortingEnabled(False)
        self.view.setColumnCount(len(columns))
        self.view.setHorizontalHeaderLabels(list(columns))
        self.view.setRowCount(0)
        for row in rows:
            self.add(row)
        self.view.resizeColumnsToContents()
        self.view.setSortingEnabled(True)

    def add(self, row: Sequence[Cell]) -> None:
        """Add a row at the end, or where it is sorted to.

        Parameters
        ----------
        row : sequence
            A cell for each column.
        """
        was_sorting = self.view.isSortingEnabled()
        # A row that moved while its cells are set would leave them in others.
        self.view.setSortingEnabled(False)
        number = self.view.rowCount()
        self.view.insertRow(number)
        for column, cell in enumerate(row):
            item = _item(cell)
            item.setData(ROW, number)
            self.view.setItem(number, column, item)
        self.view.setSortingEnabled(was_sorting)

    def wrap_last_column(self) -> None:
        """Let the last column take what the others leave; `fit_rows` makes room for its lines."""
        if (columns := self.view.horizontalHeader()) is not None:
            columns.setStretchLastSection(True)
            columns.sortIndicatorChanged.connect(self.fit_rows)

    def fit_rows(self, *_: object) -> None:
        """Make rows as high as their texts; once all are there, since it measures every one."""
        self.view.resizeRowsToContents()

    def rows(self) -> list[list[str]]:
        """Return the cells in the order on show, numbers in full."""
        return [
            [str(self._cell(row, column)) for column in range(self.view.columnCount())]
            for row in range(self.view.rowCount())
        ]

    def chosen_row(self) -> int | None:
        """Return which of the rows is selected, counted as they were filled in; None if none."""
        chosen = self.view.selectedItems()
        number = chosen[0].data(ROW) if chosen else None
        return None if number is None else int(number)

    def save(self, path: str | Path) -> None:
        """Save the rows in the order on show.

        Parameters
        ----------
        path : str or Path
            The file, .csv or .parquet; it is replaced.

        Raises
        ------
        MattingError
            If it cannot be written.
        """
        columns = self._titles()
        if Path(path).suffix.lower() == ".parquet":
            rows = range(self.view.rowCount())
            cells = {
                title: [self._cell(row, column) for row in rows]
                for column, title in enumerate(columns)
            }
            write_table(Path(path), cells, force=True)
            return
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(columns)
        writer.writerows(self.rows())
        write_whole(Path(path), text.getvalue().encode())

    def _titles(self) -> list[str]:
        titles = [self.view.horizontalHeaderItem(n) for n in range(self.view.columnCount())]
        return [title.text() if title else "" for title in titles]

    def _cell(self, row: int, column: int) -> Cell:
        item = self.view.item(row, column)
        kept: Cell = item.data(Qt.ItemDataRole.UserRole) if item else ""
        return kept

    def _ask_and_save(self) -> None:
        from napari.utils.notifications import show_error

        kinds = "CSV (*.csv);;Parquet (*.parquet)"
        path, _ = QFileDialog.getSaveFileName(self, "Save table", "table.csv", kinds)
        if not path:
            return
        try:
            self.save(path)
        except MattingError as error:
            show_error(str(error))


class _Number(QTableWidgetItem):
    """A cell that is sorted as the number it is."""

    def __lt__(self, other: QTableWidgetItem) -> bool:
        mine, others = (item.data(Qt.ItemDataRole.UserRole) for item in (self, other))
        return bool(mine < others)


def _item(cell: Cell) -> QTableWidgetItem:
    item = QTableWidgetItem(cell) if isinstance(cell, str) else _Number(f"{cell:.5g}")
    item.setData(Qt.ItemDataRole.UserRole, cell)
    if isinstance(cell, str):
        item.setToolTip(cell)
    return item
