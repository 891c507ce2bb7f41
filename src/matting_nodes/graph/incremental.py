"""Runs a graph again and again while it is edited: only what changed is computed.

What a node gave is kept under a digest of its type, its values, what its files and its sources
hold, and the digests of the nodes before it. Each node has a state that a canvas shows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from ..errors import as_matting_error
from ..job import Cancelled, Job, in_background
from ..memory import free_memory
from .executor import run_node
from .folders import Folders
from .model import Graph, GraphNode
from .node_runs import Host, NodeRun, saves
from .node_types import Saved
from .planning import Plan
from .registry import current
from .thumbnails import thumbnail

GIB = 2**30


class Runner:
    """Runs graphs one after the other, and keeps what it computed.

    Parameters
    ----------
    folders : Folders
        Where pictures are, and where results go.
    host : Host, optional
        Gives and takes pictures in the place of files.
    on_node : callable(id, NodeRun), optional
        Called whenever the state of a node changes, in the thread that runs the graph.
    most_bytes : int, optional
        What may be kept of earlier results; by default half of the memory that is free.
    side : int, pixels
        The longer side of thumbnails, at most.
    """

    def __init__(
        self,
        folders: Folders,
        host: Host | None = None,
        on_node: Callable[[str, NodeRun], None] | None = None,
        most_bytes: int | None = None,
        side: int = 96,
    ) -> None:
        self.folders = folders
        self.host = host or Host()
        self.runs: dict[str, NodeRun] = {}
        """The state of every node of the last graph."""
        self._on_node = on_node or (lambda node, run: None)
        self._most_bytes, self._side = most_bytes, side
        self._kept: dict[str, NodeRun] = {}
        # A step that was cancelled may still compute for a moment: the next one waits for it.
        self._turn = threading.Lock()

    def run(
        self,
        graph: Graph,
        job: Job | None = None,
        targets: Iterable[str] | None = None,
        saving: bool = True,
    ) -> dict[str, NodeRun]:
        """Run what changed, and return the state of every node.

        A node that fails says why; nodes that do not depend on it run all the same.

        Parameters
        ----------
        graph : Graph
            The workflow, as `Contents.to_run` gives it.
        job : Job, optional
            Progress over all, and cancel, which is heard within half a second.
        targets : iterable of str, optional
            Run these nodes and what they depend on; by default all nodes.
        saving : bool
            Whether nodes that save run. While a graph is edited they need not.

        Raises
        ------
        GraphError
            If nodes depend on each other in a circle.
        Cancelled
            If the job was cancelled. What was computed before is kept.
        """
        job, graph = job or Job(), current(graph)
        wanted = graph.nodes.keys() if targets is None else graph.needed(targets)
        order = [key for key in graph.order() if key in wanted]
        self.runs = {key: NodeRun() for key in graph.nodes}
        plan = Plan(graph, order, self._kept, self.folders, self.host, saving)
        for key in graph.nodes:
            self._show(key, plan.state_of(key))
        for key, part in job.each(plan.to_run):
            part.step(0.0, message=graph.nodes[key].title or plan.types[key].title)
            self._run(key, plan, part)
        job.step(1.0, message="done")
        self._make_room(plan)
        return self.runs

    def forget(self) -> None:
        """Drop all that was kept."""
        self._kept.clear()

    def _show(self, key: str, run: NodeRun) -> None:
        self.runs[key] = run
        self._on_node(key, run)

    def _run(self, key: str, plan: Plan, job: Job) -> None:
        node = plan.graph.nodes[key]
        blocked = [s.node for s in node.links.values() if self.runs[s.node].state == "failed"]
        waiting = [s.node for s in node.links.values() if s.node not in plan.made]
        if blocked or waiting:
            label = plan.graph.nodes[(blocked or waiting)[0]].label
            return self._show(key, NodeRun(message=f"It waits for {label}"))

        def report(fraction: float, message: str) -> None:
            self._show(key, NodeRun("running", fraction, message))
            job.step(fraction, message=message)

        self._show(key, NodeRun("running"))
        try:
            saved, drawn = self._result(node, plan, Job(report, job.cancelled))
        except Cancelled:
            self._show(key, NodeRun(message="Cancelled"))
            raise
        except Exception as error:
            told = as_matting_error(error)
            return self._show(key, NodeRun("failed", message=str(told), error=told))
        small = (thumbnail(value, self._side) for value in drawn)
        picture = next((each for each in small if each is not None), None)
        run = NodeRun("done", 1.0, "", saved.values, saved.files, saved.texts, picture)
        plan.made[key] = saved.values
        self._kept[plan.digests[key]] = run
        return self._show(key, run)

    def _result(self, node: GraphNode, plan: Plan, job: Job) -> tuple[Saved, tuple[object, ...]]:
        """Return what a node gives, and what can be drawn of it."""
        if source := plan.sources.get(node.id):
            values = tuple(in_background(lambda _: source.make(), job))
            return Saved(values), values
        type_ = plan.types[node.id]
        given = {name: plan.made[link.node][link.slot] for name, link in node.links.items()}
        if saves(node, type_) and self.host.sink(node, given):
            # What it hands on is what it was given.
            return Saved(tuple(given.values())[: len(type_.outputs)]), tuple(given.values())

        def work(inner: Job) -> Saved:
            with self._turn:
                inner.check()
                return run_node(node, type_, plan.made, plan.graph, self.folders, inner)

        saved = in_background(work, job)
        return saved, saved.values or tuple(given.values())

    def _make_room(self, plan: Plan) -> None:
        """Drop the oldest values that are too much, those that the graph does not need first."""
        for digest in plan.digests.values():
            if digest in self._kept:
                self._kept[digest] = self._kept.pop(digest)
        free = free_memory()
        most = self._most_bytes
        if most is None:
            most = 4 * GIB if free is None else (free + _bytes(self._kept.values())) // 2
        needed = set(plan.digests.values())
        for digest in list(self._kept):
            if _bytes(self._kept.values()) <= most:
                break
            if digest in needed:
                self._kept[digest] = replace(self._kept[digest], values=())
            else:
                del self._kept[digest]


def _bytes(runs: Iterable[NodeRun]) -> int:
    """Return the memory of all values, each array counted once."""
    arrays = {id(v): v.nbytes for run in runs for v in run.values if isinstance(v, np.ndarray)}
    return sum(arrays.values())
