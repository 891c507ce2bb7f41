"""The canvas: tells what the user does to a graph by mouse and keys; it changes nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from qtpy.QtCore import QEvent, QPointF, Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QGraphicsView

from ....graph.canvas.placed import end_at
from ....graph.canvas.routing import curve
from ....graph.canvas.wiring import End, Input, free_end, grasped
from ._colors import Colors, color_of
from ._items import NodeItem, WireItem
from ._view import View

STEP, SMALLEST, LARGEST = 1.2, 0.1, 2.5
LEFT = Qt.MouseButton.LeftButton


class Canvas(View):
    """Lets the nodes and wires of a graph be moved, wired and chosen.

    Parameters
    ----------
    colors : Colors
        The theme's.
    keys : mapping of str to callable()
        What keys do while the focus is here: "Ctrl+Z".
    """

    # A wire: the End that it begins at, the Input that it was taken off, the End that it is put at.
    wired = Signal(object, object, object)
    moved = Signal(object)  # {node: (x, y)}
    opened = Signal(str)  # a thumbnail was clicked
    searched = Signal(object, object, str)  # a place, the End of a wire or None, what was typed

    def __init__(self, colors: Colors, keys: Mapping[str, Callable[[], None]]) -> None:
        super().__init__(colors)
        self._keys = keys
        self._dragged: tuple[End, WireItem, Input | None] | None = None
        self._grasped: Collection[str] = ()
        self._pressed = QPointF()

    def _end_at(self, place: QPointF) -> End | None:
        return end_at(self.placed, (place.x(), place.y()))

    def _node_at(self, place: QPointF) -> NodeItem | None:
        items = self._scene.items(place)
        return next((item for item in items if isinstance(item, NodeItem)), None)

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        place = self.mapToScene(event.position().toPoint())
        self._pressed = place
        end = self._end_at(place) if event.button() == LEFT else None
        if end is not None:
            self._begin_wire(end, place)
            return
        barred = (f.frame.nodes for f in self.frames if f.title_bar.contains(place))
        group: Collection[str] = next(barred, ())
        if group and self._node_at(place) is None:
            self.select(group)
            self._grasped = group
            return
        choosing = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        mode = QGraphicsView.DragMode
        self.setDragMode(mode.RubberBandDrag if choosing else mode.ScrollHandDrag)
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802
        place = self.mapToScene(event.position().toPoint())
        if self._dragged is not None:
            self._lie(place)
            return
        if self._grasped:
            way = place - self._pressed
            for key in self._grasped:
                self.nodes[key].moveBy(way.x(), way.y())
            self._pressed = place
        else:
            super().mouseMoveEvent(event)
        if event.buttons() & LEFT and (moving := self.selection):
            self._lay_wires(moving)

    def mouseReleaseEvent(self, event: Any) -> None:  # noqa: N802
        place = self.mapToScene(event.position().toPoint())
        if self._dragged is not None:
            self._end_wire(place)
            return
        super().mouseReleaseEvent(event)
        self.setDragMode(QGraphicsView.DragMode.NoDrag)
        self._grasped = ()
        item = self._node_at(place)
        clicked = event.button() == LEFT and place == self._pressed
        if clicked and item and item.thumbnail and item.picture.contains(place - item.pos()):
            self.opened.emit(item.key)
        if self.selection:
            self.moved.emit({key: self.nodes[key].placed.place for key in self.selection})

    def _begin_wire(self, end: End, place: QPointF) -> None:
        """Begin a wire at a port; at an input that has one, take that one's end off."""
        end, left = grasped(self._contents, end)
        if left is not None:
            self.wires[left].hide()
        wire = WireItem(color_of(end.port))
        self._scene.addItem(wire)
        self._dragged = end, wire, left
        for item in self.nodes.values():
            item.show_wanted(end.port, not end.output)
        self._lie(place)

    def _lie(self, place: QPointF) -> None:
        assert self._dragged is not None
        end, wire, _ = self._dragged
        ends = self.nodes[end.node].placed.port(end.number, end.output), (place.x(), place.y())
        start, stop = ends if end.output else reversed(ends)
        wire.lie(start, [curve(start, stop)])

    def _end_wire(self, place: QPointF) -> None:
        """End a wire: at a port, at the first free one of a node that fits, or nowhere."""
        assert self._dragged is not None
        (begun, wire, left), self._dragged = self._dragged, None
        self._scene.removeItem(wire)
        for item in self.nodes.values():
            item.show_wanted(None)
        if left is not None:
            self.wires[left].show()
        over = self._node_at(place)
        end = self._end_at(place) or (over and free_end(self._contents, over.key, begun))
        if over is None and end is None and left is None:
            self.searched.emit(place, begun, "")
        else:
            self.wired.emit(begun, left, end)

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802
        place = self.mapToScene(event.position().toPoint())
        if self._node_at(place) is None:
            self.searched.emit(place, None, "")

    def wheelEvent(self, event: Any) -> None:  # noqa: N802
        factor = STEP if event.angleDelta().y() > 0 else 1 / STEP
        if SMALLEST < self.zoom * factor < LARGEST:
            self.scale(factor, factor)

    def _action(self, event: Any) -> Callable[[], None] | None:
        keys = QKeySequence(event.keyCombination()).toString(QKeySequence.SequenceFormat(1))
        return self._keys.get(keys.replace("Num+", ""))

    def event(self, event: Any) -> bool:
        # Before napari's own shortcuts of the same keys, and before Tab moves the focus.
        if event.type() in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            action = self._action(event)
            if action is not None:
                event.accept()
                if event.type() == QEvent.Type.KeyPress:
                    action()
                return True
        return bool(super().event(event))

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        if event.text().isalnum():  # typing searches
            self.searched.emit(QPointF(*self.middle), None, event.text())
        else:
            super().keyPressEvent(event)
