"""What can be set of a node in a form: its title, what is wired to it, its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....framework.parameters import Parameter
from ....graph import Contents, Document, Link, node_types
from ....graph.canvas.ports import shown, sources
from ._sources import LAYER, LOADED, takes_layer

TITLE, WIRE, FILE_LAYER, ADVANCED = "title", "← ", "layer", "advanced"


@dataclass(frozen=True)
class Row:
    """A field of a form.

    Parameters
    ----------
    name : str
        What it sets: "title", "← image", "method.inner" …
    label : str
        What stands before it.
    choices : tuple of (text, value), optional
        What it can be.
    parameter : Parameter, optional
        What it sets, if that is one.
    tooltip : str
        What is said of it.
    """

    name: str
    label: str = ""
    choices: tuple[tuple[str, object], ...] = ()
    parameter: Parameter | None = None
    tooltip: str = ""


def rows_of(contents: Contents, key: str, layers: Sequence[str], advanced: bool) -> list[Row]:
    """Return the fields of a node, from the top.

    Parameters
    ----------
    contents : Contents
        The document's.
    key : str
        The node's id.
    layers : sequence of str
        The layers that a source may take.
    advanced : bool
        Whether advanced parameters are among them.
    """
    node = contents.graph.nodes[key]
    rows = [Row(TITLE, "title")]
    for port in shown(contents, key).inputs:
        offered = [(text, (other, slot)) for text, other, slot in sources(contents, key, port)]
        told = "What is wired to it" + (" (optional)" if port.optional else "")
        label = port.name.replace("_", " ")
        rows.append(Row(WIRE + port.name, label, (("—", ""), *offered), tooltip=told))
    type_ = node_types().get(node.class_type)
    if type_ is None:
        return [*rows, Row("", "Nodes of this type run in ComfyUI; here it is kept.")]
    if takes_layer(node):
        named = [(name, name + LAYER) for name in layers]
        rows.append(Row(FILE_LAYER, "layer", (("a file", ""), *named)))
    if type_.methods:
        rows.append(Row("method", "method", tuple((method, method) for method in type_.methods)))
    parameters = type_.parameters_for(node.inputs).items()
    free = [(name, p) for name, p in parameters if name not in node.links]
    rows += [Row(name, parameter=p) for name, p in free if advanced or not p.advanced]
    return [*rows, Row(ADVANCED)] if advanced or any(p.advanced for _, p in free) else rows


def values_of(contents: Contents, key: str, layers: Sequence[str]) -> dict[str, object]:
    """Return what the fields of a node show.

    Parameters
    ----------
    contents : Contents
        The document's.
    key : str
        The node's id.
    layers : sequence of str
        The layers that a source may take.
    """
    wires = (WIRE + socket.name for socket in contents.sockets(key)[0])
    node = contents.graph.nodes[key]
    held = str(node.inputs.get(LOADED, ""))
    values: dict[str, object] = {
        **dict.fromkeys(wires, ""),
        TITLE: node.title,
        FILE_LAYER: held if held.removesuffix(LAYER) in layers else "",
    }
    for name, value in node.inputs.items():
        if isinstance(value, Link):
            values[WIRE + name] = value.node, value.slot
        else:
            values[name] = value
    return values


def put(document: Document, node: str, name: str, value: object) -> None:
    """Change what a field shows.

    Parameters
    ----------
    document : Document
        Whose node it is.
    node : str
        Its id.
    name : str
        The row's.
    value : any
        What the field has now.

    Raises
    ------
    GraphError, ParameterError
        If it cannot be; the document stays as it was.
    """
    if name == TITLE:
        document.rename(node, str(value))
    elif not name.startswith(WIRE):
        document.set(node, LOADED if name == FILE_LAYER else name, value)
    elif isinstance(value, tuple):
        document.connect(Link(*value), node, name.removeprefix(WIRE))
    else:
        document.disconnect(node, name.removeprefix(WIRE))
