"""Layers in and out of files: alphas in 16 bits and more, trimaps as grey pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import Kind, as_trimap, unit_range
from ...errors import FileError, ShapeError
from ...io import images, stacks
from ._trimap import TAG, labels_to_trimap, trimap_options, trimap_to_labels

LayerData = tuple[Any, dict[str, Any], str]


def read_trimap(path: str | list[str]) -> Callable[[Any], list[LayerData]]:
    """Return what opens a grey picture with "trimap" in its name as a trimap."""
    return _open_trimap


def _open_trimap(path: str | list[str]) -> list[LayerData]:
    paths = [path] if isinstance(path, str) else path
    return [
        (
            _single([trimap_to_labels(as_trimap(frame)) for frame in stacks.read_stack(one)]),
            {"name": Path(one).stem, **trimap_options()},
            "labels",
        )
        for one in paths
    ]


def _single(frames: list[NDArray[Any]]) -> NDArray[Any]:
    return frames[0] if len(frames) == 1 else np.stack(frames)


def write_picture(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write an Image layer: 16-bit PNG, or TIFF in 32-bit float, of a stack too.

    Raises
    ------
    MattingError
        If it cannot be written as that; no file is then.
    """
    values = np.asarray(data[0] if meta.get("multiscale") else data)
    if values.dtype != np.uint8:
        values = unit_range(values, meta["name"])
    return [_write(path, _frames(values, meta.get("rgb", False)), Kind.IMAGE)]


def write_trimap(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a trimap as a grey picture, 0 background, 128 unknown, 255 foreground; or a mask.

    Raises
    ------
    MattingError
        If the layer holds several objects, or cannot be written.
    """
    labels = np.asarray(data)
    if meta.get("metadata", {}).get(TAG, {}).get("kind") == "trimap":
        return [_write(path, _frames(labels_to_trimap(labels), False), Kind.TRIMAP)]
    if len(np.unique(labels[labels > 0])) > 1:
        raise FileError(
            f"{meta['name']} holds several labels",
            "A picture of a mask holds one object",
            "Save it as .tif with napari's own writer, which keeps the numbers",
        )
    return [_write(path, _frames(labels > 0, False), Kind.MASK)]


def _frames(values: NDArray[Any], rgb: bool) -> list[NDArray[Any]]:
    """Return the frames of a stack of any number of axes."""
    axes = 3 if rgb else 2
    return list(values.reshape(-1, *values.shape[-axes:]))


def _write(path: str, frames: list[NDArray[Any]], kind: Kind) -> str:
    tiff = path.lower().endswith((".tif", ".tiff"))
    if len(frames) == 1:
        bits: images.Bits | None = None if tiff or kind is not Kind.IMAGE else 16
        # napari has asked whether to overwrite.
        return str(images.write(path, frames[0], kind, bits=bits, force=True))
    if not tiff:
        raise ShapeError(
            f"There are {len(frames)} frames for {Path(path).name}",
            "PNG holds one",
            "Save the stack as .tif",
        )
    return str(stacks.write_stack(path, frames, bits=32 if kind is Kind.IMAGE else 8))
