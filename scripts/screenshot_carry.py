"""Draw napari's Carry for docs/video.md: xvfb-run python scripts/screenshot_carry.py.

As a user does it: the sample, one stroke of a correction, a look at the frames that it made stale.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

TARGET = Path(__file__).parent.parent / "docs/pictures/napari-carry.png"


def main() -> None:
    """Carry the sample's trimap, correct a frame, and save the window."""
    viewer = napari.Viewer()
    viewer.window.resize(1500, 900)
    viewer.open_sample("matting-nodes", "clip")
    _, widget = viewer.window.add_plugin_dock_widget("matting-nodes", "Carry")
    finish(widget)
    widget.carry_button.native.click()
    finish(widget)
    trimap = viewer.layers["lemur clip trimap"]
    trimap.brush_size = 30
    for frame in (40, 70):
        viewer.dims.set_point(0, frame)
        trimap.paint((frame, *beside(trimap.data[frame], 8)), 2)
    widget.carry_button.native.click()
    finish(widget)
    viewer.dims.set_point(0, 70)
    trimap.paint((70, *beside(trimap.data[70], 10)), 2)
    viewer.dims.set_point(0, 55)
    viewer.layers.selection.active = trimap
    finish(widget)
    viewer.screenshot(TARGET, canvas_only=False, flash=False)
    viewer.close()


def beside(labels: Any, distance: int) -> tuple[int, int]:
    """Return a place so far to the right of what is foreground, at the middle of its height."""
    rows, columns = np.nonzero(labels == 2)
    row = int(np.median(rows))
    return row, int(columns[rows == row].max()) + distance


def finish(widget: Any) -> None:
    """Let napari do what it has to, until the widget has nothing to do."""
    turns = 0
    while widget.running or turns < 50:
        QApplication.processEvents()
        time.sleep(0.01)
        turns += 1


if __name__ == "__main__":
    main()
