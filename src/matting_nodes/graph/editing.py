"""A graph that is edited: every change can be undone, and what would be wrong is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ..errors import GraphError
from ..io.images import write_whole
from .model import Graph, GraphNode, Link
from .node_types import PARAMETER_WIRES
from .registry import node_types

Place = tuple[float, float]
COLUMN, ROW = 250.0, 340.0


@dataclass(frozen=True)
class Group:
    """Nodes that belong together.

    Parameters
    ----------
    title : str
        What they are called.
    nodes : tuple of str
        Their ids.
    """

    title: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class _State:
    graph: Graph = field(default_factory=Graph)
    places: Mapping[str, Place] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()


class Document:
    """A graph with the places and groups of its nodes, and what it was before."""

    def __init__(self) -> None:
        self._state = _State()
        self._past: list[_State] = []
        self._future: list[_State] = []
        self._last: object = None
        self.on_change: list[Callable[[], None]] = []

    @property
    def graph(self) -> Graph:
        """The graph."""
        return self._state.graph

    @property
    def places(self) -> Mapping[str, Place]:
        """Where nodes lie, by id."""
        return self._state.places

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups."""
        return self._state.groups

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to redo."""
        return bool(self._future)

    def _become(self, state: _State, kind: object = None) -> None:
        if state == self._state:
            return
        # Steps of one slider are one change.
        if kind is None or kind != self._last:
            self._past.append(self._state)
        self._future.clear()
        self._last, self._state = kind, state
        self._tell()

    def _tell(self) -> None:
        for told in list(self.on_change):
            told()

    def undo(self) -> None:
        """Take the last change back."""
        if self._past:
            self._future.append(self._state)
            self._state, self._last = self._past.pop(), None
            self._tell()

    def redo(self) -> None:
        """Do again what was taken back last."""
        if self._future:
            self._past.append(self._state)
            self._state, self._last = self._future.pop(), None
            self._tell()

    def _node(self, key: str) -> GraphNode:
        if key not in self.graph.nodes:
            raise GraphError(f"There is no node {key}", "It must be in the graph", "Select one")
        return self.graph.nodes[key]

    def add(
        self, class_type: str, place: Place, inputs: Mapping[str, object] | None = None
    ) -> str:
        """Add a node with the defaults of its type, and return its id."""
        type_ = node_types().get(class_type)
        values: dict[str, object] = {}
        if type_ is not None:
            if type_.methods:
                values["method"] = next(iter(type_.methods))
            values |= {"method": inputs["method"]} if inputs and "method" in inputs else {}
            values |= {n: p.default for n, p in type_.parameters_for(values).items()}
        key = self._free()
        node = GraphNode(key, class_type, values | dict(inputs or {}))
        places = {**self.places, key: place}
        self._become(replace(self._state, graph=self.graph.with_node(node), places=places))
        return key

    def _free(self, taken: Iterable[str] = ()) -> str:
        numbers = [int(key) for key in (*self.graph.nodes, *taken) if key.isdecimal()]
        return str(max(numbers, default=0) + 1)

    def remove(self, ids: Iterable[str]) -> None:
        """Remove nodes and the wires at them."""
        gone = set(ids)
        nodes = {
            key: replace(node, inputs={n: v for n, v in node.inputs.items() if not _from(v, gone)})
            for key, node in self.graph.nodes.items()
            if key not in gone
        }
        places = {key: place for key, place in self.places.items() if key not in gone}
        left = (replace(g, nodes=tuple(k for k in g.nodes if k not in gone)) for g in self.groups)
        self._become(_State(Graph(nodes), places, tuple(g for g in left if g.nodes)))

    def connect(self, link: Link, node: str, name: str) -> None:
        """Wire an output to an input.

        Raises
        ------
        GraphError
            If the types differ, or nodes would depend on each other.
        """
        source, target = self._node(link.node), self._node(node)
        types = node_types()
        from_, to = types.get(source.class_type), types.get(target.class_type)
        if from_ and to:
            given = from_.outputs[link.slot].kind
            kinds = {s.name: s.kind for s in to.inputs}
            parameters = to.parameters_for(target.inputs)
            kinds |= {n: PARAMETER_WIRES[p.type] for n, p in parameters.items() if n not in kinds}
            if kinds.get(name) != given:
                raise GraphError(
                    f"{name} of {target.label} takes {kinds.get(name)}, and this gives {given}",
                    "A wire joins an output and an input of one type",
                    "Put a node between them that converts the one to the other",
                )
        graph = self.graph.with_input(node, name, link)
        graph.order()
        self._become(replace(self._state, graph=graph))

    def disconnect(self, node: str, name: str) -> None:
        """Remove the wire at an input."""
        if name in self._node(node).links:
            graph = self.graph.with_input(node, name, None)
            self._become(replace(self._state, graph=graph))

    def set(self, node: str, name: str, value: object) -> None:
        """Give a parameter a value; another method begins with its defaults."""
        old = self._node(node)
        graph = self.graph.with_input(node, name, value)
        type_ = node_types().get(old.class_type)
        if name == "method" and type_ is not None:
            kept = {n: v for n, v in old.inputs.items() if not n.startswith("method.")}
            kept["method"] = value
            new = {n: p.default for n, p in type_.parameters_for(kept).items() if n not in kept}
            graph = self.graph.with_node(replace(old, inputs=kept | new))
        elif type_ is not None and name in type_.parameters_for(old.inputs):
            type_.parameters_for(old.inputs)[name].checked(value, old.label)
        self._become(replace(self._state, graph=graph), ("set", node, name))

    def rename(self, node: str, title: str) -> None:
        """Give a node a title."""
        graph = self.graph.with_node(replace(self._node(node), title=title))
        self._become(replace(self._state, graph=graph), ("rename", node))

    def move(self, places: Mapping[str, Place]) -> None:
        """Move nodes."""
        known = {key: place for key, place in places.items() if key in self.graph.nodes}
        self._become(replace(self._state, places={**self.places, **known}))

    def group(self, title: str, ids: Iterable[str]) -> None:
        """Put nodes into a group."""
        group = Group(title, tuple(key for key in ids if key in self.graph.nodes))
        self._become(replace(self._state, groups=(*self.groups, group)))

    def copy(self, ids: Iterable[str]) -> str:
        """Return nodes as a text."""
        part = {key: self.graph.nodes[key] for key in ids if key in self.graph.nodes}
        places = {key: self.places.get(key, (0.0, 0.0)) for key in part}
        return json.dumps({"nodes": Graph(part).to_json(), "places": places})

    def paste(self, text: str, place: Place) -> list[str]:
        """Add the nodes of a text and return their ids."""
        try:
            told = json.loads(text)
            graph = Graph.from_json(told["nodes"])
        except (ValueError, TypeError, KeyError) as error:
            raise GraphError(
                "The clipboard holds no nodes", "Nodes are copied first", "Press Ctrl+C on some"
            ) from error
        names: dict[str, str] = {}
        for key in graph.nodes:
            names[key] = self._free(names.values())
        left = min((x for x, _ in told["places"].values()), default=0)
        top = min((y for _, y in told["places"].values()), default=0)
        nodes, places = dict(self.graph.nodes), dict(self.places)
        for key, node in graph.nodes.items():
            inputs = {
                name: replace(v, node=names.get(v.node, v.node)) if isinstance(v, Link) else v
                for name, v in node.inputs.items()
            }
            nodes[names[key]] = replace(node, id=names[key], inputs=inputs)
            x, y = told["places"].get(key, (0, 0))
            places[names[key]] = place[0] + x - left, place[1] + y - top
        self._become(replace(self._state, graph=Graph(nodes), places=places))
        return list(names.values())

    def lay_out(self) -> None:
        """Put every node to the right of its sources."""
        self._become(replace(self._state, places=_laid_out(self.graph)))

    def read(self, source: str | os.PathLike[str] | Graph) -> None:
        """Open a workflow."""
        graph = source if isinstance(source, Graph) else Graph.read(source)
        graph.order()
        self._become(_State(graph, _laid_out(graph)))

    def save(self, path: str | os.PathLike[str], format: Literal["api", "ui"] = "api") -> None:
        """Write the workflow."""
        write_whole(Path(path), json.dumps(self.graph.to_json(), indent=2).encode())


def _from(value: object, nodes: set[str]) -> bool:
    return isinstance(value, Link) and value.node in nodes


def _laid_out(graph: Graph) -> dict[str, Place]:
    columns: dict[str, int] = {}
    for key in graph.order():
        before = [columns[link.node] for link in graph.nodes[key].links.values()]
        columns[key] = max(before, default=-1) + 1
    heights: dict[int, int] = {}
    places = {}
    for key, column in columns.items():
        row = heights.get(column, 0)
        heights[column] = row + 1
        places[key] = column * COLUMN, row * ROW
    return places
