"""Cut out the object: the whole pipeline by one command, from a picture to an RGBA layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from magicgui import widgets

from ...arrays import Pixels, as_pixels
from ...errors import EmptyRegionError, MattingError, as_matting_error
from ...framework.frames import naming
from ...framework.normalization import measured, normalized
from ...job import Cancelled, Job
from ...models.catalog import MODELS
from ...nodes._cutout import cutout, proposed
from ...version import __version__
from ._axes import ChannelsTogether, as_picture
from ._choices import is_picture, selected_or_last
from ._failures import copy, report
from ._layers import LayerFrames
from ._places import leading_shape, transforms
from ._preferences import preferences, use_model_folder
from ._protocols import Layer, Worker
from ._results import below_what_is_edited
from ._showing import put_on_checkerboard
from ._trimap import TAG, tag
from ._widget import to_ui_thread

if TYPE_CHECKING:
    import napari


TITLE = "Cut out the object"


@dataclass
class Cut:
    """What came of it: RGBA, stacked as the picture; or the reason why there is none."""

    data: Pixels | None = None
    network: str = ""
    remarks: tuple[str, ...] = ()
    refusal: MattingError | None = None
    details: str = ""
    """What a bug report needs, of an unforeseen reason."""


def cut_out(viewer: napari.viewer.Viewer) -> CutOutPanel | None:
    """Cut the object of the selected picture out, and return the panel that shows the progress.

    Segment, Make Trimap, Alpha Matte, Estimate Foreground and Composite, plane by plane, by a
    network that is on disk, else by GrabCut. The result is a layer of its own; the picture is
    hidden then, since it would be seen through it.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Its selected Image layer is the picture, else the last one.
    """
    from napari.utils.notifications import show_warning

    picture = selected_or_last(viewer, list(filter(is_picture, viewer.layers)))
    if picture is None:
        show_warning("There is no image layer. The object is cut out of one. Open a picture first.")
        return None
    read = as_picture(picture)
    if isinstance(read, ChannelsTogether) and read.count != 3:
        show_warning(
            f"{picture.name} has {read.count} channels that make one picture. The object is cut "
            "out of 1 or 3. Choose to read each plane by itself, below the image of any widget."
        )
        return None
    panel = CutOutPanel(viewer, picture)
    dock = viewer.window.add_dock_widget(panel, name=TITLE, area="right")
    # A panel that is closed cancels.
    dock.destroyed.connect(panel.cancel)
    panel.start()
    return panel


class CutOutPanel(widgets.Container[widgets.bases.Widget]):
    """The progress of a cutout, and Cancel; it goes away at the end.

    After an unforeseen error it stays, with details to copy.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the result.
    layer : Image layer
        The picture.
    """

    def __init__(self, viewer: napari.viewer.Viewer, layer: Layer) -> None:
        self._viewer, self._layer, self._read = viewer, layer, layer
        self._worker: Worker | None = None
        self.message = widgets.Label(value=layer.name)
        self.message.native.setWordWrap(True)
        self.progress_bar = widgets.ProgressBar(min=0, max=1000, value=0)
        self.cancel_button = widgets.PushButton(text="Cancel")
        self.details = ""
        self.copy_button = widgets.PushButton(text="Copy details", visible=False)
        super().__init__(
            widgets=[self.message, self.progress_bar, self.cancel_button, self.copy_button],
            labels=False,
        )
        self.cancel_button.changed.connect(self.cancel)
        self.copy_button.changed.connect(self._copy_details)

    @property
    def running(self) -> bool:
        """Whether the object is still being cut out."""
        return self._worker is not None

    def start(self) -> None:
        """Begin, in a thread of its own."""
        from napari.qt.threading import create_worker

        use_model_folder()
        show = to_ui_thread(self.native, self._show_progress)
        self._read = as_picture(self._layer)
        stack = leading_shape(self._read)
        planes = LayerFrames(self._read, stack, lambda plane: plane)
        device = str(preferences().get("device", "auto"))
        self._worker = worker = create_worker(
            _work,
            planes,
            stack,
            device,
            {"image": self._layer},
            lambda: Job(show, lambda: worker.abort_requested),
            _start_thread=False,
        )
        worker.returned.connect(self._finish)
        worker.finished.connect(self._stop)
        worker.start()

    def _copy_details(self) -> None:
        copy(self.details)

    def cancel(self) -> None:
        """Ask the work to stop; it does within a step of it."""
        if self._worker is not None:
            self._worker.quit()
            self.cancel_button.text, self.cancel_button.enabled = "Cancelling…", False

    def _show_progress(self, fraction: float, message: str) -> None:
        self.progress_bar.value = round(1000 * fraction)
        self.message.value = f"{self._layer.name}: {message}"

    def _finish(self, cut: Cut) -> None:
        from napari.utils.notifications import show_error, show_info, show_warning

        if cut.details:
            self.details, self.message.value = cut.details, str(cut.refusal)
            self.copy_button.visible = True
            self.progress_bar.visible = self.cancel_button.visible = False
            show_error(str(cut.refusal))
        elif cut.refusal is not None:
            show_warning(str(cut.refusal))
        if cut.data is None:
            return
        layer, base = self._layer, tag(self._layer).get("base", self._layer.name)
        made = {"kind": "image", "output": "cutout", "base": base, "network": cut.network}
        made |= {"node": "cutout", "version": __version__, "inputs": {"image": layer.name}}
        read = self._read
        made |= {"axes": {"image": read.told}} if isinstance(read, ChannelsTogether) else {}
        with below_what_is_edited(self._viewer):
            result = self._viewer.add_image(
                cut.data, name=f"{base} cutout", rgb=True, metadata={TAG: made}, **transforms(read)
            )
            put_on_checkerboard(self._viewer, result)
        layer.visible = False
        found = MODELS[cut.network].title if cut.network in MODELS else "GrabCut"
        told = "" if cut.network in MODELS else ": where it errs, use Segment with a prompt"
        show_info("\n".join((f"The object was found by {found}{told}", *cut.remarks)))

    def _stop(self) -> None:
        self._worker = None
        if self.details:
            return
        # The window may be gone before its last worker.
        with suppress(RuntimeError, LookupError):
            self._viewer.window.remove_dock_widget(self.native)


def _work(
    planes: LayerFrames,
    stack: tuple[int, ...],
    device: str,
    layers: Mapping[str, Layer],
    job: Callable[[], Job],
) -> Cut:
    """Cut the object out of every plane; this touches no layer and no widget."""
    try:
        return _cut(planes, stack, device, job())
    except MattingError as error:
        return Cut(refusal=error)
    except Cancelled:
        return Cut()
    except Exception as error:
        told = report(error, TITLE, {"network": proposed(), "device": device}, layers)
        return Cut(refusal=as_matting_error(error).within(TITLE), details=told)


def _cut(planes: LayerFrames, stack: tuple[int, ...], device: str, job: Job) -> Cut:
    count, network = len(planes), proposed()
    remarks: list[str] = []
    data: Pixels | None = None
    # White is the same in all planes.
    range_ = measured((as_pixels(planes[i]) for i in range(count)), "auto", "image")
    for index, part in job.each(range(count)):
        image = normalized(as_pixels(planes[index]), range_, "image")
        if data is None:
            data = np.zeros((count, *image.shape[:2], 4), np.float32)
        try:
            with naming(index, count):
                data[index] = cutout(image, network=network, device=device, job=part).picture
        except EmptyRegionError as error:
            # A plane of a stack may show no object.
            if len(remarks) == count - 1:
                raise
            remarks.append(str(error))
    assert data is not None
    return Cut(data.reshape(*stack, *data.shape[1:]), network, tuple(remarks))
