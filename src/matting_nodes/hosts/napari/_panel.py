"""All nodes in one dock: numbered steps that fold, the next one open."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from magicgui import widgets

from ...nodes import all_nodes
from ._inspect import InspectWidget
from ._scroll import scrolled
from ._trimap import tag
from ._widget import NodeWidget, widget_class

if TYPE_CHECKING:
    import napari
    from qtpy.QtWidgets import QVBoxLayout, QWidget
    from superqt import QCollapsible

STEPS = ("segment", "make_trimap", "alpha_matte", "estimate_foreground", "composite")


class MattingPanel(widgets.Container[widgets.bases.Widget]):
    """Shows the pipeline's nodes as numbered steps, and those that look at a matte below.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers can be chosen.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        from qtpy.QtCore import QTimer
        from qtpy.QtWidgets import QVBoxLayout, QWidget

        specs = {spec.name: spec for spec in all_nodes()}
        others = [name for name in specs if name not in STEPS]
        super().__init__()
        self.margins = (0, 0, 0, 0)
        self.nodes: dict[str, NodeWidget] = {
            name: widget_class(specs[name])(napari_viewer) for name in (*STEPS, *others)
        }
        self.inspect = InspectWidget(napari_viewer)
        self.folds: dict[str, QCollapsible] = {}
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for name, node in self.nodes.items():
            number = f"{STEPS.index(name) + 1}. " if name in STEPS else ""
            node.leave_scrolling()
            self._add(layout, name, f"{number}{specs[name].title}", node.native)
        self._add(layout, "inspect", "Inspect", self.inspect.native)
        layout.addStretch()
        self._scroll = scrolled(content)
        self.native.layout().addWidget(self._scroll)
        self._following = STEPS[0]
        self._laid_out = QTimer(self.native)
        self._laid_out.setSingleShot(True)
        self._laid_out.timeout.connect(self._show_button)
        for name in STEPS:
            self.nodes[name].succeeded.connect(partial(self._go_on, name))
        self.folds[self._first_to_do(napari_viewer)].expand(animate=False)

    @staticmethod
    def _first_to_do(viewer: napari.viewer.Viewer) -> str:
        """Return the step after the last one that has a result among the layers."""
        made = {tag(layer).get("node") for layer in viewer.layers}
        done = [place for place, name in enumerate(STEPS) if name in made]
        return STEPS[min(done[-1] + 1, len(STEPS) - 1)] if done else STEPS[0]

    def _add(self, layout: QVBoxLayout, name: str, title: str, body: QWidget) -> None:
        from superqt import QCollapsible

        self.folds[name] = fold = QCollapsible(title, expandedIcon="▾", collapsedIcon="▸")
        fold.setDuration(0)
        fold.toggleButton().setToolTip(body.toolTip())
        if (rows := fold.layout()) is not None:
            rows.setContentsMargins(6, 2, 6, 2)
        fold.addWidget(body)
        layout.addWidget(fold)

    def reset_choices(self, *args: object) -> None:
        """Offer new layers in every step."""
        for node in (*self.nodes.values(), self.inspect):
            node.reset_choices(*args)

    def _go_on(self, name: str) -> None:
        """Fold a finished step and unfold the next, its Run button in sight."""
        following = STEPS[STEPS.index(name) + 1 :][:1]
        if not following:
            return
        (after,) = following
        if self.folds[after].isExpanded():
            return
        self.folds[name].collapse(animate=False)
        self.folds[after].expand(animate=False)
        self._following = after
        # Once Qt has laid the steps out anew.
        self._laid_out.start(50)

    def _show_button(self) -> None:
        self._scroll.ensureWidgetVisible(self.nodes[self._following].run_button.native)
