"""Nodes, wires, groups and notes as they are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPainterPath, QPen, QPixmap
from qtpy.QtWidgets import QGraphicsItem, QGraphicsPathItem

from ....graph.canvas.figures import HEADER, MARGIN, REACH, ROW, WIDTH, Figure, Frame
from ....graph.canvas.ports import Port, Shown
from ._colors import Colors, color_of
from ._runs import Told

ROUND = 6.0
LEGIBLE = 0.4
"""Below this zoom no small text is drawn."""
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

    @property
    def area(self) -> QRectF:
        """Where it is in the scene."""
        return self.rect.translated(self.pos())

    def boundingRect(self) -> QRectF:  # noqa: N802 (Qt's name)
        return self.rect.adjusted(-REACH, -3, REACH, 3)

    def shape(self) -> QPainterPath:
        path = QPainterPath()
        path.addRect(self.rect)
        return path

    def place_of(self, number: int, output: bool) -> QPointF:
        """Return the center of a port, in the scene."""
        return self.pos() + QPointF(*self.figure.place_of(number, output))

    def paint(self, painter: QPainter | None, option: Any, widget: Any = None) -> None:
        assert painter is not None
        legible = option.levelOfDetailFromTransform(painter.worldTransform()) > LEGIBLE
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        colors, rect, told = self.colors, self.rect, self.told
        edge = colors.error if told.failed else colors.secondary
        edge = colors.current if self.isSelected() else edge
        painter.setPen(QPen(QColor(edge), 2.5 if self.isSelected() or told.failed else 1))
        painter.setBrush(QColor(colors.foreground))
        painter.drawRoundedRect(rect, ROUND, ROUND)
        head = QRectF(1, 1, WIDTH - 2, HEADER)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.primary if self.about.known else colors.error))
        painter.drawRoundedRect(head, ROUND - 1, ROUND - 1)
        painter.drawRect(head.adjusted(0, HEADER / 2, 0, 0))
        title = QRectF(MARGIN, 0, WIDTH - 2 * MARGIN, HEADER)
        _text(painter, title, self.about.title, colors.text, bold=True)
        self._paint_ports(painter, legible)
        self._paint_picture(painter)
        if 0 < told.fraction < 1:
            bar = QRectF(1, HEADER - 2, (WIDTH - 2) * told.fraction, 3)
            painter.fillRect(bar, QColor(colors.current))
        if told.message and legible:
            below = QRectF(MARGIN, rect.bottom() - ROW - 4, WIDTH - 2 * MARGIN, ROW)
            ink = colors.error if told.failed else colors.text
            _text(painter, below, told.message.split("\n")[0], ink)

    def _paint_ports(self, painter: QPainter, legible: bool) -> None:
        wanted, side = self._wanted or (None, None)
        for output, ports in ((False, self.about.inputs), (True, self.about.outputs)):
            for number, port in enumerate(ports):
                center = QPointF(*self.figure.place_of(number, output))
                fits = wanted is not None and side == output and port.takes(wanted)
                painter.setPen(QPen(QColor(self.colors.text), 2) if fits else Qt.PenStyle.NoPen)
                painter.setBrush(QColor(color_of(port)))
                painter.drawEllipse(center, 5.5, 5.5)
                if port.optional:  # hollow: it may stay free
                    painter.setBrush(QColor(self.colors.foreground))
                    painter.drawEllipse(center, 2.8, 2.8)
                if legible:
                    half = WIDTH / 2 - 10
                    left = WIDTH - 10 - half if output else 10.0
                    box = QRectF(left, center.y() - ROW / 2, half, ROW)
                    name, side_ = port.name.replace("_", " "), RIGHT if output else LEFT
                    _text(painter, box, name, self.colors.text, side_)

    def _paint_picture(self, painter: QPainter) -> None:
        place = self.picture
        painter.fillRect(place, QColor(self.colors.background))
        if self.thumbnail is not None and not self.thumbnail.isNull():
            size = self.thumbnail.size().toSizeF()
            size.scale(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
            drawn = QRectF(QPointF(), size)
            drawn.moveCenter(place.center())
            painter.drawPixmap(drawn, self.thumbnail, QRectF(self.thumbnail.rect()))


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

    def lie(self, start: QPointF, end: QPointF) -> None:
        """Lie between two places."""
        bend = max(30.0, min(120.0, abs(end.x() - start.x()) / 2 + abs(end.y() - start.y()) / 6))
        path = QPainterPath(start)
        path.cubicTo(start + QPointF(bend, 0), end - QPointF(bend, 0), end)
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
        self.frame, self.colors, self._rect = frame, colors, QRectF(*frame.box)
        self.setToolTip(frame.text)

    def lie_around(self, nodes: Iterable[NodeItem]) -> None:
        """Lie around nodes."""
        rect = QRectF()
        for node in nodes:
            rect |= node.area
        self.prepareGeometryChange()
        self._rect = rect.adjusted(-16, -34, 16, 16)

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
        if self.frame.text:
            _ink(painter, self.colors.text, bold=False)
            flags = LEFT | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
            painter.setClipRect(self._rect)
            painter.drawText(self._rect.adjusted(10, 30, -10, -6), flags, self.frame.text)


def _ink(painter: QPainter, ink: str, bold: bool) -> None:
    font = QFont(painter.font())
    font.setPixelSize(13 if bold else 12)
    font.setBold(bold)
    painter.setFont(font)
    painter.setPen(QColor(ink))


def _text(
    painter: QPainter,
    box: QRectF,
    text: str,
    ink: str,
    side: Qt.AlignmentFlag = LEFT,
    bold: bool = False,
) -> None:
    _ink(painter, ink, bold)
    cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(box.width()))
    painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, cut)


def pixmap(picture: Any) -> QPixmap:
    """Return (h, w, 3) or (h, w, 4) uint8 as Qt draws it."""
    height, width, channels = picture.shape
    form = QImage.Format.Format_RGBA8888 if channels == 4 else QImage.Format.Format_RGB888
    data = picture.tobytes()  # Qt reads it until the pixmap is made
    return QPixmap.fromImage(QImage(data, width, height, channels * width, form).copy())
