"""Clips as lazy layers, and stacks of pictures as movies."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ...job import Cancelled, Job
from ._protocols import LayerData, LayerMeta, LayerPixels
from ._trimap import TAG, trimap_options, trimap_to_labels

POLL = 50
"""Milliseconds after which a movie's progress is shown again."""

Reader = Callable[[str | list[str]], list[LayerData]]


def read_clip(path: str | list[str]) -> Reader:
    """Return what opens clips as layers whose frames are decoded when they are shown."""
    return _open_clips


def _open_clips(path: str | list[str]) -> list[LayerData]:
    return [_layer(one, Path(one).stem) for one in ([path] if isinstance(path, str) else path)]


def _layer(source: Any, name: str) -> LayerData:
    from ...video.frames import ClipFrames

    return ClipFrames(source), {"name": name, "rgb": True, "axis_labels": ("t", "y", "x")}, "image"


def open_clip() -> list[LayerData]:
    """Return a generated clip of the lemur, and a trimap of which the first frame is painted."""
    from ...video.sample import sample_clip

    source, first = sample_clip()
    clip, meta, kind = _layer(source, "lemur clip")
    labels = np.zeros(clip.shape[:3], np.uint8)
    labels[0] = trimap_to_labels(first)
    options = {"name": "lemur clip trimap", "axis_labels": ("t", "y", "x")}
    return [(clip, meta, kind), (labels, options | trimap_options(base="lemur clip"), "labels")]


def write_movie(path: str, data: LayerPixels, meta: LayerMeta) -> list[str]:
    """Write an Image layer of axes time, y and x as a movie, with the sound of its clip.

    Parameters
    ----------
    path : str
        The file; napari has asked whether to overwrite.
    data : array
        The layer's data; a list of arrays if multiscale.
    meta : dict
        The layer's parameters.

    Raises
    ------
    MattingError
        If it cannot be written as that.
    """
    from ...video.frames import ClipFrames
    from ...video.stacks import write_stack

    stack = data[0] if meta.get("multiscale") else data
    limits = None if meta.get("rgb") else meta.get("contrast_limits")
    base = meta.get("metadata", {}).get(TAG, {}).get("base", meta["name"])
    clip = _clip_called(base, stack)
    if isinstance(stack, ClipFrames):
        stack = stack.again()
    try:
        _in_thread(
            lambda job: write_stack(path, stack, limits=limits, clip=clip, job=job), len(stack)
        )
    except Cancelled:
        from napari.utils.notifications import show_info

        show_info("Stopped: the movie holds the frames that were done.")
    return [path]


def _clip_called(name: str, stack: Any) -> Any:
    """Return the clip that a layer was made from, if it is still open."""
    from napari import current_viewer

    from ...video.frames import ClipFrames

    if isinstance(stack, ClipFrames):
        return stack
    viewer = current_viewer()
    found = viewer.layers[name].data if viewer is not None and name in viewer.layers else None
    return found if isinstance(found, ClipFrames) else None


def _in_thread(work: Callable[[Job], None], count: int) -> None:
    """Work in a thread, and return when it is done: the window lives meanwhile.

    A writer must return what it wrote, so it waits in an event loop of its own. Progress is shown
    in napari's activity dock, whose button cancels the work; so does the end of the program.
    """
    from napari.utils import cancelable_progress
    from qtpy.QtCore import QEventLoop, QTimer
    from qtpy.QtWidgets import QApplication

    if QApplication.instance() is None:
        work(Job())
        return
    done, stopped = 0.0, False

    def report(fraction: float, _message: str) -> None:
        nonlocal done
        done = fraction

    def look() -> None:
        bar.update(round(done * count) - bar.n)
        if saved.done():
            loop.quit()

    bar, loop, timer = (
        cancelable_progress(total=count, desc="Saving a movie"),
        QEventLoop(),
        QTimer(),
    )
    timer.timeout.connect(look)
    with ThreadPoolExecutor(1) as pool:
        saved = pool.submit(work, Job(report, lambda: stopped or bool(bar.is_canceled)))
        timer.start(POLL)
        try:
            loop.exec()
        finally:
            stopped = True
            timer.stop()
            bar.close()
    saved.result()
