"""Every type of node that a graph may hold: the matting nodes, and the core ones beside them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from ..framework.register import load_modules
from . import types
from .matting import matting_type, matting_types
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


def find_type(name: str) -> NodeType | None:
    """Return the type of node with this id; None if it is not known here."""
    _load()
    return TYPES.get(name) or matting_type(name)


def current(graph: Graph) -> Graph:
    """Return a graph in which inputs that were renamed have their names of today."""
    types = node_types()
    renamed = {
        node.id: replace(node, inputs=types[node.class_type].current(node.inputs))
        for node in graph.nodes.values()
        if node.class_type in types and types[node.class_type].renamed.keys() & node.inputs.keys()
    }
    return replace(graph, nodes={**graph.nodes, **renamed})
