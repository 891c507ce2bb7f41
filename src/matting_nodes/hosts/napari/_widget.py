"""One dock widget a node: choose layers, run off the UI thread, see the result as a layer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from magicgui import widgets
from psygnal import Signal

from ...alpha.propagation.follower import Follower
from ...arrays import Kind
from ...errors import MattingError
from ...framework.parameters import Parameter
from ...framework.run import Frames, complete_parameters
from ...framework.spec import NodeSpec, Output
from ...job import Job
from ...models.costs import described
from ._axes import AxesView, as_read, with_channels
from ._choices import LayerChoice, needed, propose, worth_choosing
from ._drawing import DrawButtons
from ._failures import copy
from ._fields import field
from ._layers import OnePlane, frames, grid_of, plane_number
from ._live import Live
from ._manifest import widget_name
from ._measurements import Measurements
from ._places import LayerPlaces, pixel_size
from ._preferences import preferences, preferred_device, use_model_folder
from ._protocols import Layer, Worker
from ._readiness import obstacle, shown_inputs
from ._results import ResultLayers, painted_over
from ._scroll import scrolled, wrapped
from ._showing import follow_grid, show_well
from ._work import LiveStack, Outcome, Request, work

if TYPE_CHECKING:
    import napari
    from qtpy.QtWidgets import QWidget

ALL_PLANES, CURRENT_PLANE = "whole stack", "current plane"
PATIENCE, PACE = 0.3, 0.2
"""Seconds after which a run shows its progress, and between two looks of it: for each, Qt draws the
whole window at once."""


class NodeWidget(widgets.Container[widgets.bases.Widget]):
    """The dock widget of one node; `widget_class` makes a subclass for each."""

    spec: ClassVar[NodeSpec]
    succeeded = Signal()
    """A run that was asked for has shown its results."""
    parameters_changed = Signal()
    """A parameter, the method or the choice of layers has changed."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        from qtpy.QtWidgets import QSizePolicy

        self._viewer = napari_viewer
        follow_grid(napari_viewer)
        self._worker: Worker | None = None
        self._asked: Request | None = None
        self._progressed: Callable[[float, str], None] | None = None
        self._newer = self._quiet = False
        self._began = self._progress_shown = 0.0
        self._followed: LiveStack | None = None
        self._results = ResultLayers(napari_viewer, self.spec.name)
        self.layer_choices = {w.name: LayerChoice(w, napari_viewer) for w in self.spec.inputs}
        self.planes = widgets.ComboBox(
            name="planes",
            choices=[ALL_PLANES, CURRENT_PLANE],
            visible=False,
            tooltip="Run on all planes of a stack, or on the one on show: the others stay as they "
            "are, or empty.",
        )
        self.draw_buttons = DrawButtons(napari_viewer, self.layer_choices)
        self.method = self._method_choice()
        self.fields = {
            (owner, p.name): field(p) for owner, parameters in self._owners() for p in parameters
        }
        self._begin_as_preferred()
        self.advanced = widgets.CheckBox(text="advanced", label="", value=False)
        self.live = Live(lambda: list(self._all_layers().values()), self.parameters, self._run_live)
        self.run_button = widgets.PushButton(text="Run")
        self.progress_bar = widgets.ProgressBar(min=0, max=1000, value=0, visible=False)
        # Its place stays when it is hidden, so that no button moves.
        policy = self.progress_bar.native.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress_bar.native.setSizePolicy(policy)
        self.obstacle, self.message = widgets.Label(value=""), widgets.Label(value="")
        for label in (self.obstacle, self.message):
            # Qt asks for more width the longer a text is, however it wraps.
            label.native.setMinimumWidth(1)
            wrapped(label.native)
        # As wide as the dock, and as high as its text is then.
        wide, high = QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding
        self.message.native.setSizePolicy(wide, high)
        self.details = ""
        self.copy_button = widgets.PushButton(text="Copy details", visible=False)
        rows: list[widgets.bases.Widget] = [
            row for choice in self.layer_choices.values() for row in choice.rows
        ]
        rows += [self.planes]
        rows += [self.draw_buttons] if self.draw_buttons.buttons else []
        rows += [self.method] if self.spec.default_method else []
        rows += self.fields.values()
        rows += [self.advanced] if any(p.advanced for _, p in self._parameters()) else []
        below: list[widgets.bases.Widget] = [
            self.run_button,
            self.obstacle,
            self.live.switch,
            self.progress_bar,
            self.message,
            self.copy_button,
        ]
        lower = widgets.Container(widgets=below, labels=False)
        self.measurements = Measurements(napari_viewer)
        self.table = self.measurements.table
        lower.native.layout().addWidget(self.measurements)
        self._rows = widgets.Container(widgets=[*rows, lower])
        # magicgui's own scrolling container has a `native` that is not the widget in the dock.
        super().__init__()
        self._scroll = scrolled(self._rows.native)
        self.margins = (0, 0, 0, 0)
        self.native.layout().addWidget(self._scroll)
        self.native.setToolTip(self.spec.summary)
        self.run_button.changed.connect(self._run_or_cancel)
        self.copy_button.changed.connect(self._copy_details)
        self.live.belong_to(self.native)
        for choice in (self.method, *self.layer_choices.values()):
            choice.changed.connect(self._propose_layers)
        self._places = LayerPlaces(self._place_changed)
        self.native.destroyed.connect(self._places.stop)
        for choice in self.layer_choices.values():
            choice.changed.connect(self._watch_places)
            choice.reading.changed.connect(self._watch_places)
            choice.reading.changed.connect(self._place_changed)
            self.native.destroyed.connect(choice.reading.stop)
        changing = (self.method, self.planes, *self.fields.values(), *self.layer_choices.values())
        for each in changing:
            each.changed.connect(self.live.ask)
            each.changed.connect(self._show_readiness)
            each.changed.connect(self._tell_of_change)
        self.method.changed.connect(self._show_fields)
        self.method.changed.connect(self._prefer_device)
        self.advanced.changed.connect(self._show_fields)
        self._show_fields()
        self._propose_layers()
        self._show_readiness()
        bind_keys(self.native, {"Ctrl+Return": self._run_or_cancel})

    def __repr__(self) -> str:
        # magicgui's makes a signature, in which methods' parameters would have the same names.
        values = ", ".join(f"{name}={value!r}" for name, value in self.parameters().items())
        return f"<{self.spec.title} widget ({values})>"

    # what the user sets

    def _method_choice(self) -> widgets.ComboBox:
        methods = self.spec.methods
        return widgets.ComboBox(
            name="method",
            choices=[(method.title, name) for name, method in methods.items()],
            tooltip="\n".join(f"{m.title}: {described(m)}" for m in methods.values()),
        )

    def _owners(self) -> Iterator[tuple[str, tuple[Parameter, ...]]]:
        """Yield each method with its parameters, then "" with the node's own."""
        for name, method in self.spec.methods.items():
            yield name, method.parameters
        yield "", self.spec.parameters

    def _parameters(self) -> Iterator[tuple[str, Parameter]]:
        for owner, parameters in self._owners():
            yield from ((owner, parameter) for parameter in parameters)

    def _begin_as_preferred(self) -> None:
        """Set the parameters that napari's preferences give a value."""
        use_model_folder()
        preferred = preferences()
        for (owner, name), widget in self.fields.items():
            if owner and name in preferred:
                widget.value = preferred[name]
        self._device = "auto"
        self._prefer_device()

    def _prefer_device(self, _value: object = None) -> None:
        """Choose the preferred device where the method can use it, until the user chooses."""
        device = self.fields.get(("", "device"))
        if device is not None and device.value == self._device:
            method = self.spec.chosen(self.method.value)
            device.value = self._device = preferred_device(method)

    def _show_fields(self, _value: object = None) -> None:
        for owner, parameter in self._parameters():
            chosen = owner in ("", self.method.value)
            self.fields[owner, parameter.name].visible = chosen and (
                self.advanced.value or not parameter.advanced
            )
        method = self.chosen_method
        shown = shown_inputs(self.spec, method)
        for name, choice in self.layer_choices.items():
            choice.visible = name in shown
            choice.show_whether_needed(name in needed(self.spec, method))
        self.draw_buttons.show_only(shown)

    def parameters(self) -> dict[str, object]:
        """Return what is set: the method, its parameters and the node's own."""
        chosen = {"method": self.method.value} if self.spec.default_method else {}
        return chosen | {
            name: widget.value
            for (owner, name), widget in self.fields.items()
            if owner in ("", self.method.value)
        }

    def set_parameters(self, values: Mapping[str, object]) -> list[str]:
        """Set the method and parameters that are named; the others stay.

        Parameters
        ----------
        values : mapping
            As `parameters` returns them.

        Returns
        -------
        list of str
            What a field does not hold, and was left as it is.
        """
        refused = []
        fields: dict[str, widgets.bases.ValueWidget[Any]] = {"method": self.method}
        method = str(values.get("method", self.chosen_method))
        fields |= {n: each for (owner, n), each in self.fields.items() if owner in ("", method)}
        for name, each in fields.items():
            if name in values:
                try:
                    each.value = values[name]
                except (ValueError, TypeError) as error:
                    refused.append(f"{name} is {values[name]!r}: {error}")
        return refused

    def reset_choices(self, *args: object) -> None:
        """Offer new layers."""
        self._rows.reset_choices(*args)
        self._propose_layers()
        self._show_readiness()

    def _propose_layers(self, _value: object = None) -> None:
        wanted, must = (of(self.spec, self.chosen_method) for of in (worth_choosing, needed))
        propose(self.layer_choices, wanted, self._viewer.layers.selection.active, must)

    @property
    def chosen_method(self) -> str:
        """The selected method, or "default" of a node that has none."""
        return self.method.value if self.spec.default_method else "default"

    def leave_scrolling(self) -> None:
        """Show all rows at their full height, for a panel that scrolls itself."""
        self._scroll.takeWidget()
        self.native.layout().replaceWidget(self._scroll, self._rows.native)
        self._scroll.deleteLater()
        self._rows.native.show()

    def _show_readiness(self, _value: object = None) -> None:
        """Let Run be pressed if the node can run; else say below it why it cannot."""
        reason = obstacle(self.spec, self._layers(), self.parameters())
        self.planes.visible = self._has_planes()
        self.run_button.tooltip = str(reason or f"{self.spec.summary}\nCtrl+Return")
        # A run that is under way can be cancelled, whatever the next one lacks.
        blocked = reason is not None and not self.running
        self.obstacle.value, self.obstacle.visible = str(reason) if blocked else "", blocked
        if not self.running:
            self.run_button.enabled = reason is None

    def _has_planes(self) -> bool:
        """Tell whether the run is on a stack."""
        try:
            read = as_read(self.spec, self._layers(), self.chosen_method)
            return len(grid_of(self.spec, read)) > 1
        except MattingError:
            return False

    def _tell_of_change(self, _value: object = None) -> None:
        self.parameters_changed.emit()

    def _watch_places(self, _value: object = None) -> None:
        self._places.watch(list(self._all_layers().values()))

    def _place_changed(self, _event: object = None) -> None:
        self._show_readiness()
        self.live.ask()

    # running

    def _run_or_cancel(self) -> None:
        if self._worker is None:
            self.run()
        else:
            self._newer = False
            self.cancel()

    def _run_live(self) -> None:
        """Run because something has changed; a running one is stopped first.

        A run that lacks only the newest strokes is not stopped: the next one continues from it.
        """
        if not self.running:
            self.run(quiet=True)
            return
        self._newer = True
        asked = self._asked
        followed = asked.followed if asked else None
        changed = not followed or followed.state[0] != self._followed_state()
        if changed or (asked and asked.settle):
            self.cancel()

    def run(self, quiet: bool = False, settle: bool = False) -> None:
        """Start the node on the chosen layers, in a thread of its own, unless it is running.

        Bad input gives a message, and unless `quiet` a notification; no layer changes then. With
        `settle` the last live result is brought up to date far from the strokes too.
        """
        from napari.qt.threading import create_worker

        if self.running:
            return
        self._quiet = quiet
        try:
            request = self.request()
        except MattingError as error:
            self._refuse(error)
            return
        # Run solves from the start; a followed result may be off by some thousandths.
        self._follow(request, afresh=not quiet)
        request.settle = settle and request.followed is not None
        self._progressed = report = self._progressed or to_ui_thread(
            self.native, self._show_progress
        )
        self.message.value, self.copy_button.visible = "", False
        self._set_running(True)
        self._asked, self._began = request, time.monotonic()
        self._worker = worker = create_worker(
            work,
            self.spec,
            # A worker may outlive its run; what it works on need not.
            [request],
            # The worker itself is only known once it is made.
            lambda: Job(report, lambda: worker.abort_requested),
            # No _progress: drawing napari's busy bar makes the work take twice as long.
            _start_thread=False,
        )
        # What Qt is given to call it keeps alive: no function that holds the worker or its layers.
        worker.returned.connect(self._finish)
        worker.finished.connect(self._stop)
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

    def _layers(self) -> dict[str, Layer]:
        """Return the chosen layers by the input's name."""
        chosen = {n: self.layer_choices[n].value for n in self.layer_choices}
        shown = shown_inputs(self.spec, self.chosen_method)
        return {n: layer for n, layer in chosen.items() if layer is not None and n in shown}

    def _all_layers(self) -> dict[str, Layer]:
        """Return them, and those that are the other channels of a picture."""
        return with_channels(self._layers())

    def request(self) -> Request:
        """Return what a run needs: the chosen layers, as frames, and what is set."""
        parameters = self.parameters()
        complete_parameters(self.spec, parameters)
        layers = self._layers()
        read = as_read(self.spec, layers, self.chosen_method)
        axes = {name: layer.told for name, layer in read.items() if isinstance(layer, AxesView)}
        grid = grid_of(self.spec, read)
        inputs: dict[str, Frames | None] = {
            wire.name: frames(read[wire.name], wire, grid)
            for wire in self.spec.inputs
            if wire.name in read
        }
        for owner, parameter in self._parameters():
            if owner in ("", self.method.value) and parameter.wants_pixel_size(parameters):
                parameters[parameter.name] = pixel_size(grid.picture)
        if self.planes.value == ALL_PLANES or len(grid) == 1:
            return Request(layers, inputs, parameters, grid, axes=axes)
        plane = plane_number(grid, self._viewer)
        one = {name: each and OnePlane(each, plane) for name, each in inputs.items()}
        return Request(layers, one, parameters, grid, plane, axes)

    def _follow(self, request: Request, afresh: bool) -> None:
        """Let a live run continue from the last one if only the trimap has changed."""
        if not (self.live.switch.value and Follower.can_follow(self.spec, request.parameters)):
            self._followed = None
            return
        state = self._followed_state(), request.plane
        if afresh or self._followed is None or self._followed.state != state:
            self._followed = LiveStack(Follower(self.spec, request.parameters), state)
        request.followed = self._followed

    def _followed_state(self) -> object:
        """Return what must stay as it is for a result to be followed: all but the strokes."""
        return self.live.revisions(self._all_layers(), Kind.TRIMAP.value), self.parameters()

    def _finish(self, outcome: Outcome) -> None:
        request = self._asked
        assert request is not None
        if outcome.refusal is not None:
            self._refuse(outcome.refusal, outcome.details)
            return
        if self._quiet and not set(request.layers.values()) <= set(self._viewer.layers):
            return  # Nobody asked for this one, and the next is on its way.
        stacks = outcome.stacks
        if request.followed and outcome.provenance:
            stacks = {self.spec.outputs[0].name: request.followed.brought_up_to_date(request)}
        names = {name: layer.name for name, layer in request.layers.items()}
        provenance = {**outcome.provenance, "inputs": names}
        provenance |= {"axes": request.axes} if request.axes else {}
        edited = {
            name: f"painted over after {made}"
            for name, layer in request.layers.items()
            if (made := painted_over(layer))
        }
        provenance |= {"edited": edited} if edited else {}
        before = list(self._viewer.layers)
        # The first output comes last, on top: the foreground, not its background.
        for output in reversed(self.spec.outputs):
            if output.name in stacks:
                self._results.show(
                    output.name,
                    self._result_name(output),
                    output.kind,
                    stacks[output.name],
                    output.name in outcome.rgb,
                    next(iter(request.layers.values())),
                    request.reference(output.name in outcome.restored),
                    provenance,
                    outcome.range,
                    None if request.plane is None else request.planes[0],
                )
        new_layers = [layer for layer in self._viewer.layers if layer not in before]
        show_well(self._viewer, new_layers, request.layers)
        told = self.measurements.show_tables(request, outcome)
        self.message.value = "\n".join(filter(None, (*told, outcome.remarks)))
        if not self._quiet:
            self.succeeded.emit()

    def _result_name(self, output: Output) -> str:
        """Return a result's name: the output's, or the node's if that says more."""
        pictures = [o for o in self.spec.outputs if o.kind is Kind.IMAGE]
        return self.spec.title.lower() if [output] == pictures else output.name

    def _refuse(self, error: MattingError, details: str = "") -> None:
        from napari.utils.notifications import show_error, show_warning

        self.message.value = str(error)
        self.details, self.copy_button.visible = details, bool(details)
        if details:
            show_error(str(error))
        elif not self._quiet:
            show_warning(str(error))

    def _copy_details(self) -> None:
        copy(self.details)

    def _stop(self) -> None:
        worker, asked, self._worker, self._asked = self._worker, self._asked, None, None
        # The window may be gone before its last worker.
        with suppress(RuntimeError):
            self._set_running(False)
            if self._newer:
                self._newer = False
                self.run(quiet=True)
            elif worker and worker.abort_requested:
                self.message.value = "Cancelled; no layer was changed."
            elif asked and asked.followed and asked.followed.unsettled and not asked.settle:
                self.run(quiet=True, settle=True)

    def _set_running(self, running: bool) -> None:
        self.run_button.text, self.run_button.enabled = ("Cancel" if running else "Run"), True
        self.progress_bar.visible, self.progress_bar.value = False, 0
        self._show_readiness()

    def _show_progress(self, fraction: float, message: str) -> None:
        if self._worker is None or self._worker.abort_requested:
            return
        # What is done at once would only flicker.
        now = time.monotonic()
        if now > max(self._began + PATIENCE, self._progress_shown + PACE):
            self._progress_shown = now
            self.progress_bar.visible = True
            self.progress_bar.value = round(1000 * fraction)
            self.message.value = message


def bind_keys(widget: QWidget, actions: dict[str, Callable[[], None]]) -> None:
    """Let keys do something while the focus is in a widget, and nowhere else.

    Parameters
    ----------
    widget : QWidget
        Where the focus must be.
    actions : mapping of str to callable()
        By key, as Qt writes them: "Ctrl+Return".
    """
    from qtpy.QtCore import Qt
    from qtpy.QtGui import QKeySequence, QShortcut

    for keys, action in actions.items():
        shortcut = QShortcut(QKeySequence(keys), widget)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(action)


def to_ui_thread(widget: QWidget, show: Callable[..., None], *kinds: type) -> Callable[..., None]:
    """Return a function that shows something on a widget, from whichever thread it is called.

    Parameters
    ----------
    widget : QWidget
        Lives in the thread of the user interface.
    show : callable
        Called in that thread.
    *kinds : type
        Of its arguments; by default float and str, those of progress.
    """
    from qtpy.QtCore import QObject, Signal

    class Bridge(QObject):
        said = Signal(*(kinds or (float, str)))

    bridge = Bridge(widget)
    bridge.said.connect(show)

    def tell(*arguments: object) -> None:
        # The widget, and with it the bridge, may be gone before the thread.
        with suppress(RuntimeError):
            bridge.said.emit(*arguments)

    return tell


@cache
def widget_class(spec: NodeSpec) -> type[NodeWidget]:
    """Return the widget class of a node."""
    name = widget_name(spec)
    return type(
        name, (NodeWidget,), {"spec": spec, "__doc__": spec.summary, "__module__": __name__}
    )
