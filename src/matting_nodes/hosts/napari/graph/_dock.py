"""The Matting graph dock: the canvas, the palette, the selected node, and the run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QMenu, QSplitter, QToolButton, QVBoxLayout, QWidget
