"""Buttons for what is drawn by hand: each puts a layer of the right kind ready into the hand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui import widgets

from ...arrays import Kind
from ._axes import as_picture
from ._choices import LayerChoice, is_picture, selected_or_last
from ._places import leading_shape, plane_shape, transforms
from ._protocols import LabelsLayer, Layer, without_proxy
from ._trimap import FOREGROUND_LABEL, tag, trimap_options

if TYPE_CHECKING:
    import napari

FOREGROUND_COLOR, BACKGROUND_COLOR, BOX_COLOR = "#33d95a", "#4080ff", "#ffd23f"
TEXTS = {
    "box": ("box", "Draw a box around the object."),
    "foreground_points": ("+ points", "Set points on the object; N changes to background."),
    "background_points": ("− points", "Set points beside the object; N changes to foreground."),
    "scribbles": ("scribbles", "Paint on the object, and with N beside it."),
    "trimap": ("paint trimap", "Paint on the trimap, or on a new one."),
    "line": ("draw line", "Draw a line whose values are shown."),
}
SIGNS = {"foreground_points": "background_points", "background_points": "foreground_points"}
MODES = {Kind.BOX: "add_rectangle", Kind.POINTS: "add", Kind.TRIMAP: "paint"}
RELATIVE_SIZE = 0.012
"""Size of points and brushes, and four times the width of lines, of the picture's longer side."""


class DrawButtons(widgets.Container[widgets.PushButton]):
    """A button for each input that is drawn by hand.

    The layer that is chosen for the input comes into the hand; if there is none, a new one lies
    over the picture and is chosen.

    Parameters
    ----------
    viewer : Viewer
        Where layers are added.
    choices : mapping of LayerChoice
        By the input's name.
    """

    def __init__(self, viewer: napari.viewer.Viewer, choices: Mapping[str, LayerChoice]) -> None:
        self._viewer, self._choices = viewer, choices
        self.buttons = {
            name: widgets.PushButton(text=text, tooltip=help_text)
            for name, (text, help_text) in TEXTS.items()
            if name in choices
        }
        super().__init__(
            widgets=list(self.buttons.values()), layout="horizontal", labels=False, label=""
        )
        self.margins = (0, 0, 0, 0)
        for name, button in self.buttons.items():
            # Side by side they fit into the narrowest dock.
            button.native.setMinimumWidth(20)
            button.native.setStyleSheet("padding: 3px 1px")
            button.changed.connect(partial(self.draw, name))

    def show_only(self, names: set[str]) -> None:
        """Show the buttons of these inputs, and the row if it has one."""
        for name, button in self.buttons.items():
            button.visible = name in names
        self.visible = bool(names & set(self.buttons))

    def draw(self, name: str, _value: object = None) -> None:
        """Put the layer for an input into the hand, ready to be drawn on."""
        from napari.utils.notifications import show_warning

        choice = self._choices[name]
        layer: Any = choice.value
        if layer is None:
            picture = self._picture()
            if picture is None:
                show_warning("There is no image layer. It is drawn over one. Open a picture first.")
                return
            layer = self._added(name, picture)
            choice.value = without_proxy(layer)
        layer.visible = True
        layers = self._viewer.layers
        layers.move(layers.index(layer), len(layers))
        layers.selection.active = layer
        layer.mode = MODES[choice.wire.kind] if name != "line" else "add_line"
        if choice.wire.kind is Kind.TRIMAP and tag(layer).get("output") == "scribbles":
            layer.selected_label = FOREGROUND_LABEL

    def _picture(self) -> Layer | None:
        """Return the picture that is chosen, else the one that is selected or the last."""
        chosen = [c.value for c in self._choices.values() if c.wire.is_source and c.value]
        return next(iter(chosen), None) or selected_or_last(
            self._viewer, [layer for layer in self._viewer.layers if is_picture(layer)]
        )

    def _added(self, name: str, picture: Layer) -> Layer:
        title = f"{tag(picture).get('base', picture.name)} {name.replace('_', ' ')}"
        place: dict[str, Any] = {"name": title, **transforms(picture)}
        size = max(2, round(RELATIVE_SIZE * max(plane_shape(picture))))
        if name in SIGNS:
            color = FOREGROUND_COLOR if name == "foreground_points" else BACKGROUND_COLOR
            look = {"size": size, "face_color": color, "border_color": "white"}
            points: Layer = self._viewer.add_points(ndim=len(place["scale"]), **look, **place)
            points.bind_key("N", lambda _layer: self.draw(SIGNS[name]))
            return points
        if name in ("box", "line"):
            look = {"edge_color": BOX_COLOR, "edge_width": size / 4, "face_color": "transparent"}
            shapes: Layer = self._viewer.add_shapes(ndim=len(place["scale"]), **look, **place)
            return shapes
        output = {"output": name} if name == "scribbles" else {}
        return added_trimap(self._viewer, picture, title, **output)


def added_trimap(
    viewer: napari.viewer.Viewer, picture: Layer, name: str, **provenance: object
) -> Layer:
    """Add an empty trimap over a picture, with the foreground in the brush.

    Parameters
    ----------
    viewer : Viewer
        Where it is added.
    picture : Image layer
        Whose planes and place it has; channels that make one picture have one trimap.
    name : str
        The layer's.
    **provenance
        Goes into its tag.
    """
    picture = as_picture(picture)
    layer: LabelsLayer = viewer.add_labels(
        np.zeros(leading_shape(picture) + plane_shape(picture), np.uint8),
        name=name,
        **trimap_options(base=tag(picture).get("base", picture.name), **provenance),
        **transforms(picture),
    )
    layer.selected_label, layer.mode = FOREGROUND_LABEL, "paint"
    layer.brush_size = max(20, round(RELATIVE_SIZE * max(plane_shape(picture))))
    return layer
