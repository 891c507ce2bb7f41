"""Batch: a folder of pictures through the steps of the panel, as they are set.

What is drawn on layers for one picture can be taken along for all, or each has a trimap in a file.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui import widgets
from magicgui.types import FileDialogMode

from ...arrays import Kind
from ...errors import MattingError, MissingInputError, ParameterError, as_matting_error
from ...framework.frames import frame
from ...graph import Folders, Graph, GraphNode, Link, check
from ...graph.batches import RECORDS, Batch, Done, plan, run_here
from ...graph.wires import id_of, node_id, stored_parameters
from ...io.images import as_stored, encoded, make_folder_for, write_whole
from ...job import Cancelled, Job
from ._protocols import Worker
from ._readiness import shown_inputs
from ._scroll import wrapped_in_full
from ._table import ResultTable
from ._widget import to_ui_thread

if TYPE_CHECKING:
    from ._widget import NodeWidget

LOADER, SAVER = "picture", "save"
DRAWN, BACKGROUND = "drawn trimap", "background"
BY_TRIMAP = ("segment", "make_trimap")
"""Steps that trimaps drawn by hand make needless."""
PROMPTS = "prompts"
RESULTS = {
    "composite": ("composite", ""),
    "foreground with its alpha": ("estimate_foreground", "alpha_matte"),
    "alpha": ("", "alpha_matte"),
    "trimap": ("", "make_trimap"),
    "mask": ("", "segment"),
}
"""What can be saved: the step whose picture it is, and the step whose matte."""
PREFIXES = dict(zip(RESULTS, ("composite", "foreground", "alpha", "trimap", "mask"), strict=True))
COLUMNS = ("picture", "result", "why")
MEASURED = 20
"""Rows whose names say how wide their column is."""
DONE, SKIPPED, FAILED = "done", "done before", "failed"


def workflow(
    steps: Mapping[str, NodeWidget],
    result: str,
    file_type: str = "png",
    *,
    trimaps: bool = False,
    background: str = "",
    prompts: Mapping[str, Any] | None = None,
) -> Graph:
    """Return the steps, as they are set, as a workflow that loads one picture and saves a result.

    Parameters
    ----------
    steps : mapping of NodeWidget
        By the node's name, in the order of the pipeline.
    result : str
        A key of RESULTS.
    file_type : {"png", "tiff"}
        What is saved.
    trimaps : bool
        Whether each picture has a trimap in a file, which the node DRAWN loads.
    background : str
        A file for Composite's background.
    prompts : mapping, optional
        Segment's prompts, by input: boxes and points as `drawn_prompts` returns them, and files.

    Raises
    ------
    MattingError
        If a step is set to something that a file does not have.
    """
    graph = Graph().with_node(
        GraphNode(LOADER, id_of("Load Picture"), {"image": ""}, "Load Picture")
    )
    made = {"image": Link(LOADER)}
    if trimaps:
        if {*BY_TRIMAP} & {*RESULTS[result]}:
            raise ParameterError(
                f"There is no {result} to save",
                "With trimaps drawn by hand, Segment and Make Trimap are left out",
                "Save another result, or take no trimaps",
            )
        graph, made["trimap"] = _with_mask(graph, DRAWN, "")
        steps = {name: step for name, step in steps.items() if name not in BY_TRIMAP}
    for name, step in steps.items():
        _check_is_for_files(step, background)
        shown = shown_inputs(step.spec, step.chosen_method)
        wired = {w.name: made[w.name] for w in step.spec.inputs if w.name in {*shown} & {*made}}
        if name == "segment":
            for wire, prompt in (prompts or {}).items():
                if wire in shown:
                    graph, wired[wire] = _with_prompt(graph, f"{wire} prompt", prompt)
        if name == "composite" and background:
            loader = GraphNode(
                BACKGROUND, id_of("Load Picture"), {"image": background}, "Background"
            )
            graph, wired["background"] = graph.with_node(loader), Link(BACKGROUND)
        # A rough mask that Segment takes is a prompt, and drawn by hand.
        given = {**wired, **stored_parameters(step.spec, step.parameters())}
        graph = graph.with_node(GraphNode(name, node_id(step.spec), given, step.spec.title))
        output = step.spec.outputs[0].name
        made.setdefault(output, Link(name))
    picture, matte = RESULTS[result]
    saved = {"image": Link(picture)} if picture else {}
    saved |= {"alpha": Link(matte)} if matte else {}
    settings = {"filename_prefix": PREFIXES[result], "file_type": file_type, "bits": "auto"}
    return graph.with_node(GraphNode(SAVER, id_of("Save Picture"), {**saved, **settings}))


def _with_mask(graph: Graph, name: str, file: str) -> tuple[Graph, Link]:
    """Return a graph that loads a file as a mask or trimap, and the wire that carries it."""
    graph = graph.with_node(GraphNode(name, id_of("Load Picture"), {"image": file}, name))
    inputs = {"image": Link(name), "channel": "red"}
    mask = GraphNode(f"{name} as mask", "ImageToMask", inputs, name)
    return graph.with_node(mask), Link(mask.id)


def _with_prompt(graph: Graph, name: str, prompt: Any) -> tuple[Graph, Link]:
    """Return a graph that holds a prompt, and the wire that carries it."""
    if isinstance(prompt, str):
        return _with_mask(graph, name, prompt)
    if isinstance(prompt, tuple):
        left, top, right, bottom = prompt
        x, y = max(0, math.floor(left)), max(0, math.floor(top))
        size = {"width": max(1, math.ceil(right) - x), "height": max(1, math.ceil(bottom) - y)}
        node = GraphNode(name, "PrimitiveBoundingBox", {"x": x, "y": y, **size}, name)
    else:
        points = json.dumps([{"x": float(x), "y": float(y)} for x, y in prompt])
        node = GraphNode(name, "PrimitiveString", {"value": points}, name)
    return graph.with_node(node), Link(name)


def drawn_prompts(segment: NodeWidget) -> dict[str, tuple[Kind, Any]]:
    """Return what is drawn for Segment, by input: in the first plane of a stack that has any.

    Boxes are tuples of left, top, right and bottom, points lists of (x, y), others arrays.

    Parameters
    ----------
    segment : NodeWidget
        Segment's.

    Raises
    ------
    MattingError
        If its layers do not go together, or nothing is drawn.
    """
    kinds = {wire.name: wire.kind for wire in segment.spec.inputs if wire.group}
    request = segment.request()
    for index in range(len(request.planes)):
        found = frame(request.inputs, index)
        drawn = {n: (kinds[n], found[n]) for n in kinds if found.get(n) is not None}
        if drawn:
            return drawn
    raise MissingInputError(
        "Nothing is drawn for Segment",
        "Its box, points, strokes or outline serve all pictures of a batch",
        "Draw on a picture that is chosen in Segment, or take no prompts along",
    )


def _as_files(prompts: Mapping[str, tuple[Kind, Any]], folder: Path) -> dict[str, Any]:
    """Return prompts with arrays as files in a folder, which are called after their content."""
    named: dict[str, Any] = {}
    for name, (kind, value) in prompts.items():
        if kind in (Kind.BOX, Kind.POINTS):
            named[name] = tuple(value) if kind is Kind.BOX else list(value)
            continue
        picture = np.asarray(value)
        stored = as_stored(picture.astype(np.float32) if picture.dtype == bool else picture, kind)
        data = encoded("prompt.png", stored)
        path = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}.png"
        if not path.exists():
            write_whole(make_folder_for(path), data)
        named[name] = str(path.absolute())
    return named


def _check_is_for_files(step: NodeWidget, background: str) -> None:
    parameters = step.parameters()
    chosen = step.spec.chosen(step.chosen_method)
    for parameter in (*step.spec.parameters, *(chosen.parameters if chosen else ())):
        if parameter.wants_pixel_size(parameters):
            raise ParameterError(
                f"{step.spec.title} has a length in physical units",
                "How large a pixel is is read from layers, and not from the files of a folder",
                f"Set {parameter.label} (among the advanced), or take px or percent",
            )
    for name, choice in step.layer_choices.items():
        if choice.wire.any_size and choice.value is not None and not background:
            raise MissingInputError(
                f"{step.spec.title} takes the layer {choice.value.name} as its {name}",
                "A batch takes its pictures from files, and no layer",
                f"Choose the {name}'s file in Batch; or no {name}, and a color or another backdrop",
            )


class BatchWidget(widgets.Container[widgets.bases.Widget]):
    """Runs the panel's steps over a folder, as `matting-nodes run --each` does, and resumes.

    Parameters
    ----------
    steps : mapping of NodeWidget
        By the node's name, in the order of the pipeline.
    """

    def __init__(self, steps: Mapping[str, NodeWidget]) -> None:
        self._steps = steps
        self._worker: Worker | None = None
        self._told: Callable[[object], None] | None = None
        self._counts: Counter[str] = Counter()
        self.folder = _folder_edit("pictures", "The folder whose pictures are taken.")
        self.output = _folder_edit(
            "results",
            "The folder where results are saved; one beside the pictures by default.",
        )
        self.trimaps = _folder_edit(
            "trimaps (optional)",
            "A folder of trimaps drawn by hand: each has its picture's name, whatever the ending. "
            "Segment and Make Trimap are left out then.",
        )
        self.background = _edit(
            "background (optional)",
            "The file of the picture that Composite shows every object over.",
            FileDialogMode.EXISTING_FILE,
        )
        self.prompts = widgets.CheckBox(
            text="prompts as drawn",
            label="",
            value=False,
            tooltip="Segment takes the box, points, strokes or outline that are drawn now, at the "
            "same place in every picture.",
        )
        self.result = widgets.ComboBox(
            label="save", choices=list(RESULTS), tooltip="Which result is saved of each picture."
        )
        self.file_type = widgets.ComboBox(
            label="as",
            choices=["png", "tiff"],
            tooltip="PNG holds an alpha in 16 bits and pictures in 8, TIFF floats.",
        )
        self.run_button = widgets.PushButton(text="Run the folder")
        self.progress_bar = widgets.ProgressBar(min=0, max=1000, value=0, visible=False)
        self.message = widgets.Label(
            value="Each picture goes through the steps above as they are set. Results that are "
            "there and up to date are kept."
        )
        wrapped_in_full(self.message.native)
        below = widgets.Container[widgets.bases.Widget](
            widgets=[self.run_button, self.progress_bar, self.message], labels=False
        )
        below.margins = (0, 0, 0, 0)
        rows: list[widgets.bases.Widget] = [self.folder, self.trimaps, self.prompts]
        rows += [self.background, self.output, self.result, self.file_type, below]
        super().__init__(widgets=rows)
        self.table = ResultTable()
        self.table.wrap_last_column()
        self.native.layout().addWidget(self.table)
        self.table.hide()
        self.run_button.changed.connect(self._run_or_cancel)
        # A panel that is closed cancels.
        self.native.destroyed.connect(self.cancel)

    def __repr__(self) -> str:
        # magicgui's makes a signature, in which a folder of nothing has no value.
        return f"<Batch widget (folder={str(self.folder.value)!r})>"

    @property
    def running(self) -> bool:
        """Whether a batch is under way."""
        return self._worker is not None

    def _folders(self) -> tuple[Path, Path]:
        """Return the folder of the pictures and that of the results."""
        source: Any = self.folder.value
        if source is None or not source.is_dir():
            raise MissingInputError(
                f"{source} is not a folder" if source else "There is no folder of pictures yet",
                "A batch takes the pictures of a folder",
                "Choose one",
            )
        target: Any = self.output.value
        return source, target or source.absolute().with_name(f"{source.absolute().name}-results")

    def _chosen(self, edit: widgets.FileEdit) -> Path | None:
        """Return the file or folder that was chosen, if any."""
        path: Any = edit.value
        if path is None or str(path) in ("", "."):
            return None
        if not path.exists():
            raise MissingInputError(
                f"{path} does not exist", f"It is to hold the {edit.label}", "Choose another"
            )
        return Path(path).absolute()

    def _prompts(self, target: Path) -> dict[str, Any]:
        if not self.prompts.value:
            return {}
        return _as_files(drawn_prompts(self._steps["segment"]), target / RECORDS / PROMPTS)

    def _run_or_cancel(self) -> None:
        if self.running:
            self.cancel()
        else:
            self.run()

    def run(self) -> None:
        """Start on the folder, in a thread of its own; bad input gives a message."""
        from napari.qt.threading import create_worker
        from napari.utils.notifications import show_warning

        if self.running:
            return
        try:
            source, target = self._folders()
            trimaps, background = self._chosen(self.trimaps), self._chosen(self.background)
            prompts = self._prompts(target) if not trimaps else {}
            graph = workflow(
                self._steps,
                self.result.value,
                self.file_type.value,
                trimaps=trimaps is not None,
                background=str(background or ""),
                prompts=prompts,
            )
            named = {str(background)} if background else set()
            named |= {prompt for prompt in prompts.values() if isinstance(prompt, str)}
            folders = Folders(source, target, named=frozenset(named))
            each = {(LOADER, "image"): source}
            each |= {(DRAWN, "image"): trimaps} if trimaps else {}
            check(graph)
        except MattingError as error:
            self.message.value = str(error)
            show_warning(str(error))
            return
        self._told = told = self._told or to_ui_thread(self.native, self._show, object)
        self._counts.clear()
        self.table.fill(COLUMNS, [])
        self.table.show()
        self._set_running(True)
        self._worker = worker = create_worker(
            _work,
            graph,
            folders,
            each,
            # The worker itself is only known once it is made.
            lambda: Job(lambda fraction, _: told(float(fraction)), lambda: worker.abort_requested),
            told,
            _start_thread=False,
        )
        worker.returned.connect(self._finish)
        worker.finished.connect(self._stop)
        worker.start()

    def cancel(self, _event: object = None) -> None:
        """Ask the batch to stop; it does within a step of its work, and what is saved stays."""
        if self._worker is not None:
            self._worker.quit()
            with suppress(RuntimeError):  # The window may be closing.
                self.run_button.text, self.run_button.enabled = "Cancelling…", False

    def _set_running(self, running: bool) -> None:
        self.run_button.text = "Cancel" if running else "Run the folder"
        self.run_button.enabled = True
        self.progress_bar.value, self.progress_bar.visible = 0, running

    def _show(self, said: object) -> None:
        """Show what the thread says: how far it is, or what has come of a picture."""
        if isinstance(said, float):
            self.progress_bar.value = round(1000 * said)
            return
        assert isinstance(said, tuple)
        self._counts[said[1]] += 1
        self.table.add(said)
        if self._counts.total() <= MEASURED:
            self.table.view.resizeColumnToContents(0)
        self.message.value = self._summary()

    def _summary(self) -> str:
        told = [f"{self._counts[name]} {name}" for name in (DONE, SKIPPED, FAILED)]
        return ", ".join(told)

    def _finish(self, refusal: str) -> None:
        self.message.value = refusal or f"{self._summary()}; results are in {self._folders()[1]}"

    def _stop(self) -> None:
        worker, self._worker = self._worker, None
        # The window may be gone before its last worker.
        with suppress(RuntimeError):
            self._set_running(False)
            self.table.fit_rows()
            if worker and worker.abort_requested:
                self.message.value = f"Cancelled; Run goes on from there. {self._summary()}"


def _work(
    graph: Graph,
    folders: Folders,
    each: Mapping[tuple[str, str], Path],
    job: Callable[[], Job],
    told: Callable[[object], None],
) -> str:
    """Do the batch, and return why none of it could be done, or ""; this touches no widget."""
    batch = Batch(folders)
    try:
        tasks = plan(graph, each)
        todo = []
        for task in tasks:
            job().check()
            if batch.is_finished(task):
                told((task.name, SKIPPED, ""))
            else:
                todo.append(task)
        run_here(batch, todo, lambda done: told(_row(done)), job())
    except Cancelled:
        pass
    except Exception as error:
        return str(as_matting_error(error))
    return ""


def _row(done: Done) -> tuple[str, str, str]:
    if done.error is not None:
        return done.task.name, FAILED, str(done.error)
    return done.task.name, DONE, "; ".join(done.texts)


def _folder_edit(label: str, tooltip: str) -> widgets.FileEdit:
    return _edit(label, tooltip, FileDialogMode.EXISTING_DIRECTORY)


def _edit(label: str, tooltip: str, mode: FileDialogMode) -> widgets.FileEdit:
    edit = widgets.FileEdit(mode=mode, label=label, nullable=True, tooltip=tooltip)
    edit.line_edit.native.setMinimumWidth(40)
    return edit
