"""The canvas: draws a graph, and tells what the user does to it; it changes nothing itself.

It is of our own: qtpynodeeditor 0.3.3 pans 300 nodes with thumbnails at 4 to 6 frames a second
where these, drawn once and then copied by Qt, reach hundreds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QKeySequence, QPainter
from qtpy.QtWidgets import QGraphicsScene, QGraphicsView

from ....graph import Graph, GraphNode, Link
from ....graph.contents import Contents
from ._colors import OTHER, Colors, color_of
from ._items import GroupItem, NodeItem, WireItem
from ._ports import Port, shown

GRID, ROOM, STEP = 32, 1500.0, 1.2
SMALLEST, LARGEST = 0.1, 2.5
LEFT = Qt.MouseButton.LeftButton


class End(NamedTuple):
    """An end of a wire: a node's port."""

    node: str
    number: int
    output: bool
    port: Port


class Canvas(QGraphicsView):
    """Shows the nodes and wires of a graph.

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
    selected = Signal()
    opened = Signal(str)  # a thumbnail was clicked
    searched = Signal(object, object, str)  # a place, the End of a wire or None, what was typed

    def __init__(self, colors: Colors, keys: Mapping[str, Callable[[], None]]) -> None:
        super().__init__()
        self.colors, self._keys = colors, keys
        self.nodes: dict[str, NodeItem] = {}
        self.wires: dict[tuple[str, str], WireItem] = {}
        self.groups: list[tuple[GroupItem, tuple[str, ...]]] = []
        self._links: dict[tuple[str, str], Link] = {}
        self._drawn: Mapping[str, GraphNode] = {}
        self._dragged: tuple[End, WireItem, tuple[str, str] | None] | None = None
        self._grasped: Collection[str] = ()
        self._pressed = QPointF()
        self._scene = QGraphicsScene(self)
        self.setScene(self._scene)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumSize(200, 160)
        self._scene.selectionChanged.connect(self.selected)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(420, 320)  # Qt's own is that of the scene

    # what is shown

    def show_contents(self, contents: Contents) -> None:
        """Draw a document; what has not changed is left as it is."""
        graph = contents.graph
        for key in self.nodes.keys() - graph.nodes.keys():
            self._scene.removeItem(self.nodes.pop(key))
        for key, node in graph.nodes.items():
            if key not in self.nodes:
                self.nodes[key] = NodeItem(key, shown(contents, key), self.colors)
                self._scene.addItem(self.nodes[key])
            elif self._drawn.get(key) is not node or not self.nodes[key].about.known:
                self.nodes[key].show_about(shown(contents, key))
            self.nodes[key].setPos(*contents.places.get(key, (0.0, 0.0)))
        self._drawn = graph.nodes
        self._show_wires(graph)
        for item, _ in self.groups:
            self._scene.removeItem(item)
        self.groups = [(GroupItem(g.title, self.colors), g.ids) for g in contents.groups if g.ids]
        for item, _ in self.groups:
            self._scene.addItem(item)
        self._lay_wires()
        self._scene.setSceneRect(self._extent().adjusted(-ROOM, -ROOM, ROOM, ROOM))

    def _show_wires(self, graph: Graph) -> None:
        links = {
            (node.id, name): link
            for node in graph.nodes.values()
            for name, link in node.links.items()
            if link.node in graph.nodes
        }
        for at in [at for at, link in self._links.items() if links.get(at) != link]:
            self._scene.removeItem(self.wires.pop(at))
        for at, link in links.items():
            if at not in self.wires:
                outputs = self.nodes[link.node].about.outputs
                known = link.slot < len(outputs)
                self.wires[at] = WireItem(color_of(outputs[link.slot]) if known else OTHER)
                self._scene.addItem(self.wires[at])
        self._links = links

    def _lay_wires(self, moved: Collection[str] | None = None) -> None:
        for (node, name), link in self._links.items():
            if moved is None or node in moved or link.node in moved:
                ports = [port.name for port in self.nodes[node].about.inputs]
                start = self.nodes[link.node].place_of(link.slot, output=True)
                end = self.nodes[node].place_of(ports.index(name), output=False)
                self.wires[node, name].lie(start, end)
        for item, keys in self.groups:
            item.lie_around(self.nodes[key] for key in keys if key in self.nodes)

    def _extent(self, keys: Collection[str] = ()) -> QRectF:
        rect = QRectF()
        for key in keys or self.nodes:
            rect |= self.nodes[key].area
        return rect

    def show_colors(self, colors: Colors) -> None:
        """Follow napari's theme."""
        self.colors = colors
        for node in self.nodes.values():
            node.colors = colors
            node.update()
        for group, _ in self.groups:
            group.colors = colors
        self.resetCachedContent()
        self._scene.update()

    def fit(self) -> None:
        """Show all nodes, or those that are selected."""
        rect = self._extent(self.selection)
        self.fitInView(rect.adjusted(-30, -40, 30, 30), Qt.AspectRatioMode.KeepAspectRatio)
        if self.zoom > 1:
            self.resetTransform()
            self.centerOn(rect.center())

    @property
    def sizes(self) -> dict[str, tuple[float, float]]:
        """How large the nodes are drawn."""
        return {key: (item.rect.width(), item.rect.height()) for key, item in self.nodes.items()}

    @property
    def zoom(self) -> float:
        """How large a pixel of the scene is drawn."""
        return self.transform().m11()

    @property
    def middle(self) -> tuple[float, float]:
        """The place in the scene that is in the middle."""
        place = self.mapToScene(self.rect().center())
        return place.x(), place.y()

    @property
    def selection(self) -> list[str]:
        """The selected nodes."""
        return [key for key, item in self.nodes.items() if item.isSelected()]

    def select(self, keys: Collection[str]) -> None:
        """Select these nodes, and no others."""
        self._scene.blockSignals(True)
        for key, item in self.nodes.items():
            item.setSelected(key in keys)
        self._scene.blockSignals(False)
        self.selected.emit()

    # what the user does

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

    def drawBackground(self, painter: QPainter | None, rect: QRectF) -> None:  # noqa: N802
        assert painter is not None
        painter.fillRect(rect, QColor(self.colors.background))
        if self.zoom < 0.5:
            return
        painter.setPen(QColor(self.colors.primary))
        left, top = (int(edge // GRID * GRID) for edge in (rect.left(), rect.top()))
        across, down = range(left, int(rect.right()), GRID), range(top, int(rect.bottom()), GRID)
        for x in across:
            for y in down:
                painter.drawPoint(x, y)
