"""Layer choices: for each input the layers that could be it; together, those of one picture."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from magicgui import widgets

from ...arrays import Kind
from ...errors import SizeMismatchError
from ...framework.spec import Input, NodeSpec
from ...framework.words import NAPARI, reworded
from ._axes import APART, channels_of, choose_reading, has_readings, reading_of, readings
from ._places import common_shape, plane_shape
from ._protocols import Event, Layer, Viewer, is_labels, is_shapes, without_proxy
from ._trimap import KEYS_HELP, is_trimap, tag

NO_PICTURES = ("alpha", "mask", "confidence", "preview", "backdrop")
"""Kinds of Image layers of ours that are nothing to cut an object out of."""


class LayerChoice(widgets.ComboBox):
    """Chooses the layer for an input, until the user does."""

    def __init__(self, wire: Input, viewer: Viewer) -> None:
        self.wire, self._viewer = wire, viewer
        self.by_user = False
        """Whether the user chose it; of an optional input that may be none."""
        self.proposing = False
        super().__init__(
            name=wire.name,
            label=wire.name.replace("_", " ") + (" (optional)" if wire.optional else ""),
            choices=self.candidates,
            nullable=True,
            tooltip=_tooltip(wire),
        )
        self.changed.connect(self._remember)
        self.reading = ReadingChoice(wire, self)
        self.reset_choices()

    @property
    def rows(self) -> list[widgets.ComboBox]:
        """The choice, and below it that of how the layer's axes are read, where there is any."""
        return [self, self.reading] if has_readings(self.wire) else [self]

    def reset_choices(self, *args: object) -> None:
        """Offer new layers, and drop those that were removed."""
        before = self.value
        self.proposing = True
        super().reset_choices(*args)
        self.proposing = False
        self.by_user = self.by_user and self.value is before

    def show_whether_needed(self, needed: bool) -> None:
        """Say in the label whether the selected method can do without."""
        self.label = self.wire.name.replace("_", " ") + ("" if needed else " (optional)")

    def propose(self, layer: Layer | None) -> None:
        """Choose a layer, or none, on the user's behalf."""
        if self.value is not layer:
            self.proposing = True
            self.value = layer
            self.proposing = False

    def candidates(self, _widget: object = None) -> list[Layer]:
        """Return the layers that could be it, oldest first."""
        layers = [without_proxy(layer) for layer in self._viewer.layers]
        return [layer for layer in layers if _suits(layer, self.wire)]

    @property
    def selection_changed(self) -> Event:
        """Tells when other layers are selected in the list."""
        return self._viewer.layers.selection.events.changed

    def readings(self) -> list[tuple[str, int | str]]:
        """Return the ways in which the layer can be read, and what they are called."""
        pictures = [layer for layer in self.candidates() if layer is self.value or not tag(layer)]
        if not set(channels_of(self.value)) <= set(pictures):
            choose_reading(self.value, APART)  # A channel was removed.
        selected = map(without_proxy, self._viewer.layers.selection)
        return readings(self.value, self.wire, pictures, selected)

    def _remember(self, layer: Layer | None) -> None:
        if not self.proposing:
            self.by_user = layer is not None or self.wire.optional


class ReadingChoice(widgets.ComboBox):
    """Chooses how a layer's axes are read; shown for a layer that can be read in several ways."""

    def __init__(self, wire: Input, layers: LayerChoice) -> None:
        self._wire, self._layers = wire, layers
        self._watched: Layer | None = None
        self._showing = False
        masks = wire.kind is Kind.MASK
        super().__init__(
            name=f"{wire.name}_reading",
            label="labels" if masks else "channels",
            choices=[],
            visible=False,
            tooltip="Whether all labels are one object, or each has a matte of its own: a stack, "
            "one plane for each."
            if masks
            else "Which axis holds the channels of one picture, or which layers are its channels: "
            "it is solved on all of them at once; or each plane by itself. To leave some layers "
            "out, select the others in the list of layers. Kept with the layer, for all nodes.",
        )
        layers.changed.connect(self.refresh)
        self.changed.connect(self._choose)
        self._selected = layers.selection_changed if wire.kind is Kind.IMAGE else None
        if self._selected is not None:
            self._selected.connect(self.refresh)

    def refresh(self, _event: object = None) -> None:
        """Show how the layer is read, as chosen in any widget, or as guessed."""
        layer = self._layers.value
        if layer is not self._watched:
            self._leave()
            self._watched = layer
            for event in self._events():
                event.connect(self.refresh)
        offered = self._layers.readings() if layer is not None else []
        self._showing = True
        self.choices = offered
        if layer is not None and offered:
            self.value = reading_of(layer)
        self._showing = False
        self.visible = len(offered) > 1

    def reset_choices(self, *args: object) -> None:
        """Show how the layer is read now."""
        self.refresh()

    def stop(self, _event: object = None) -> None:
        """Watch no layer, and no selection, any more."""
        self._leave()
        if self._selected is not None:
            self._selected.disconnect(self.refresh)

    def _leave(self) -> None:
        for event in self._events():
            event.disconnect(self.refresh)
        self._watched = None

    def _events(self) -> Iterator[Event]:
        names = ("metadata", "axis_labels", "data", "selected_label")
        events = getattr(self._watched, "events", None)
        yield from (getattr(events, name) for name in names if hasattr(events, name))

    def _choose(self, reading: int | str | None) -> None:
        if not self._showing and self._watched is not None and reading is not None:
            choose_reading(self._watched, reading)


def _tooltip(wire: Input) -> str:
    text = reworded(wire.help, NAPARI)
    return f"{text}\n{KEYS_HELP}" if wire.kind is Kind.TRIMAP else text


def is_picture(layer: Layer) -> bool:
    """Tell whether a layer is an image, and not a matte, a preview or the like of ours."""
    from napari.layers import Image

    return isinstance(layer, Image) and tag(layer).get("kind") not in NO_PICTURES


def selected_or_last(viewer: Viewer, layers: Sequence[Layer]) -> Layer | None:
    """Return the first of some layers that is selected, else the last of them.

    Parameters
    ----------
    viewer : Viewer
        Where they are.
    layers : sequence of Layer
        In the order of the list.
    """
    chosen = [layer for layer in layers if layer in viewer.layers.selection] or layers[-1:]
    return chosen[0] if chosen else None


def _suits(layer: Layer, wire: Input) -> bool:
    from napari.layers import Image, Labels, Points, Shapes

    kind = wire.kind
    if kind is Kind.MASK and wire.group and isinstance(layer, Shapes):
        return True  # a polygon around the object
    if kind is Kind.IMAGE:
        return is_picture(layer)
    if kind is Kind.ALPHA:
        return isinstance(layer, Image) and not layer.rgb
    if kind is Kind.MASK and isinstance(layer, Image):
        return not layer.rgb  # a soft mask
    if kind in (Kind.MASK, Kind.LABELS):
        return isinstance(layer, Labels) and not is_trimap(layer)
    # A plain Labels layer may be offered as a trimap: running says why it is refused.
    return isinstance(layer, {Kind.TRIMAP: Labels, Kind.POINTS: Points, Kind.BOX: Shapes}[kind])


def needed(spec: NodeSpec, method: str) -> set[str]:
    """Return the inputs that must be there.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    method : str
        Its selected method, or "default".
    """
    chosen = spec.chosen(method)
    by_method = chosen.needs if chosen else ()
    return {w.name for w in spec.inputs if not w.optional or w.name in by_method}


def worth_choosing(spec: NodeSpec, method: str) -> set[str]:
    """Return the inputs to choose layers for: what must be there, and results that can be used.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    method : str
        Its selected method, or "default".
    """
    chosen = spec.chosen(method)
    return needed(spec, method) | {
        wire.name
        for wire in spec.inputs
        if not _is_by_hand(wire) and (chosen is None or wire.name in chosen.takes)
    }


def _is_by_hand(wire: Input) -> bool:
    return bool(wire.group or wire.any_size or wire.kind is Kind.LABELS or wire.is_source)


def propose(
    choices: Mapping[str, LayerChoice],
    wanted: Collection[str],
    active: Layer | None,
    needed: Collection[str] = (),
) -> None:
    """Choose the likeliest layers where the user has not: newest results, all of one picture.

    Parameters
    ----------
    choices : mapping of LayerChoice
        By the input's name.
    wanted : names
        The inputs to choose for; the others get none.
    active : Layer, optional
        The one that the user has in hand.
    needed : names
        Those that must be there although their node can do without.
    """
    if any(choice.proposing for choice in choices.values()):
        return  # One proposal leads to no other.
    chosen = [choice.value for choice in choices.values() if _is_given(choice)]
    free = [choice for choice in choices.values() if not choice.by_user]
    pictures = [
        layer
        for choice in choices.values()
        if choice.wire.is_source
        for layer in choice.candidates()
        if not tag(layer)
    ]

    def is_optional(choice: LayerChoice) -> bool:
        return choice.wire.optional and choice.wire.name not in needed

    # The picture is the one that the newest result was made from; what is optional is to fit both.
    for choice in sorted(free, key=lambda c: (is_optional(c), c.wire.kind is Kind.IMAGE)):
        layer = None
        if choice.wire.name in wanted:
            if choice.wire.is_source:
                layer = _picture(pictures, chosen, choice.value, active and without_proxy(active))
            else:
                layer = _result(choice, chosen, pictures, is_optional(choice))
        choice.propose(layer)
        if layer is not None:
            chosen.append(layer)


def _is_given(choice: LayerChoice) -> bool:
    """Tell whether the user chose a layer that the others must go with."""
    sized = choice.wire.kind.is_picture and not choice.wire.any_size
    return choice.by_user and choice.value is not None and sized and not is_shapes(choice.value)


def _picture(
    pictures: Sequence[Layer], chosen: Sequence[Layer], current: Layer | None, active: Layer | None
) -> Layer | None:
    """Return the picture that belongs to what is chosen, else the one in hand."""
    hand = _base(active) if active is not None else ""
    return min(
        (layer for layer in pictures if layer not in chosen),
        key=lambda layer: (
            not _fits(layer, chosen),
            not _is_akin(layer, chosen),
            layer is not current,
            layer.name != hand,
        ),
        default=None,
    )


def _result(
    choice: LayerChoice, chosen: Sequence[Layer], pictures: Sequence[Layer], optional: bool
) -> Layer | None:
    """Return the newest layer that is what a wire asks for and belongs to what is chosen."""
    wire = choice.wire

    def unlikely(layer: Layer) -> tuple[bool, ...]:
        output = tag(layer).get("output")
        return (
            not _is_akin(layer, chosen),
            # Before all is chosen, what has its picture goes before what has lost it.
            bool(pictures) and not any(_fits(layer, [picture]) for picture in pictures),
            output != wire.name,
            output is not None,
        )

    likely = [
        layer
        for layer in reversed(choice.candidates())
        if _is_likely(layer, wire)
        and layer not in chosen
        and _fits(layer, chosen)
        and (not (optional and chosen and "base" in tag(layer)) or _is_akin(layer, chosen))
    ]
    return min(likely, key=unlikely, default=None)


def _is_likely(layer: Layer, wire: Input) -> bool:
    kind, output = tag(layer).get("kind"), tag(layer).get("output")
    if wire.kind is Kind.IMAGE:
        return bool(output == wire.name)
    if wire.kind in (Kind.MASK, Kind.LABELS):
        # An image may be a soft mask, but most are pictures: it is for the user to choose.
        return kind == Kind.MASK.value or (kind is None and is_labels(layer))
    return bool(kind == wire.kind.value) and output in (None, wire.name)


def _fits(layer: Layer, others: Sequence[Layer]) -> bool:
    """Tell whether a layer has the size of others, and a stack that goes with theirs."""
    layers = {str(number): one for number, one in enumerate([layer, *others])}
    try:
        common_shape(layers)
    except SizeMismatchError:
        return False
    return len({plane_shape(one) for one in layers.values()}) == 1


def _is_akin(layer: Layer, others: Sequence[Layer]) -> bool:
    """Tell whether a layer and one of the others come from one picture."""
    return _base(layer) in {_base(other) for other in others}


def _base(layer: Layer) -> str:
    """Return the name of the picture that a layer was made from; its own for a picture."""
    return str(tag(layer).get("base", layer.name))
