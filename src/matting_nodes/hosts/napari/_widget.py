"""One dock widget a node: choose layers, run off the UI thread, see the result as a layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from magicgui import widgets
from numpy.typing import NDArray

from ...arrays import Kind
from ...errors import MattingError, MissingInputError
from ...frames import Frames, map_frames
from ...job import Cancelled, Job
from ...models.costs import described
from ...running import settings
from ...spec import NodeSpec, Output
from ._choices import LayerChoice
from ._fields import field
from ._layers import Shape, common_shape, frames, is_shapes, pixel_size
from ._live import Live
from ._manifest import widget_name
from ._results import ResultLayers, layer_data

if TYPE_CHECKING:
    import napari


@dataclass(frozen=True)
class Request:
    """All that a run needs, read from the widget when Run was pressed."""

    layers: dict[str, Any]
    inputs: dict[str, Frames | None]
    parameters: dict[str, Any]
    stack: Shape


@dataclass
class Outcome:
    """What a run came to: values by output name, or the reason why there are none."""

    stacks: Mapping[str, NDArray[Any]]
    provenance: Mapping[str, Any]
    table: str = ""
    rgb: frozenset[str] = frozenset()
    refusal: MattingError | None = None


class NodeWidget(widgets.Container):
    """The dock widget of one node; `widget_class` makes a subclass for each."""

    spec: ClassVar[NodeSpec[Any]]

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self._viewer = napari_viewer
        self._worker: Any = None
        self._newer = self._quiet = False
        self._results = ResultLayers(napari_viewer)
        self.layer_choices = {w.name: LayerChoice(w, napari_viewer) for w in self.spec.inputs}
        self.method = self._method_choice()
        self.fields = {
            (owner, p.name): field(p) for owner, parameters in self._owners() for p in parameters
        }
        self.advanced = widgets.CheckBox(text="advanced", label="", value=False)
        self.live = Live(lambda: list(self._layers().values()), self.parameters, self._run_live)
        self.run_button = widgets.PushButton(text="Run")
        self.progress_bar = widgets.ProgressBar(min=0, max=1000, value=0, visible=False)
        self.message = widgets.Label(value="")
        self.message.native.setWordWrap(True)
        super().__init__(
            widgets=[
                *self.layer_choices.values(),
                *([self.method] if self.spec.default_method else []),
                *self.fields.values(),
                *([self.advanced] if any(p.advanced for _, p in self._parameters()) else []),
                widgets.Container(
                    widgets=[
                        self.run_button,
                        self.live.switch,
                        self.progress_bar,
                        self.message,
                    ],
                    labels=False,
                ),
            ],
            scrollable=False,
        )
        self.native.setToolTip(self.spec.summary)
        self.run_button.changed.connect(self._run_or_cancel)
        self.live.belong_to(self.native)
        for setting in (self.method, *self.fields.values(), *self.layer_choices.values()):
            setting.changed.connect(self.live.ask)
        self.method.changed.connect(self._show_fields)
        self.advanced.changed.connect(self._show_fields)
        self._show_fields()

    # what the user sets

    def _method_choice(self) -> widgets.ComboBox:
        methods = self.spec.methods
        return widgets.ComboBox(
            name="method",
            choices=[(method.title, name) for name, method in methods.items()],
            tooltip="\n".join(f"{m.title}: {described(m)}" for m in methods.values()),
        )

    def _owners(self) -> Iterator[tuple[str, Any]]:
        """Yield each method with its parameters, then "" with the node's own."""
        for name, method in self.spec.methods.items():
            yield name, method.parameters
        yield "", self.spec.parameters

    def _parameters(self) -> Iterator[tuple[str, Any]]:
        for owner, parameters in self._owners():
            yield from ((owner, parameter) for parameter in parameters)

    def _show_fields(self, _value: Any = None) -> None:
        for owner, parameter in self._parameters():
            chosen = owner in ("", self.method.value)
            self.fields[owner, parameter.name].visible = chosen and (
                self.advanced.value or not parameter.advanced
            )

    def parameters(self) -> dict[str, Any]:
        """Return what is set: the method, its parameters and the node's own."""
        chosen = {"method": self.method.value} if self.spec.default_method else {}
        return chosen | {
            name: widget.value
            for (owner, name), widget in self.fields.items()
            if owner in ("", self.method.value)
        }

    # running

    def _run_or_cancel(self) -> None:
        if self._worker is None:
            self.run()
        else:
            self._newer = False
            self.cancel()

    def _run_live(self) -> None:
        """Run because something has changed; a run under way makes way first."""
        self._newer = self.running
        if self.running:
            self.cancel()
        else:
            self.run(quiet=True)

    def run(self, quiet: bool = False) -> None:
        """Start the node on the chosen layers, in a thread of its own.

        Bad input is answered with a message, and unless it is to be quiet with a
        notification; no layer changes then.
        """
        from napari.qt.threading import create_worker

        self._quiet = quiet
        try:
            request = self._request()
        except MattingError as error:
            self._refuse(error)
            return
        bridge = _bridge(self)
        self.message.value = ""
        self._set_running(True)
        self._worker = worker = create_worker(
            _work,
            self.spec,
            request,
            # The worker itself is only known once it is made.
            lambda: Job(bridge.progressed.emit, lambda: worker.abort_requested),
            _progress={"desc": self.spec.title},
            _start_thread=False,
        )
        worker.returned.connect(lambda outcome: self._finish(request, outcome))
        worker.finished.connect(lambda: self._stop(worker))
        worker.start()

    def cancel(self) -> None:
        """Ask the run to stop; it does within a step of its work."""
        if self._worker is not None:
            self._worker.quit()
            self.run_button.text, self.run_button.enabled = "Cancelling…", False

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._worker is not None

    def _layers(self) -> dict[str, Any]:
        """Return the chosen layers by the input's name."""
        chosen = {name: choice.value for name, choice in self.layer_choices.items()}
        return {name: layer for name, layer in chosen.items() if layer is not None}

    def _request(self) -> Request:
        parameters = self.parameters()
        settings(self.spec, parameters)
        layers = self._layers()
        kinds = {wire.name: wire.kind for wire in self.spec.inputs}
        pictures = {
            name: layer
            for name, layer in layers.items()
            if kinds[name].is_picture and not is_shapes(layer)
        }
        if not pictures:
            raise MissingInputError(
                f"{self.spec.title} has no layer to work on",
                f"It needs the {self.spec.inputs[0].name}",
                "Open a picture, or choose a layer",
            )
        stack = common_shape(pictures)
        reference = next(iter(pictures.values()))
        inputs: dict[str, Frames | None] = {
            name: frames(layer, kinds[name], stack, reference) for name, layer in layers.items()
        }
        if parameters.get("unit") == "physical" and parameters["pixel_size"] == 1:
            parameters["pixel_size"] = pixel_size(reference)
        return Request(layers, inputs, parameters, stack)

    def _finish(self, request: Request, outcome: Outcome) -> None:
        if outcome.refusal is not None:
            self._refuse(outcome.refusal)
            return
        layers = list(request.layers.values())
        reference = max(layers, key=lambda layer: (_is_picture(layer), layer.ndim))
        names = {name: layer.name for name, layer in request.layers.items()}
        for output in self.spec.outputs:
            if output.name in outcome.stacks:
                self._results.show(
                    output.name,
                    self._result_name(output),
                    output.kind,
                    outcome.stacks[output.name],
                    output.name in outcome.rgb,
                    layers[0],
                    reference,
                    {**outcome.provenance, "inputs": names},
                )
        self.message.value = outcome.table

    def _result_name(self, output: Output) -> str:
        """Return a result's name: the output's, or the node's if that says more."""
        pictures = [o for o in self.spec.outputs if o.kind is Kind.IMAGE]
        return self.spec.title.lower() if [output] == pictures else output.name

    def _refuse(self, error: MattingError) -> None:
        from napari.utils.notifications import show_warning

        self.message.value = str(error)
        if not self._quiet:
            show_warning(str(error))

    def _stop(self, worker: Any) -> None:
        if self._worker is worker:
            self._worker = None
            # The window may be gone before its last worker.
            with suppress(RuntimeError):
                self._set_running(False)
                if self._newer:
                    self._newer = False
                    self.run(quiet=True)
                elif worker.abort_requested:
                    self.message.value = "Cancelled; no layer was changed."

    def _set_running(self, running: bool) -> None:
        self.run_button.text, self.run_button.enabled = ("Cancel" if running else "Run"), True
        self.progress_bar.value, self.progress_bar.visible = 0, running

    def _show_progress(self, fraction: float, message: str) -> None:
        if self._worker is not None and not self._worker.abort_requested:
            self.progress_bar.value = round(1000 * fraction)
            self.message.value = message


def _is_picture(layer: Any) -> bool:
    return hasattr(layer, "contrast_limits") or hasattr(layer, "selected_label")


def _bridge(widget: NodeWidget) -> Any:
    """Return an object whose signal carries progress to the UI thread."""
    from qtpy.QtCore import QObject, Signal

    class Bridge(QObject):
        progressed = Signal(float, str)

    bridge = Bridge(widget.native)
    bridge.progressed.connect(widget._show_progress)
    return bridge


def _work(spec: NodeSpec[Any], request: Request, job: Any) -> Outcome:
    """Run in the worker's thread: touches no layer and no widget."""
    try:
        return _gather(spec, request, job())
    except MattingError as error:
        return Outcome({}, {}, refusal=error)
    except Cancelled:
        return Outcome({}, {})


def _gather(spec: NodeSpec[Any], request: Request, job: Job) -> Outcome:
    stacks: dict[str, NDArray[Any]] = {}
    texts: list[str] = []
    rgb: set[str] = set()
    places = list(np.ndindex(request.stack))
    outcome = Outcome(stacks, {})
    results = map_frames(spec, request.inputs, request.parameters, job)
    for place, result in zip(places, results, strict=True):
        for output in spec.outputs:
            value = result.values[output.name]
            if output.kind is Kind.TABLE:
                texts.append("\n".join(f"{name}: {number:.5g}" for name, number in value.items()))
                continue
            frame = layer_data(value, output.kind)
            if output.name not in stacks:
                stacks[output.name] = np.empty(request.stack + frame.shape, frame.dtype)
            if frame.ndim == 3:
                rgb.add(output.name)
            stacks[output.name][place] = frame
        outcome.provenance = result.provenance
    return replace(outcome, table="\n\n".join(texts), rgb=frozenset(rgb))


@cache
def widget_class(spec: NodeSpec[Any]) -> type[NodeWidget]:
    """Return the widget class of a node."""
    name = widget_name(spec)
    return type(
        name, (NodeWidget,), {"spec": spec, "__doc__": spec.summary, "__module__": __name__}
    )
