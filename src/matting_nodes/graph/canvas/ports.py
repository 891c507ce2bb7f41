"""What a node of a graph shows: its title and the ports that wires go into and come out of."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from ...errors import GraphError
from ..contents import ANY, Contents
from ..registry import find_type


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


def shown(contents: Contents, key: str) -> Shown:
    """Return what a node shows.

    Parameters
    ----------
    contents : Contents
        The document's.
    key : str
        The node's id.
    """
    node = contents.graph.nodes[key]
    type_ = find_type(node.class_type)  # not node_types: it makes all of them
    needed = type_.needs.get(str(node.inputs.get("method")), ()) if type_ else ()
    inputs, outputs = contents.sockets(key)
    return Shown(
        node.title or (type_.title if type_ else node.class_type),
        tuple(Port(s.name, s.kind, s.optional and s.name not in needed) for s in inputs),
        tuple(Port(s.name, s.kind) for s in outputs),
        known=type_ is not None,
    )


def sources(contents: Contents, key: str, port: Port) -> list[tuple[str, str, int]]:
    """Return the outputs that may be wired to an input, as (label, node, number).

    Parameters
    ----------
    contents : Contents
        The document's.
    key : str
        Whose input it is; it, and what depends on it, are no sources.
    port : Port
        The input.
    """
    after, found = {key}, []
    with suppress(GraphError):  # a file may hold a circle
        for other in contents.graph.order():
            links = contents.graph.nodes[other].links.values()
            if any(link.node in after for link in links):
                after.add(other)
    for other in contents.graph.nodes:
        if other not in after:
            about = shown(contents, other)
            for number, output in enumerate(about.outputs):
                if port.takes(output):
                    found.append((f"{about.title} ({other}): {output.name}", other, number))
    return found
