"""Carry: trimaps painted on some frames of a clip, carried to all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui import widgets
from numpy.typing import NDArray

from ...errors import MattingError, as_matting_error
from ...job import Cancelled, Job
from ...video.keyed import By, Carrying, Sources, carried_in, checksum, sources_of, spans
from ._choices import is_picture
from ._drawing import added_trimap
from ._failures import copy, report
from ._places import leading_shape, pixels, plane_shape
from ._protocols import LabelsLayer, Layer, Worker, is_labels, without_proxy
from ._trimap import TAG, is_trimap, labels_to_trimap, trimap_to_labels
from ._widget import to_ui_thread

if TYPE_CHECKING:
    import napari

TITLE = "Carry"
EMPTY, KEY, CARRIED, STALE = "empty", "key", "carried", "stale"
STRIP = {
    EMPTY: (70, 70, 75),
    KEY: (255, 255, 255),
    CARRIED: (70, 190, 110),
    STALE: (230, 150, 30),
}
"""Colors of frames in the strip."""
TINTS = {
    KEY: ((0.1, 0.25, 0.9, 1.0), (0.2, 0.85, 0.35, 1.0)),
    CARRIED: ((0.35, 0.5, 0.8, 1.0), (0.4, 0.75, 0.6, 1.0)),
    STALE: ((0.6, 0.35, 0.1, 1.0), (0.95, 0.75, 0.2, 1.0)),
}
"""Colors of background and foreground in the layer, by what the frame on show is."""
STRIP_HEIGHT = 14


@dataclass
class Step:
    """A frame that was carried."""

    number: int
    labels: NDArray[np.uint8]
    before: int
    """Checksum of what was there when the work began: what differs was painted meanwhile."""
    sources: Sources


@dataclass
class Ended:
    """Why the work ended, if not because all was done."""

    refusal: MattingError | None = None
    details: str = ""


class CarryWidget(widgets.Container[widgets.bases.Widget]):
    """Carries a trimap from painted frames of a clip to the others, both ways.

    A frame that was painted, or carried and then painted over, is a key frame. Those between two
    of them are carried again when either changes, and no others.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers can be chosen.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        from qtpy.QtWidgets import QSizePolicy

        self._viewer = napari_viewer
        self._worker: Worker | None = None
        self._watched: LabelsLayer | None = None
        self._keys: dict[int, int] = {}
        """Checksums of key frames by number."""
        self._stale: set[int] = set()
        self.details = self._progress = ""
        self.clip = widgets.ComboBox(label="clip", choices=self._clips, nullable=True)
        self.trimap = widgets.ComboBox(label="trimap", choices=self._trimaps, nullable=True)
        self.by = widgets.ComboBox(
            label="by",
            choices=[("motion of the picture", "motion"), ("shape", "shape"), ("both", "both")],
            value="motion",
            tooltip="How trimaps come to the frames or planes between those that are painted: by "
            "the motion of the picture; by the shape of the trimaps alone; or what both agree on, "
            "the rest unknown, as for sections of a solid whose parts merge.",
        )
        self.new_button = widgets.PushButton(text="New trimap")
        self.carry_button = widgets.PushButton(text="Carry")
        self.progress_bar = widgets.ProgressBar(min=0, max=1000, value=0, visible=False)
        self.strip = widgets.Label(value="")
        self.status = widgets.Label(value="")
        self.message = widgets.Label(value="")
        self.copy_button = widgets.PushButton(text="Copy details", visible=False)
        self.background = widgets.LineEdit(
            label="background",
            value="transparent",
            tooltip="What comes behind the object in the movie: transparent, a color, or the path "
            "of a picture or clip.",
        )
        self.movie_button = widgets.PushButton(text="Save movie…")
        layers = widgets.Container(widgets=[self.clip, self.trimap, self.by])
        behind = widgets.Container(widgets=[self.background])
        layers.margins = behind.margins = (0, 0, 0, 0)
        super().__init__(
            widgets=[
                layers,
                self.new_button,
                self.strip,
                self.status,
                self.carry_button,
                self.progress_bar,
                behind,
                self.movie_button,
                self.message,
                self.copy_button,
            ],
            labels=False,
        )
        for label in (self.status, self.message):
            label.native.setWordWrap(True)
        self.strip.native.setScaledContents(True)
        self.strip.native.setFixedHeight(STRIP_HEIGHT)
        self.strip.native.setMinimumWidth(1)
        self.strip.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.strip.native.mousePressEvent = self._go_to
        self.strip.tooltip = (
            "All frames: white is painted, green carried, orange stale, gray empty. "
            "A click goes there."
        )
        self.clip.changed.connect(self._propose)
        self.trimap.changed.connect(self._watch)
        self.by.changed.connect(self._outdate)
        self.new_button.changed.connect(self._add_trimap)
        self.carry_button.changed.connect(self.carry)
        self.movie_button.changed.connect(self._ask_movie)
        self.copy_button.changed.connect(lambda: copy(self.details))
        napari_viewer.dims.events.current_step.connect(self._show_frame)
        self.native.destroyed.connect(self.cancel)
        self.reset_choices()

    @property
    def running(self) -> bool:
        """Whether frames are being carried, or a movie saved."""
        return self._worker is not None

    def state(self, number: int) -> str:
        """Return "empty", "key", "carried" or "stale".

        Parameters
        ----------
        number : int
            Of a frame.
        """
        if number in self._keys:
            return KEY
        if number not in self._carrying.sums:
            return EMPTY
        return STALE if number in self._stale else CARRIED

    def reset_choices(self, *args: object) -> None:
        """Offer new layers."""
        super().reset_choices(*args)
        if self.clip.value is None and self._clips():
            self.clip.value = self._clips()[-1]
        self._propose()

    def _clips(self, _widget: object = None) -> list[Layer]:
        layers = [without_proxy(layer) for layer in self._viewer.layers]
        return [one for one in layers if is_picture(one) and len(leading_shape(one)) == 1]

    def _trimaps(self, _widget: object = None) -> list[Layer]:
        clip = self.clip.value
        layers = [without_proxy(layer) for layer in self._viewer.layers]
        trimaps = [one for one in layers if is_labels(one) and is_trimap(one)]
        return [one for one in trimaps if clip is not None and _size(one) == _size(clip)]

    def _propose(self, *_: object) -> None:
        self.trimap.reset_choices()
        if self.trimap.value is None and self._trimaps():
            self.trimap.value = self._trimaps()[-1]
        self._enable()

    def _add_trimap(self) -> None:
        clip: Layer = self.clip.value
        added_trimap(self._viewer, clip, f"{clip.name} trimap")
        self.reset_choices()

    def _watch(self, layer: LabelsLayer | None) -> None:
        """Follow what is painted on another layer."""
        if self._watched is layer:
            return
        self.cancel()
        # A stroke, a part of one, and an undo, which tells only that the layer is drawn again.
        for event in ("paint", "labels_update", "set_data"):
            with suppress(AttributeError, ValueError):
                if self._watched is not None:
                    getattr(self._watched.events, event).disconnect(self._painted)
            if layer is not None:
                getattr(layer.events, event).connect(self._painted)
        self._watched, self._keys = layer, {}
        if layer is not None:
            self._start(_find_keys, layer.data, self._carrying)
        self._enable()

    def _outdate(self, _by: object = None) -> None:
        """What was carried in another way is to be carried again."""
        self._carrying.outdate()
        self._refresh()

    @property
    def _carrying(self) -> Carrying:
        """What was carried on the chosen layer; it is kept with it."""
        if self._watched is None:
            return Carrying()
        found: Carrying = self._watched.metadata.setdefault(f"{TAG}_carrying", Carrying())
        return found

    def _painted(self, *_: object) -> None:
        number = self._frame
        if number is not None and self._look_at(number):
            self._refresh()

    def _look_at(self, number: int) -> bool:
        """See whether a frame is a key frame, and return whether that or its labels changed."""
        assert self._watched is not None
        plane = np.asarray(self._watched.data[number])
        sum_, empty = checksum(plane), not plane.any()
        before = self._keys.pop(number, None)
        if self._carrying.is_key(number, sum_, empty):
            self._keys[number] = sum_
        emptied = empty and self._carrying.sums.get(number, sum_) != sum_
        if emptied:
            self._carrying.forget(number)
        return emptied or before != self._keys.get(number)

    @property
    def _frame(self) -> int | None:
        """The number of the frame on show."""
        if self._watched is None:
            return None
        place = self._watched.world_to_data(self._viewer.dims.point)
        number = round(float(place[0]))
        return number if 0 <= number < len(self._watched.data) else None

    def _refresh(self) -> None:
        """Show which frames are what."""
        if self._watched is None:
            self.strip.native.clear()
            self.status.value = ""
            return
        count = len(self._watched.data)
        self._stale = set(self._carrying.stale(self._keys, count))
        self._show_strip()
        self._show_frame()
        self._enable()

    def _show_strip(self) -> None:
        from qtpy.QtGui import QImage, QPixmap

        assert self._watched is not None
        states = [STRIP[self.state(n)] for n in range(len(self._watched.data))]
        row = np.array([states], np.uint8)
        image = QImage(
            row.tobytes(), row.shape[1], 1, 3 * row.shape[1], QImage.Format.Format_RGB888
        )
        self.strip.native.setPixmap(QPixmap.fromImage(image.copy()))

    def _show_frame(self, *_: object) -> None:
        """Say what the frame on show is, in words and colors."""
        number = self._frame
        if self._watched is None or number is None:
            return
        state = self.state(number)
        self.status.value = f"Frame {number}: {self._told(number, state)}"
        colors = self._watched.colormap.color_dict
        ours = [tuple(map(tuple, tint)) for tint in TINTS.values()]
        now = tuple(tuple(round(float(v), 2) for v in colors[label]) for label in (1, 2))
        wanted = TINTS[KEY if state == EMPTY else state]
        # Colors that a user has given it stay.
        if now in ours and now != wanted:
            from napari.utils.colormaps import DirectLabelColormap

            changed = {**colors, 1: wanted[0], 2: wanted[1]}
            self._watched.colormap = DirectLabelColormap(color_dict=changed)

    @property
    def _verb(self) -> str:
        """What the button does: of a stack that is no clip, planes are filled."""
        return "Carry" if self._clip_frames() is not None else "Fill planes"

    def _told(self, number: int, state: str) -> str:
        if state == KEY:
            return "painted"
        if state == EMPTY:
            return (
                f"empty; paint on it, or press {self._verb}" if self._keys else "empty; paint on it"
            )
        sources = self._carrying.sources.get(number)
        if sources is None:
            return "carried in another way: press the button below"
        ends = [str(end) for end in (sources.before, sources.after) if end >= 0]
        told = f"carried from {' and '.join(ends)}"
        return f"{told}, which changed since: press {self._verb}" if state == STALE else told

    def _enable(self) -> None:
        idle, has_clip = not self.running, self.clip.value is not None
        self.new_button.enabled = has_clip
        self.carry_button.text = self._verb if idle else "Cancel"
        self.carry_button.enabled = not idle or bool(self._keys and self._stale)
        clip = self._clip_frames()
        self.movie_button.enabled = idle and clip is not None and bool(self._keys)
        self.movie_button.tooltip = (
            "Mattes of all frames from the painted ones, as a movie with the clip's sound"
            if clip is not None
            else "The clip must have been opened from a file"
        )
        self.progress_bar.visible = not idle

    def _clip_frames(self) -> Any:
        from ...video.frames import ClipFrames

        data = None if self.clip.value is None else self.clip.value.data
        return data if isinstance(data, ClipFrames) else None

    def _go_to(self, event: Any) -> None:
        """Go to the frame of the strip that was clicked at."""
        if self._watched is None:
            return
        count = len(self._watched.data)
        number = int(event.pos().x() * count / max(1, self.strip.native.width()))
        at = self._watched.data_to_world((min(max(number, 0), count - 1), 0, 0))
        self._viewer.dims.set_point(self._viewer.dims.ndim - 3, at[0])

    def carry(self) -> None:
        """Carry what is stale or empty; or cancel, if it is being done."""
        if self.running:
            self.cancel()
            return
        if self._watched is None or self.clip.value is None:
            return
        pictures = Pictures(self.clip.value)
        self._start(_carry, pictures, self._watched.data, self._carrying, self.by.value)

    def save(self, path: str) -> None:
        """Save the clip's object as a movie, as `matting-nodes video` does with these key frames.

        Parameters
        ----------
        path : str
            Its ending says how; an existing file is replaced.
        """
        assert self._watched is not None
        self._start(
            _save_movie,
            self._clip_frames(),
            self._watched.data,
            self._carrying,
            path,
            self.background.value.strip() or "transparent",
        )

    def _ask_movie(self) -> None:
        from qtpy.QtWidgets import QFileDialog

        endings = "Movies (*.mov *.webm *.mkv *.mp4)"
        path, _ = QFileDialog.getSaveFileName(self.native, "Save movie", "", endings)
        if path:
            self.save(path)

    def cancel(self) -> None:
        """Ask the work to stop; it does within a second, and what was done stays."""
        if self._worker is not None:
            self._worker.quit()

    def _start(self, work: Callable[..., Iterator[Any]], *given: Any) -> None:
        from napari.qt.threading import create_worker

        self.message.value, self.details, self.copy_button.visible = "", "", False
        show = to_ui_thread(self.native, self._show_progress)
        self._worker = worker = create_worker(
            _guarded,
            work,
            given,
            lambda: Job(show, lambda: worker.abort_requested),
            {} if self.clip.value is None else {"clip": self.clip.value},
            _start_thread=False,
        )
        worker.yielded.connect(lambda what: self._take(worker, what))
        worker.finished.connect(lambda: self._stop(worker))
        self._enable()
        worker.start()

    def _show_progress(self, fraction: float, message: str) -> None:
        self.progress_bar.value = round(1000 * fraction)
        if self.running:
            self.message.value = self._progress = message

    def _take(self, worker: Worker, what: Any) -> None:
        """Show what the work gave: in the thread of the user interface."""
        if worker is not self._worker or self._watched is None:
            return
        if isinstance(what, Ended):
            self.message.value, self.details = str(what.refusal or ""), what.details
            self.copy_button.visible = bool(what.details)
        elif isinstance(what, dict):
            self._keys = what
            self._refresh()
        elif isinstance(what, str):
            self.message.value = what
        else:
            self._put(what)

    def _put(self, steps: list[Step]) -> None:
        """Put carried frames into the layer, but for those that were painted meanwhile."""
        assert self._watched is not None
        data, shown = self._watched.data, self._frame
        for step in steps:
            if checksum(data[step.number]) != step.before:
                self._look_at(step.number)
                continue
            data[step.number] = step.labels
            self._carrying.remember(step.number, checksum(step.labels), step.sources)
            self._keys.pop(step.number, None)
        if shown in {step.number for step in steps}:
            self._watched.refresh()
        self._refresh()

    def _stop(self, worker: Worker) -> None:
        # The window may be gone before its last worker.
        with suppress(RuntimeError):
            if worker is self._worker:
                self._worker = None
                if self.message.value == self._progress:
                    self.message.value = ""
                self._refresh()
                self._enable()


class Pictures:
    """The frames of a layer as they are carried along: (H, W, 3) uint8 or uint16, by number."""

    def __init__(self, layer: Layer) -> None:
        from ...video.frames import ClipFrames

        data = pixels(layer)
        self._data: Any = data.again() if isinstance(data, ClipFrames) else data
        self._limits = tuple(getattr(layer, "contrast_limits", (0, 1)))
        self._rgb = bool(getattr(layer, "rgb", False))

    def __getitem__(self, number: int) -> NDArray[Any]:
        picture = np.asarray(self._data[number])
        if self._rgb and picture.dtype in (np.uint8, np.uint16):
            return picture[..., :3]
        low, high = (0.0, 1.0) if self._rgb else self._limits
        scaled = 255 * (picture.astype(np.float32) - low) / max(high - low, 1e-12)
        grey = np.nan_to_num(scaled).clip(0, 255).astype(np.uint8)
        return grey[..., :3] if self._rgb else np.repeat(grey[..., None], 3, axis=2)


def _size(layer: Layer) -> tuple[int, ...]:
    return (*leading_shape(layer), *plane_shape(layer))


def _guarded(
    work: Callable[..., Iterator[Any]],
    given: tuple[Any, ...],
    job: Callable[[], Job],
    layers: dict[str, Layer],
) -> Iterator[Any]:
    """Work in a thread, and say why it stopped; this touches no widget."""
    try:
        yield from work(*given, job())
    except MattingError as error:
        yield Ended(error)
    except Cancelled:
        return
    except Exception as error:
        told = report(error, TITLE, {}, layers)
        yield Ended(as_matting_error(error).within(TITLE), told)


def _find_keys(labels: NDArray[Any], carrying: Carrying, job: Job) -> Iterator[dict[int, int]]:
    """Yield the checksums of all key frames."""
    keys = {}
    for number, plane in enumerate(labels):
        job.check()
        sum_ = checksum(plane)
        if carrying.is_key(number, sum_, not plane.any()):
            keys[number] = sum_
    yield keys


def _carry(
    pictures: Pictures, labels: NDArray[Any], carrying: Carrying, by: By, job: Job
) -> Iterator[dict[int, int] | list[Step]]:
    """Yield the key frames, then what is carried from them, a few frames at a time."""
    (keys,) = _find_keys(labels, carrying, job)
    yield dict(keys)
    count = len(labels)
    trimaps = {n: labels_to_trimap(labels[n].copy(), f"Frame {n}") for n in keys}
    before = {n: checksum(labels[n]) for n in range(count) if n not in keys}
    sources = sources_of(keys, count)
    todo = spans(carrying.stale(keys, count), keys, count)
    lengths = np.cumsum([0, *(span.last - span.first + 1 for span in todo)])
    for at, span in enumerate(todo):
        part = job.part(lengths[at] / lengths[-1], lengths[at + 1] / lengths[-1])
        steps: list[Step] = []
        for number, trimap in carried_in(pictures, trimaps, span, part, by):
            made = trimap_to_labels(trimap).astype(labels.dtype)
            steps.append(Step(number, made, before[number], sources[number]))
            if len(steps) == 8:
                yield steps
                steps = []
        yield steps


def _save_movie(
    clip: Any, labels: NDArray[Any], carrying: Carrying, path: str, background: str, job: Job
) -> Iterator[str]:
    """Yield what is to be said in the end."""
    from ...video.clip import ClipTask, matte_clip
    from ...video.keyframes import KeyFrames

    (keys,) = _find_keys(labels, carrying, job)
    trimaps = {clip.times[n]: labels_to_trimap(labels[n].copy(), f"Frame {n}") for n in keys}
    task = ClipTask(
        clip.source, path, keyframes=KeyFrames(trimaps), background=background, force=True
    )
    done = matte_clip(task, job)
    yield "\n".join([f"{path}: {done.frames} frames", *done.notices])
