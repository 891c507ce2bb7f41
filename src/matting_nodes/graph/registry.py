"""Every type of node that a graph may hold: the matting nodes, and the core ones beside them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from ..framework.register import load_modules
from . import types
from .matting import matting_types
from .model import Graph
from .node_types import TYPES, NodeType


@cache
def _load() -> None:
    load_modules(types.__name__, types.__path__)


def _core_types() -> dict[str, NodeType]:
    _load()
    # In one order, whichever module was imported first.
    return dict(sorted(TYPES.items()))


def file_types() -> list[NodeType]:
    """Return our own types beside the matting nodes: those that load, save, edit and cut out."""
    return [type_ for type_ in _core_types().values() if type_.ours]


def node_types() -> dict[str, NodeType]:
    """Return every type of node that can run, by id: ours, and ComfyUI's own that go with them."""
    return {**matting_types(), **_core_types()}


def current(graph: Graph) -> Graph:
    """Return a graph in which inputs that were renamed have their names of today."""
    types = node_types()
    for node in graph.nodes.values():
        type_ = types.get(node.class_type)
        if type_ and type_.renamed.keys() & node.inputs.keys():
            graph = graph.with_node(replace(node, inputs=type_.current(node.inputs)))
    return graph
