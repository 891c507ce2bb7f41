"""Nodes, wires, groups and notes as they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import (
    QColor,
    QFont,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QTextDocument,
)
from qtpy.QtWidgets import QGraphicsItem, QGraphicsPathItem, QGraphicsTextItem

from ....graph.canvas.figures import REACH, Figure, Frame, without_links
from ....graph.canvas.placed import Placed
from ....graph.canvas.ports import Port, Shown
from ....graph.canvas.routing import Curve
from ....graph.layout import Place, Rectangle, frame_around
from ._colors import Colors, color_of
from ._runs import Told

ROUND = 6.0
LEGIBLE = 0.4
"""Below this zoom no small text is drawn."""
WITHOUT_HTML = QTextDocument.MarkdownFeature.MarkdownNoHTML
LEFT, RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight


class NodeItem(QGraphicsItem):
    """A node: its title, ports, thumbnail, progress and message.

    Parameters
    ----------
    key : str
        The node's id.
    about : Shown
        What it shows.
    colors : Colors
        The theme's.
    """

    def __init__(self, key: str, about: Shown, colors: Colors) -> None:
        super().__init__()
        self.key, self.colors, self.figure, self.told = key, colors, Figure(about), Told(key)
        self.thumbnail: QPixmap | None = None
        self._wanted: tuple[Port, bool] | None = None
        flags = QGraphicsItem.GraphicsItemFlag
        self.setFlags(flags.ItemIsMovable | flags.ItemIsSelectable)
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.setZValue(2)

    @property
    def about(self) -> Shown:
        """What it shows."""
        return self.figure.about

    def show_about(self, about: Shown) -> None:
        """Show another title, or other ports."""
        self._take(Figure(about, bool(self.told.message)))

    def show_told(self, told: Told) -> None:
        """Show how far it is, what is said of it, and a small copy of what it gave."""
        same = told.thumbnail is self.told.thumbnail
        if same and told == self.told:
            return
        if not same:
            self.thumbnail = None if told.thumbnail is None else pixmap(told.thumbnail)
        self.told = told
        self.setToolTip(told.message)
        self._take(Figure(self.about, bool(told.message)))
        self.update()

    def _take(self, figure: Figure) -> None:
        if figure != self.figure:
            self.prepareGeometryChange()
            self.figure = figure
            self.update()

    def show_wanted(self, port: Port | None, output: bool = False) -> None:
        """Mark where a wire that comes from a port may end: outputs, or inputs; None marks none."""
        self._wanted = None if port is None else (port, output)
        self.update()

    @property
    def picture(self) -> QRectF:
        """The place of the thumbnail."""
        return QRectF(*self.figure.picture)

    @property
    def rect(self) -> QRectF:
        """The node without its border."""
        return QRectF(0, 0, *self.figure.size)

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        return self.rect.adjusted(-REACH, -3, REACH, 3)

    def shape(self) -> QPainterPath:
        path = QPainterPath()
        path.addRect(self.rect)
        return path

    @property
    def placed(self) -> Placed:
        """The node at its place in the scene."""
        return Placed((self.pos().x(), self.pos().y()), self.figure)

    def show_colors(self, colors: Colors) -> None:
        """Follow napari's theme."""
        self.colors = colors
        self.update()

    def paint(self, painter: QPainter | None, option: Any, widget: Any = None) -> None:
        assert painter is not None
        legible = option.levelOfDetailFromTransform(painter.worldTransform()) > LEGIBLE
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        colors, figure, told = self.colors, self.figure, self.told
        edge = colors.error if told.failed else colors.secondary
        edge = colors.current if self.isSelected() else edge
        painter.setPen(QPen(QColor(edge), 2.5 if self.isSelected() or told.failed else 1))
        painter.setBrush(QColor(colors.foreground))
        painter.drawRoundedRect(self.rect, ROUND, ROUND)
        head = QRectF(*figure.head)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.primary if self.about.known else colors.error))
        painter.drawRoundedRect(head, ROUND - 1, ROUND - 1)
        painter.drawRect(head.adjusted(0, ROUND, 0, 0))
        ink = colors.text if self.about.known else colors.background
        _text(painter, QRectF(*figure.title), self.about.title, ink, bold=True)
        self._paint_ports(painter, legible)
        painter.fillRect(self.picture, QColor(colors.background))
        if self.thumbnail is not None and not self.thumbnail.isNull():
            size = self.thumbnail.width(), self.thumbnail.height()
            drawn = QRectF(*figure.shown_picture(*size))
            painter.drawPixmap(drawn, self.thumbnail, QRectF(self.thumbnail.rect()))
        if 0 < told.fraction < 1:
            painter.fillRect(QRectF(*figure.bar(told.fraction)), QColor(colors.current))
        if told.message and legible:
            ink = colors.error if told.failed else colors.text
            _text(painter, QRectF(*figure.line), told.message.split("\n")[0], ink)

    def _paint_ports(self, painter: QPainter, legible: bool) -> None:
        wanted, wants_output = self._wanted or (None, None)
        for output, ports in ((False, self.about.inputs), (True, self.about.outputs)):
            for number, port in enumerate(ports):
                center = QPointF(*self.figure.place_of(number, output))
                fits = wanted is not None and wants_output == output and port.takes(wanted)
                painter.setPen(QPen(QColor(self.colors.text), 2) if fits else Qt.PenStyle.NoPen)
                painter.setBrush(QColor(color_of(port)))
                painter.drawEllipse(center, 5.5, 5.5)
                if port.optional:  # hollow: it may stay free
                    painter.setBrush(QColor(self.colors.foreground))
                    painter.drawEllipse(center, 2.8, 2.8)
                if legible:
                    box = QRectF(*self.figure.label(number, output))
                    side = RIGHT if output else LEFT
                    _text(painter, box, port.name.replace("_", " "), self.colors.text, side)


class WireItem(QGraphicsPathItem):
    """A wire, or the one that is being dragged.

    Parameters
    ----------
    color : str
        Its type's.
    """

    def __init__(self, color: str) -> None:
        super().__init__()
        self.setPen(QPen(QColor(color), 2.5))
        self.setZValue(1)

    def lie(self, start: Place, curves: Iterable[Curve]) -> None:
        """Lie along curves."""
        path = QPainterPath(QPointF(*start))
        for curve in curves:
            path.cubicTo(*(QPointF(*place) for place in curve))
        self.setPath(path)


class FrameItem(QGraphicsItem):
    """A frame with a title: around nodes that belong together, or a note with a text.

    Parameters
    ----------
    frame : Frame
        What it says, and where.
    colors : Colors
        The theme's.
    """

    def __init__(self, frame: Frame, colors: Colors) -> None:
        super().__init__()
        self.frame, self._rect = frame, QRectF(*frame.box)
        self._text = QGraphicsTextItem(self) if frame.text else None
        if self._text is not None:
            self._text.setPlainText(frame.text)
            if frame.markdown and (document := self._text.document()):
                document.setMarkdown(without_links(frame.text), WITHOUT_HTML)
            self._text.setTextWidth(self._rect.width() - 12)
            self._text.setPos(self._rect.topLeft() + QPointF(6, 28))
            self.setFlag(self.GraphicsItemFlag.ItemClipsChildrenToShape)
            self.setToolTip(frame.text)
        self.show_colors(colors)

    def show_colors(self, colors: Colors) -> None:
        """Follow napari's theme."""
        self.colors = colors
        if self._text is not None:
            self._text.setDefaultTextColor(QColor(colors.text))
        self.update()

    def lie_around(self, boxes: Sequence[Rectangle]) -> None:
        """Lie around nodes."""
        self.prepareGeometryChange()
        self._rect = QRectF(*frame_around(boxes))

    @property
    def box(self) -> Rectangle:
        """Where it is in the scene."""
        left, top, width, height = self._rect.getRect()
        return left, top, width, height

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        return self._rect.adjusted(-1, -1, 1, 1)

    @property
    def title_bar(self) -> QRectF:
        """Where it can be grasped."""
        return QRectF(self._rect.topLeft(), self._rect.topRight() + QPointF(0, 28))

    def paint(self, painter: QPainter | None, option: Any, widget: Any = None) -> None:
        assert painter is not None
        tint, line = QColor(self.colors.current), QColor(self.colors.current)
        tint.setAlpha(36)
        line.setAlpha(140)
        painter.setPen(QPen(line, 1))
        painter.setBrush(QColor(self.colors.foreground) if self.frame.text else tint)
        painter.drawRoundedRect(self._rect, ROUND, ROUND)
        box = self.title_bar.adjusted(10, 2, -10, 0)
        _text(painter, box, self.frame.title, self.colors.text, bold=True)


def _text(
    painter: QPainter,
    box: QRectF,
    text: str,
    ink: str,
    side: Qt.AlignmentFlag = LEFT,
    bold: bool = False,
) -> None:
    font = QFont(painter.font())
    font.setPixelSize(13 if bold else 12)
    font.setBold(bold)
    painter.setFont(font)
    painter.setPen(QColor(ink))
    cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(box.width()))
    painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, cut)


def pixmap(picture: Any) -> QPixmap:
    """Return (h, w, 3) or (h, w, 4) uint8 as Qt draws it."""
    height, width, channels = picture.shape
    form = QImage.Format.Format_RGBA8888 if channels == 4 else QImage.Format.Format_RGB888
    data = picture.tobytes()  # Qt reads it until the pixmap is made
    return QPixmap.fromImage(QImage(data, width, height, channels * width, form).copy())
