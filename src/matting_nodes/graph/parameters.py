"""Parameters of a graph's nodes changed from texts, as a command line gives them."""

from __future__ import annotations

from dataclasses import replace

from ..errors import GraphError
from ..framework.parameters import Parameter, Value
from .model import Graph, GraphNode
from .node_types import NodeType
from .registry import node_types

TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def find_input(graph: Graph, name: str) -> tuple[str, str]:
    """Return the id of a node and one of its inputs from a text such as "4.method.inner".

    Parameters
    ----------
    graph : Graph
        The workflow.
    name : str
        The id or title of a node, a dot, and an input.

    Raises
    ------
    GraphError
        If no node has the id or the title before one of the dots.
    """
    parts = name.split(".")
    for count in range(1, len(parts)):
        node = ".".join(parts[:count])
        if node in graph.nodes or any(n.title == node for n in graph.nodes.values()):
            found, input_ = graph.find(node), ".".join(parts[count:])
            type_ = node_types().get(found.class_type)
            return found.id, type_.renamed.get(input_, input_) if type_ else input_
    if len(parts) == 1:
        raise GraphError(
            f"{name!r} names no input", "An input is NODE.INPUT", "Write for example 4.method.inner"
        )
    return graph.find(parts[0]).id, ""


def with_parameter(graph: Graph, name: str, text: str) -> Graph:
    """Return the graph with a parameter changed.

    Parameters
    ----------
    graph : Graph
        The workflow.
    name : str
        Which parameter: the id or the title of a node, a dot, and the name of its input.
    text : str
        The value as a text.

    Raises
    ------
    GraphError
        If there is no such node or input.
    ParameterError
        If the text is no value of the parameter's type, or out of its range.

    Examples
    --------
    >>> from matting_nodes.graph import GraphNode
    >>> graph = Graph({"2": GraphNode("2", "SolidMask", {"value": 1.0}, "half")})
    >>> with_parameter(graph, "half.value", "0.5").nodes["2"].inputs
    {'value': 0.5}
    """
    key, input_ = find_input(graph, name)
    node = graph.nodes[key]
    type_ = node_types().get(node.class_type)
    if type_ is None:
        return graph.with_input(key, input_, text)  # refused by name when the graph is checked
    if input_ == "method" and type_.methods:
        return graph.with_node(_with_method(node, text))
    known = type_.parameters_for(node.inputs)
    if input_ not in known:
        raise GraphError(
            f"{node.label} has no parameter {input_!r}",
            f"It has {', '.join([*_choice(type_), *known]) or 'none'}",
            "Use one of these names",
        )
    return graph.with_input(key, input_, _read(known[input_], text, node))


def _choice(type_: NodeType) -> tuple[str, ...]:
    return ("method",) if type_.methods else ()


def _with_method(node: GraphNode, method: str) -> GraphNode:
    """Return the node with another method; the parameters of the old one are dropped."""
    kept = {name: v for name, v in node.inputs.items() if not name.startswith("method.")}
    return replace(node, inputs=kept | {"method": method})


def _read(parameter: Parameter, text: str, node: GraphNode) -> Value:
    try:
        value = TRUTHS[text.lower()] if parameter.type is bool else parameter.type(text)
    except (KeyError, ValueError):
        value = text  # refused with the rule
    return parameter.checked(value, node.label)
