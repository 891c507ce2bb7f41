"""What a hand at the wires of a graph does to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...errors import GraphError
from ..contents import Contents
from ..editing import Document
from ..layout import Place
from ..model import Graph, Link
from .palette import Entry
from .ports import Port, shown

FAR = 260.0
"""How far to the right of a node the next is put."""

Input = tuple[str, str]
"""A node, and the name of its input."""


class End(NamedTuple):
    """An end of a wire: a node's port."""

    node: str
    number: int
    output: bool
    port: Port


def wires(graph: Graph) -> dict[Input, Link]:
    """Return the wires of a graph by where they end.

    Parameters
    ----------
    graph : Graph
        The document's.
    """
    return {
        (node.id, name): link
        for node in graph.nodes.values()
        for name, link in node.links.items()
        if link.node in graph.nodes
    }


def order(graph: Graph) -> list[str]:
    """Return the nodes from the sources on; in a circle there is no such order.

    Parameters
    ----------
    graph : Graph
        The document's.
    """
    try:
        return graph.order()
    except GraphError:
        return list(graph.nodes)


def grasped(contents: Contents, end: End) -> tuple[End, Input | None]:
    """Return the end that stays when a wire is drawn from a port, and the input that it leaves.

    Parameters
    ----------
    contents : Contents
        The document's.
    end : End
        Where the hand is: at an input that has a wire, it takes this one off.
    """
    link = None if end.output else contents.graph.nodes[end.node].links.get(end.port.name)
    if link is None or link.node not in contents.graph.nodes:
        return end, None
    port = shown(contents, link.node).outputs[link.slot]
    return End(link.node, link.slot, True, port), (end.node, end.port.name)


def free_end(contents: Contents, node: str, begun: End) -> End | None:
    """Return the first port of a node that a wire fits, and no other wire is at.

    Parameters
    ----------
    contents : Contents
        The document's.
    node : str
        Where the wire is dropped.
    begun : End
        Where it begins.
    """
    about, links = shown(contents, node), contents.graph.nodes[node].links
    ports = about.inputs if begun.output else about.outputs
    for number, port in enumerate(ports):
        if port.takes(begun.port) and not (begun.output and port.name in links):
            return End(node, number, not begun.output, port)
    return None


def drop(document: Document, begun: End, left: Input | None, end: End | None) -> None:
    """Let a wire end at a port, or nowhere.

    Parameters
    ----------
    document : Document
        What is changed.
    begun : End
        Where the wire begins.
    left : (node, name), optional
        The input that it was taken off.
    end : End, optional
        Where it was dropped.

    Raises
    ------
    GraphError
        If it does not fit there; it then stays where it was.
    """
    if end is not None and end.output != begun.output:
        source, target = (begun, end) if begun.output else (end, begun)
        if left == (target.node, target.port.name):
            return
        document.connect(Link(source.node, source.number), target.node, target.port.name)
    if left is not None:
        document.disconnect(*left)


def add(
    document: Document,
    entry: Entry,
    place: Place,
    wire: End | None = None,
    selected: Sequence[str] = (),
) -> str:
    """Add a node, and wire it where that is plain: to the wire in hand, or the selected node.

    Parameters
    ----------
    document : Document
        What is changed.
    entry : Entry
        What is added.
    place : (x, y)
        Where.
    wire : End, optional
        The end of a wire that was dropped there.
    selected : sequence of str
        If it is one node, and no wire is in hand, its first output that fits is wired to it.

    Returns
    -------
    str
        The new node.
    """
    after = selected[0] if wire is None and len(selected) == 1 else ""
    if after:
        x, y = document.places[after]
        place = x + FAR, y
    key = document.add(entry.class_type, place, dict(entry.inputs))
    if wire is not None and not wire.output:
        _wire(document, key, wire.node, [wire.port])
    elif wire is not None:
        fits = _first(shown(document.contents, key).inputs, wire.port)
        if fits is not None:
            document.connect(Link(wire.node, wire.number), key, fits.name)
    elif after:
        _wire(document, after, key, shown(document.contents, key).inputs)
    return key


def _wire(document: Document, source: str, target: str, inputs: Sequence[Port]) -> None:
    """Wire the first two ports that fit; what must be wired comes first."""
    outputs = shown(document.contents, source).outputs
    for port in sorted(inputs, key=lambda port: port.optional):
        output = _first(outputs, port)
        if output is not None:
            return document.connect(Link(source, outputs.index(output)), target, port.name)


def _first(ports: Sequence[Port], other: Port) -> Port | None:
    """Return the first port that takes another, one that must be wired before others."""
    fitting = [port for port in ports if port.takes(other)]
    return min(fitting, key=lambda port: port.optional, default=None)
