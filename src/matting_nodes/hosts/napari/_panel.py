"""All nodes in one dock: numbered steps that fold, the next one open, and a batch of them."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from magicgui import widgets

from ...nodes import all_nodes
from ._batch import BatchWidget
from ._confidence import LeastCertain
from ._hair_brush import KEY, HairBrush
from ._inspect import InspectWidget
from ._preview import Preview
from ._protocols import Layer
from ._scroll import scrolled
from ._trimap import is_trimap, tag
from ._widget import NodeWidget, widget_class

if TYPE_CHECKING:
    import napari
    from qtpy.QtWidgets import QVBoxLayout, QWidget
    from superqt import QCollapsible

STEPS = ("segment", "make_trimap", "alpha_matte", "estimate_foreground", "composite")
BEFORE_MATTE = STEPS[: STEPS.index("alpha_matte")]
"""Steps that a trimap makes needless."""


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
        self.margins = (0, 6, 0, 0)
        self.nodes: dict[str, NodeWidget] = {
            name: widget_class(specs[name])(napari_viewer) for name in (*STEPS, *others)
        }
        self.inspect = InspectWidget(napari_viewer)
        self.folds: dict[str, QCollapsible] = {}
        self._titles: dict[str, str] = {}
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for name, node in self.nodes.items():
            number = f"{STEPS.index(name) + 1}. " if name in STEPS else ""
            node.leave_scrolling()
            self._titles[name] = f"{number}{specs[name].title}"
            self._add(layout, name, self._titles[name], node.native)
        self.least_certain = LeastCertain(napari_viewer, self.nodes["alpha_matte"])
        self.hair_brush = HairBrush(napari_viewer)
        self.native.destroyed.connect(self.hair_brush.stop)
        self.hair_button = widgets.PushButton(
            text=f"hair brush ({KEY})",
            tooltip="Paint along an edge of hair: what is within the brush of the edge below the "
            "stroke becomes unknown.",
        )
        self.hair_button.changed.connect(self._take_hair_brush)
        self.fill_button = widgets.PushButton(
            text="fill planes…",
            tooltip="Of a stack whose trimap is painted on some planes: carry it to the others, in "
            "the dock Carry, which shows what is painted, carried or stale.",
        )
        self.fill_button.changed.connect(self._open_carry)
        painting = widgets.Container(
            widgets=[self.least_certain, self.hair_button],
            layout="horizontal",
            labels=False,
        )
        painting.margins = (0, 0, 0, 0)
        # A row of its own: three buttons are wider than a narrow dock.
        for row in (painting, self.fill_button):
            self.folds["alpha_matte"].addWidget(row.native)
        self._add(layout, "inspect", "Inspect", self.inspect.native)
        self.batch = BatchWidget({name: self.nodes[name] for name in STEPS})
        self._add(layout, "batch", "Batch", self.batch.native)
        layout.addStretch()
        self.preview = Preview(napari_viewer, self.nodes["composite"])
        self.append(self.preview.backdrop)
        self._scroll = scrolled(content)
        self.native.layout().addWidget(self._scroll)
        self._following = STEPS[0]
        self._laid_out = QTimer(self.native)
        self._laid_out.setSingleShot(True)
        self._laid_out.timeout.connect(self._show_button)
        for name in STEPS:
            self.nodes[name].succeeded.connect(partial(self._go_on, name))
        self._viewer = napari_viewer
        first = self._look_for_trimap()
        self.folds[first].expand(animate=False)
        for event in (napari_viewer.layers.events.inserted, napari_viewer.layers.events.removed):
            event.connect(self._layers_changed)
        self.native.destroyed.connect(self._stop_following)

    def _look_for_trimap(self) -> str:
        """Return the first step to do, and say of those before it if a trimap makes them needless.

        It is the one after the last that has a result among the layers.
        """
        layers = list(self._viewer.layers)
        made = {tag(layer).get("node") for layer in layers}
        given = next(filter(_is_given_trimap, layers), None)
        for name in BEFORE_MATTE:
            needless = given is not None and name not in made
            text = f"  (not needed: there is {given.name})" if given and needless else ""
            self.folds[name].setText(f"{self._titles[name]}{text}")
        done = [place for place, name in enumerate(STEPS) if name in made]
        done += [len(BEFORE_MATTE) - 1] if given else []
        return STEPS[min(max(done) + 1, len(STEPS) - 1)] if done else STEPS[0]

    def _take_hair_brush(self, _value: object = None) -> None:
        """Put the trimap into the hand, with the hair brush; if it is there, put the brush away."""
        self.nodes["alpha_matte"].draw_buttons.draw("trimap")
        self.hair_brush.toggle_active()

    def _open_carry(self, _value: object = None) -> None:
        self._viewer.window.add_plugin_dock_widget("matting-nodes", "Carry", tabify=True)

    def _stop_following(self, _event: object = None) -> None:
        events = self._viewer.layers.events
        for event in (events.inserted, events.removed):
            event.disconnect(self._layers_changed)

    def _layers_changed(self, event: Any) -> None:
        """Go to the matte when a trimap is opened or begun, and back when it is gone."""
        with suppress(RuntimeError):  # The window may be closing.
            first = self._look_for_trimap()
            if _is_given_trimap(event.value):
                shown = [name for name in STEPS if self.folds[name].isExpanded()]
                if len(shown) == 1 and {*shown, first} <= {*BEFORE_MATTE, "alpha_matte"}:
                    self._go_to(shown[0], first)

    def _add(self, layout: QVBoxLayout, name: str, title: str, body: QWidget) -> None:
        from superqt import QCollapsible

        self.folds[name] = fold = QCollapsible(title, expandedIcon="▾", collapsedIcon="▸")
        fold.setDuration(0)
        fold.toggleButton().setToolTip(body.toolTip())
        # A long title is cut, and does not widen the dock.
        fold.toggleButton().setMinimumWidth(40)
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
        if not self.folds[after].isExpanded():
            self._go_to(name, after)

    def _go_to(self, name: str, after: str) -> None:
        self.folds[name].collapse(animate=False)
        self.folds[after].expand(animate=False)
        self._following = after
        # Once Qt has laid the steps out anew.
        self._laid_out.start(50)

    def _show_button(self) -> None:
        self._scroll.ensureWidgetVisible(self.nodes[self._following].run_button.native)


def _is_given_trimap(layer: Layer) -> bool:
    """Tell whether a layer is a trimap that no step made: painted by hand, or opened."""
    return is_trimap(layer) and "output" not in tag(layer)
