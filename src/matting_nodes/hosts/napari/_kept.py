"""What a TIFF of ours keeps of its layer: where it lies, how it looks, how it was made.

It stands as JSON in the ImageDescription, where tifffile writes the shape, and the size of a
pixel in the resolution too, where other programs look for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ._places import TRANSFORMS
from ._protocols import LayerMeta
from ._trimap import TAG

LOOK = ("rgb", "contrast_limits")
# A TIFF's rational number is the quotient of two integers of 32 bits.
FINEST = float(2**32 - 1)
GRAY = ("alpha", "confidence")


@dataclass(frozen=True)
class Kept:
    """What is known of a layer from its file; nothing of a file that is not ours."""

    tag: LayerMeta = field(default_factory=dict)
    """How it was made."""
    place: LayerMeta = field(default_factory=dict)
    """Its transforms."""
    look: LayerMeta = field(default_factory=dict)
    is_labels: bool = False


def keep(meta: LayerMeta, is_labels: bool) -> dict[str, Any]:
    """Return the options with which tifffile writes what is known of a layer.

    Parameters
    ----------
    meta : dict
        The layer's parameters, its tag among the metadata.
    is_labels : bool
        Whether it is a Labels layer.
    """
    place = {name: plain(meta[name]) for name in TRANSFORMS if meta.get(name) is not None}
    if meta.get("units") is not None:
        place["units"] = [str(unit) for unit in _several(meta["units"])]
    look = {name: plain(meta[name]) for name in LOOK if meta.get(name) is not None}
    told = {"tag": meta["metadata"][TAG], "place": place, "labels": is_labels}
    told |= {} if is_labels else {"look": look}
    written = json.loads(json.dumps(told, default=plain))
    return {"metadata": {TAG: written}, **_resolution(meta)}


def _several(units: Any) -> tuple[Any, ...]:
    return tuple(units) if isinstance(units, list | tuple) else (units,)


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if hasattr(value, "affine_matrix"):
        return np.asarray(value.affine_matrix).tolist()
    if isinstance(value, tuple | list | dict | str | int | float | bool):
        return value
    return str(value)


def _resolution(meta: LayerMeta) -> dict[str, Any]:
    """Return the pixels per centimeter, where pixels have a length."""
    from pint import DimensionalityError

    if meta.get("units") is None or meta.get("scale") is None:
        return {}
    units, scale = _several(meta["units"])[-2:], np.abs(meta["scale"])[-2:]
    try:
        sizes = [
            (float(size) * unit).to("centimeter").magnitude
            for size, unit in zip(scale, units, strict=True)
        ]
    except (DimensionalityError, AttributeError, TypeError, ValueError):
        return {}
    if not all(1 / FINEST < size < FINEST for size in sizes):
        return {}
    return {"resolution": (1 / sizes[1], 1 / sizes[0]), "resolutionunit": "CENTIMETER"}


def kept(path: Path) -> Kept:
    """Return what a file of ours keeps of its layer.

    Parameters
    ----------
    path : Path
        Any file.
    """
    from tifffile import TiffFile, TiffFileError

    if path.suffix.lower() not in (".tif", ".tiff"):
        return Kept()
    try:
        with TiffFile(path) as file:
            # One series is written.
            told = next(iter(file.shaped_metadata or ()), {}).get(TAG, {})
    except (TiffFileError, OSError, ValueError, IndexError):
        return Kept()
    return told_by(told)


def told_by(told: object) -> Kept:
    """Return what is known of a layer from what its file tells.

    Parameters
    ----------
    told : any
        What `keep` wrote, of any origin.
    """
    parts = {name: _part(told, name) for name in ("tag", "place", "look")}
    look = {name: value for name, value in parts["look"].items() if name in LOOK}
    if parts["tag"].get("kind") in GRAY:
        look["colormap"] = "gray"
    place = {name: value for name, value in parts["place"].items() if name in TRANSFORMS}
    is_labels = isinstance(told, dict) and told.get("labels") is True
    return Kept(dict(parts["tag"]), place, look, is_labels)


def _part(told: object, name: str) -> Mapping[str, Any]:
    part = told.get(name) if isinstance(told, dict) else None
    return part if isinstance(part, dict) else {}
