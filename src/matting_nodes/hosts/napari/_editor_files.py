"""Selected layers as one file for an image editor, OpenRaster or Photoshop's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import Kind
from ...errors import FileError, ShapeError
from ...io import layered
from ._kept import plain
from ._places import TRANSFORMS
from ._protocols import LayerData, LayerMeta, LayerPixels
from ._trimap import TAG, labels_to_grey

# What an editor shows over everything if it is not hidden.
HIDDEN = (Kind.ALPHA.value, Kind.TRIMAP.value, Kind.MASK.value)


def write_layers(path: str, layers: list[LayerData]) -> list[str]:
    """Write the layers of one picture as those of a file for an image editor.

    Colors are written as they are; grey pictures as they are shown, black and white being their
    contrast limits; trimaps as 0 background, 128 unknown, 255 foreground. Alphas, trimaps and
    masks are hidden.

    Parameters
    ----------
    path : str
        The file, .ora or .psd.
    layers : list of (array, dict, str)
        Each layer's data, parameters and type, from the lowest to the highest.

    Raises
    ------
    MattingError
        If they are not planes that lie on each other; no file is written then.
    """
    _check_places(layers)
    ready = [_picture(*layer) for layer in layers]
    # napari has asked whether to overwrite.
    return [str(layered.write_layers(path, ready, force=True))]


def _check_places(layers: list[LayerData]) -> None:
    (_, first, _), *others = layers
    for _, meta, _ in others:
        for name in TRANSFORMS[:-1]:
            if plain(first.get(name)) != plain(meta.get(name)):
                raise FileError(
                    f"{meta['name']} lies elsewhere than {first['name']}: their {name} differ",
                    "The layers of such a file lie on the same pixels",
                    "Select layers of one picture",
                )


def _picture(data: LayerPixels, meta: LayerMeta, layer_type: str) -> layered.PictureLayer:
    pixels = np.asarray(data[0] if meta.get("multiscale") else data)
    kind = meta.get("metadata", {}).get(TAG, {}).get("kind")
    planes = pixels.ndim - (3 if meta.get("rgb") else 2)
    if planes and any(length != 1 for length in pixels.shape[:planes]):
        raise ShapeError(
            f"{meta['name']} has the shape {pixels.shape}",
            "A file for an image editor holds one plane",
            "Save the stack as .tif, or a plane of it as a layer of its own",
        )
    pixels = pixels.reshape(pixels.shape[planes:])
    if layer_type == "labels":
        pixels = labels_to_grey(pixels, kind, meta["name"])
    elif meta.get("rgb"):
        pixels = pixels if pixels.dtype == np.uint8 else _within(pixels, 0, _top(pixels))
    else:
        pixels = _within(pixels, *meta.get("contrast_limits", (0, _top(pixels))))
    visible = bool(meta.get("visible", True)) and kind not in HIDDEN
    return layered.PictureLayer(meta["name"], pixels, visible, float(meta.get("opacity", 1)))


def _top(pixels: NDArray[Any]) -> float:
    return 1.0 if pixels.dtype.kind in "fb" else float(np.iinfo(pixels.dtype).max)


def _within(pixels: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    shown = (np.asarray(pixels, np.float64) - low) / max(high - low, np.finfo(float).tiny)
    return np.nan_to_num(shown).clip(0, 1).astype(np.float32)
