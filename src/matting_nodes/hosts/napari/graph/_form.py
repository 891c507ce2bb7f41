"""The selected node's title, wires and parameters, to be set by mouse or keyboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from magicgui import widgets

from ....graph import GraphNode, Link, node_types
from .._fields import field
from ._ports import Port, shown, sources
from ._sources import LAYER, LOADED, takes_layer


class Form:
    """Shows a node of the document.

    Parameters
    ----------
    document : Document
        Whose nodes they are.
    change : callable(function, *arguments)
        Calls a function that changes the document; says what is wrong if it refuses.
    layers : callable() -> list of str
        The names of the layers that a source may take.
    """

    def __init__(
        self, document: Any, change: Callable[..., None], layers: Callable[[], Sequence[str]]
    ) -> None:
        self.document, self._change, self._layers = document, change, layers
        self.node: str | None = None
        self.fields: dict[str, Any] = {}
        self.advanced = False
        self._rows: widgets.Container[Any] = widgets.Container()
        self._outline: object = None
        self._filling = False
        self._rows.margins = (4, 4, 4, 4)

    @property
    def native(self) -> Any:
        """The widget that holds the fields."""
        return self._rows.native

    def focus(self) -> None:
        """Give the keyboard to the first field below the title."""
        for name in list(self.fields)[1:2] or list(self.fields):
            self.fields[name].native.setFocus()

    def show_node(self, key: str | None) -> None:
        """Show this node, or none; fields that are there stay, with the values of now."""
        node = self.document.graph.nodes.get(key) if key else None
        self.node = node and node.id
        outline = node and self._outline_of(node)
        if outline != self._outline or node is None:
            self._outline = outline
            self._build(node)
        if node is not None:
            self._fill(node)

    def _outline_of(self, node: GraphNode) -> object:
        """Return what decides which fields there are."""
        ports = shown(self.document.contents, node.id).inputs
        offered = [(port, sources(self.document.contents, node.id, port)) for port in ports]
        layers = tuple(self._layers()) if takes_layer(node) else ()
        return node.id, node.class_type, node.inputs.get("method"), offered, layers, self.advanced

    def _build(self, node: GraphNode | None) -> None:
        self.fields = {}
        rows: list[Any] = []
        if node is not None:
            rows = [self._field("title", widgets.LineEdit(label="title"), self._rename)]
            for port in shown(self.document.contents, node.id).inputs:
                rows.append(self._wire_field(node, port))
            rows += self._parameter_fields(node)
        old = list(self._rows)
        self._rows.clear()
        for widget in old:
            widget.native.deleteLater()
        self._rows.extend(rows)

    def _field(self, name: str, widget: Any, changed: Callable[[Any], None]) -> Any:
        def tell(value: Any) -> None:
            if not self._filling:
                changed(value)

        widget.changed.connect(tell)
        self.fields[name] = widget
        return widget

    def _wire_field(self, node: GraphNode, port: Port) -> Any:
        offered = sources(self.document.contents, node.id, port)
        choices = [("—", ""), *((text, (other, slot)) for text, other, slot in offered)]
        told = "What is wired to it" + (" (optional)" if port.optional else "")
        label = port.name.replace("_", " ")
        box = widgets.ComboBox(label=label, choices=choices, tooltip=told)
        return self._field(f"← {port.name}", box, partial(self._wire, port.name))

    def _parameter_fields(self, node: GraphNode) -> list[Any]:
        type_, rows = node_types().get(node.class_type), []
        if type_ is None:
            return [widgets.Label(value="Nodes of this type run in ComfyUI; here it is kept.")]
        if takes_layer(node):
            choices = [("a file", ""), *((name, name + LAYER) for name in self._layers())]
            box = widgets.ComboBox(label="layer", choices=choices)
            rows.append(self._field("layer", box, partial(self._set, LOADED)))
        if type_.methods:
            box = widgets.ComboBox(label="method", choices=list(type_.methods))
            rows.append(self._field("method", box, partial(self._set, "method")))
        folded = False
        for name, parameter in type_.parameters_for(node.inputs).items():
            if name in node.links:
                continue
            if parameter.advanced and not self.advanced:
                folded = True
                continue
            rows.append(self._field(name, field(parameter), partial(self._set, name)))
        if folded or self.advanced:
            more = widgets.CheckBox(text="advanced", label="", value=self.advanced)
            rows.append(more)
            more.changed.connect(self._show_advanced)
        return rows

    def _fill(self, node: GraphNode) -> None:
        self._filling = True
        try:
            for name, widget in self.fields.items():
                value: Any = node.inputs.get(name.removeprefix("← "))
                if name == "title":
                    value = node.title
                elif name == "layer":
                    held = str(node.inputs.get(LOADED, ""))
                    value = held if held.removesuffix(LAYER) in self._layers() else ""
                elif isinstance(value, Link):
                    value = value.node, value.slot
                if value is not None or name.startswith("← "):
                    _put(widget, "" if value is None else value)
        finally:
            self._filling = False

    def _show_advanced(self, on: bool) -> None:
        self.advanced = on
        self.show_node(self.node)

    def _rename(self, title: str) -> None:
        self._change(self.document.rename, self.node, title)

    def _set(self, name: str, value: Any) -> None:
        self._change(self.document.set, self.node, name, value)

    def _wire(self, name: str, end: tuple[str, int] | str) -> None:
        if isinstance(end, str):
            self._change(self.document.disconnect, self.node, name)
        else:
            self._change(self.document.connect, Link(*end), self.node, name)


def _put(widget: Any, value: Any) -> None:
    """Let a field show a value, if it can: a file may hold one that is out of range."""
    if widget.value == value:
        return
    try:
        widget.value = value
    except ValueError:
        widget.tooltip = f"The document holds {value!r}, which cannot be shown here."
