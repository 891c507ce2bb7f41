"""What a node of a graph shows: its title and the ports that wires go into and come out of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ....graph import Graph, GraphNode, node_types
from ....graph.node_types import PARAMETER_WIRES

ANY = "*"
"""The type of a port of which nothing is known."""


@dataclass(frozen=True)
class Port:
    """Where a wire begins or ends.

    Parameters
    ----------
    name : str
        The name of the input or output.
    type : str
        What travels there: IMAGE, MASK …
    optional : bool
        Whether the node runs without it.
    """

    name: str
    type: str
    optional: bool = False

    def takes(self, other: Port) -> bool:
        """Return whether a wire may join the two."""
        return self.type == other.type or ANY in (self.type, other.type)


@dataclass(frozen=True)
class Shown:
    """A node as it is drawn.

    Parameters
    ----------
    title : str
        The user's name of it, or its type's.
    inputs, outputs : tuple of Port
        From the top.
    known : bool
        Whether nodes of its type can run here.
    """

    title: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    known: bool = True


def shown(node: GraphNode, used: Iterable[int] = ()) -> Shown:
    """Return what a node shows.

    Parameters
    ----------
    node : GraphNode
        The node.
    used : iterable of int
        The numbers of its outputs that wires begin at: all that is known of a stranger's.
    """
    type_ = node_types().get(node.class_type)
    if type_ is None:
        inputs = tuple(Port(name, ANY) for name in node.links)
        count = max(used, default=-1) + 1
        outputs = tuple(Port(f"{number}", ANY) for number in range(count))
        return Shown(node.title or node.class_type, inputs, outputs, known=False)
    needed = type_.needs.get(str(node.inputs.get("method")), ())
    ports = [Port(s.name, s.kind, s.optional and s.name not in needed) for s in type_.inputs]
    names = {port.name for port in ports}
    parameters = type_.parameters_for(node.inputs)
    for name in node.links:
        if name not in names:
            known = name in parameters
            ports.append(Port(name, PARAMETER_WIRES[parameters[name].type] if known else ANY))
    outputs = tuple(Port(s.name, s.kind) for s in type_.outputs)
    return Shown(node.title or type_.title, tuple(ports), outputs)


def used_outputs(graph: Graph) -> dict[str, set[int]]:
    """Return the numbers of the outputs that wires begin at, by node."""
    used: dict[str, set[int]] = {}
    for node in graph.nodes.values():
        for link in node.links.values():
            used.setdefault(link.node, set()).add(link.slot)
    return used


def sources(graph: Graph, node: str, port: Port) -> list[tuple[str, str, int]]:
    """Return the outputs that may be wired to an input, as (label, node, number).

    Parameters
    ----------
    graph : Graph
        The document's.
    node : str
        Whose input it is; it, and what depends on it, are no sources.
    port : Port
        The input.
    """
    used, found = used_outputs(graph), []
    for other in graph.nodes.values():
        if node in graph.needed([other.id]):
            continue
        about = shown(other, used.get(other.id, ()))
        for number, output in enumerate(about.outputs):
            if port.takes(output):
                found.append((f"{about.title} ({other.id}): {output.name}", other.id, number))
    return found


@dataclass(frozen=True)
class Entry:
    """Something that can be added to a graph.

    Parameters
    ----------
    title : str
        What it is called.
    class_type : str
        The type of the node.
    inputs : tuple of (str, value)
        What it begins with, beside the defaults.
    summary : str
        What it does.
    words : str
        Other words that people search for.
    """

    title: str
    class_type: str
    inputs: tuple[tuple[str, object], ...] = ()
    summary: str = ""
    words: str = ""


def entries(wire: Port | None = None, from_output: bool = True) -> list[Entry]:
    """Return an entry for every type of node, or for those that a wire can end at.

    Parameters
    ----------
    wire : Port, optional
        Where the wire comes from.
    from_output : bool
        Whether that is an output.
    """
    found = []
    for name, type_ in node_types().items():
        ends = type_.inputs if from_output else type_.outputs
        if wire is None or any(wire.takes(Port(s.name, s.kind)) for s in ends):
            found.append(Entry(type_.title, name, (), type_.summary, " ".join(type_.aliases)))
    return found


def ranked(found: Iterable[Entry], text: str) -> list[Entry]:
    """Return the entries in which every word of a text occurs, those that begin with it first.

    Examples
    --------
    >>> names = [Entry("Invert Mask", "InvertMask"), Entry("Make Trimap", "", words="mask band")]
    >>> [entry.title for entry in ranked(names, "mask")]
    ['Invert Mask', 'Make Trimap']
    """
    wanted = text.lower().split()
    fitting = [
        entry
        for entry in found
        if all(w in f"{entry.title} {entry.words} {entry.summary}".lower() for w in wanted)
    ]

    def rank(entry: Entry) -> tuple[bool, bool, str]:
        title = entry.title.lower()
        return not title.startswith(text.lower()), not all(w in title for w in wanted), title

    return sorted(fitting, key=rank)
