"""Graphs of nodes in ComfyUI's API format, read, checked and run with no host at all.

`Graph` is the model (a canvas edits it, a file holds it), `check` says what cannot run and
why, `evaluate` runs one graph, `batches` runs it over folders.
"""

from .checking import check, problems
from .executor import Outcome, evaluate
from .folders import Folders
from .model import Graph, GraphNode, Link
from .node_types import NodeType
from .registry import file_types, node_types

__all__ = [
    "Folders",
    "Graph",
    "GraphNode",
    "Link",
    "NodeType",
    "Outcome",
    "check",
    "evaluate",
    "file_types",
    "node_types",
    "problems",
]
