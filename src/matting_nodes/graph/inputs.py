"""The inputs of a node as a canvas edits them: defaults, single values, wires on and off."""

from __future__ import annotations

from dataclasses import replace

from ..errors import GraphError, ParameterError, shown
from ..framework.spec import Socket
from .checking import checked_value, link_problems
from .model import Graph, GraphNode, Link, listing
from .node_types import PARAMETER_WIRES, NodeType
from .registry import find_type, node_types


def defaults(type_: NodeType, method: object = None) -> dict[str, object]:
    """Return the values of a new node.

    Parameters
    ----------
    type_ : NodeType
        Its type.
    method : object, optional
        The choice of method; the first if it is none of the type.
    """
    chosen: dict[str, object] = {}
    if type_.methods:
        chosen["method"] = method if method in type_.methods else type_.default
    return chosen | {name: p.default for name, p in type_.parameters_for(chosen).items()}


def with_value(node: GraphNode, name: str, value: object) -> GraphNode:
    """Return a node with a parameter set.

    Parameters
    ----------
    node : GraphNode
        The node.
    name : str
        The parameter; of a node that is not known here, any input.
    value : object
        What it becomes.

    Raises
    ------
    GraphError
        If there is no such parameter.
    ParameterError
        If the value is not one of it.
    """
    type_ = find_type(node.class_type)
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
    """Return a node without the wire at an input; a parameter has its default again.

    Parameters
    ----------
    node : GraphNode
        The node.
    name : str
        The input.
    """
    type_ = find_type(node.class_type)
    parameters = type_.parameters_for(node.inputs) if type_ else {}
    if name in parameters:
        return replace(node, inputs={**node.inputs, name: parameters[name].default})
    return replace(node, inputs={key: v for key, v in node.inputs.items() if key != name})


def check_link(graph: Graph, link: Link, node: str, name: str) -> None:
    """Refuse a wire that a canvas is to add: of another type, or one that closes a circle.

    Nodes whose types are not known here give and take anything.

    Parameters
    ----------
    graph : Graph
        The graph without it.
    link : Link
        Where it comes from.
    node, name : str
        The input that it goes to.

    Raises
    ------
    GraphError
    """
    types, target = node_types(), graph.nodes[node]
    if link.node not in graph.nodes:
        raise GraphError(
            f"There is no node {shown(link.node)}",
            f"The workflow has the nodes {listing(graph.nodes)}",
            "Wire it to one of these",
        )
    if node in graph.needed([link.node]):
        graph.with_input(node, name, link).order()  # raises, naming the circle
    if target.class_type not in types:
        return
    type_ = types[target.class_type]
    sockets = {socket.name: socket for socket in type_.inputs}
    parameters = type_.parameters_for(target.inputs)
    if name in parameters:
        sockets[name] = Socket(name, PARAMETER_WIRES[parameters[name].type])
    if name not in sockets:
        raise GraphError(
            f"{target.label} has no input {shown(name)}",
            f"It has {', '.join(sockets) or 'none'}",
            "Use one of these names",
        )
    if graph.nodes[link.node].class_type in types:
        for problem in link_problems(graph, link, sockets[name], types):
            raise problem.within(target.label)
