"""Graphs of nodes in ComfyUI's API format, read, checked and run with no host at all.

`Graph` is the model, `Document` what a canvas edits and a file holds, `check` says what cannot
run and why, `evaluate` runs one graph, `batches` runs it over folders.
"""

from .as_python import as_python
from .checking import check, problems
from .contents import Contents, Group
from .editing import Document
from .executor import Outcome, evaluate
from .folders import Folders
from .incremental import Runner
from .model import Graph, GraphNode, Link
from .node_runs import Host, NodeRun, Source
from .node_types import NodeType
from .registry import file_types, node_types
from .thumbnails import thumbnail

__all__ = [
    "Contents",
    "Document",
    "Folders",
    "Graph",
    "GraphNode",
    "Group",
    "Host",
    "Link",
    "NodeRun",
    "NodeType",
    "Outcome",
    "Runner",
    "Source",
    "as_python",
    "check",
    "evaluate",
    "file_types",
    "node_types",
    "problems",
    "thumbnail",
]
