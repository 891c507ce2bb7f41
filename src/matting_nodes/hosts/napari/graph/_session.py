"""A document in a viewer: its layers as sources and sinks, its runs, its files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ....errors import GraphError, MattingError, as_matting_error
from ....graph import (
    Document,
    Folders,
    Graph,
    Host,
    Link,
    NodeRun,
    Runner,
    as_python,
    thumbnail,
)
from ....job import Cancelled, Job
from .._live import LayerWatch
from .._protocols import Layer, Worker
from ._from_layers import graph_of
from ._ports import Entry, Port, shown
from ._sinks import Sinks, sinks
from ._sources import LAYER, LOADED, LOADERS, LayerHost, layer_of, pictures, sources_of

if TYPE_CHECKING:
    import napari

    from ._canvas import End

SIDE = 348
"""Pixels of a thumbnail's longer side: twice as many as it is shown with, to be sharp when near."""
FAR = 260.0
"""How far to the right of a node the next is put."""


@dataclass(frozen=True)
class Told:
    """What a run says of a node; of none, what it says of itself."""

    node: str
    fraction: float = 0.0
    message: str = ""
    failed: bool = False
    thumbnail: NDArray[np.uint8] | None = None


class Session:
    """Lets a document run on the layers of a viewer.

    Parameters
    ----------
    viewer : Viewer
        Whose layers are sources, and gets the results.
    changed : callable()
        Called when a layer that is a source may hold something else.
    """

    def __init__(self, viewer: napari.viewer.Viewer, changed: Callable[[], None]) -> None:
        self._viewer, self._changed = viewer, changed
        self.document = Document()
        self.sinks = Sinks(viewer)
        self._runner = self._last = Runner(_folders(), Host(), self._told)
        self._worker: Worker | None = None
        self._watched: list[LayerWatch] = []
        self._begun: object = None
        self._tell: Callable[[Told], None] = lambda told: None
        self._pictured: dict[str, tuple[object, ...]] = {}

    # the document

    def attempt(self, act: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
        """Return what a change gives, and why it was refused; the document is then as it was."""
        try:
            return act(*arguments), ""
        except (MattingError, OSError, ValueError) as error:
            return None, str(as_matting_error(error))

    def layer_names(self) -> list[str]:
        """Return the layers that a source may take."""
        return list(pictures(self._viewer))

    def layer_entries(self) -> list[Entry]:
        """Return an entry of the palette for each layer."""
        return [
            Entry(f"Layer: {name}", LOADERS[0], ((LOADED, name + LAYER),), "This layer's pixels")
            for name in self.layer_names()
        ]

    def add(
        self, entry: Entry, place: tuple[float, float], wire: End | None, after: str | None
    ) -> str:
        """Add a node, and wire it where that is plain: to the wire in hand, or the selected node.

        Parameters
        ----------
        entry : Entry
            What is added.
        place : (x, y)
            Where.
        wire : End, optional
            The end of a wire that was dropped there.
        after : str, optional
            A node whose first output that fits is wired to it.
        """
        document = self.document
        if after is not None:
            x, y = document.places[after]
            place = x + FAR, y
        key = document.add(entry.class_type, place, dict(entry.inputs))
        if wire is not None and not wire.output:
            self._wire(key, wire.node, [wire.port])
        elif wire is not None:
            fits = _first(shown(document.contents, key).inputs, wire.port)
            if fits is not None:
                document.connect(Link(wire.node, wire.number), key, fits.name)
        elif after is not None:
            self._wire(after, key, shown(document.contents, key).inputs)
        return key

    def _wire(self, source: str, target: str, inputs: Sequence[Port]) -> None:
        """Wire the first two ports that fit; what must be wired comes first."""
        outputs = shown(self.document.contents, source).outputs
        for port in sorted(inputs, key=lambda port: port.optional):
            output = _first(outputs, port)
            if output is not None:
                link = Link(source, outputs.index(output))
                self.document.connect(link, target, port.name)
                return

    def move(self, places: Mapping[str, tuple[float, float]]) -> None:
        """Move nodes, as a step of its own to undo."""
        self.document.settle()
        self.document.move(places)

    def order(self) -> list[str]:
        """Return the nodes from the sources on."""
        try:
            return self.document.graph.order()
        except GraphError:
            return list(self.document.graph.nodes)

    def open(self, path: Path) -> None:
        """Open a workflow; one that cannot be opened leaves the document as it is."""
        self.document.open(path)

    def save(self, path: Path, form: str) -> None:
        """Save the document as API or UI JSON, or as a Python script."""
        if form == "python":
            path.write_text(as_python(self.document.contents.to_run()), encoding="utf-8")
        else:
            self.document.save(path, format=form)

    def show_layers(self) -> None:
        """Show the present layers as a graph: what they were made by."""
        graph = graph_of(self._viewer)
        if not graph.nodes:
            raise GraphError(
                "There are no layers to show",
                "A graph begins with a picture",
                "Open one, or a sample: File > Open Sample",
            )
        self.document.open(json.dumps(graph.to_json()).encode())

    # running

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._worker is not None

    def has_changed(self) -> bool:
        """Return whether the graph, or a source, is not what it was when the last run began."""
        return self._now() != self._begun

    def _now(self) -> object:
        self._watch()
        return self.document.graph, [watch.state() for watch in self._watched]

    def _watch(self) -> None:
        layers = pictures(self._viewer)
        names = {layer_of(node) for node in self.document.graph.nodes.values()}
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

    def cancel(self) -> None:
        """Ask the run to stop; it does within a step of its work."""
        if self._worker is not None:
            self._worker.quit()

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
        graph = self.document.contents.to_run()
        host = LayerHost(*sources_of(graph, self._viewer), writes=folder is not None)
        # A run that saves writes all files again, whatever was shown before.
        self._last = Runner(_folders(folder), host, self._told) if folder else self._runner
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
        small = None
        if run.state in ("done", "cached") and self._pictured.get(node) is not run.values:
            self._pictured[node] = run.values
            found = (thumbnail(value, SIDE) for value in run.values)
            small = next((each for each in found if each is not None), run.thumbnail)
        saved = (f"saved {path.name}" for path in run.files)
        message = "\n".join(filter(None, (run.message, *run.texts, *saved)))
        # What begins shows that it has.
        fraction = max(run.progress, 0.02) if run.state == "running" else run.progress
        self._tell(Told(node, fraction, message, run.state == "failed", small))

    def _values(self, node: str) -> tuple[object, ...]:
        """Return what a node gave in the last run."""
        run = self._last.runs.get(node)
        return run.values if run else ()

    def _show_sinks(self, graph: Graph) -> None:
        for label, link in sinks(graph).items():
            values = self._values(link.node)
            if link.slot < len(values):
                self.sinks.show(graph, link, values[link.slot], label)

    def show_layer(self, node: str) -> None:
        """Show what a node gave as layers, one for each output."""
        graph = self.document.graph
        about = shown(self.document.contents, node)
        for number, value in enumerate(self._values(node)[: len(about.outputs)]):
            self.sinks.show(graph, Link(node, number), value)


def _first(ports: Sequence[Port], other: Port) -> Port | None:
    """Return the first port that takes another, one that must be wired before others."""
    fitting = [port for port in ports if port.takes(other)]
    return min(fitting, key=lambda port: port.optional, default=None)


def _folders(output: Path | None = None) -> Folders:
    """Return where pictures are: beside the user's work, and the samples."""
    return Folders(Path.cwd(), output or Path(tempfile.gettempdir()))
