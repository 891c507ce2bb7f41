"""Where to paint next: a layer of the matte's confidence, and a key that goes through its lows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui import widgets

from ...alpha.propagation.confidence import (
    confidence,
    least_certain_places,
    refined_confidence,
)
from ...errors import MattingError, MissingInputError, as_matting_error
from ...framework.frames import frame
from ...job import Cancelled, Job
from ._keys import bind_to_viewer, unbind
from ._places import LayerPlaces, Shape, leading_shape, pixels, plane_shape, transforms
from ._protocols import Layer, Worker, without_proxy
from ._results import below_what_is_edited
from ._showing import camera_of
from ._trimap import TAG, tag
from ._widget import to_ui_thread

if TYPE_CHECKING:
    import napari

    from ._widget import NodeWidget

KEY = "J"
REFINED = "refined_propagation"
METHODS = REFINED, "sampled_propagation"
"""Those that know how sure they are."""
RELATIVE_RADIUS = 0.02
"""Radius of a place, of the picture's longer side."""
SEEN = 8
"""Radii of a place that fit across the canvas when it is shown; where one is nearer, one stays."""
CANVAS = 600
"""Pixels of a canvas, about."""
TEXT = f"least certain place ({KEY})"


class LeastCertain(widgets.PushButton):
    """Goes to the least certain place of the matte on show, and with each press to the next.

    Parameters
    ----------
    viewer : Viewer
        What is moved.
    matte : NodeWidget
        Alpha Matte's: its picture and trimap are used.
    """

    def __init__(self, viewer: napari.viewer.Viewer, matte: NodeWidget) -> None:
        super().__init__(
            text=TEXT,
            tooltip="Compute how sure sampled or refined propagation is of each pixel, and go to "
            f"the place with the most doubt; {KEY} goes on to the next.",
        )
        self._viewer, self._matte = viewer, matte
        self._worker: Worker | None = None
        self._asked: tuple[Layer, Shape] | None = None
        self._found: tuple[Layer, Shape] | None = None
        self._places: list[tuple[int, int]] = []
        self._watch = LayerPlaces(self._forget)
        self.changed.connect(self.go)
        bind_to_viewer(viewer, KEY, self.go)
        self.native.destroyed.connect(self._stop)

    def go(self, _event: object = None) -> None:
        """Go to the next place; of a matte that is new, to the first, once that is found."""
        from napari.utils.notifications import show_info, show_warning

        if self._worker is not None:
            self._worker.quit()
            return
        alpha = self._alpha()
        if alpha is None:
            error = MissingInputError(
                "There is no matte by sampled or refined propagation yet",
                "The confidence is that of these methods",
                "Run Alpha Matte with one of them first",
            )
            show_warning(str(error))
            return
        plane = _plane_on_show(alpha, self._viewer.dims.point)
        if self._found != (alpha, plane):
            self._compute(alpha, plane)
        elif self._places:
            self._show(alpha, self._places.pop(0))
        else:
            self._forget()
            show_info("These were all places; it begins again with the first.")

    def _alpha(self) -> Layer | None:
        """Return the newest matte of these methods, of the picture that is chosen."""
        image = self._matte.layer_choices["image"].value
        mattes = (
            layer
            for layer in reversed(self._viewer.layers)
            if tag(layer).get("output") == "alpha"
            and tag(layer).get("parameters", {}).get("method") in METHODS
            and (image is None or tag(layer).get("base") == tag(image).get("base", image.name))
        )
        return next(map(without_proxy, mattes), None)

    def _compute(self, alpha: Layer, plane: Shape) -> None:
        from napari.qt.threading import create_worker
        from napari.utils.notifications import show_warning

        try:
            request = self._matte.request()
            stack = request.grid.stack
            inputs = frame(request.inputs, int(np.ravel_multi_index(plane, stack)) if stack else 0)
        except MattingError as error:
            show_warning(str(error))
            return
        self._asked = alpha, plane
        report = to_ui_thread(self.native, self._progress)
        self._worker = worker = create_worker(
            _work,
            inputs,
            np.asarray(pixels(alpha)[plane]),
            tag(alpha)["parameters"]["method"] == REFINED,
            str(request.parameters.get("normalization", "auto")),
            lambda: Job(report, lambda: worker.abort_requested),
            _start_thread=False,
        )
        worker.returned.connect(self._finish)
        worker.finished.connect(self._end)
        worker.start()

    def _progress(self, fraction: float, _message: str) -> None:
        if self._worker is not None:
            self.text = f"{fraction:.0%}: press to cancel"

    def _end(self) -> None:
        self._worker = None
        with suppress(RuntimeError):  # The window may be gone before its last worker.
            self.text = TEXT

    def _finish(self, sure: Any) -> None:
        from napari.utils.notifications import show_info, show_warning

        if isinstance(sure, MattingError):
            show_warning(str(sure))
        if not isinstance(sure, np.ndarray) or self._asked is None:
            return
        self._found = alpha, plane = self._asked
        layer = self._layer(alpha)
        layer.data[plane] = sure
        layer.refresh()
        self._watch.watch([alpha])
        self._places = least_certain_places(sure, RELATIVE_RADIUS * max(sure.shape))
        if not self._places:
            show_info("Nothing is in doubt.")
            return
        self._show(alpha, self._places.pop(0))

    def _layer(self, alpha: Layer) -> Any:
        """Return the layer of the confidence in a matte; a new one has none yet."""
        base = tag(alpha).get("base", alpha.name)
        for layer in self._viewer.layers:
            is_it = (tag(layer).get("kind"), tag(layer).get("base")) == ("confidence", base)
            if is_it and layer.data.shape == pixels(alpha).shape:
                return layer
        # Red where it is in doubt; the picture shows through where it is not.
        look = {"colormap": _red(), "contrast_limits": (0, 1), "blending": "translucent"}
        metadata = {TAG: {"kind": "confidence", "output": "confidence", "base": base}}
        data = np.ones(pixels(alpha).shape, np.float32)
        with below_what_is_edited(self._viewer):
            return self._viewer.add_image(
                data, name=f"{base} confidence", metadata=metadata, **look, **transforms(alpha)
            )

    def _show(self, alpha: Layer, place: tuple[int, int]) -> None:
        """Bring a place of a matte into the middle of the canvas."""
        camera = camera_of(self._viewer)
        lead = np.zeros(alpha.ndim - 2)
        center, beside = (
            np.array(alpha.data_to_world([*lead, place[0], place[1] + step]))[-2:]
            for step in (0, 1)
        )
        radius = RELATIVE_RADIUS * max(plane_shape(alpha)) * np.linalg.norm(beside - center)
        camera.center = (0, *center)
        camera.zoom = max(camera.zoom, CANVAS / (2 * SEEN * radius))

    def _forget(self, _event: object = None) -> None:
        self._found = None

    def _stop(self, _event: object = None) -> None:
        self._watch.stop()
        if self._worker is not None:
            self._worker.quit()
        unbind(self._viewer, KEY)


def _plane_on_show(layer: Layer, point: Sequence[float]) -> Shape:
    """Return where in a layer's stack the plane is that a viewer shows at a point of the world."""
    leading = leading_shape(layer)
    place = np.round(layer.world_to_data(point)[: len(leading)]).astype(int)
    return tuple(place.clip(0, np.array(leading, int) - 1).tolist())


def _red() -> Any:
    from napari.utils import Colormap

    return Colormap([[1, 0.1, 0.2, 0.9], [1, 0.1, 0.2, 0]], name="doubt")


def _work(inputs: Any, alpha: Any, refined: bool, normalization: Any, job: Any) -> Any:
    """Compute the confidence; this touches no layer and no widget."""
    try:
        image, trimap = inputs["image"], inputs["trimap"]
        if refined:
            return refined_confidence(image, trimap, job(), normalization=normalization)
        return confidence(image, trimap, alpha, job(), normalization=normalization)
    except Cancelled:
        return None
    except MattingError as error:
        return error
    except Exception as error:
        return as_matting_error(error)
