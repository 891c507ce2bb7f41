"""What is drawn of a graph: its nodes, wires and groups.

It is drawn by code of our own: qtpynodeeditor 0.3.3 pans 300 nodes with thumbnails at 4 to 6 frames
a second where these, drawn once and then copied by Qt, reach hundreds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QPainter, QPixmap
from qtpy.QtWidgets import QGraphicsScene, QGraphicsView

from ....graph import Contents, Graph, GraphNode, Link
from ....graph.canvas.figures import Frame, frames
from ....graph.canvas.placed import Placed, courses
from ....graph.canvas.ports import shown
from ....graph.canvas.wiring import wires
from ....graph.layout import bounds
from ._colors import Colors, color_from
from ._items import FrameItem, NodeItem, WireItem

GRID, ROOM = 32, 1500.0


class View(QGraphicsView):
    """Shows the nodes and wires of a graph.

    Parameters
    ----------
    colors : Colors
        The theme's.
    """

    selected = Signal()

    def __init__(self, colors: Colors) -> None:
        super().__init__()
        self.colors = colors
        self.nodes: dict[str, NodeItem] = {}
        self.wires: dict[tuple[str, str], WireItem] = {}
        self.frames: list[FrameItem] = []
        self._contents = Contents()
        self._links: dict[tuple[str, str], Link] = {}
        self._drawn: Mapping[str, GraphNode] = {}
        self._scene = QGraphicsScene(self)
        self.setScene(self._scene)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumSize(200, 160)
        self._scene.selectionChanged.connect(self.selected)
        self._draw_grid()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(420, 320)  # Qt's own is that of the scene

    def show_contents(self, contents: Contents) -> None:
        """Draw a document; what has not changed is left as it is."""
        self._contents, graph = contents, contents.graph
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
        self._show_frames(frames(contents))
        self._lay_wires()
        self._scene.setSceneRect(self._extent().adjusted(-ROOM, -ROOM, ROOM, ROOM))

    def _show_wires(self, graph: Graph) -> None:
        links = wires(graph)
        for at in [at for at, link in self._links.items() if links.get(at) != link]:
            self._scene.removeItem(self.wires.pop(at))
        for at, link in links.items():
            if at not in self.wires:
                self.wires[at] = WireItem(color_from(self.nodes[link.node].about, link.slot))
                self._scene.addItem(self.wires[at])
        self._links = links

    def _show_frames(self, wanted: list[Frame]) -> None:
        if [item.frame for item in self.frames] != wanted:
            for item in self.frames:
                self._scene.removeItem(item)
            self.frames = [FrameItem(frame, self.colors) for frame in wanted]
            for item in self.frames:
                self._scene.addItem(item)

    @property
    def placed(self) -> dict[str, Placed]:
        """The nodes and where they are drawn."""
        return {key: item.placed for key, item in self.nodes.items()}

    def _lay_wires(self, moved: Collection[str] | None = None) -> None:
        placed = self.placed
        for at, start, curves in courses(self._links, placed, moved):
            self.wires[at].lie(start, curves)
        for item in self.frames:
            if item.frame.nodes:
                item.lie_around([placed[key].box for key in item.frame.nodes])

    def _extent(self, keys: Collection[str] = ()) -> QRectF:
        """Return where these nodes are, or all that is drawn."""
        boxes = [self.nodes[key].placed.box for key in keys or self.nodes]
        return QRectF(*bounds(boxes + ([] if keys else [item.box for item in self.frames])))

    def show_colors(self, colors: Colors) -> None:
        """Follow napari's theme."""
        self.colors = colors
        items: list[NodeItem | FrameItem] = [*self.nodes.values(), *self.frames]
        for item in items:
            item.show_colors(colors)
        self._draw_grid()

    def _draw_grid(self) -> None:
        tile = QPixmap(GRID, GRID)
        tile.fill(QColor(self.colors.background))
        painter = QPainter(tile)
        painter.fillRect(0, 0, 2, 2, QColor(self.colors.primary))
        painter.end()
        self.setBackgroundBrush(QBrush(tile))

    def fit(self) -> None:
        """Show all nodes, or those that are selected."""
        rect = self._extent(self.selection)
        self.fitInView(rect.adjusted(-30, -40, 30, 30), Qt.AspectRatioMode.KeepAspectRatio)
        if self.zoom > 1:
            self.resetTransform()
            self.centerOn(rect.center())

    @property
    def sizes(self) -> dict[str, tuple[float, float]]:
        """How much room the nodes take."""
        return {key: item.figure.room for key, item in self.nodes.items()}

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
