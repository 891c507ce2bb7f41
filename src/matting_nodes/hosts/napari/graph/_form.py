"""The selected node's title, wires and parameters, to be set by mouse or keyboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from magicgui import widgets
from qtpy.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from ....graph import Document
from .._fields import field
from ._rows import ADVANCED, TITLE, Row, put, rows_of, values_of


class Form:
    """Shows a node of the document.

    Parameters
    ----------
    document : Document
        Whose nodes they are.
    change : callable(function, *arguments)
        Calls a function that changes the document; says what is wrong if it refuses.
    layers : callable() -> list of str
        The names of the layers that a source may take.
    """

    def __init__(
        self, document: Document, change: Callable[..., None], layers: Callable[[], Sequence[str]]
    ) -> None:
        self.document, self._change, self._layers = document, change, layers
        self.node: str | None = None
        self.fields: dict[str, Any] = {}
        self.advanced = self._filling = False
        self._shown: tuple[str | None, list[Row]] = None, []
        self.native, self._page = QWidget(), QWidget()
        self._rows = QVBoxLayout(self.native)
        self._rows.addWidget(self._page)

    def focus(self) -> None:
        """Give the keyboard to the first field below the title."""
        for name in list(self.fields)[1:2] or list(self.fields):
            self.fields[name].native.setFocus()

    def show_node(self, key: str | None) -> None:
        """Show this node, or none; fields that are there stay, with the values of now."""
        contents, layers = self.document.contents, self._layers()
        self.node = key if key in contents.graph.nodes else None
        rows = rows_of(contents, self.node, layers, self.advanced) if self.node else []
        if self._shown != (self.node, rows):
            self._shown = self.node, rows
            self._build(rows)
        if self.node:
            values = values_of(contents, self.node, layers)
            self._fill({**values, ADVANCED: self.advanced})

    def _build(self, rows: Sequence[Row]) -> None:
        self.fields = fields = {row.name: _widget(row) for row in rows}
        page, old = QWidget(), self._page
        lines = QFormLayout(page)
        for name, widget in fields.items():
            lines.addRow(widget.label if name else "", widget.native)
            if name:
                widget.changed.connect(partial(self._put, name))
        # magicgui's part of a field must outlive Qt's: PySide6 crashes otherwise.
        page.destroyed.connect(lambda *_: fields.clear())
        self._rows.replaceWidget(old, page)
        old.hide()
        old.deleteLater()
        self._page = page

    def _put(self, name: str, value: Any) -> None:
        if self._filling:
            return
        if name == ADVANCED:
            self.advanced = value
            self.show_node(self.node)
        else:
            self._change(put, self.document, self.node, name, value)

    def _fill(self, values: dict[str, Any]) -> None:
        self._filling = True
        try:
            for name in self.fields.keys() & values.keys():
                if self.fields[name].value != values[name]:
                    _show(self.fields[name], values[name])
        finally:
            self._filling = False


def _widget(row: Row) -> Any:
    if row.parameter is not None:
        return field(row.parameter)
    if row.choices:
        return widgets.ComboBox(label=row.label, choices=row.choices, tooltip=row.tooltip)
    if row.name == TITLE:
        return widgets.LineEdit(label=row.label)
    if row.name == ADVANCED:
        return widgets.CheckBox(text=row.name, label="")
    return widgets.Label(value=row.label)


def _show(widget: Any, value: Any) -> None:
    """Let a field show a value, if it can: a file may hold one that is out of range."""
    try:
        widget.value = value
    except ValueError:
        widget.tooltip = f"The document holds {value!r}, which cannot be shown here."
