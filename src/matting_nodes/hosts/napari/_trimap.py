"""A trimap as a Labels layer: 0 unknown (so the eraser brings doubt back), 1, 2.

The tag in the layer's metadata tells it from a mask, which would read as its opposite.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import BACKGROUND, FOREGROUND, UNKNOWN, Kind, Pixels, Trimap
from ...errors import ValueRangeError
from ._keys import taken_keys
from ._protocols import LabelsLayer, Layer, LayerMeta

TAG = "matting_nodes"
UNKNOWN_LABEL, BACKGROUND_LABEL, FOREGROUND_LABEL = 0, 1, 2
_VALUES = np.array([UNKNOWN, BACKGROUND, FOREGROUND], np.uint8)
_CLEAR, _WHITE = (0.0, 0.0, 0.0, 0.0), (1.0, 1.0, 1.0, 1.0)
_COLORS = {
    None: _CLEAR,
    UNKNOWN_LABEL: _CLEAR,
    BACKGROUND_LABEL: (0.1, 0.25, 0.9, 1.0),
    FOREGROUND_LABEL: (0.2, 0.85, 0.35, 1.0),
}
_KEYS = {
    "Shift+U": UNKNOWN_LABEL,
    "Shift+B": BACKGROUND_LABEL,
    "Shift+F": FOREGROUND_LABEL,
    "N": None,
}
KEYS_HELP = (
    "While it is the active layer, Shift+U chooses unknown to paint with, Shift+B background, "
    "Shift+F foreground, N the next of them."
)


def trimap_to_labels(trimap: Trimap) -> NDArray[np.uint8]:
    """Return a trimap as labels."""
    labels = np.full(trimap.shape, UNKNOWN_LABEL, np.uint8)
    labels[trimap == BACKGROUND] = BACKGROUND_LABEL
    labels[trimap == FOREGROUND] = FOREGROUND_LABEL
    return labels


def labels_to_trimap(labels: Pixels, name: str = "The trimap") -> Trimap:
    """Return labels 0, 1 and 2 as a trimap.

    Parameters
    ----------
    labels : integer array
        Labels, in an array of any shape.
    name : str
        What errors call it.

    Raises
    ------
    ValueRangeError
        If there are others.
    """
    ends = int(labels.min(initial=0)), int(labels.max(initial=0))
    strange = [label for label in ends if not 0 <= label <= 2]
    if strange:
        raise ValueRangeError(
            f"{name} holds the label {strange[0]}",
            "A trimap holds 0 unknown, 1 background, 2 foreground",
            "Paint these pixels with 0, 1 or 2",
        )
    trimap: Trimap = _VALUES.take(labels)
    return trimap


def labels_to_grey(labels: Pixels, kind: Kind | str | None, name: str) -> NDArray[np.uint8]:
    """Return labels as a grey picture: those of a trimap as its values, others as 0 and 255.

    Parameters
    ----------
    labels : integer array
    kind : Kind, str or None
        What they are.
    name : str
        The layer's, for the error.

    Raises
    ------
    ValueRangeError
        If a trimap holds other labels than 0, 1 and 2.
    """
    if kind in (Kind.TRIMAP, Kind.TRIMAP.value):
        return labels_to_trimap(labels, name)
    return (labels > 0) * np.uint8(255)


def tag(layer: Layer) -> LayerMeta:
    """Return what this plugin wrote into a layer's metadata, or an empty dict."""
    written: LayerMeta = layer.metadata.get(TAG, {})
    return written


def is_trimap(layer: Layer) -> bool:
    """Tell whether a layer is tagged as a trimap."""
    return tag(layer).get("kind") == "trimap"


def trimap_options(**provenance: object) -> LayerMeta:
    """Return the layer options of a trimap: the picture shows through the unknown part."""
    from napari.utils.colormaps import DirectLabelColormap

    _bind_keys()
    return {
        "colormap": DirectLabelColormap(color_dict=dict(_COLORS)),
        "opacity": 0.4,
        "metadata": {TAG: {"kind": "trimap", **provenance}},
    }


def show_unknown(layer: LabelsLayer, shown: bool) -> None:
    """Show what is unknown in a trimap as white, or let the picture below show through.

    Parameters
    ----------
    layer : Labels layer
        A trimap.
    shown : bool
        Whether it is white.
    """
    from napari.utils.colormaps import DirectLabelColormap

    colors: Any = layer.colormap.color_dict
    color = _WHITE if shown else _CLEAR
    # Colors that a user has given it stay.
    if tuple(colors[UNKNOWN_LABEL]) in {_WHITE, _CLEAR} - {color}:
        layer.colormap = DirectLabelColormap(color_dict={**colors, UNKNOWN_LABEL: color})


def alpha_options(**provenance: object) -> LayerMeta:
    """Return the layer options of an alpha."""
    return {
        "contrast_limits": (0, 1),
        "colormap": "gray",
        "metadata": {TAG: {"kind": "alpha", **provenance}},
    }


@cache
def _bind_keys() -> None:
    """Let keys choose the label in every trimap layer, copies and reopened ones too.

    A key that napari, or its user, has given to something else keeps its meaning.
    """
    from napari.layers import Labels

    taken = taken_keys() | {str(key) for key in Labels.class_keymap}
    for key, label in _KEYS.items():
        if key not in taken:
            Labels.bind_key(key, _chooses(label))


def _chooses(label: int | None) -> Callable[[LabelsLayer], None]:
    """Return what chooses a trimap's label, or the next; of other labels it changes nothing."""

    def choose(layer: LabelsLayer) -> None:
        if is_trimap(layer):
            layer.selected_label = (layer.selected_label + 1) % 3 if label is None else label

    return choose
