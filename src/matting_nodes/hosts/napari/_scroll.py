"""A widget's rows in an area that scrolls, so that a dock fits every screen."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QComboBox, QFrame, QLabel, QScrollArea, QSizePolicy, QWidget


class _RowsArea(QScrollArea):
    """An area that is never narrower than its rows: it scrolls up and down alone."""

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        hint, content, bar = super().minimumSizeHint(), self.widget(), self.verticalScrollBar()
        if content is not None and bar is not None:
            frames = 2 * self.frameWidth()  # napari's style sheet has one
            hint.setWidth(content.minimumSizeHint().width() + bar.sizeHint().width() + frames)
        return hint

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            # Other rows are shown: the dock asks anew how narrow it may be.
            self.updateGeometry()
        return bool(super().eventFilter(watched, event))


def scrolled(content: QWidget) -> QScrollArea:
    """Return an area that scrolls up and down.

    Parameters
    ----------
    content : QWidget
        What is shown in it; as wide as the area is.
    """
    # A long layer's name or title is cut in its box, and does not widen the dock.
    for box in content.findChildren(QComboBox):
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(6)
    area = _RowsArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
    area.setWidget(content)
    return area


def wrapped(label: QLabel) -> None:
    """Let a label's text wrap, and be selected: a long one does not widen the dock.

    Parameters
    ----------
    label : QLabel
        Begins at its top.
    """
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)


def wrapped_in_full(label: QLabel) -> None:
    """Let a label's text wrap, as wide as the dock and as high as its text is then.

    Parameters
    ----------
    label : QLabel
        Of magicgui, which would give it the height of a line.
    """
    wrapped(label)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
