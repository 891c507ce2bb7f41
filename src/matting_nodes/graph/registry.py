"""Every type of node that a graph may hold: the matting nodes, and the core ones beside them."""

from __future__ import annotations

from functools import cache

from ..framework.register import load_modules
from . import types
from .matting import matting_types
from .node_types import TYPES, NodeType


@cache
def _core_types() -> dict[str, NodeType]:
    load_modules(types.__name__, types.__path__)
    return TYPES


def node_types() -> dict[str, NodeType]:
    """Return every type of node that can run, by id: ours, and ComfyUI's own that go with them."""
    return {**matting_types(), **_core_types()}
