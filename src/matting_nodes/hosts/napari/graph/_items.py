"""Nodes, wires and groups as they are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPainterPath, QPen, QPixmap
from qtpy.QtWidgets import QGraphicsItem, QGraphicsPathItem

from ._colors import Colors, color_of
from ._ports import Port, Shown

WIDTH, HEADER, ROW, MARGIN, ROUND = 190.0, 26.0, 19.0, 8.0, 6.0
PICTURE = 116.0
"""Height of the place of a thumbnail."""
REACH = 11.0
"""How near the mouse must be to a port."""
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
        self.key, self.colors, self.about = key, colors, about
        self.thumbnail: QPixmap | None = None
        self.shown: object = None
        """What the thumbnail was made of."""
        self.fraction, self.message, self.failed = 0.0, "", False
        self._wanted: tuple[Port, bool] | None = None
        flags = QGraphicsItem.GraphicsItemFlag
        self.setFlags(flags.ItemIsMovable | flags.ItemIsSelectable)
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.setZValue(2)

    def show_about(self, about: Shown) -> None:
        """Show another title, or other ports."""
        if about != self.about:
            self.prepareGeometryChange()
            self.about = about
            self.update()

    def show_state(self, fraction: float, message: str, failed: bool) -> None:
        """Show how far it is, and what is said of it."""
        if (fraction, message, failed) != (self.fraction, self.message, self.failed):
            self.prepareGeometryChange()
            self.fraction, self.message, self.failed = fraction, message, failed
            self.setToolTip(message)
            self.update()

    def show_thumbnail(self, picture: QPixmap, made_of: object = None) -> None:
        """Show a small copy of what it gave."""
        self.thumbnail, self.shown = picture, made_of
        self.update()

    def show_wanted(self, port: Port | None, output: bool = False) -> None:
        """Mark where a wire that comes from a port may end: outputs, or inputs; None marks none."""
        self._wanted = None if port is None else (port, output)
        self.update()

    @property
    def picture(self) -> QRectF:
        """The place of the thumbnail."""
        top = HEADER + ROW * max(len(self.about.inputs), len(self.about.outputs)) + 6
        return QRectF(MARGIN, top, WIDTH - 2 * MARGIN, PICTURE)

    @property
    def rect(self) -> QRectF:
        """The node without its border."""
        below = ROW if self.message else 0
        return QRectF(0, 0, WIDTH, self.picture.bottom() + MARGIN + below)

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
        return self.pos() + QPointF(WIDTH if output else 0, HEADER + 3 + ROW * (number + 0.5))

    def port_at(self, place: QPointF) -> tuple[int, bool] | None:
        """Return the port at a place of the scene, as (number, whether it is an output)."""
        for output, ports in ((True, self.about.outputs), (False, self.about.inputs)):
            for number in range(len(ports)):
                away = self.place_of(number, output) - place
                if abs(away.x()) <= REACH and abs(away.y()) <= ROW / 2:
                    return number, output
        return None

    def paint(self, painter: QPainter | None, option: Any, widget: Any = None) -> None:
        assert painter is not None
        legible = option.levelOfDetailFromTransform(painter.worldTransform()) > LEGIBLE
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        colors, rect = self.colors, self.rect
        edge = colors.error if self.failed else colors.secondary
        edge = colors.current if self.isSelected() else edge
        painter.setPen(QPen(QColor(edge), 2.5 if self.isSelected() or self.failed else 1))
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
        if 0 < self.fraction < 1:
            bar = QRectF(1, HEADER - 2, (WIDTH - 2) * self.fraction, 3)
            painter.fillRect(bar, QColor(colors.current))
        if self.message and legible:
            below = QRectF(MARGIN, rect.bottom() - ROW - 4, WIDTH - 2 * MARGIN, ROW)
            ink = colors.error if self.failed else colors.text
            _text(painter, below, self.message.split("\n")[0], ink)

    def _paint_ports(self, painter: QPainter, legible: bool) -> None:
        wanted, side = self._wanted or (None, None)
        for output, ports in ((False, self.about.inputs), (True, self.about.outputs)):
            for number, port in enumerate(ports):
                center = self.place_of(number, output) - self.pos()
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


class GroupItem(QGraphicsItem):
    """A frame with a title around nodes that belong together.

    Parameters
    ----------
    title : str
        Its title.
    colors : Colors
        The theme's.
    """

    def __init__(self, title: str, colors: Colors) -> None:
        super().__init__()
        self.title, self.colors, self._rect = title, colors, QRectF()

    def lie_around(self, nodes: Iterable[NodeItem]) -> None:
        """Lie around nodes."""
        rect = QRectF()
        for node in nodes:
            rect |= node.area
        self.prepareGeometryChange()
        self._rect = rect if rect.isNull() else rect.adjusted(-16, -34, 16, 16)

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
        painter.setBrush(tint)
        painter.drawRoundedRect(self._rect, ROUND, ROUND)
        box = self.title_bar.adjusted(10, 2, -10, 0)
        _text(painter, box, self.title, self.colors.text, bold=True)


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
