"""Layer choices: for each input of a node, the layers that could be it, likeliest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from magicgui import widgets

from ...arrays import Kind
from ...spec import Input
from ._trimap import KEYS_HELP, is_trimap, tag


class LayerChoice(widgets.ComboBox):
    """Chooses the layer for an input, until the user does."""

    def __init__(self, wire: Input, viewer: Any) -> None:
        self._wire, self._viewer = wire, viewer
        self._picked: Any = None
        self._refreshing = False
        super().__init__(
            name=wire.name,
            label=wire.name + (" (optional)" if wire.optional else ""),
            choices=self._candidates,
            nullable=True,
            tooltip=f"{wire.help}\n{KEYS_HELP}" if wire.kind is Kind.TRIMAP else wire.help,
        )
        self.changed.connect(self._remember)
        self.reset_choices()

    def reset_choices(self, *args: Any) -> None:
        """Take up new layers; keep what the user picked, else prefer the likeliest."""
        self._refreshing = True
        try:
            super().reset_choices(*args)
            candidates = self._candidates()
            if self._picked not in candidates:
                self._picked = None
            if self.value is not (wanted := self._picked or preferred(self._wire, candidates)):
                self.value = wanted
        finally:
            self._refreshing = False

    def _remember(self, layer: Any) -> None:
        if not self._refreshing:
            self._picked = layer

    def _candidates(self, _widget: Any = None) -> list[Any]:
        # The viewer a plugin gets is a proxy; layers are kept as themselves.
        layers = [getattr(layer, "__wrapped__", layer) for layer in self._viewer.layers]
        return [layer for layer in layers if _suits(layer, self._wire)]


def _suits(layer: Any, wire: Input) -> bool:
    from napari.layers import Image, Labels, Points, Shapes

    kind = wire.kind
    if kind is Kind.MASK and wire.group and isinstance(layer, Shapes):
        return True  # a polygon around the object
    if kind is Kind.IMAGE:
        return isinstance(layer, Image) and tag(layer).get("kind") != "alpha"
    if kind is Kind.ALPHA:
        return isinstance(layer, Image) and not layer.rgb
    if kind is Kind.MASK and isinstance(layer, Image):
        return not layer.rgb  # a soft mask
    if kind in (Kind.MASK, Kind.LABELS):
        return isinstance(layer, Labels) and not is_trimap(layer)
    # A plain Labels layer may be offered as a trimap: running says why it is refused.
    return isinstance(layer, {Kind.TRIMAP: Labels, Kind.POINTS: Points, Kind.BOX: Shapes}[kind])


def preferred(wire: Input, layers: Sequence[Any]) -> Any:
    """Return the likeliest layer for an input, or None.

    An image is a picture that the user opened; anything else the newest result of that
    name or kind. Optional inputs stay empty, but for the foreground, which is made to be used.
    """
    if wire.kind is Kind.IMAGE and not wire.optional:
        return next((layer for layer in layers if not tag(layer)), None)
    by_hand = wire.group or wire.kind in (Kind.IMAGE, Kind.LABELS)
    if wire.optional and by_hand and wire.name != "foreground":
        return None
    newest = list(reversed(layers))
    named = [layer for layer in newest if tag(layer).get("output") == wire.name]
    kin = [layer for layer in newest if tag(layer).get("kind") == wire.kind.value]
    # An image may be a soft mask, but most are pictures: it is for the user to choose.
    mine = [layer for layer in newest if not tag(layer) and hasattr(layer, "selected_label")]
    other = mine if wire.kind is Kind.MASK else []
    return next(iter(named + ([] if wire.kind is Kind.IMAGE else kin) + other), None)
