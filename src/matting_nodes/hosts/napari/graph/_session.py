"""A document in a viewer: its edits, its files, and its layers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....errors import GraphError, MattingError, as_matting_error
from ....graph import Document, as_python
from ....graph.canvas.palette import Entry, entries
from ....graph.canvas.wiring import End
from .._protocols import without_proxy
from ._from_layers import graph_of
from ._runs import Runs, States, Told
from ._sources import LAYER, LOADED, LOADERS, pictures

if TYPE_CHECKING:
    import napari


class Session:
    """A document that takes the layers of a viewer, and what is known of its nodes.

    Parameters
    ----------
    viewer : Viewer
        Whose layers are sources, and gets the results.
    changed : callable()
        Called when a layer that is a source may hold something else.
    listed : callable()
        Called when there are other layers.
    themed : callable()
        Called when napari has another theme.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        changed: Callable[[], None],
        listed: Callable[[object], None],
        themed: Callable[[object], None],
    ) -> None:
        self._viewer = viewer
        layers, theme = viewer.layers.events, without_proxy(viewer).events.theme
        self._heard = [(layers.inserted, listed), (layers.removed, listed), (theme, themed)]
        for event, answer in self._heard:
            event.connect(answer)
        self.document = Document()
        self.states = States(self.document)
        self.runs = Runs(viewer, self.document, changed)

    def stop(self) -> None:
        """Listen to the viewer no longer, and stop what runs."""
        for event, answer in self._heard:
            event.disconnect(answer)
        self.runs.stop()
        self.runs.cancel()

    def attempt(self, act: Callable[..., Any], *arguments: Any) -> tuple[Any, Told]:
        """Return what a change gives, and why it was refused, of which node.

        If it was refused, the document is as it was.
        """
        try:
            return act(*arguments), Told("")
        except (MattingError, OSError, ValueError) as error:
            message = str(as_matting_error(error))
        named = [a.node for a in arguments if isinstance(a, End) and not a.output]
        named += [a for a in arguments if isinstance(a, str) and a in self.document.graph.nodes]
        node = named[0] if named else ""
        return None, Told(node, 0, message, True, self.states.of(node).thumbnail)

    def layer_names(self) -> list[str]:
        """Return the layers that a source may take."""
        return list(pictures(self._viewer))

    def entries(self, wire: End | None) -> list[Entry]:
        """Return what can be added, or wired to the end of a wire: nodes, and layers."""
        layers = [
            Entry(f"Layer: {name}", LOADERS[0], ((LOADED, name + LAYER),), "This layer's pixels")
            for name in self.layer_names()
        ]
        if wire is None:
            return entries() + layers
        return entries(wire.port, wire.output) + ([] if wire.output else layers)

    def move(self, places: Mapping[str, tuple[float, float]]) -> None:
        """Move nodes, as a step of its own to undo."""
        self.document.settle()
        self.document.move(places)

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
