"""What keeps a graph from running, found before anything is computed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import suppress

from ..errors import GraphError, MattingError, MissingInputError, ParameterError, article, shown
from ..framework.parameters import Value
from ..framework.spec import Socket
from .folders import Folders
from .model import LONGEST_NAME, Graph, GraphNode, Link, listing
from .node_types import PARAMETER_WIRES, NodeType
from .registry import current, node_types

# The node that converts one type to another.
BRIDGES = {
    ("IMAGE", "MASK"): "Put Convert Image to Mask between them",
    ("MASK", "IMAGE"): "Put Convert Mask to Image between them",
}


def check(graph: Graph, folders: Folders | None = None) -> None:
    """Raise the first error that keeps a graph from running.

    Parameters
    ----------
    graph : Graph
        The workflow.
    folders : Folders, optional
        With them, files are looked for too.

    Raises
    ------
    MattingError
        Naming the node, what was found, what must hold and what to do.
    """
    for _, error in problems(graph, folders):
        raise error


def problems(graph: Graph, folders: Folders | None = None) -> Iterator[tuple[str, MattingError]]:
    """Yield everything that keeps a graph from running, with the id of the node it is at.

    Parameters
    ----------
    graph : Graph
        The workflow.
    folders : Folders, optional
        With them, files are looked for too.
    """
    types, graph = node_types(), current(graph)
    unknown = [node for node in graph.nodes.values() if node.class_type not in types]
    for node in unknown:
        yield node.id, _unknown_type(node, types)
    try:
        order = graph.order()
    except GraphError as error:
        yield "", error
        return
    if unknown:
        return
    ends = [n.id for n in graph.nodes.values() if types[n.class_type].is_end]
    if not ends:
        yield (
            "",
            GraphError(
                "The workflow saves nothing",
                "It runs for the nodes that save, show or measure something",
                "Add a Save Image, or export it with one",
            ),
        )
    needed = graph.needed(ends)
    for key in order:
        if key in needed:
            for problem in _node_problems(graph, graph.nodes[key], types, folders):
                yield key, problem.within(graph.nodes[key].label)


def node_problems(
    graph: Graph,
    node: str,
    folders: Folders | None = None,
    types: Mapping[str, NodeType] | None = None,
) -> Iterator[MattingError]:
    """Yield everything that keeps a node from running, whatever the others hold.

    Parameters
    ----------
    graph : Graph
        The workflow.
    node : str
        The node's id.
    folders : Folders, optional
        With them, files are looked for too.
    types : mapping of str to NodeType, optional
        All types that are known, for whoever has them at hand.
    """
    types, found = types or node_types(), graph.nodes[node]
    if found.class_type not in types:
        yield _unknown_type(found, types)
        return
    for problem in _node_problems(graph, found, types, folders):
        yield problem.within(found.label)


def _unknown_type(node: GraphNode, types: Mapping[str, NodeType]) -> GraphError:
    close = difflib.get_close_matches(node.class_type, types, 1)
    return GraphError(
        f"{node.label} is of the type {node.class_type[:LONGEST_NAME]}, which is not known here",
        "Without ComfyUI the matting nodes run, and those of ComfyUI's own that load, save "
        "and convert images and masks",
        f"Use {close[0]}" if close else "Remove it, or run the workflow in ComfyUI",
    )


def _node_problems(
    graph: Graph, node: GraphNode, types: Mapping[str, NodeType], folders: Folders | None
) -> Iterator[MattingError]:
    type_ = types[node.class_type]
    found = [*_method_problems(node, type_)]
    sockets = {socket.name: socket for socket in type_.inputs}
    parameters = type_.parameters_for(node.inputs)
    found += _missing(node, type_)
    for name, value in node.inputs.items():
        if isinstance(value, Link) and (name in sockets or name in parameters):
            accepted = sockets.get(name) or Socket(name, PARAMETER_WIRES[parameters[name].type])
            found += link_problems(graph, value, accepted, types)
        elif name in sockets:
            found.append(_not_wired(name, value))
        elif name in parameters:
            found += _value_problems(type_, node.inputs, name)
        elif type_.ours and name != "method" and not found:
            found.append(_unknown_input(name, type_, [*sockets, *parameters]))
    yield from found
    if not found and folders and not parameters.keys() & node.links.keys():
        try:
            check_values(type_, node.inputs, folders)
        except MattingError as error:
            yield error


def check_values(type_: NodeType, given: Mapping[str, object], folders: Folders) -> None:
    """Refuse parameters that cannot be used together, or with the files that there are.

    Parameters
    ----------
    type_ : NodeType
        The node's type.
    given : mapping
        Its inputs, and its parameters as values, by name.
    folders : Folders
        Where files are.

    Raises
    ------
    MattingError
    """
    if type_.check:
        parameters = type_.parameters_for(given).items()
        type_.check({**{name: p.default for name, p in parameters}, **given}, folders)


def _method_problems(node: GraphNode, type_: NodeType) -> Iterator[MattingError]:
    method = node.inputs.get("method")
    if type_.methods and not (isinstance(method, str) and method in type_.methods):
        yield ParameterError(
            f"method is {shown(method)}" if method is not None else "method is missing",
            f"It is one of {', '.join(type_.methods)}",
            "Choose one of these",
        )


def _missing(node: GraphNode, type_: NodeType) -> Iterator[MattingError]:
    needed = type_.needs.get(str(node.inputs.get("method")), ())
    for socket in type_.inputs:
        is_needed = not socket.optional or socket.name in needed
        if is_needed and socket.name not in node.inputs:
            yield MissingInputError(
                f"{socket.name} is not wired",
                f"{type_.title} needs it: {socket.help or socket.kind}",
                f"Wire {article(socket.kind)} to it",
            )
    # Parameters of our nodes were added over time, and older workflows lack some of them.
    for parameter in () if type_.ours else type_.parameters:
        if parameter.name not in node.inputs:
            yield MissingInputError(
                f"{parameter.name} is missing",
                parameter.rule,
                "Export the workflow again, or set it",
            )


def link_problems(
    graph: Graph, link: Link, accepted: Socket[str], types: Mapping[str, NodeType]
) -> Iterator[MattingError]:
    """Yield what is wrong with a wire: its source is not there, or of another type.

    Parameters
    ----------
    graph : Graph
        The workflow.
    link : Link
        Where the wire comes from.
    accepted : Socket
        What it goes to.
    types : mapping of str to NodeType
        All types that are known.
    """
    source = graph.nodes.get(link.node)
    if source is None:
        yield GraphError(
            f"{accepted.name} is wired to the node {link.node}, which is not there",
            f"The workflow has the nodes {listing(graph.nodes)}",
            "Wire it to one of these",
        )
        return
    if source.class_type not in types:
        return  # a problem of the source
    outputs = types[source.class_type].outputs
    if not 0 <= link.slot < len(outputs):
        listed = ", ".join(f"{n} ({output.name})" for n, output in enumerate(outputs)) or "none"
        yield GraphError(
            f"{accepted.name} is wired to output {link.slot} of {source.label}",
            f"Its outputs are {listed}",
            "Wire it to one of these",
        )
    elif outputs[link.slot].kind != accepted.kind:
        given = outputs[link.slot].kind
        yield GraphError(
            f"{accepted.name} is wired to {outputs[link.slot].name} of {source.label}, "
            f"which is of the type {given}",
            f"The input accepts {accepted.kind}",
            BRIDGES.get((given, accepted.kind), f"Wire {article(accepted.kind)} to it"),
        )


def _not_wired(name: str, value: object) -> MattingError:
    return GraphError(
        f"{name} is {shown(value)}",
        'It must be wired: ["id of a node", number of its output]',
        "Wire it",
    )


def _value_problems(
    type_: NodeType, given: Mapping[str, object], name: str
) -> Iterator[MattingError]:
    try:
        checked_value(type_, given, name)
    except ParameterError as error:
        yield error


def checked_value(type_: NodeType, given: Mapping[str, object], name: str) -> Value:
    """Return the value of a parameter in its type.

    Parameters
    ----------
    type_ : NodeType
        The node's type.
    given : mapping
        The node's inputs and parameters by name.
    name : str
        The parameter to check.

    Raises
    ------
    ParameterError
    """
    parameter = type_.parameters_for(given)[name]
    value = given[name]
    if parameter.type in (int, float) and isinstance(value, str):
        # Text fields of the page may hold numbers.
        with suppress(ValueError):
            value = parameter.type(value)
    return parameter.checked(value, type_.title)


def _unknown_input(name: str, type_: NodeType, known: list[str]) -> MattingError:
    return ParameterError(
        f"There is no input {name}",
        f"{type_.title} has {', '.join(known)}",
        "Remove it, or use one of these names",
    )
