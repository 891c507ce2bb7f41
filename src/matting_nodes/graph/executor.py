"""Runs a graph: every node after its sources; results are kept while they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import as_matting_error
from ..job import Cancelled, Job
from ..memory import check_memory
from .checking import check, check_values, checked_value
from .folders import Folders
from .model import Graph, GraphNode, Link
from .node_types import NodeType, Saved
from .registry import current, node_types


@dataclass(frozen=True)
class Outcome:
    """What a node of a graph produced: values, files, and texts such as measurements."""

    node: GraphNode
    values: tuple[object, ...] = ()
    files: tuple[Path, ...] = ()
    texts: tuple[str, ...] = ()


def evaluate(graph: Graph, folders: Folders, job: Job | None = None) -> list[Outcome]:
    """Run a graph.

    Parameters
    ----------
    graph : Graph
        The workflow.
    folders : Folders
        Where its pictures are, and where results go.
    job : Job, optional
        Reports progress and is asked whether to stop.

    Returns
    -------
    list of Outcome
        One for each node that saves, shows, measures or remarks something, in the order they ran.

    Raises
    ------
    MattingError
        Before anything is computed, if the graph cannot run; or naming the node whose
        inputs turned out to be unusable.
    Cancelled
        If the job was cancelled. Files that were written before stay.
    """
    job, graph = job or Job(), current(graph)
    check(graph, folders)
    types = node_types()
    ends = {n.id for n in graph.nodes.values() if types[n.class_type].is_end}
    needed = graph.needed(list(ends))
    order = [key for key in graph.order() if key in needed]
    last_uses = {link.node: key for key in order for link in graph.nodes[key].links.values()}
    made: dict[str, tuple[object, ...]] = {}
    outcomes: list[Outcome] = []
    for key, part in job.each(order):
        node = graph.nodes[key]
        part.step(0.0, message=node.title or types[node.class_type].title)
        with _naming(node):
            saved = run_node(node, types[node.class_type], made, graph, folders, part)
        made[key] = saved.values
        if key in ends:
            outcomes.append(Outcome(node, saved.values, saved.files, saved.texts))
        elif saved.texts:  # remarks, such as on frames without the object
            outcomes.append(Outcome(node, texts=saved.texts))
        for used in {key, *(link.node for link in node.links.values())}:
            if last_uses.get(used, key) == key:
                del made[used]
    job.step(1.0, message="done")
    return outcomes


def run_node(
    node: GraphNode,
    type_: NodeType,
    made: dict[str, tuple[object, ...]],
    graph: Graph,
    folders: Folders,
    job: Job,
) -> Saved:
    """Run one node whose sources have run.

    Parameters
    ----------
    node : GraphNode
        The node.
    type_ : NodeType
        Its type.
    made : dict of id to tuple
        What the outputs of the nodes before it hold.
    graph : Graph
        The whole, which pictures that are saved hold.
    folders : Folders
        Where pictures are, and where results go.
    job : Job
        Progress and cancel.

    Raises
    ------
    MattingError
        If its inputs turn out to be unusable.
    """
    parameters = type_.parameters_for(node.inputs)
    known = {*parameters, *(socket.name for socket in type_.inputs), *_choice(type_)}
    given = {name: _value(value, made) for name, value in node.inputs.items() if name in known}
    for name in parameters.keys() & given.keys():
        # Checked again: values from wires are only known now.
        given[name] = checked_value(type_, given, name)
    if parameters.keys() & node.links.keys():
        check_values(type_, given, folders)
    check_memory(type_.bytes_for(given), type_.title)
    context: dict[str, object] = {"folders": folders, "job": job}
    if "embedded" in type_.passed:
        context["embedded"] = {"prompt": graph.to_json()}
    return type_.run(given, context)


def _choice(type_: NodeType) -> tuple[str, ...]:
    return ("method",) if type_.methods else ()


def _value(value: object, made: dict[str, tuple[object, ...]]) -> object:
    return made[value.node][value.slot] if isinstance(value, Link) else value


@contextmanager
def _naming(node: GraphNode) -> Iterator[None]:
    """Add the node's name to an error that arises in it, whatever its type."""
    try:
        yield
    except Cancelled:
        raise
    except Exception as error:
        raise as_matting_error(error).within(node.label) from error
