"""The hair brush: a stroke along an edge marks a band around that edge as unknown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import BACKGROUND, UNKNOWN, as_pixels
from ...framework.normalization import measured, normalized
from ...trimap.painting import Stroke, paint
from ._choices import is_picture
from ._keys import bind_to_viewer, unbind
from ._layers import plane_on_show, resampled
from ._places import Transform, plane_shape
from ._protocols import LabelsLayer, Layer, Viewer, is_labels, without_proxy
from ._trimap import UNKNOWN_LABEL, is_trimap, tag

KEY = "Shift+H"


class HairBrush:
    """Lets strokes of unknown on a trimap move to the edge below them, while it is on.

    napari's own brush shows the stroke as it is drawn; in its place comes the band along the edge.

    Parameters
    ----------
    viewer : Viewer
        In which the trimap and its picture are.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        bind_to_viewer(viewer, KEY, self.toggle_active)
        self._on: list[LabelsLayer] = []

    def toggle_active(self, _viewer: object = None) -> None:
        """Toggle for the active layer, if that is a trimap."""
        layer = self._viewer.layers.selection.active
        if layer is not None and is_trimap(layer) and is_labels(layer):
            self.toggle(layer)

    def stop(self, _event: object = None) -> None:
        """Put it away for all trimaps."""
        unbind(self._viewer, KEY)
        for layer in self._on:
            layer.mouse_drag_callbacks.remove(self._drag)
        self._on = []

    def toggle(self, layer: LabelsLayer) -> bool:
        """Take the hair brush into the hand for a trimap, or put it away; return which.

        Parameters
        ----------
        layer : Labels layer
            A trimap.
        """
        layer = without_proxy(layer)
        if layer in self._on and self.is_in_hand(layer):
            self._on.remove(layer)
            layer.mouse_drag_callbacks.remove(self._drag)
            return False
        if layer not in self._on:
            self._on.append(layer)
            layer.mouse_drag_callbacks.append(self._drag)
        layer.mode, layer.selected_label = "paint", UNKNOWN_LABEL
        return True

    def is_in_hand(self, layer: LabelsLayer) -> bool:
        """Tell whether a stroke would follow the edge: it is on, and unknown is in the brush."""
        return (
            without_proxy(layer) in self._on
            and str(layer.mode) == "paint"
            and layer.selected_label == UNKNOWN_LABEL
        )

    def _drag(self, layer: LabelsLayer, event: Any) -> Iterator[None]:
        from qtpy.QtCore import QTimer

        if not self.is_in_hand(layer):
            return
        track, painted = [event.position], list[object]()
        layer.events.paint.connect(painted.append)
        yield
        while event.type == "mouse_move":
            track.append(event.position)
            yield
        point = self._viewer.dims.point

        def replace() -> None:
            # By now the brush has left its stroke in the layer's history, if it changed anything.
            layer.events.paint.disconnect(painted.append)
            if painted:
                layer.undo()
            self.stroke(layer, track, point)

        QTimer.singleShot(0, replace)

    def stroke(self, layer: LabelsLayer, track: list[Any], point: Any) -> None:
        """Mark a band as unknown along the edge near a track, as one step of the layer's history.

        Parameters
        ----------
        layer : Labels layer
            A trimap; its brush size is the band's width.
        track : list of places
            Where the mouse went, in the world.
        point : sequence of float
            The viewer's `dims.point`.
        """
        places = np.array([layer.world_to_data(place) for place in track])
        lead = tuple(np.round(places[0, :-2]).astype(int))
        radius = max(0.5, layer.brush_size / 2)
        # No more of the picture is read than the stroke can reach.
        margin = int(np.ceil(2 * radius)) + 4
        low = np.maximum(np.floor(places[:, -2:].min(axis=0)).astype(int) - margin, 0)
        high = np.ceil(places[:, -2:].max(axis=0)).astype(int) + margin
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        labels = np.asarray(layer.data[lead][box])
        if not labels.size:
            return
        band = np.full(labels.shape, BACKGROUND, np.uint8)
        points = tuple((float(x), float(y)) for y, x in places[:, -2:] - low)
        stroke = Stroke("hair", "unknown", radius, points)
        paint(band, stroke, self._picture(layer, low, labels.shape, point))
        rows, columns = np.nonzero((band == UNKNOWN) & (labels != UNKNOWN_LABEL))
        if len(rows):
            before = tuple(np.full(len(rows), i) for i in lead)
            layer.data_setitem((*before, rows + low[0], columns + low[1]), UNKNOWN_LABEL)

    def _picture(
        self, layer: LabelsLayer, low: NDArray[Any], shape: tuple[int, ...], point: Any
    ) -> NDArray[np.float32] | None:
        """Return the trimap's picture in a box of it, or None if there is none."""
        image = self._image(layer)
        if image is None:
            return None
        plane = plane_on_show(image, point)
        whole = Transform.between(layer, image)
        matrix, offset = whole.matrix[-2:, -2:], whole.offset[-2:]
        moved = Transform(matrix, offset + matrix @ low)
        # Only what the box covers is converted.
        corners = moved([(0, 0), (0, shape[1]), (shape[0], 0), shape])
        first = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, plane_shape(image))
        last = np.ceil(corners.max(axis=0)).astype(int) + 2
        part = as_pixels(plane[first[0] : max(last[0], 0), first[1] : max(last[1], 0)])
        if not part.size:
            return None
        part = normalized(part, measured([part], "picture", "image"), "image")
        return resampled(part, Transform(moved.matrix, moved.offset - first), shape[:2], 1)

    def _image(self, layer: Layer) -> Layer | None:
        """Return the picture that a trimap belongs to, else the last one."""
        pictures = [each for each in self._viewer.layers if is_picture(each)]
        own = [each for each in pictures if each.name == tag(layer).get("base")]
        return next(map(without_proxy, own or reversed(pictures)), None)
