"""What of an edited graph must run: digests of what each node's result depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import MattingError, as_matting_error
from ..version import __version__
from .batches import LOADED, file_state
from .checking import node_problems
from .folders import Folders
from .model import Graph, GraphNode, Link
from .node_runs import Host, NodeRun, Source, saves
from .node_types import NodeType
from .registry import node_types


class Plan:
    """What of a graph must be computed.

    Parameters
    ----------
    graph : Graph
        The workflow.
    order : collection of str
        The nodes that are asked for, sources first.
    kept : mapping of digest to NodeRun
        What was computed before.
    folders : Folders
        Where files are.
    host : Host
        What has pictures in the place of files.
    saving : bool
        Whether nodes that save run.
    """

    def __init__(
        self,
        graph: Graph,
        order: Collection[str],
        kept: Mapping[str, NodeRun],
        folders: Folders,
        host: Host,
        saving: bool,
    ) -> None:
        self.graph, self._kept, self._folders, self._host = graph, kept, folders, host
        self._known = known = node_types()
        self.types: dict[str, NodeType] = {
            key: known[node.class_type]
            for key, node in graph.nodes.items()
            if node.class_type in known
        }
        self.sources: dict[str, Source] = {}
        self.digests: dict[str, str] = {}
        self.errors: dict[str, MattingError] = {}
        self.made: dict[str, tuple[object, ...]] = {}
        for key in order:
            self._look_at(key)
        skipped = {key for key in order if not saving and self._saves(key)}
        self.to_run = self._needed([key for key in order if key not in skipped])

    def _look_at(self, key: str) -> None:
        """Find what a node's result depends on, or why it cannot have one."""
        node = self.graph.nodes[key]
        type_ = self.types.get(key)
        if type_ and LOADED in type_.parameters_for({}) and not type_.inputs:
            try:
                source = self._host.source(node)
            except Exception as error:
                self.errors[key] = as_matting_error(error)
                return
            if source:
                self.sources[key] = source
        folders = None if key in self.sources or self._saves(key) else self._folders
        for problem in node_problems(self.graph, key, folders, self._known):
            self.errors[key] = problem
            return
        if all(link.node in self.digests for link in node.links.values()):
            try:
                self.digests[key] = self._digest(node)
            except Exception as error:
                self.errors[key] = as_matting_error(error)

    def _digest(self, node: GraphNode) -> str:
        values = [
            [name, "link", self.digests[v.node], v.slot] if isinstance(v, Link) else [name, v]
            for name, v in sorted(node.inputs.items())
        ]
        told = json.dumps([node.class_type, values, self._outside(node), __version__])
        return hashlib.sha256(told.encode()).hexdigest()

    def _outside(self, node: GraphNode) -> object:
        """Return what changes when a file or a source that a node reads does."""
        if node.id in self.sources:
            return self.sources[node.id].state
        states: list[object] = []
        for name, parameter in self.types[node.id].parameters_for(node.inputs).items():
            value = node.inputs.get(name, parameter.default)
            if name == LOADED and "folders" in self.types[node.id].passed:
                path = self._folders.find(str(value))
                states.append([str(path), *file_state(path)])
            elif parameter.file and value and Path(str(value)).exists():
                states.append([str(value), *file_state(Path(str(value)))])
        return states

    def _saves(self, key: str) -> bool:
        return key in self.types and saves(self.graph.nodes[key], self.types[key])

    def _needed(self, wanted: list[str]) -> list[str]:
        """Return what must run, in order: what is not kept, and whose values that needs."""
        running: set[str] = set()
        waiting = [k for k in wanted if k in self.digests and not self._is_kept(k)]
        while waiting:
            key = waiting.pop()
            if key in running:
                continue
            running.add(key)
            for link in self.graph.nodes[key].links.values():
                digest = self.digests[link.node]
                if digest in self._kept and self._kept[digest].values:
                    self.made[link.node] = self._kept[digest].values
                else:
                    waiting.append(link.node)
        blocked = [k for k in wanted if k not in self.digests and k not in self.errors]
        return [key for key in self.graph.order() if key in running] + blocked

    def _is_kept(self, key: str) -> bool:
        run = self._kept.get(self.digests[key])
        return run is not None and all(file.exists() for file in run.files)

    def state_of(self, key: str) -> NodeRun:
        """Return the state of a node before anything runs."""
        if key in self.errors:
            error = self.errors[key]
            return NodeRun("failed", message=str(error), error=error)
        if key in self.digests and key not in self.to_run and self._is_kept(key):
            return replace(self._kept[self.digests[key]], state="cached")
        return NodeRun()
