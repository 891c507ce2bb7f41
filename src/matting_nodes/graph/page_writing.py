"""UI format, which ComfyUI's page opens, written: what a file said is kept where it still holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .contents import ANY, Contents, Kept
from .model import Graph, GraphNode, Link
from .node_types import PARAMETER_WIRES, NodeType
from .page_reading import RENEWED, named_values, widget_names
from .registry import find_type

VERSION = 0.4
UPLOADED = "image"
"""A file to load; the page's button to upload one stands last, with this value."""

Wires = dict[tuple[str, str], int]


def is_positional(contents: Contents, node: str) -> bool:
    """Return whether a node's values stand in the page's order, and nothing tells their names.

    Parameters
    ----------
    contents : Contents
        What the document holds.
    node : str
        The node's id.
    """
    raw = contents.kept[node].page if node in contents.kept else {}
    if find_type(contents.graph.nodes[node].class_type) or not raw.get("widgets_values"):
        return False
    return named_values(raw, None) is None


def is_unnamed(contents: Contents, node: str) -> bool:
    """Return whether the names of a node's values are not known from another file, either.

    Parameters
    ----------
    contents : Contents
        What the document holds.
    node : str
        The node's id.
    """
    found = contents.graph.nodes[node]
    return len(found.inputs) == len(found.links) and is_positional(contents, node)


def page_of(contents: Contents) -> dict[str, Any]:
    """Return the JSON in UI format."""
    graph, numbers = contents.graph, _numbers(contents)
    wires = _wires(contents, numbers)
    taken = _taken(graph, wires)
    order = {key: n for n, key in enumerate(graph.order())}
    nodes, links = [], []
    for key, node in graph.nodes.items():
        entry = _entry(contents, node, wires, taken)
        entry |= {"id": numbers[key], "order": order[key]}
        nodes.append(entry)
        for slot, wire in enumerate(entry["inputs"]):
            if wire["link"] is not None:
                link = node.links[wire["name"]]
                ends = [numbers[link.node], link.slot, numbers[key], slot]
                links.append([wire["link"], *ends, _type_of(contents, link)])
    page = dict(contents.page)
    last = max([*wires.values(), page.get("last_link_id", 0)], default=0)
    page |= {
        "last_node_id": max([*numbers.values(), contents.last_virtual()], default=0),
        "last_link_id": last,
        "nodes": [*nodes, *map(dict, contents.notes)],
        "links": sorted(links, key=lambda link: link[0]),
        "groups": [
            {**group.kept, "title": group.title, "bounding": list(contents.rectangle(group))}
            for group in contents.groups
        ],
    }
    page.setdefault("config", {})
    page["extra"] = _points(page.get("extra") or {}, set(wires.values()))
    page.setdefault("version", VERSION)
    return _in_version_1(page) if page["version"] == 1 else page


def _numbers(contents: Contents) -> dict[str, int]:
    """Return the nodes' ids as numbers, which the page wants."""
    numbers = {
        key: int(key)
        for key in contents.graph.nodes
        if key.isascii() and key.isdecimal() and str(int(key)) == key and len(key) < 16
    }
    free = max([*numbers.values(), contents.last_virtual()], default=0)
    for key in contents.graph.nodes:
        if key not in numbers:
            free += 1
            numbers[key] = free
    return numbers


def _wires(contents: Contents, numbers: Mapping[str, int]) -> Wires:
    """Return the number of every wire by where it goes to; those of the file stay."""
    old: set[tuple[object, ...]] = set()
    for link in contents.page.get("links") or []:
        names = ("id", "origin_id", "origin_slot", "target_id")
        ends = [link[n] for n in names] if isinstance(link, dict) else link or [0]
        old.add(tuple(ends[:4]))
    wires: Wires = {}
    given = {
        (key, wire["name"]): wire.get("link")
        for key, kept in contents.kept.items()
        for wire in kept.page.get("inputs", ())
    }
    new = []
    for key, node in contents.graph.nodes.items():
        for name, link in node.links.items():
            number = given.get((key, name))
            if (number, numbers[link.node], link.slot, numbers[key]) in old and number is not None:
                wires[key, name] = number
            else:
                new.append((key, name))
    last = max((ends[0] for ends in old if isinstance(ends[0], int)), default=0)
    return wires | {at: last + n for n, at in enumerate(new, 1)}


def _entry(
    contents: Contents, node: GraphNode, wires: Wires, taken: Mapping[Link, list[int]]
) -> dict[str, Any]:
    type_ = find_type(node.class_type)
    raw = contents.kept.get(node.id, Kept()).page
    inputs, outputs = contents.sockets(node.id)
    before = {wire["name"]: wire for wire in raw.get("inputs", ())}
    parameters = type_.parameters_for(node.inputs) if type_ else {}
    written = []
    names = {s.name: s.kind for s in inputs}
    # Parameters that the page lists as inputs, since any of them can be wired.
    names |= {n: PARAMETER_WIRES[p.type] for n, p in parameters.items() if n in before}
    if not type_:
        names |= {name: ANY for name in node.inputs if not raw and name not in names}
    for name, kind in names.items():
        wire = dict(before.get(name, {"name": name, "type": kind}))
        if name in parameters or (not type_ and not raw and name not in node.links):
            wire.setdefault("widget", {"name": name})
        written.append(wire | {"link": wires.get((node.id, name))})
    old = raw.get("outputs", [])
    entry: dict[str, Any] = {
        "id": 0,
        "type": node.class_type,
        "pos": list(contents.places[node.id]),
        "size": list(contents.size(node.id)),
        "flags": {},
        "order": 0,
        "mode": 0,
        **{name: value for name, value in raw.items() if name != "pos"},
    }
    entry |= {
        "pos": list(contents.places[node.id]),
        "inputs": written,
        "outputs": [
            {"name": s.name, "type": s.kind, **(old[n] if n < len(old) else {"slot_index": n})}
            | {"links": taken.get(Link(node.id, n), [])}
            for n, s in enumerate(outputs)
        ],
        "widgets_values": _widgets(node, type_, raw),
    }
    entry.setdefault("properties", {"Node name for S&R": node.class_type})
    return entry | ({"title": node.title} if node.title else {})


def _taken(graph: Graph, wires: Wires) -> dict[Link, list[int]]:
    """Return the numbers of the wires from each output."""
    taken: dict[Link, list[int]] = {}
    for (target, name), number in sorted(wires.items(), key=lambda item: item[1]):
        taken.setdefault(graph.nodes[target].links[name], []).append(number)
    return taken


def _type_of(contents: Contents, link: Link) -> Any:
    outputs = contents.sockets(link.node)[1]
    return outputs[link.slot].kind if link.slot < len(outputs) else ANY


def _widgets(node: GraphNode, type_: NodeType | None, raw: Mapping[str, Any]) -> Any:
    """Return the values of a node's widgets in the order of the page."""
    old = raw.get("widgets_values")
    plain = {name: v for name, v in node.inputs.items() if not isinstance(v, Link)}
    if isinstance(old, dict):
        return {**old, **plain}
    if type_ is None:
        names = widget_names(raw, None)
        if names is None:
            return old if raw else [v for n, value in plain.items() for v in _renewed(n, value)]
        kept = zip(names, old or [], strict=False)
        return [plain.get(name, value) for name, value in kept]
    if isinstance(old, list) and type_.methods and str(plain.get("method")) not in type_.methods:
        return old
    parameters = type_.parameters_for(node.inputs)
    own = [p.name for p in type_.parameters]
    order = ["method"] if type_.methods else []
    order += [name for name in parameters if name not in own] + own
    defaults = {name: p.default for name, p in parameters.items()}
    values = [plain.get(name, defaults.get(name, type_.default)) for name in order]
    count = len(widget_names(raw, type_) or ())
    if isinstance(old, list):
        return values + old[count:]
    return values + ([UPLOADED] if UPLOADED in own else [])


def _renewed(name: str, value: object) -> list[object]:
    """Return a value, and after a seed what the page does with it after a run: nothing."""
    return [value, "fixed"] if name in RENEWED else [value]


def _points(extra: Mapping[str, Any], numbers: set[int]) -> dict[str, Any]:
    """Return a page's extras; the points that lead wires hold only those that are there."""
    extra = dict(extra)

    def dicts(name: str) -> list[dict[str, Any]]:
        return [entry for entry in extra[name] if isinstance(entry, dict)]

    def is_there(number: object) -> bool:
        return type(number) is int and number in numbers

    if isinstance(extra.get("reroutes"), list):
        extra["reroutes"] = [
            {**point, "linkIds": [number for number in point["linkIds"] if is_there(number)]}
            for point in dicts("reroutes")
            if isinstance(point.get("linkIds"), list)
        ]
    if isinstance(extra.get("linkExtensions"), list):
        ends = dicts("linkExtensions")
        extra["linkExtensions"] = [end for end in ends if is_there(end.get("id"))]
    return extra


def _in_version_1(page: dict[str, Any]) -> dict[str, Any]:
    """Return a page as version 1 of the format writes it: links as objects, and its state."""
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    page["links"] = [dict(zip(names, link, strict=True)) for link in page["links"]]
    last = {"lastNodeId": page.pop("last_node_id"), "lastLinkId": page.pop("last_link_id")}
    return page | {"state": {**(page.get("state") or {}), **last}}
