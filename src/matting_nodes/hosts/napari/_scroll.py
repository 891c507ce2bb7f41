"""A widget's rows in an area that scrolls, so that a dock fits every screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qtpy.QtWidgets import QScrollArea, QWidget


def scrolled(content: QWidget) -> QScrollArea:
    """Return an area that scrolls up and down.

    Parameters
    ----------
    content : QWidget
        What is shown in it; as wide as the area is.
    """
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QComboBox, QFrame, QScrollArea

    # A long layer's name or title is cut in its box, and does not widen the dock.
    for box in content.findChildren(QComboBox):
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(8)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
    area.setWidget(content)
    return area
