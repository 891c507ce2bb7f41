"""Draw napari's window at the steps of a matte: xvfb-run python scripts/screenshot_napari.py.

Writes docs/pictures/napari-*.png.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import napari
from qtpy.QtWidgets import QApplication

PICTURES = Path(__file__).parent.parent / "docs/pictures"


class Session:
    """A viewer, and a user who opens widgets and presses Run."""

    def __init__(self) -> None:
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1500, 900)

    def run(self, title: str, method: str = "", **fields: Any) -> Any:
        """Open a node's widget beside the others, set its fields, run it to the end."""
        _, widget = self.viewer.window.add_plugin_dock_widget("matting-nodes", title, tabify=True)
        if method:
            widget.method.value = method
        for (_, name), field in widget.fields.items():
            if name in fields:
                field.value = fields[name]
        widget.run()
        while widget.running:
            self._events()
        return widget

    def stroke(self, matte: Any, trimap: Any) -> None:
        """Paint background beside the fur, where leaves shine white, with the matte following."""
        matte.live.switch.value = True
        for _ in range(300):
            self._events()
        trimap.brush_size, trimap.mode = 14, "paint"
        trimap.selected_label = 1
        with trimap.block_history():
            for step in range(60):
                trimap.paint((200 + 2 * step, 518 + step // 3), 1)
        for _ in range(300):
            self._events()

    def picture(self, name: str, *visible: str) -> None:
        """Save the window with these layers visible."""
        for layer in self.viewer.layers:
            layer.visible = layer.name in visible
        self.viewer.layers.selection.active = self.viewer.layers[visible[-1]]
        self.viewer.reset_view()
        for _ in range(50):
            self._events()
        PICTURES.mkdir(exist_ok=True)
        self.viewer.screenshot(PICTURES / f"napari-{name}.png", canvas_only=False, flash=False)

    def _events(self) -> None:
        QApplication.processEvents()
        time.sleep(0.01)


def photo() -> None:
    """Draw the lemur's trimap, the matte that follows a stroke, and the composite."""
    session = Session()
    session.viewer.open_sample("matting-nodes", "lemur")
    session.viewer.layers.remove("lemur trimap")
    session.run("Segment", largest_hole=500)
    session.run("Make Trimap", inner=15, outer=25)
    session.picture("trimap", "lemur", "lemur trimap")
    matte = session.run("Alpha Matte")
    session.stroke(matte, session.viewer.layers["lemur trimap"])
    session.viewer.grid.enabled = True
    session.picture("stroke", "lemur", "lemur trimap", "lemur alpha")
    session.viewer.grid.enabled = False
    matte.live.switch.value = False
    session.run("Estimate Foreground")
    session.run("Composite", color="#7a3b52")
    session.picture("composite", "lemur composite")
    session.run("Compare")
    session.picture("compare", "lemur compare")
    session.viewer.close()


def microscopy() -> None:
    """Draw the cell with its trimap, and its alpha, on its scale."""
    session = Session()
    session.viewer.open_sample("matting-nodes", "cell")
    session.viewer.scale_bar.visible = True
    session.run("Segment", "threshold")
    session.run("Make Trimap", inner=20, outer=20)
    session.run("Alpha Matte")
    session.picture("cell", "cell", "cell trimap")
    session.picture("cell-alpha", "cell alpha")
    session.viewer.close()


if __name__ == "__main__":
    photo()
    microscopy()
