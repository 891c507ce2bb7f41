"""Live: a widget that runs again whenever what it depends on has changed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from magicgui import widgets

from ._places import place
from ._protocols import Layer, is_labels

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

# Milliseconds without a change: of parameters; and of layers, where the brush may be down. A stroke
# that ends is followed at once, and waits for a run that began in the middle of it.
DELAY, REST = 100, 250


class Live:
    """The "auto" switch of a widget.

    Strokes, undo and redo, new data, parameters and the choice of layers all ask for a run; what
    comes in quick succession asks once. A run that is under way is stopped for a newer one, and
    the last result stays until the new one is whole.

    Parameters
    ----------
    layers : callable() -> list of Layer
        The layers that are chosen.
    parameters : callable() -> dict
        What is set.
    run : callable()
        Starts a run, or stops one that is under way, so that `finished` is called.
    """

    def __init__(
        self,
        layers: Callable[[], list[Layer]],
        parameters: Callable[[], dict[str, object]],
        run: Callable[[], None],
    ) -> None:
        from qtpy.QtCore import QTimer
        from superqt.utils import QSignalDebouncer

        self._layers, self._parameters, self._run = layers, parameters, run
        self._watched: list[LayerWatch] = []
        self._seen: object = None
        self._debouncer = QSignalDebouncer()
        self._debouncer.setTimeout(DELAY)
        self._debouncer.triggered.connect(self._look)
        # napari tells of a dab before it is in the data: wait for the next turn of the loop.
        self._soon = QTimer(self._debouncer)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._debouncer.flush)
        self.switch = widgets.CheckBox(
            text="auto",
            value=False,
            tooltip="Run again whenever a layer or a parameter changes: paint, and the result "
            "follows.",
        )
        self.switch.changed.connect(self._switched)

    def belong_to(self, parent: QWidget) -> None:
        """End with this QWidget."""
        self._debouncer.setParent(parent)
        parent.destroyed.connect(self.stop)

    def ask(self, _event: object = None) -> None:
        """Ask for a run, if the switch is on and something has changed."""
        self._ask(DELAY)

    def ask_at_rest(self, _event: object = None) -> None:
        """Ask for a run once the hand rests: a layer is being painted on, perhaps."""
        self._ask(REST)

    def _ask(self, delay: int) -> None:
        if self.switch.value:
            self._debouncer.setTimeout(delay)
            self._debouncer.throttle()

    def revisions(self, layers: dict[str, Layer], painted: str) -> dict[str, object]:
        """Return what differs when a layer is another one, or has got other data.

        Paint on the layer named `painted` is not reported.

        Parameters
        ----------
        layers : dict of Layer
            By the input's name.
        painted : str
            The input whose strokes are not reported.
        """
        self._watch(list(layers.values()))
        return {
            name: watch.shape() if name == painted else watch.revision()
            for name, watch in zip(layers, self._watched, strict=True)
        }

    def ask_soon(self, _event: object = None) -> None:
        """Ask for a run without waiting for more: a stroke has ended."""
        self.ask()
        self._soon.start()

    def stop(self) -> None:
        """Watch no layer any more."""
        for watch in self._watched:
            watch.stop()
        self._watched = []

    def _switched(self, on: bool) -> None:
        self._seen = None
        if on:
            self.ask()
        else:
            self._debouncer.cancel()
            self.stop()

    def _look(self) -> None:
        """Run if what the widget depends on is not what it was."""
        if not self.switch.value:
            return
        self._watch(self._layers())
        now = [watch.state() for watch in self._watched], self._parameters()
        if now != self._seen:
            self._seen = now
            self._run()

    def _watch(self, layers: list[Layer]) -> None:
        if [watch.layer for watch in self._watched] != layers:
            self.stop()
            self._watched = [LayerWatch(layer, self.ask_at_rest, self.ask_soon) for layer in layers]


class LayerWatch:
    """Tells when what a layer holds may have changed.

    Undo and redo of labels emit no paint event, only `set_data`, which looking at another plane
    emits too: whether anything did change, `state` says.
    """

    EVENTS = ("data", "labels_update", "set_data", "selected_label", "metadata")

    def __init__(
        self, layer: Layer, changed: Callable[[object], None], painted: Callable[[object], None]
    ) -> None:
        self.layer, self._count = layer, 0
        answers = {"paint": painted} | dict.fromkeys(self.EVENTS, changed)
        self._answers = [
            (getattr(layer.events, name), answer)
            for name, answer in answers.items()
            if hasattr(layer.events, name)
        ]
        layer.events.data.connect(self._count_up)
        for event, answer in self._answers:
            event.connect(answer)

    def revision(self) -> object:
        """Return what differs when the layer was given other data, or lies elsewhere."""
        return id(self.layer), self._count, place(self.layer)

    def shape(self) -> object:
        """Return what differs when the layer is another one, or of another size."""
        return id(self.layer), self.layer.data.shape, place(self.layer)

    def state(self) -> object:
        """Return what differs when the layer holds something else."""
        if not is_labels(self.layer):
            return self.revision()
        label = self.layer.show_selected_label and self.layer.selected_label
        data = self.layer.data
        # Labels alone are changed in place, and they are small.
        painted = zlib.crc32(np.ascontiguousarray(data).data) if isinstance(data, np.ndarray) else 0
        return self.revision(), painted, label

    def stop(self) -> None:
        """Listen no longer."""
        self.layer.events.data.disconnect(self._count_up)
        for event, answer in self._answers:
            event.disconnect(answer)

    def _count_up(self, _event: object = None) -> None:
        self._count += 1
