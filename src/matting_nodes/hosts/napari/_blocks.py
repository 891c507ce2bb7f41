"""Matte in blocks: a picture of any size, matted block by block into an OME-Zarr pyramid."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui import widgets
from magicgui.types import FileDialogMode

from ...blocks.matting import SIDE, matte_zarr
from ...errors import MattingError, MissingInputError, as_matting_error
from ...io.ome_zarr import Planes, is_zarr, open_planes
from ...job import Cancelled, Job
from ._choices import is_picture
from ._places import leading_shape, pixels, plane_shape
from ._protocols import Layer, Worker, is_labels, without_proxy
from ._scroll import wrapped_in_full
from ._trimap import is_trimap, labels_to_trimap
from ._widget import to_ui_thread

if TYPE_CHECKING:
    import napari

TITLE = "Matte in blocks"
HERE = "this computer"
AXES = ("t", "z", "y", "x")
GOES_ON = "What is done is kept: the same target goes on from there."


class BlocksWidget(widgets.Container[widgets.bases.Widget]):
    """Mattes a picture or stack of any size into a file, and opens it as a lazy layer.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers can be chosen.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        self._viewer = napari_viewer
        self._worker: Worker | None = None
        self.picture = widgets.ComboBox(
            label="picture",
            choices=self._pictures,
            nullable=True,
            tooltip="A picture or a stack; one that lies in a file is read a block at a time.",
        )
        self.trimap = widgets.ComboBox(
            label="trimap",
            choices=self._trimaps,
            nullable=True,
            tooltip="One plane for each of the picture's, or one for all.",
        )
        self.target = widgets.FileEdit(
            label="matte",
            mode=FileDialogMode.OPTIONAL_FILE,
            nullable=True,
            tooltip="The OME-Zarr that is made, such as alpha.ome.zarr. It is there when it is "
            "complete. One whose work was stopped goes on.",
        )
        self.target.line_edit.native.setMinimumWidth(40)
        self.block = widgets.SpinBox(
            label="block",
            value=SIDE,
            min=64,
            max=8192,
            step=16,
            tooltip="Side of the blocks in pixels. Memory grows with its square.",
        )
        self.bits = widgets.ComboBox(
            label="bits",
            choices=[("8", 8), ("16", 16), ("32, floats", 32)],
            value=16,
            tooltip="Of each of the matte's values.",
        )
        self.work_on = widgets.ComboBox(
            label="work on",
            choices=self._places,
            tooltip="This computer, or the Dask cluster that this session has a client of.",
        )
        self.run_button = widgets.PushButton(text="Matte")
        self.progress_bar = widgets.ProgressBar(min=0, max=1000, value=0, visible=False)
        self.message = widgets.Label(value="")
        wrapped_in_full(self.message.native)
        below = widgets.Container[widgets.bases.Widget](
            widgets=[self.run_button, self.progress_bar, self.message], labels=False
        )
        below.margins = (0, 0, 0, 0)
        rows: list[widgets.bases.Widget] = [self.picture, self.trimap, self.target, self.block]
        super().__init__(widgets=[*rows, self.bits, self.work_on, below])
        self.picture.changed.connect(self._propose)
        self.run_button.changed.connect(self._run_or_cancel)
        # A dock that is closed cancels.
        self.native.destroyed.connect(self.cancel)
        self.reset_choices()

    def __repr__(self) -> str:
        # magicgui's makes a signature, in which a file of nothing has no value.
        return f"<{TITLE}>"

    @property
    def running(self) -> bool:
        """Whether a picture is being matted."""
        return self._worker is not None

    def reset_choices(self, *args: object) -> None:
        """Offer new layers, and a cluster that has come or gone."""
        super().reset_choices(*args)
        if self.picture.value is None and self._pictures():
            self.picture.value = self._pictures()[-1]
        self._propose()

    def _pictures(self, _widget: object = None) -> list[Layer]:
        layers = [without_proxy(layer) for layer in self._viewer.layers]
        return [layer for layer in layers if is_picture(layer) and layer.ndim <= len(AXES)]

    def _trimaps(self, _widget: object = None) -> list[Layer]:
        picture = self.picture.value
        layers = [without_proxy(layer) for layer in self._viewer.layers]
        trimaps = [layer for layer in layers if is_labels(layer) and is_trimap(layer)]
        return [one for one in trimaps if picture is not None and _fits(one, picture)]

    def _places(self, _widget: object = None) -> list[str]:
        client = _client()
        return [HERE] if client is None else [HERE, f"Dask: {client.scheduler.address}"]

    def _propose(self, *_: object) -> None:
        self.trimap.reset_choices()
        if self.trimap.value is None and self._trimaps():
            self.trimap.value = self._trimaps()[-1]

    def _chosen(self) -> tuple[Planes, Planes, Path]:
        picture, trimap = self.picture.value, self.trimap.value
        target: Any = self.target.value
        if picture is None:
            raise MissingInputError(
                "There is no picture", f"{TITLE} takes an Image layer", "Open one"
            )
        if trimap is None:
            raise MissingInputError(
                f"There is no trimap of the size of {picture.name}",
                "Pictures of any size need one",
                "Paint one (New trimap), or open one",
            )
        if target is None or str(target) in ("", "."):
            raise MissingInputError(
                "The matte has no file", "It is written to one", "Give a name: alpha.ome.zarr"
            )
        return picture_planes(picture), trimap_planes(trimap), Path(target)

    def _run_or_cancel(self) -> None:
        if self.running:
            self.cancel()
        else:
            self.run()

    def run(self) -> None:
        """Start, in a thread of its own; bad input gives a message."""
        from napari.qt.threading import create_worker
        from napari.utils.notifications import show_warning

        if self.running:
            return
        try:
            picture, trimap, target = self._chosen()
        except MattingError as error:
            self.message.value = str(error)
            show_warning(str(error))
            return
        tell = to_ui_thread(self.native, self._show)
        self._set_running(True)
        self._worker = worker = create_worker(
            _work,
            # The worker itself is only known once it is made.
            lambda: Job(tell, lambda: worker.abort_requested),
            picture,
            trimap,
            target,
            block=int(self.block.value),
            bits=self.bits.value,
            dask=None if self.work_on.value == HERE else _client(),
            _start_thread=False,
        )
        worker.returned.connect(lambda refusal: self._finish(target, refusal))
        worker.finished.connect(self._stop)
        worker.start()

    def cancel(self, _event: object = None) -> None:
        """Ask the work to stop; it does within a second, and what is done is kept."""
        if self._worker is not None:
            self._worker.quit()
            with suppress(RuntimeError):  # The window may be closing.
                self.run_button.text, self.run_button.enabled = "Cancelling…", False

    def _set_running(self, running: bool) -> None:
        self.run_button.text, self.run_button.enabled = "Cancel" if running else "Matte", True
        self.progress_bar.value, self.progress_bar.visible = 0, running

    def _show(self, fraction: float, message: str) -> None:
        if self.running:
            self.progress_bar.value, self.message.value = round(1000 * fraction), message

    def _finish(self, target: Path, refusal: str) -> None:
        self.message.value = refusal or f"The matte is in {target}"
        if not refusal:
            self._viewer.open(target, plugin="matting-nodes")

    def _stop(self) -> None:
        worker, self._worker = self._worker, None
        # The window may be gone before its last worker.
        with suppress(RuntimeError):
            self._set_running(False)
            if worker and worker.abort_requested:
                self.message.value = f"Cancelled. {GOES_ON}"


def _work(
    job: Callable[[], Job], picture: Planes, trimap: Planes, target: Path, **given: Any
) -> str:
    """Return why there is no matte, or ""; this touches no widget."""
    try:
        matte_zarr(picture, trimap, target, job(), **given)
    except Cancelled:
        pass
    except Exception as error:
        return str(as_matting_error(error))
    return ""


def _fits(trimap: Layer, picture: Layer) -> bool:
    stack = leading_shape(trimap)
    return plane_shape(trimap) == plane_shape(picture) and stack in ((), leading_shape(picture))


def _client() -> Any:
    """Return the Dask client that something in this process has made, if any."""
    distributed = sys.modules.get("distributed")
    try:
        return None if distributed is None else distributed.default_client()
    except ValueError:
        return None


def picture_planes(layer: Layer) -> Planes:
    """Return a picture as it is read block by block: from its file, if it was opened from one.

    Parameters
    ----------
    layer : Image layer
        Of at most four axes.

    Raises
    ------
    FileError
        If the file cannot be read any more.
    """
    found = _planes(layer, pixels(layer), ("c",) if getattr(layer, "rgb", False) else ())
    path = getattr(getattr(layer, "source", None), "path", None)
    if path and is_zarr(path) and not isinstance(found.array, np.ndarray):
        # Its name and times tell better than a lazy array whether stopped work goes on with it.
        stored = open_planes(path)
        own = (*stored.stack_shape, *stored.shape)
        if own == (*found.stack_shape, *found.shape) and ("c" in stored.axes) == (
            "c" in found.axes
        ):
            return stored
    return found


def trimap_planes(layer: Layer) -> Planes:
    """Return a trimap of 0, 128 and 255 of a layer of the labels 0, 1 and 2.

    Parameters
    ----------
    layer : Labels layer

    Raises
    ------
    ValueRangeError
        If there are others.
    """
    data: Any = pixels(layer)
    if isinstance(data, np.ndarray):
        return _planes(layer, labels_to_trimap(data, layer.name), ())
    import dask.array

    from_array: Any = dask.array.from_array
    lazy = data if hasattr(data, "map_blocks") else from_array(data)
    return _planes(layer, lazy.map_blocks(labels_to_trimap, layer.name, dtype=np.uint8), ())


def _planes(layer: Any, array: Any, colors: tuple[str, ...]) -> Planes:
    axes = tuple(layer.axis_labels)
    if not {"y", "x"} <= {*axes} or "c" in axes:
        axes = AXES[-layer.ndim :]
    known = tuple(map(str, layer.units))
    units = tuple(None if unit == "pixel" else unit for unit in known)
    more = len(colors)
    scale = (*map(float, layer.scale), *more * (1.0,))
    return Planes(array, (*axes, *colors), scale, (*units, *more * (None,)), layer.name)
