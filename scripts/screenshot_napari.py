"""Draw napari at the steps of the walk-through: xvfb-run python scripts/screenshot_napari.py.

Everything is done as a user does it: by the menus, in the dock *Image matting*, by keys.
Writes docs/pictures/napari-*.png.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import napari
import numpy as np
from napari._app_model import get_app_model
from napari.utils._test_utils import read_only_mouse_event
from napari.utils.interactions import mouse_move_callbacks
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication
from vispy.util import keys

KEEP = Qt.AspectRatioMode.KeepAspectRatio
PICTURES = Path(__file__).parent.parent / "docs/pictures"


class Session:
    """A viewer with a sample and the dock *Image matting*, and its user."""

    def __init__(self, sample: str) -> None:
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1500, 900)
        # File > Open Sample > Image matting
        self.viewer.open_sample("matting-nodes", sample)
        # Layers > Segment > Image matting > Image matting
        self.panel, _ = get_app_model().commands.execute_command("matting-nodes.panel").result()
        self.wait()

    def run(self, step: str, method: str = "", **fields: Any) -> Any:
        """Unfold a step if it is not, set its fields, and press Run."""
        node = self.unfold(step)
        if method:
            node.method.value = method
        for (owner, name), field in node.fields.items():
            if name in fields and owner in ("", node.method.value):
                field.value = fields[name]
        node.run_button.native.click()
        while node.running:
            self.wait(1)
        self.wait()
        return node

    def unfold(self, step: str) -> Any:
        """Unfold a step by its title."""
        if not self.panel.folds[step].isExpanded():
            for fold in self.panel.folds.values():
                fold.collapse(animate=False)
            self.panel.folds[step].expand(animate=False)
        return self.panel.nodes.get(step, self.panel.inspect)

    def press(self, key: str, shift: bool = False) -> None:
        """Press a key over the canvas."""
        canvas = self.viewer.window._qt_viewer.canvas._scene_canvas
        modifiers = (keys.SHIFT,) if shift else ()
        canvas.events.key_press(key=keys.Key(key), modifiers=modifiers)
        self.wait()

    def hover(self, row: float, column: float) -> None:
        """Hold the mouse over a place."""
        event = read_only_mouse_event(type="mouse_move", is_dragging=False, position=(row, column))
        mouse_move_callbacks(self.viewer, event)

    def stroke(self, label: str, places: Any) -> None:
        """Paint on the active trimap with the label of a key."""
        trimap = self.viewer.layers.selection.active
        self.press(label, shift=True)
        with trimap.block_history():
            for place in places:
                trimap.paint(place, trimap.selected_label)
        self.wait(300)

    def picture(self, name: str) -> None:
        """Save the window as it is."""
        self.wait()
        PICTURES.mkdir(exist_ok=True)
        self.viewer.screenshot(PICTURES / f"napari-{name}.png", canvas_only=False, flash=False)

    def wait(self, turns: int = 50) -> None:
        """Let napari do what it has to."""
        for _ in range(turns):
            QApplication.processEvents()
            time.sleep(0.01)


def photo() -> None:
    """Draw the lemur's way from the photo to a composite."""
    session = Session("lemur")
    viewer, panel = session.viewer, session.panel
    # The sample's trimap goes, to make one's own.
    viewer.layers.selection = {viewer.layers["lemur trimap"]}
    viewer.layers.remove_selected()
    session.run("segment")
    session.run("make_trimap", inner=15, outer=25)
    session.picture("trimap")
    matte = session.run("alpha_matte")
    session.unfold("alpha_matte")
    matte.live.switch.native.click()
    session.wait(300)
    matte.draw_buttons.buttons["trimap"].native.click()
    viewer.layers.selection.active.brush_size = 14
    session.stroke("B", [(200 + 2 * step, 518 + step // 3) for step in range(60)])
    getattr(viewer, "canvas", viewer).grid.enabled = True
    for layer in viewer.layers:
        layer.visible = layer.name in ("lemur", "lemur trimap", "lemur alpha")
    viewer.reset_view()
    session.picture("stroke")
    getattr(viewer, "canvas", viewer).grid.enabled = False
    matte.live.switch.native.click()
    viewer.reset_view()
    for name in ("lemur alpha", "lemur trimap"):
        viewer.layers[name].visible = False
    session.press("J")
    while "lemur confidence" not in viewer.layers:
        session.wait(1)
    session.press("J")
    session.picture("confidence")
    viewer.layers.remove("lemur confidence")
    viewer.reset_view()
    session.run("estimate_foreground")
    session.press("G")
    session.picture("preview")
    panel.preview.backdrop.value = "off"
    session.run("composite", color="#7a3b52")
    session.picture("composite")
    session.unfold("compare")
    session.run("compare")
    session.picture("compare")
    viewer.close()


def microscopy() -> None:
    """Draw the cell with its trimap, and its alpha along a line, on its scale."""
    session = Session("cell")
    viewer = session.viewer
    viewer.scale_bar.visible = True
    session.run("segment", "threshold")
    session.run("make_trimap", inner=20, outer=20)
    session.picture("cell")
    session.run("alpha_matte")
    inspect = session.unfold("inspect")
    inspect.side_by_side.value = False
    height, width = viewer.layers["cell alpha"].data.shape
    viewer.layers.selection.active = viewer.layers["cell alpha"]
    line = [(height * 0.5, width * 0.1), (height * 0.5, width * 0.9)]
    inspect.draw_buttons.draw("line")
    viewer.layers.selection.active.add_lines(np.array(line))
    session.wait()
    alpha = viewer.layers["cell alpha"]
    soft = np.argwhere((alpha.data > 0.4) & (alpha.data < 0.6))[0]
    session.hover(*alpha.data_to_world(soft))
    session.panel._scroll.ensureWidgetVisible(inspect._canvas)
    session.picture("inspect")
    viewer.close()


def graph() -> None:
    """Draw the steps on the lemur as a graph."""
    session = Session("lemur")
    viewer = session.viewer
    viewer.layers.remove("lemur trimap")
    viewer.layers.remove("lemur reference alpha")
    session.run("segment")
    session.run("make_trimap", inner=15, outer=25)
    session.run("alpha_matte")
    session.run("estimate_foreground")
    session.run("composite", color="#7a3b52")
    viewer.window.remove_dock_widget("all")
    for name in ("lemur mask", "lemur trimap", "lemur background", "lemur foreground"):
        viewer.layers[name].visible = False
    dock, wired = viewer.window.add_plugin_dock_widget("matting-nodes", "Matting graph")
    viewer.window._qt_window.resizeDocks([dock], [860], Qt.Orientation.Horizontal)
    wired._show_layers()
    wired.run()
    while wired.runs.running:
        session.wait(1)
    chosen = wired.document.graph.nodes.values()
    wired.canvas.select([n.id for n in chosen if n.class_type == "MattingNodesMakeTrimap"])
    wired.document.group("Find the object", [n.id for n in chosen if n.id in "123"])
    session.wait()
    wired.canvas.fitInView(wired.canvas._extent().adjusted(-30, -50, 30, 30), KEEP)
    session.picture("graph")
    viewer.close()


if __name__ == "__main__":
    photo()
    microscopy()
    graph()
