"""OME-Zarr in and out of napari: pyramids as lazy layers; mattes, trimaps and masks as stores."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays import Kind, Pixels
from ...errors import FileError, MattingError, ShapeError
from ...io.ome_zarr import Planes, create, fill_pyramid, is_zarr, needs_zarr, open_planes
from ._files import Reader, as_list, read_by_napari
from ._kept import Kept, keep, told_by
from ._protocols import LayerData, LayerMeta, LayerPixels
from ._trimap import (
    TAG,
    alpha_options,
    labels_to_grey,
    labels_to_trimap,
    trimap_options,
    trimap_to_labels,
)

CHUNK = 1024
LEADING = ("t", "z")


def read_zarr(path: str | list[str]) -> Reader:
    """Return what opens OME-Zarr as lazy layers; other folders are napari's.

    napari asks which plugin is to read a folder that several can.
    """
    return _open


def _open(path: str | list[str]) -> list[LayerData]:
    layers: list[LayerData] = []
    for one in as_list(path):
        if is_zarr(one):
            layers.append(_layer(Path(one)))
        else:
            layers += read_by_napari(one)
    return layers


def _layer(path: Path) -> LayerData:
    import dask.array
    import zarr

    planes = open_planes(path)
    found: Any = zarr.open(str(path), mode="r")
    from_zarr: Any = dask.array.from_zarr
    told: Any = {} if isinstance(found, zarr.Array) else dict(found.attrs).get(TAG)
    told = told if isinstance(told, dict) else {}
    known = told_by(told) if "place" in told else Kept(_matte(told))
    levels = [from_zarr(level) for level in _levels(found, planes)]
    if known.is_labels:
        return _labels(path, levels[0], known)
    own = {"axis_labels": planes.axes, "scale": planes.scale, "units": _units(planes)}
    meta: LayerMeta = {"name": _name(path), **own, **known.place, **known.look}
    if "c" in planes.axes:
        levels, meta = _with_colors(planes, levels, meta)
    if known.tag:
        meta["metadata"] = {TAG: dict(known.tag)}
    if known.tag.get("kind") == Kind.ALPHA.value and "contrast_limits" not in known.look:
        whole = levels[0].dtype.kind in "ui"
        meta |= {**alpha_options(**known.tag), "metadata": meta["metadata"]}
        meta["contrast_limits"] = (0, np.iinfo(levels[0].dtype).max if whole else 1)
    several = len(levels) > 1
    return levels if several else levels[0], {**meta, "multiscale": several}, "image"


def _matte(told: dict[str, Any]) -> LayerMeta:
    """Return the tag of what `matte_zarr` wrote."""
    return {"kind": Kind.ALPHA.value, "provenance": told} if told else {}


def _levels(found: Any, planes: Planes) -> list[Any]:
    """Return the arrays of a pyramid, the largest first."""
    import zarr

    if isinstance(found, zarr.Array):
        return [planes.array]
    stored = dict(found.attrs)
    paths = [level["path"] for level in stored.get("ome", stored)["multiscales"][0]["datasets"]]
    try:
        return [found[path] for path in paths]
    except KeyError as error:
        raise FileError(
            f"{planes.name} lacks the level {error}",
            f"Its metadata name the levels {', '.join(paths)}",
            "Write the store again, or remove the level from its metadata",
        ) from error


def _with_colors(planes: Planes, levels: list[Any], meta: LayerMeta) -> tuple[list[Any], LayerMeta]:
    """Return levels with colors last, or other channels as layers of their own."""
    import dask.array as da

    at, count = planes.axes.index("c"), planes.array.shape[planes.axes.index("c")]
    left = [axis for axis in range(len(planes.axes)) if axis != at]
    meta = {
        **meta,
        **{n: tuple(meta[n][i] for i in left) for n in ("axis_labels", "scale", "units")},
    }
    if count in (3, 4) and planes.array.dtype == np.uint8:
        return [da.moveaxis(level, at, -1) for level in levels], {**meta, "rgb": True}
    return levels, {**meta, "channel_axis": at}


def _units(planes: Planes) -> tuple[str, ...]:
    return tuple(unit or "pixel" for unit in planes.units)


def _name(path: Path) -> str:
    return path.name.removesuffix(".zarr").removesuffix(".ome")


def _labels(path: Path, level: Any, known: Kept) -> LayerData:
    """Return a trimap or mask; it is read whole, to be painted on."""
    grey = np.asarray(level)
    meta = {"name": _name(path), "metadata": {TAG: dict(known.tag)}, **known.place}
    if known.tag.get("kind") == Kind.TRIMAP.value:
        return trimap_to_labels(grey), {**meta, **trimap_options(**known.tag)}, "labels"
    return (grey > 0).astype(np.uint8), meta, "labels"


def write_zarr(path: str, data: LayerPixels, meta: LayerMeta) -> list[str]:
    """Write a matte or a grey picture as an OME-Zarr pyramid, with scale, units and provenance.

    Parameters
    ----------
    path : str
        A folder that does not exist.
    data : array
        The layer's data; a list of arrays if multiscale.
    meta : dict
        The layer's parameters.

    Raises
    ------
    MattingError
        If it exists, or cannot be written; nothing is left of it then.
    """
    if meta.get("rgb"):
        raise ShapeError(
            f"{meta['name']} has colors",
            "Mattes, trimaps, masks and grey pictures are written as OME-Zarr",
            "Save it as .tif",
        )
    return [_write(Path(path), data[0] if meta.get("multiscale") else data, meta, False)]


def write_zarr_labels(path: str, data: LayerPixels, meta: LayerMeta) -> list[str]:
    """Write a trimap (0, 128, 255) or a mask (0, 255) as an OME-Zarr pyramid.

    Parameters
    ----------
    path : str
        A folder that does not exist.
    data : integer array
        The labels.
    meta : dict
        The layer's parameters.

    Raises
    ------
    MattingError
        If it exists, is neither, or cannot be written; nothing is left of it then.
    """
    labels, kind = np.asarray(data), meta.get("metadata", {}).get(TAG, {}).get("kind")
    if kind == Kind.TRIMAP.value:
        return [_write(Path(path), labels_to_trimap(labels, meta["name"]), meta, True)]
    if kind == Kind.MASK.value and labels.max(initial=0) <= 1:
        grey = labels_to_grey(labels, Kind.MASK, meta["name"])
        return [_write(Path(path), grey, meta, True)]
    raise FileError(
        f"{meta['name']} is no trimap or mask of this plugin",
        "Other labels would lose their numbers in a pyramid of means",
        "Save it as .tif",
    )


def _write(path: Path, values: Any, meta: LayerMeta, is_labels: bool) -> str:
    needs_zarr()
    if path.exists():
        raise FileError(f"{path} exists", "Stores are not replaced", "Choose another name")
    unfinished = path.with_name(f"{path.name}.part")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        _fill(unfinished, values, meta, is_labels)
        unfinished.rename(path)
    except MattingError:
        raise
    except Exception as error:  # of whatever store, or metadata that OME-Zarr does not have
        raise FileError(
            f"{path} cannot be written: {str(error).splitlines()[0]}",
            "The folder can be written to, and units are those of OME-Zarr, such as micrometer",
            "Choose another folder, free space, or change the layer's units",
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return str(path)


def _fill(path: Path, values: Any, meta: LayerMeta, is_labels: bool) -> None:
    axes = _axes(values.ndim, meta)
    scale = tuple(float(step) for step in meta.get("scale", (1.0,) * values.ndim))
    units = tuple(_unit(unit) for unit in meta.get("units") or (None,) * values.ndim)
    tagged = {**meta, "metadata": {TAG: meta.get("metadata", {}).get(TAG, {})}}
    told = keep(tagged, is_labels)["metadata"][TAG]
    like = Planes(values, axes, scale, units, meta["name"])
    levels = create(path, like, values.dtype, CHUNK, "0.5", told)
    for plane in np.ndindex(*like.stack_shape):
        for top in range(0, like.shape[0], CHUNK):
            rows = slice(top, min(top + CHUNK, like.shape[0]))
            strip: Pixels = np.asarray(values[(*plane, rows)])
            levels[0][(*plane, rows, slice(None))] = strip
        for _ in fill_pyramid(levels, plane):
            pass


def _axes(count: int, meta: LayerMeta) -> tuple[str, ...]:
    """Return the names of a layer's axes, where OME-Zarr has them in this order; else its own."""
    labels = tuple(str(name) for name in meta.get("axis_labels") or ())
    possible = {(*LEADING[n:], "y", "x") for n in range(3)} | {("t", "y", "x")}
    if labels in possible:
        return labels
    if count > 4:
        raise ShapeError(
            f"{meta['name']} has {count} axes",
            "There are at most two before rows and columns: t and z",
            "Save it as .tif",
        )
    return (*LEADING[4 - count :], "y", "x")


def _unit(unit: object) -> str | None:
    return None if unit is None or str(unit) == "pixel" else str(unit)
