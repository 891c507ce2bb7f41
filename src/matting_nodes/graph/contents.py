"""What a document of a graph holds at one moment: the graph, and how it is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from ..framework.spec import Socket
from .inputs import unwired
from .layout import Place, Rectangle, laid_out
from .model import Graph, Link
from .node_types import PARAMETER_WIRES
from .registry import find_type

ANY = "*"
"""The type of an input or output of a node that is not known here."""
MUTED, BYPASSED = 2, 4
"""ComfyUI's modes of a node that does not run, and of one that hands on what it is given."""
# Pixels on ComfyUI's page.
WIDTH, HEAD, LINE, MARGIN, TITLE = 320.0, 60.0, 24.0, 20.0, 70.0
NOTE = 210.0, 88.0


@dataclass(frozen=True)
class Group:
    """A frame with a title around nodes.

    Parameters
    ----------
    title : str
        What it says.
    ids : tuple of str
        The nodes in it; its rectangle is drawn around them.
    rectangle : (left, top, width, height), optional
        Where it stands when no node is in it.
    kept : mapping
        What a file says of it that is not used here, such as its color.
    """

    title: str
    ids: tuple[str, ...] = ()
    rectangle: Rectangle | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kept:
    """What files say of a node that is not used here, and is written back.

    Parameters
    ----------
    entry : mapping
        Its entry in API format.
    page : mapping
        Its entry in UI format.
    """

    entry: Mapping[str, Any] = field(default_factory=dict)
    page: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Contents:
    """A graph with places, groups, and what its file holds beside them; none of it changes.

    Parameters
    ----------
    graph : Graph
        The nodes and wires.
    places : mapping of id to (x, y)
        Where the top left corner of each node is, in pixels of ComfyUI's page.
    groups : tuple of Group
        Frames around nodes.
    kept : mapping of id to Kept
        What files say of single nodes.
    page : mapping
        What a file in UI format says of the whole.
    notes : tuple of mapping
        The notes in such a file: nodes that only hold text.
    """

    graph: Graph = field(default_factory=Graph)
    places: Mapping[str, Place] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    kept: Mapping[str, Kept] = field(default_factory=dict)
    page: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Mapping[str, Any], ...] = ()

    def only(self, ids: Iterable[str]) -> Self:
        """Return these nodes, the wires between them and the groups of nothing else."""
        wanted = set(ids)
        groups = tuple(group for group in self.groups if group.ids and wanted >= {*group.ids})
        rest = self.without(key for key in self.graph.nodes if key not in wanted)
        return replace(rest, groups=groups, page={}, notes=())

    def renumbered(self, ids: Mapping[str, str]) -> Self:
        """Return it with other ids, by the old ones."""

        def link(value: object) -> object:
            return replace(value, node=ids[value.node]) if isinstance(value, Link) else value

        nodes = {
            ids[key]: replace(
                node, id=ids[key], inputs={name: link(v) for name, v in node.inputs.items()}
            )
            for key, node in self.graph.nodes.items()
        }
        return replace(
            self,
            graph=replace(self.graph, nodes=nodes),
            places={ids[key]: place for key, place in self.places.items()},
            groups=tuple(replace(g, ids=tuple(ids[key] for key in g.ids)) for g in self.groups),
            kept={ids[key]: kept for key, kept in self.kept.items()},
        )

    def joined(self, other: Contents, place: Place | None = None) -> Self:
        """Return this and another's nodes and groups.

        Parameters
        ----------
        other : Contents
            What is added; its ids are not in this one.
        place : (x, y), optional
            Where its top left corner comes.
        """
        x = y = 0.0
        if place and other.places:
            x, y = (place[n] - min(at[n] for at in other.places.values()) for n in (0, 1))
        return replace(
            self,
            graph=replace(self.graph, nodes={**self.graph.nodes, **other.graph.nodes}),
            places={
                **self.places,
                **{key: (at[0] + x, at[1] + y) for key, at in other.places.items()},
            },
            groups=(*self.groups, *(replace(g, rectangle=None) for g in other.groups if g.ids)),
            kept={**self.kept, **other.kept},
        )

    def without(self, ids: Iterable[str]) -> Self:
        """Return it without these nodes and the wires at them."""
        gone = set(ids)
        nodes = {}
        for key, node in self.graph.nodes.items():
            if key in gone:
                continue
            for name, link in node.links.items():
                if link.node in gone:
                    node = unwired(node, name)
            nodes[key] = node
        groups = (replace(g, ids=tuple(i for i in g.ids if i not in gone)) for g in self.groups)
        return replace(
            self,
            graph=replace(self.graph, nodes=nodes),
            places={key: place for key, place in self.places.items() if key not in gone},
            kept={key: kept for key, kept in self.kept.items() if key not in gone},
            # A frame whose last node goes, goes with it.
            groups=tuple(
                group
                for group, old in zip(groups, self.groups, strict=True)
                if group.ids or not old.ids
            ),
        )

    def last_virtual(self) -> int:
        """Return the highest id of the notes, which no node may have; 0 without any."""
        return max((n["id"] for n in self.notes if type(n.get("id")) is int), default=0)

    def mode(self, node: str) -> int:
        """Return ComfyUI's mode of a node: 0, MUTED or BYPASSED."""
        mode = self.kept[node].page.get("mode", 0) if node in self.kept else 0
        return mode if mode in (MUTED, BYPASSED) else 0

    def to_run(self) -> Graph:
        """Return the graph without nodes that are muted or bypassed, as ComfyUI exports it.

        A wire from a muted node is left out; one from a bypassed node comes from the input of
        this node that has its type.
        """
        modes = {key: self.mode(key) for key in self.graph.nodes}
        if not any(modes.values()):
            return self.graph
        nodes = {}
        for key, node in self.graph.nodes.items():
            if modes[key]:
                continue
            for name, link in node.links.items():
                source = self._passed_on(link, modes)
                inputs = {**node.inputs, name: source}
                node = replace(node, inputs=inputs) if source else unwired(node, name)
            nodes[key] = node
        return replace(self.graph, nodes=nodes)

    def _passed_on(self, link: Link | None, modes: Mapping[str, int]) -> Link | None:
        seen = set()
        while link and modes.get(link.node):
            if modes[link.node] == MUTED or link in seen:
                return None
            seen.add(link)
            inputs, outputs = self.sockets(link.node)
            kind = outputs[link.slot].kind if link.slot < len(outputs) else ANY
            given = self.graph.nodes[link.node].links
            fitting = [s.name for s in inputs if s.kind == kind and s.name in given]
            link = given[fitting[0]] if fitting else None
        return link

    def sockets(self, node: str) -> tuple[tuple[Socket[str], ...], tuple[Socket[str], ...]]:
        """Return the inputs and the outputs of a node; parameters that are wired count as inputs.

        Those of a node that is not known here are what its file says, or else what is wired,
        with the type ANY.
        """
        found = self.graph.nodes[node]
        type_ = find_type(found.class_type)
        if type_:
            parameters = type_.parameters_for(found.inputs)
            wired = tuple(
                Socket(name, PARAMETER_WIRES[parameters[name].type], True)
                for name in found.links
                if name in parameters
            )
            return type_.inputs + wired, type_.outputs
        page = self.kept[node].page if node in self.kept else {}
        inputs = {
            s["name"]: Socket(s["name"], str(s.get("type", ANY)), True)
            for s in page.get("inputs", ())
        }
        inputs |= {name: Socket(name, ANY) for name in found.links if name not in inputs}
        outputs = [Socket(s["name"], str(s.get("type", ANY))) for s in page.get("outputs", ())]
        missing = range(len(outputs), self._last_wired.get(node, -1) + 1)
        return tuple(inputs.values()), (*outputs, *(Socket(str(n), ANY) for n in missing))

    @cached_property
    def _last_wired(self) -> dict[str, int]:
        """The highest number of an output of each node that something is wired to."""
        last: dict[str, int] = {}
        for node in self.graph.nodes.values():
            for link in node.links.values():
                last[link.node] = max(link.slot, last.get(link.node, 0))
        return last

    def size(self, node: str) -> tuple[float, float]:
        """Return how large a node is drawn: as its file says, or by the lines that it has."""
        size = self.kept[node].page.get("size") if node in self.kept else None
        if size:
            return size[0], size[1]
        found = self.graph.nodes[node]
        type_ = find_type(found.class_type)
        lines = len(found.inputs)
        if type_:
            lines = len(type_.parameters_for(found.inputs)) + bool(type_.methods)
            lines += max(len(type_.inputs), len(type_.outputs))
        return WIDTH, HEAD + LINE * lines

    def laid_out(self, sizes: Mapping[str, tuple[float, float]] | None = None) -> Self:
        """Return it with places for all nodes: left to right, by groups, none over a note.

        Parameters
        ----------
        sizes : mapping of id to (width, height), optional
            How large a view draws the nodes.

        Raises
        ------
        GraphError
            If nodes depend on each other in a circle.
        """
        sizes = {key: self.size(key) for key in self.graph.nodes} | dict(sizes or {})
        empty = [self.rectangle(group) for group in self.groups if not group.ids]
        notes = [*map(note_box, self.notes), *empty]
        groups = [group.ids for group in self.groups]
        return replace(self, places=laid_out(self.graph, sizes, groups, notes))

    def rectangle(self, group: Group) -> Rectangle:
        """Return where a group's frame is: (left, top, width, height)."""
        boxes = [(*self.places[key], *self.size(key)) for key in group.ids]
        if group.rectangle and all(holds(group.rectangle, box) for box in boxes):
            return group.rectangle
        if not boxes:
            return 0.0, 0.0, WIDTH, TITLE
        left, top = (min(box[n] for box in boxes) for n in (0, 1))
        right, bottom = (max(box[n] + box[n + 2] for box in boxes) for n in (0, 1))
        width, height = right - left + 2 * MARGIN, bottom - top + TITLE + MARGIN
        return left - MARGIN, top - TITLE, width, height


def note_box(raw: Mapping[str, Any]) -> Rectangle:
    """Return where a note stands: (left, top, width, height).

    Parameters
    ----------
    raw : mapping
        The note.
    """
    size = pair(raw, "size") or NOTE
    return *(pair(raw, "pos") or (0.0, 0.0)), max(size[0], 80.0), max(size[1], 50.0)


def holds(frame: Rectangle, box: Rectangle) -> bool:
    """Return whether the center of a box is in a frame, which makes a node one of a group.

    Parameters
    ----------
    frame, box : (left, top, width, height)
        Of the group and of the node.
    """
    centers = (box[n] + box[n + 2] / 2 - frame[n] for n in (0, 1))
    return all(0 <= center <= frame[n + 2] for n, center in enumerate(centers))


def pair(raw: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    """Return two numbers of an entry in UI format; None if it has no such.

    Parameters
    ----------
    raw : mapping
        The entry of a node.
    name : str
        "pos" or "size"; older pages write them as an object.
    """
    value = raw.get(name)
    if isinstance(value, dict):
        value = [value.get("0"), value.get("1")]
    if not isinstance(value, list) or len(value) < 2:
        return None
    if not all(isinstance(v, int | float) and abs(v) < 1e9 for v in value[:2]):
        return None
    return float(value[0]), float(value[1])
