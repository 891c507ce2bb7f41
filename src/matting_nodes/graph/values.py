"""The values of a node as a canvas edits them: defaults, single values, wires taken off."""

from __future__ import annotations

from dataclasses import replace

from ..errors import GraphError, ParameterError, shown
from .checking import checked_value
from .model import GraphNode
from .node_types import NodeType
from .registry import node_types


def defaults(type_: NodeType, method: object = None) -> dict[str, object]:
    """Return the values of a new node."""
    chosen: dict[str, object] = {}
    if type_.methods:
        chosen["method"] = method if method in type_.methods else next(iter(type_.methods))
    return chosen | {name: p.default for name, p in type_.parameters_for(chosen).items()}


def with_value(node: GraphNode, name: str, value: object) -> GraphNode:
    """Return a node with a parameter set, if the value is one of it."""
    type_ = node_types().get(node.class_type)
    if type_ is None:
        return replace(node, inputs={**node.inputs, name: value})
    known = type_.parameters_for(node.inputs)
    if name == "method" and type_.methods:
        if value not in type_.methods:
            raise ParameterError(
                f"method is {shown(value)}",
                f"It is one of {', '.join(type_.methods)}",
                "Choose one of these",
            )
        kept = {key: v for key, v in node.inputs.items() if not key.startswith("method.")}
        return replace(node, inputs=defaults(type_, value) | kept | {"method": value})
    if name not in known:
        raise GraphError(
            f"{node.label} has no parameter {shown(name)}",
            f"It has {', '.join(known) or 'none'}",
            "Use one of these names",
        )
    checked = checked_value(type_, {**node.inputs, name: value}, name)
    return replace(node, inputs={**node.inputs, name: checked})


def unwired(node: GraphNode, name: str) -> GraphNode:
    """Return a node without the wire at an input; a parameter has its default again."""
    type_ = node_types().get(node.class_type)
    parameters = type_.parameters_for(node.inputs) if type_ else {}
    if name in parameters:
        return replace(node, inputs={**node.inputs, name: parameters[name].default})
    return replace(node, inputs={key: v for key, v in node.inputs.items() if key != name})
