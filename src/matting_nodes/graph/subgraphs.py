"""The nodes and links of UI format: subgraphs are taken apart, wires followed to their source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import GraphError, shown
from .document import EXPORT, MOST_NODES
from .model import Link

INSIDE, OUTSIDE = "-10", "-20"
"""The ids of the two ends of a subgraph: where its inputs come from, and its outputs go to."""
DEEPEST = 16
"""Subgraphs within each other."""
MOST_EXPANDED = 20_000
"""Nodes in them: a small file can hold subgraphs that double again and again."""
REROUTE, PRIMITIVE = "Reroute", "PrimitiveNode"

Ends = tuple[str, int, str, int]


@dataclass(frozen=True)
class Fixed:
    """A value, in the place of a wire."""

    value: object


@dataclass
class Level:
    """What a page shows, one subgraph's nodes or all of them."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The entries by id, checked."""
    wires: dict[tuple[str, str], Link] = field(default_factory=dict)
    """What each input is wired to, by node and name."""
    through: dict[Link, Link | Fixed | None] = field(default_factory=dict)
    """What comes out where only the page has a node: a wire on, a value, or nothing."""
    tops: dict[str, list[str]] = field(default_factory=dict)
    """The nodes of the page itself, and those that each became."""
    drawn: dict[str, dict[str, Any]] = field(default_factory=dict)
    titles: list[tuple[str, list[str]]] = field(default_factory=list)
    """The subgraphs by name, with their nodes."""
    virtual: tuple[str, ...] = (REROUTE, PRIMITIVE)

    @property
    def is_expanded(self) -> bool:
        """Whether there were subgraphs."""
        return bool(self.titles)

    def source(self, node: str, name: str) -> Link | Fixed | None:
        """Return where what comes in at an input comes from.

        Parameters
        ----------
        node, name : str
            The input.

        Raises
        ------
        GraphError
            If the wire runs in a circle.
        """
        found: Link | Fixed | None = self.wires.get((node, name))
        seen = set()
        while isinstance(found, Link) and found in self.through:
            if found in seen:
                raise GraphError(
                    f"The wire to {name[:80]} of the node {node} runs in a circle",
                    "A wire comes from an output of a node",
                    "Remove one of the points that it runs through",
                )
            seen.add(found)
            found = self.through[found]
        return found


def expanded(page: Mapping[str, Any]) -> Level:
    """Return all nodes of a page, those of subgraphs among them.

    Parameters
    ----------
    page : mapping
        JSON in UI format, of any origin.

    Raises
    ------
    GraphError
        If something is no node or no link, or subgraphs hold themselves.
    """
    held = page.get("definitions")
    listed = held.get("subgraphs") if isinstance(held, dict) else None
    graphs = {
        graph["id"]: graph
        for graph in (listed if isinstance(listed, list) else [])
        if isinstance(graph, dict) and isinstance(graph.get("id"), str)
    }
    level = Level()
    _add(level, page, graphs, "", 0, 0)
    return level


def _add(
    level: Level,
    page: Mapping[str, Any],
    graphs: Mapping[str, Any],
    prefix: str,
    mode: int,
    depth: int,
) -> dict[int, Link]:
    """Add the nodes of a page or subgraph, and return what its outputs are."""
    ends = {number: _prefixed(end, prefix) for number, end in _links(page).items()}
    for entry in page["nodes"] if isinstance(page.get("nodes"), list) else []:
        raw = _checked(entry)
        key = f"{prefix}{raw['id']}"
        if key in level.nodes or key in level.tops:
            raise _refused("a second node", raw["id"])
        if len(level.nodes) >= (MOST_EXPANDED if prefix else MOST_NODES):
            raise GraphError(
                f"The workflow holds more than {len(level.nodes)} nodes",
                f"It has at most {MOST_NODES}, and {MOST_EXPANDED} with subgraphs",
                EXPORT,
            )
        if mode and not raw.get("mode"):
            raw["mode"] = mode
        for slot, wire in enumerate(raw["inputs"]):
            if wire.get("link") is not None:
                level.wires[key, wire["name"]] = _origin(wire["link"], ends, key, slot)
        begun = len(level.nodes)
        if raw["type"] in graphs:
            _enter(level, key, raw, graphs, depth)
        else:
            level.nodes[key] = raw
            _pass(level, key, raw)
        if not prefix:
            level.drawn[key] = raw
            level.tops[key] = list(level.nodes)[begun:]
    return {
        slot: Link(node, out)
        for node, out, target, slot in ends.values()
        if target == prefix + OUTSIDE
    }


def _enter(
    level: Level, key: str, raw: Mapping[str, Any], graphs: Mapping[str, Any], depth: int
) -> None:
    """Put the nodes of a subgraph in the place of the node that stands for it."""
    graph = graphs[raw["type"]]
    if depth >= DEEPEST:
        raise GraphError(
            f"More than {DEEPEST} subgraphs are within each other",
            "A subgraph does not hold itself",
            EXPORT,
        )
    begun, mode = len(level.nodes), raw.get("mode")
    outputs = _add(level, graph, graphs, f"{key}:", mode if isinstance(mode, int) else 0, depth + 1)
    for slot, link in outputs.items():
        level.through[Link(key, slot)] = link
    values = raw.get("widgets_values")
    shown_values = list(values) if isinstance(values, list) else []
    promoted = [wire["name"] for wire in raw["inputs"] if "widget" in wire]
    given = dict(zip(promoted, shown_values, strict=False))
    named = graph.get("inputs")
    for slot, wire in enumerate(named if isinstance(named, list) else []):
        name = str(wire.get("name")) if isinstance(wire, dict) else ""
        inner = Link(f"{key}:{INSIDE}", slot)
        fixed = Fixed(given[name]) if name in given else None
        level.through[inner] = level.wires.get((key, name), fixed)
    title = raw.get("title") or graph.get("name") or "Subgraph"
    level.titles.append((str(title), list(level.nodes)[begun:]))


def _pass(level: Level, key: str, raw: Mapping[str, Any]) -> None:
    """Note what a node of the page alone hands on."""
    if raw["type"] == REROUTE:
        name = raw["inputs"][0]["name"] if raw["inputs"] else ""
        level.through[Link(key)] = level.wires.get((key, name))
    elif raw["type"] == PRIMITIVE:
        values = raw.get("widgets_values")
        level.through[Link(key)] = Fixed(values[0]) if isinstance(values, list) and values else None


def _links(page: Mapping[str, Any]) -> dict[int, Ends]:
    links: dict[int, Ends] = {}
    for entry in page["links"] if isinstance(page.get("links"), list) else []:
        link = entry
        if isinstance(entry, dict):
            names = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
            link = [entry.get(name) for name in names]
        if link is None:
            continue  # older pages leave holes
        if not (isinstance(link, list) and len(link) >= 5):
            raise _refused("the link", entry)
        number, node, slot, target, into = link[:5]
        sound = all(type(v) is int for v in (number, slot, into)) and all(
            type(v) in (int, str) for v in (node, target)
        )
        if not sound:
            raise _refused("the link", entry)
        links[number] = str(node), slot, str(target), into
    return links


def _prefixed(ends: Ends, prefix: str) -> Ends:
    return prefix + ends[0], ends[1], prefix + ends[2], ends[3]


def _origin(number: object, ends: Mapping[int, Ends], key: str, slot: int) -> Link:
    if type(number) is not int or number not in ends or ends[number][2] != key:
        raise _refused(f"at input {slot} of the node {key} the wire", number)
    node, out, *_ = ends[number]
    return Link(node, out)


def _checked(entry: object) -> dict[str, Any]:
    """Return the entry of a node if its parts are of their types."""
    raw = dict(entry) if isinstance(entry, dict) else {}
    key = raw.get("id")
    if not (isinstance(raw.get("type"), str) and type(key) in (int, str) and key != ""):
        raise _refused("the node", entry)
    for name in ("inputs", "outputs"):
        sockets = raw.get(name) or []
        if not isinstance(sockets, list) or not all(
            isinstance(s, dict) and isinstance(s.get("name"), str) for s in sockets
        ):
            raise _refused(f"{name} of the node {key} that are", sockets)
        raw[name] = [dict(socket) for socket in sockets]
    return raw


def _refused(what: str, entry: object) -> GraphError:
    return GraphError(
        f"The workflow holds {what} {shown(entry)}",
        'UI format has nodes {"id": …, "type": …, "inputs": […]}, and links '
        "[id, node, slot, node, slot, type] that both ends know",
        "Open and save it in ComfyUI, or export it in API format",
    )
