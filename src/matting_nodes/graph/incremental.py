"""Runs a graph again and again: only what has changed is computed, and every node says how it is.

A node that cannot run stops those after it, and no others.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import GraphError, MattingError, as_matting_error
from ..job import Cancelled, Job
from .checking import node_problems
from .executor import run_node
from .folders import Folders
from .model import Graph, GraphNode, Link
from .node_types import NodeType
from .registry import current, node_types


class Given(Protocol):
    """What a node gives that is not run: a picture that a host has at hand."""

    @property
    def revision(self) -> str:
        """What differs when it gives something else."""

    def outputs(self) -> tuple[object, ...]:
        """Return what it gives."""


@dataclass(frozen=True)
class State:
    """How a node is.

    Parameters
    ----------
    node : str
        Its id.
    kind : str
        "waiting", "running", "done" or "failed".
    fraction : float, 0..1
        How much of it is done.
    message : str
        What is being done, was remarked, or is wrong.
    values : tuple
        What it gave, once it is done; of a node that only takes something, what it took.
    """

    node: str
    kind: str
    fraction: float = 0.0
    message: str = ""
    values: tuple[object, ...] = ()


class Incremental:
    """A graph's results, kept from one run to the next.

    Parameters
    ----------
    folders : Folders
        Where pictures are. Nodes that save write there only when a run is told to.
    """

    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self._made: dict[str, tuple[str, State]] = {}
        self._lock = threading.Lock()

    def values(self, node: str) -> tuple[object, ...]:
        """Return what a node gave in the last run in which it could run."""
        return self._made[node][1].values if node in self._made else ()

    def run(
        self,
        graph: Graph,
        told: Callable[[State], None],
        job: Job | None = None,
        given: Mapping[str, Given] | None = None,
        refused: Mapping[str, MattingError] | None = None,
        saves: bool = False,
    ) -> None:
        """Run what has changed since the last run.

        Parameters
        ----------
        graph : Graph
            The workflow.
        told : callable(State)
            Called with every node's state, from this thread.
        job : Job, optional
            Is asked whether to stop. What was finished before is kept.
        given : mapping of Given
            What nodes give that are not run, by id.
        refused : mapping of MattingError
            What is known to be wrong with nodes, by id.
        saves : bool
            Whether nodes that write files do.

        Raises
        ------
        Cancelled
            If the job was cancelled.
        GraphError
            If nodes depend on each other in a circle.
        """
        job, given, graph = job or Job(), given or {}, current(graph)
        order, digests = graph.order(), dict[str, str]()
        self._made = {key: made for key, made in self._made.items() if key in graph.nodes}
        for key in order:
            job.check()
            node, known = graph.nodes[key], self._made.get(key)
            try:
                digests[key] = digest = self._digest(node, digests, given.get(key), saves)
                if known and known[0] == digest:
                    told(known[1])
                    continue
                state = self._run(graph, node, given.get(key), refused or {}, saves, job, told)
                self._made[key] = digest, state
            except Cancelled:
                told(State(key, "waiting"))
                raise
            except Exception as error:
                digests.pop(key, None)
                self._made.pop(key, None)
                state = State(key, "failed", message=str(as_matting_error(error)))
            told(state)

    def _digest(
        self, node: GraphNode, digests: Mapping[str, str], given: Given | None, saves: bool
    ) -> str:
        """Return what changes when anything does that a node's outputs are made of."""
        behind = [link.node for link in node.links.values() if link.node not in digests]
        if behind:
            raise GraphError(
                f"What comes before it did not run: node {', '.join(sorted(behind))}",
                "A node runs once its sources have",
                "See the message there",
            )
        inputs = {
            name: [digests[value.node], value.slot] if isinstance(value, Link) else value
            for name, value in node.inputs.items()
        }
        type_ = node_types().get(node.class_type)
        writes = saves and type_ is not None and _writes(type_)
        told = [node.class_type, inputs, given.revision if given else self._file(node), writes]
        text = json.dumps(told, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _file(self, node: GraphNode) -> object:
        """Return the state of the file that a node loads."""
        name = node.inputs.get("image")
        try:
            stat = self.folders.find(name).stat() if isinstance(name, str) else None
        except MattingError:
            return None
        return stat and [stat.st_mtime_ns, stat.st_size]

    def _run(
        self,
        graph: Graph,
        node: GraphNode,
        given: Given | None,
        refused: Mapping[str, MattingError],
        saves: bool,
        job: Job,
        told: Callable[[State], None],
    ) -> State:
        if node.id in refused:
            raise refused[node.id]
        told(State(node.id, "running", 0.01))
        if given is not None:
            return State(node.id, "done", 1.0, values=given.outputs())
        for error in node_problems(graph, node, self.folders):
            raise error
        type_ = node_types()[node.class_type]
        made = {key: state.values for key, (_, state) in self._made.items()}
        if _writes(type_) and not saves:
            taken = tuple(made[link.node][link.slot] for link in node.links.values())
            return State(node.id, "done", 1.0, values=taken)
        part = replace(
            job,
            report=lambda fraction, text: told(
                State(node.id, "running", max(0.01, min(fraction, 0.99)), text)
            ),
            notes={},
        )
        saved = run_node(node, type_, made, graph, self.folders, part)
        texts = "\n".join([*saved.texts, *(f"saved {path.name}" for path in saved.files)])
        return State(node.id, "done", 1.0, texts, saved.values)


def _writes(type_: NodeType) -> bool:
    """Return whether a node of this type writes files."""
    return type_.is_end and "folders" in type_.passed


def thumbnail(value: Any, side: int) -> NDArray[np.uint8] | None:
    """Return a small copy of the first frame of a batch; None of anything else.

    Parameters
    ----------
    value : (B, H, W, C) or (B, H, W) float32, 0..1
        A batch.
    side : int, pixels
        Its longer side has at most so many.

    Returns
    -------
    (h, w, 4) uint8
        RGBA; means over about two samples a pixel and axis, so that large pictures take no longer.
    """
    if not (isinstance(value, np.ndarray) and value.ndim in (3, 4) and value.size):
        return None
    frame = value[0]
    step = max(1, -(-max(frame.shape[:2]) // side))
    dense = max(1, step // 2)
    small = np.asarray(frame[::dense, ::dense], np.float32)
    if dense < step:
        height, width = (max(1, n // 2) * 2 if n > 1 else 1 for n in small.shape[:2])
        small = small[:height, :width]
        rows = small.reshape(-1, min(2, height), *small.shape[1:]).mean(1)
        small = rows.reshape(len(rows), -1, min(2, width), *rows.shape[2:]).mean(2)
    if small.ndim == 2:
        small = small[..., None]
    colors = np.repeat(small, 3, axis=2) if small.shape[2] == 1 else small[..., :3]
    opaque = small[..., 3:4] if small.shape[2] == 4 else np.ones_like(small[..., :1])
    return (np.dstack([colors, opaque]).clip(0, 1) * 255).round().astype(np.uint8)
