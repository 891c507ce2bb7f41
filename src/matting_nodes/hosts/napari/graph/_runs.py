"""The runs of a document on the layers of a viewer, and what they say of its nodes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ....errors import MattingError
from ....graph import Document, Folders, Graph, Host, Link, NodeRun, Runner
from ....graph.canvas.ports import shown
from ....job import Cancelled, Job
from .._live import LayerWatch
from .._protocols import Layer, Worker
from ._sinks import Sinks, sinks
from ._sources import LayerHost, layer_of, pictures, sources_of

if TYPE_CHECKING:
    import napari

SIDE = 348
"""Pixels of a thumbnail's longer side: twice as many as it is shown with, to be sharp when near."""


@dataclass(frozen=True)
class Told:
    """What a run says of a node; of none, what it says of itself."""

    node: str
    fraction: float = 0.0
    message: str = ""
    failed: bool = False
    thumbnail: NDArray[np.uint8] | None = field(default=None, compare=False)


class Runs:
    """Lets a document run on the layers of a viewer.

    Parameters
    ----------
    viewer : Viewer
        Whose layers are sources, and gets the results.
    document : Document
        What runs.
    changed : callable()
        Called when a layer that is a source may hold something else.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, document: Document, changed: Callable[[], None]
    ) -> None:
        self._viewer, self._document, self._changed = viewer, document, changed
        self._sinks = Sinks(viewer)
        self._runner = self._last = self._new_runner()
        self._worker: Worker | None = None
        self._watched: list[LayerWatch] = []
        self._begun: object = None
        self._tell: Callable[[Told], None] = lambda told: None

    def _new_runner(self, folder: Path | None = None) -> Runner:
        # Pictures are beside the user's work.
        folders = Folders(Path.cwd(), folder or Path(tempfile.gettempdir()))
        return Runner(folders, Host(), self._told, side=SIDE)

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._worker is not None

    def has_changed(self) -> bool:
        """Return whether the graph, or a source, is not what it was when the last run began."""
        return self._now() != self._begun

    def _now(self) -> object:
        self._watch()
        return self._document.graph, [watch.state() for watch in self._watched]

    def _watch(self) -> None:
        layers = pictures(self._viewer)
        names = {layer_of(node) for node in self._document.graph.nodes.values()}
        wanted: list[Layer] = [layers[name] for name in sorted(names & layers.keys())]
        if [watch.layer for watch in self._watched] != wanted:
            self.stop()
            ask = lambda _event=None: self._changed()  # noqa: E731
            self._watched = [LayerWatch(layer, ask, ask) for layer in wanted]

    def stop(self) -> None:
        """Watch no layer any more."""
        for watch in self._watched:
            watch.stop()
        self._watched = []

    def cancel(self) -> bool:
        """Ask the run to stop; it does within a step of its work. Return whether there is one."""
        if self._worker is not None:
            self._worker.quit()
        return self.running

    def run(
        self, tell: Callable[[Told], None], ended: Callable[[], None], folder: Path | None = None
    ) -> bool:
        """Run what has changed in a thread of its own; return whether it began.

        Parameters
        ----------
        tell : callable(Told)
            Called from that thread.
        ended : callable()
            Called in this one at the end.
        folder : Path, optional
            Where nodes that save write to; without one they only show.
        """
        from napari.qt.threading import create_worker

        if self.running:
            return False
        self._begun = self._now()
        graph = self._document.contents.to_run()
        host = LayerHost(*sources_of(graph, self._viewer), writes=folder is not None)
        # A run that saves writes all files again, whatever was shown before.
        self._last = self._new_runner(folder) if folder else self._runner
        self._last.host = host
        worker: Any = create_worker(
            self._work,
            self._last,
            graph,
            tell,
            lambda: Job(cancelled=lambda: bool(worker.abort_requested)),
            _start_thread=False,
        )
        self._worker = worker

        def finish(message: str) -> None:
            if not message:
                self._show_sinks(graph)
            tell(Told("", message=message))

        def stop() -> None:
            self._worker = None
            ended()

        worker.returned.connect(finish)
        worker.finished.connect(stop)
        worker.start()
        return True

    def _work(
        self, runner: Runner, graph: Graph, tell: Callable[[Told], None], job: Callable[[], Job]
    ) -> str:
        """Run, and return why it did not; in the run's thread."""
        self._tell = tell
        try:
            runner.run(graph, job())
        except Cancelled:
            return "Cancelled; what was finished is kept."
        except MattingError as error:
            return str(error)
        return ""

    def _told(self, node: str, run: NodeRun) -> None:
        """Say how a node is; in the run's thread."""
        saved = (f"saved {path.name}" for path in run.files)
        message = "\n".join(filter(None, (run.message, *run.texts, *saved)))
        # What begins shows that it has.
        fraction = max(run.progress, 0.02) if run.state == "running" else run.progress
        self._tell(Told(node, fraction, message, run.state == "failed", run.thumbnail))

    def _values(self, node: str) -> tuple[object, ...]:
        """Return what a node gave in the last run."""
        run = self._last.runs.get(node)
        return run.values if run else ()

    def _show_sinks(self, graph: Graph) -> None:
        for label, link in sinks(graph).items():
            values = self._values(link.node)
            if link.slot < len(values):
                self._sinks.show(graph, link, values[link.slot], label)

    def show_layer(self, node: str) -> None:
        """Show what a node gave as layers, one for each output."""
        graph = self._document.graph
        about = shown(self._document.contents, node)
        for number, value in enumerate(self._values(node)[: len(about.outputs)]):
            self._sinks.show(graph, Link(node, number), value)


class States:
    """What was last said of each node of a document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._told: dict[str, Told] = {}

    def of(self, node: str) -> Told:
        """Return what was last said of a node."""
        return self._told.get(node, Told(node))

    def hear(self, told: Told) -> Told:
        """Keep what is said of a node, and return it; its picture stays until there is another."""
        if told.thumbnail is None:
            told = replace(told, thumbnail=self.of(told.node).thumbnail)
        nodes = self._document.graph.nodes
        if told.node in nodes:
            self._told[told.node] = told
        if len(self._told) > len(nodes):
            self._told = {key: kept for key, kept in self._told.items() if key in nodes}
        return told
