"""The graph: nodes by id, their values and links, in and out of ComfyUI's API format."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from ..errors import FileError, GraphError, printable
from .document import EXPORT, checked, parsed, read_text

# Characters of a title, and nodes, that a message shows.
LONGEST_NAME = 80
MOST_LISTED = 20


@dataclass(frozen=True)
class Link:
    """A wire from an output of a node: its id, and the number of the output from 0."""

    node: str
    slot: int = 0


@dataclass(frozen=True)
class GraphNode:
    """A node in a graph.

    Parameters
    ----------
    id : str
        Its name in the file.
    class_type : str
        What it is, such as "MattingNodesSegment".
    inputs : mapping
        Values, and links to other nodes, by input name. The parameters of a
        choice stand under its name and their own: "method" and "method.inner".
    title : str
        The name that a user gave it, if any.
    """

    id: str
    class_type: str
    inputs: Mapping[str, object] = field(default_factory=dict)
    title: str = ""

    @property
    def links(self) -> dict[str, Link]:
        """The wires into it, by input name."""
        return {name: value for name, value in self.inputs.items() if isinstance(value, Link)}

    @property
    def label(self) -> str:
        """How messages name it."""
        name = self.title or self.class_type
        short = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
        return printable(f"Node {self.id} ({short})").replace("\n", " ")


@dataclass(frozen=True)
class Graph:
    """Nodes by id. Changing one gives another graph, so that a canvas can undo.

    Examples
    --------
    >>> graph = Graph().with_node(GraphNode("1", "LoadImage", {"image": "cat.png"}))
    >>> graph = graph.with_node(GraphNode("2", "PreviewImage", {"images": Link("1")}))
    >>> graph.order()
    ['1', '2']
    """

    nodes: Mapping[str, GraphNode] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a workflow: JSON in API format, or a PNG that a workflow saved.

        Raises
        ------
        FileError
            If the file cannot be read or holds no workflow.
        GraphError
            If it is in UI format, or holds something that is no node.
        """
        path = Path(path)
        try:
            data = parsed(read_text(path))
        except FileError:
            raise
        except Exception as error:  # A broken PNG raises errors of many kinds.
            raise FileError(
                f"{path} holds no workflow: {error}",
                "It must be a JSON file, or a PNG that a workflow saved",
                EXPORT,
            ) from error
        return cls.from_json(data)

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the graph of API-format JSON: `{id: {"class_type": …, "inputs": {…}}}`.

        Raises
        ------
        GraphError
            If it is in UI format, or an entry is no node.
        """
        return cls({key: _node(key, entry) for key, entry in checked(data).items()})

    def to_json(self) -> dict[str, object]:
        """Return the graph as API-format JSON."""
        return {key: _entry(node) for key, node in self.nodes.items()}

    def find(self, name: str) -> GraphNode:
        """Return the node with this id or title.

        Raises
        ------
        GraphError
            If there is none, or several have this title.
        """
        if name in self.nodes:
            return self.nodes[name]
        titled = [node for node in self.nodes.values() if node.title == name]
        if len(titled) != 1:
            raise GraphError(
                f"{len(titled) or 'No'} nodes are called {name!r}",
                f"The workflow has {listing(n.label for n in self.nodes.values())}",
                "Use one of these ids",
            )
        return titled[0]

    def with_node(self, node: GraphNode) -> Self:
        """Return the graph with this node, instead of one with its id."""
        return replace(self, nodes={**self.nodes, node.id: node})

    def with_input(self, node: str, name: str, value: object) -> Self:
        """Return the graph with a value or a Link at this input; None removes the input.

        Parameters
        ----------
        node : str
            Its id.
        name : str
            The input.
        value : object
            A value or a Link; None removes the input.
        """
        old = self.nodes[node]
        inputs = {**old.inputs, name: value}
        if value is None:
            del inputs[name]
        return self.with_node(replace(old, inputs=inputs))

    def order(self) -> list[str]:
        """Return all ids so that every node comes after its sources.

        Raises
        ------
        GraphError
            If nodes depend on each other in a circle.
        """
        # Depth first, so that few results wait in memory; by hand, since chains may be long.
        ordered: dict[str, None] = {}
        for start in self.nodes:
            path = {} if start in ordered else {start: self._sources(start)}
            while path:
                node = next(reversed(path))
                source = next((source for source in path[node] if source not in ordered), None)
                if source is None:
                    ordered[node] = None
                    del path[node]
                elif source in path:
                    raise self._circle([*path, source])
                else:
                    path[source] = self._sources(source)
        return list(ordered)

    def _sources(self, node: str) -> Iterator[str]:
        """Yield the nodes of the graph whose outputs a node uses."""
        links = self.nodes[node].links.values()
        return (link.node for link in links if link.node in self.nodes)

    def _circle(self, path: list[str]) -> GraphError:
        """Return the error for a path that comes back to a node on it."""
        circle = (self.nodes[node].label for node in path[path.index(path[-1]) :])
        return GraphError(
            f"These nodes depend on each other: {listing(circle, ' ← ')}",
            "A node can only use the outputs of nodes that ran before it",
            "Remove one of the wires",
        )

    def needed(self, ends: Iterable[str]) -> set[str]:
        """Return these nodes and all nodes that they depend on, however far back."""
        found: set[str] = set()
        waiting = list(ends)
        while waiting:
            node = waiting.pop()
            if node in self.nodes and node not in found:
                found.add(node)
                waiting += self._sources(node)
        return found


def listing(names: Iterable[str], between: str = ", ") -> str:
    """Return the first of the names as one text.

    Parameters
    ----------
    names : iterable of str
        What is listed.
    between : str
        Stands between two.

    Examples
    --------
    >>> listing("abc")
    'a, b, c'
    """
    names = list(names)
    more = len(names) - MOST_LISTED
    return between.join(names[:MOST_LISTED]) + (f"{between}… and {more} more" if more > 0 else "")


def _node(key: str, entry: Mapping[str, Any]) -> GraphNode:
    inputs = {name: _value(value) for name, value in entry["inputs"].items()}
    return GraphNode(key, entry["class_type"], inputs, entry["title"])


def _value(value: object) -> object:
    """Return a value of the file: a list of two is a link, {"__value__": …} a plain list."""
    if isinstance(value, list) and len(value) == 2 and type(value[1]) is int:
        return Link(str(value[0]), value[1])
    return value["__value__"] if isinstance(value, dict) and "__value__" in value else value


def _written(value: object) -> object:
    """Return a value as `_value` reads it: wrapped if it looks like a link, or like a wrap."""
    return {"__value__": value} if _value(value) is not value else value


def _entry(node: GraphNode) -> dict[str, object]:
    inputs = {
        name: [value.node, value.slot] if isinstance(value, Link) else _written(value)
        for name, value in node.inputs.items()
    }
    entry: dict[str, object] = {"class_type": node.class_type, "inputs": inputs}
    return entry | ({"_meta": {"title": node.title}} if node.title else {})
