"""UI format, which ComfyUI's page saves, read: nodes, wires, values, places, groups.

Values stand in widgets_values without names, in the order of the page: a choice of method, the
method's own, then the node's. Nodes that only the page knows are resolved as it resolves them
when it exports a workflow: wires go through Reroute, PrimitiveNode gives its value, and a
subgraph becomes its nodes, with ids such as "5:3". Notes are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import GraphError
from .contents import Contents, Group, Kept, holds, pair
from .document import EXPORT, no_value
from .layout import Rectangle
from .model import Graph, GraphNode, Link
from .node_types import NodeType
from .registry import find_type
from .subgraphs import Level, expanded

NEWEST = 1
"""The newest version of UI format that is read here."""
NOTES = ("Note", "MarkdownNote")
RENEWED = ("seed", "noise_seed")
RENEWALS = ("fixed", "increment", "decrement", "randomize")
"""What stands after the value of a seed: how the page changes it after a run."""


def is_page(data: object) -> bool:
    """Return whether JSON is in UI format."""
    return isinstance(data, dict) and isinstance(data.get("nodes"), list)


def read_page(data: Any) -> Contents:
    """Return what JSON in UI format holds; nodes in subgraphs have no places.

    Parameters
    ----------
    data : any
        JSON with a list of nodes, of any origin.

    Raises
    ------
    GraphError
        If it is of a newer version, or something in it is no node or no wire.
    """
    version = data.get("version", 0.4)
    if isinstance(version, int | float) and version > NEWEST:
        raise GraphError(
            f"The workflow is of version {version} of UI format",
            f"Versions up to {NEWEST} are read",
            "Install a newer matting-nodes, or export it in API format from ComfyUI",
        )
    if reason := no_value(data):
        raise GraphError(f"The workflow holds {reason}", "It holds plain texts and numbers", EXPORT)
    level = expanded(data)
    notes = {key for key, raw in level.nodes.items() if raw["type"] in NOTES}
    virtual = {key for key, raw in level.nodes.items() if raw["type"] in level.virtual}
    nodes = {
        key: _node(key, raw, level)
        for key, raw in level.nodes.items()
        if key not in notes | virtual
    }
    inside = level.is_expanded
    page = {k: v for k, v in data.items() if k not in ("nodes", "groups")}
    for name, kind in (("links", list), ("extra", dict), ("last_link_id", int), ("state", dict)):
        if not isinstance(page.get(name), kind):
            page.pop(name, None)
    if inside:
        page.pop("definitions", None)
    contents = Contents(
        Graph(nodes),
        {} if inside else {key: pair(level.nodes[key], "pos") or (0.0, 0.0) for key in nodes},
        kept={key: Kept(page=_checked_drawing(level.nodes[key])) for key in nodes},
        page=page,
        notes=tuple(level.nodes[key] for key in level.nodes if key in notes),
    )
    groups = [_group(raw, level, nodes) for raw in _dicts(data.get("groups"))]
    named = [Group(title, tuple(k for k in ids if k in nodes)) for title, ids in level.titles]
    return replace(contents, groups=(*groups, *(group for group in named if group.ids)))


def _dicts(value: object) -> Iterator[Mapping[str, Any]]:
    return (
        (entry for entry in value if isinstance(entry, dict))
        if isinstance(value, list)
        else iter(())
    )


def _checked_drawing(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node's entry with a size only if it is one."""
    size = pair(raw, "size")
    rest = {name: value for name, value in raw.items() if name not in ("size", "title")}
    return rest | (
        {"size": list(raw["size"]) if isinstance(raw["size"], list) else list(size)} if size else {}
    )


def _group(raw: Mapping[str, Any], level: Level, nodes: Mapping[str, Any]) -> Group:
    frame: Any = raw.get("bounding")
    sound = isinstance(frame, list) and len(frame) == 4
    if not (sound and all(isinstance(v, int | float) and abs(v) < 1e9 for v in frame)):
        frame = [0.0, 0.0, 0.0, 0.0]
    rectangle: Rectangle = (frame[0], frame[1], frame[2], frame[3])
    ids: list[str] = []
    for key, inner in level.tops.items():
        place, size = pair(level.drawn[key], "pos"), pair(level.drawn[key], "size")
        if place and holds(rectangle, (*place, *(size or (0.0, 0.0)))):
            ids += [k for k in inner if k in nodes]
    kept = {name: value for name, value in raw.items() if name not in ("title", "bounding")}
    shown = None if level.is_expanded else rectangle
    return Group(str(raw.get("title", "")), tuple(ids), shown, kept)


def _node(key: str, raw: Mapping[str, Any], level: Level) -> GraphNode:
    type_ = find_type(raw["type"])
    values = named_values(raw, type_) or {}
    if type_:
        # As the page does, which fills in what came after the workflow was saved.
        chosen = {"method": values.get("method", type_.default)} if type_.methods else {}
        defaults = {n: p.default for n, p in type_.parameters_for(chosen).items()}
        values = chosen | defaults | values
    links: dict[str, object] = {}
    for entry in raw["inputs"]:
        name = entry["name"]
        found = level.source(key, name)
        if isinstance(found, Link):
            links[name] = found
        elif found and (name in values or "widget" in entry):
            links[name] = found.value
    title = raw.get("title")
    named = title if isinstance(title, str) and title != (type_.title if type_ else "") else ""
    plain = {name: value for name, value in values.items() if name not in links}
    return GraphNode(key, raw["type"], {**links, **plain}, named)


def widget_names(raw: Mapping[str, Any], type_: NodeType | None) -> list[str] | None:
    """Return the name of each of a node's widgets in their order; "" if it is no input.

    Parameters
    ----------
    raw : mapping
        The node's entry in UI format.
    type_ : NodeType, optional
        Its type, if it is known.

    Returns
    -------
    list of str, or None
        None if nothing tells the names.
    """
    values = raw.get("widgets_values")
    if not isinstance(values, list):
        return None
    if type_:
        chosen = {"method": values[0]} if type_.methods and values else {}
        if chosen and str(chosen["method"]) not in type_.methods:
            return ["method"]  # of a newer version: how many values it has is not known
        own = {parameter.name for parameter in type_.parameters}
        of_method = [name for name in type_.parameters_for(chosen) if name not in own]
        names = [*chosen, *of_method, *(p.name for p in type_.parameters)]
    else:
        widgets = (entry.get("widget") for entry in raw.get("inputs", ()))
        names = [
            str(widget["name"])
            for widget in widgets
            if isinstance(widget, dict) and "name" in widget
        ]
    ordered: list[str] = []
    for name in names:
        ordered.append(name)
        follows = values[len(ordered)] if len(ordered) < len(values) else None
        if name.rsplit(".")[-1] in RENEWED and follows in RENEWALS:
            ordered.append("")
    if type_ is None and len(ordered) != len(values):
        return None
    return ordered


def named_values(raw: Mapping[str, Any], type_: NodeType | None) -> dict[str, object] | None:
    """Return the values of a node's widgets by name; None if their names are not known.

    Parameters
    ----------
    raw : mapping
        The node's entry in UI format.
    type_ : NodeType, optional
        Its type, if it is known.
    """
    values = raw.get("widgets_values")
    if not values:
        return {}
    if isinstance(values, dict):
        if type_ is None:
            return values
        known = {*type_.parameters_for(values), *(["method"] if type_.methods else [])}
        return {name: value for name, value in values.items() if name in known}
    names = widget_names(raw, type_)
    if names is None:
        return None
    return {name: value for name, value in zip(names, values, strict=False) if name}
