"""The palette: every type of node, found by typing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from ....graph.canvas.palette import Entry, ranked

MOVING = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)


class Palette(QFrame):
    """A list over the canvas from which one entry is chosen.

    Parameters
    ----------
    parent : QWidget
        The canvas.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._canvas = parent
        self.setAutoFillBackground(True)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.search, self.list = QLineEdit(), QListWidget()
        self.search.setPlaceholderText("Search: a node, a layer")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(6, 6, 6, 6)
        rows.addWidget(self.search)
        rows.addWidget(self.list)
        self._entries: Sequence[Entry] = ()
        self._choose: Callable[[Entry], None] = lambda entry: None
        self.search.textChanged.connect(self._list_found)
        self.search.installEventFilter(self)
        self.list.itemClicked.connect(self._take)
        self.hide()

    def ask(self, entries: Sequence[Entry], text: str, choose: Callable[[Entry], None]) -> None:
        """Open with these entries, and call a function with the one that is chosen."""
        self._entries, self._choose = entries, choose
        room = self._canvas
        self.resize(min(300, room.width() - 16), min(360, room.height() - 16))
        self.move((room.width() - self.width()) // 2, 8)
        self.search.setText(text)
        self._list_found()
        self.show()
        self.raise_()
        self.search.setFocus()

    def _list_found(self, _text: str = "") -> None:
        self.list.clear()
        for entry in ranked(self._entries, self.search.text()):
            item = QListWidgetItem(entry.title)
            item.setToolTip(entry.summary)
            item.setData(Qt.ItemDataRole.UserRole, entry)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _take(self, item: QListWidgetItem | None) -> None:
        self.close_up()
        if item is not None:
            self._choose(item.data(Qt.ItemDataRole.UserRole))

    def close_up(self) -> None:
        """Close, and give the canvas the focus."""
        self.hide()
        self._canvas.setFocus()

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 (Qt's name)
        if event.type() == QEvent.Type.FocusOut:
            self.hide()
        if event.type() == QEvent.Type.KeyPress:
            if event.key() in MOVING:
                self.list.keyPressEvent(event)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take(self.list.currentItem())
                return True
            if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Tab):
                self.close_up()
                return True
        return bool(super().eventFilter(watched, event))
