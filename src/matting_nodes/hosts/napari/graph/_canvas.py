"""The canvas: tells what the user does to a graph by mouse and keys; it changes nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from qtpy.QtCore import QEvent, QPointF, Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QGraphicsView

from ....graph import Link
from ._colors import Colors, color_of
from ._items import NodeItem, WireItem
from ._ports import Port
from ._view import View

STEP, SMALLEST, LARGEST = 1.2, 0.1, 2.5
LEFT = Qt.MouseButton.LeftButton


class End(NamedTuple):
    """An end of a wire: a node's port."""

    node: str
    number: int
    output: bool
    port: Port


class Canvas(View):
    """Lets the nodes and wires of a graph be moved, wired and chosen.

    Parameters
    ----------
    colors : Colors
        The theme's.
    keys : mapping of str to callable()
        What keys do while the focus is here: "Ctrl+Z".
    """

    wired = Signal(object, str, str)  # a Link, and the node and input that it goes to
    unwired = Signal(str, str)
    moved = Signal(object)  # {node: (x, y)}
    opened = Signal(str)  # a thumbnail was clicked
    searched = Signal(object, object, str)  # a place, the End of a wire or None, what was typed

    def __init__(self, colors: Colors, keys: Mapping[str, Callable[[], None]]) -> None:
        super().__init__(colors)
        self._keys = keys
        self._dragged: tuple[End, WireItem, tuple[str, str] | None] | None = None
        self._grasped: Collection[str] = ()
        self._pressed = QPointF()

    def _end_at(self, place: QPointF) -> End | None:
        for item in reversed(list(self.nodes.values())):
            found = item.port_at(place)
            if found is not None:
                number, output = found
                ports = item.about.outputs if output else item.about.inputs
                return End(item.key, number, output, ports[number])
        return None

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
        group = next((keys for item, keys in self.groups if item.title_bar.contains(place)), ())
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
            end, wire, _ = self._dragged
            start = self.nodes[end.node].place_of(end.number, end.output)
            wire.lie(*((start, place) if end.output else (place, start)))
            return
        if self._grasped:
            for key in self._grasped:
                self.nodes[key].moveBy(*self._away(place))
            self._pressed = place
        else:
            super().mouseMoveEvent(event)
        if event.buttons() & LEFT and (moving := self.selection):
            self._lay_wires(moving)

    def _away(self, place: QPointF) -> tuple[float, float]:
        return place.x() - self._pressed.x(), place.y() - self._pressed.y()

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
            self.moved.emit({k: self._place(self.nodes[k]) for k in self.selection})

    @staticmethod
    def _place(item: NodeItem) -> tuple[float, float]:
        return item.pos().x(), item.pos().y()

    def _begin_wire(self, end: End, place: QPointF) -> None:
        """Begin a wire at a port; at an input that has one, take that one's end off."""
        at = (end.node, end.port.name)
        taken = at if not end.output and at in self._links else None
        if taken is not None:
            link = self._links[taken]
            port = self.nodes[link.node].about.outputs[link.slot]
            end = End(link.node, link.slot, True, port)
            self.wires[taken].hide()
        wire = WireItem(color_of(end.port))
        self._scene.addItem(wire)
        self._dragged = end, wire, taken
        for item in self.nodes.values():
            item.show_wanted(end.port, not end.output)
        start = self.nodes[end.node].place_of(end.number, end.output)
        wire.lie(*((start, place) if end.output else (place, start)))

    def _end_wire(self, place: QPointF) -> None:
        """End a wire: at a port, at the first free one of a node that fits, or nowhere."""
        assert self._dragged is not None
        (begun, wire, taken), self._dragged = self._dragged, None
        self._scene.removeItem(wire)
        for item in self.nodes.values():
            item.show_wanted(None)
        if taken is not None:
            self.wires[taken].show()
        over = self._node_at(place)
        end = self._end_at(place) or (over and self._free(over, begun))
        if isinstance(end, End) and end.output != begun.output:
            source, target = (begun, end) if begun.output else (end, begun)
            if taken == (target.node, target.port.name):
                return
            if taken is not None:
                self.unwired.emit(*taken)
            self.wired.emit(Link(source.node, source.number), target.node, target.port.name)
        elif taken is not None:
            self.unwired.emit(*taken)
        elif over is None:
            self.searched.emit(place, begun, "")

    def _free(self, item: NodeItem, begun: End) -> End | None:
        output = not begun.output
        ports = item.about.outputs if output else item.about.inputs
        fitting = [End(item.key, n, output, p) for n, p in enumerate(ports) if p.takes(begun.port)]
        free = [end for end in fitting if output or (item.key, end.port.name) not in self._links]
        return next(iter(free), None)

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
