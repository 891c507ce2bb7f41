"""Layers in and out of files: alphas in 16 bits and more, trimaps as grey pictures.

Only layers that carry our tag: others are written as they would be without this plugin. TIFFs keep
where a layer lies and how it was made; so do their readers.
"""

from __future__ import annotations

import io as streams
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import Kind, Pixels, as_trimap, check_finite
from ...errors import FileError, ShapeError
from ...io import images, stacks
from ._kept import keep, kept
from ._preferences import PLUGIN
from ._protocols import LayerData, LayerMeta, LayerPixels
from ._results import edited_after
from ._trimap import TAG, labels_to_grey, labels_to_trimap, trimap_options, trimap_to_labels

TIFF = (".tif", ".tiff")
Reader = Callable[[str | list[str]], list[LayerData]]


def read_trimap(path: str | list[str]) -> Reader:
    """Return what opens a grey picture with "trimap" in its name as a trimap."""
    return _open_trimap


def _open_trimap(path: str | list[str]) -> list[LayerData]:
    return [_trimap_in(Path(one)) for one in as_list(path)]


def _trimap_in(path: Path) -> LayerData:
    found = kept(path)
    meta = {"name": path.stem, **trimap_options(**found.tag), **found.place}
    return _read_labels(path), meta, "labels"


def read_result(path: str | list[str]) -> Reader | None:
    """Return what opens a TIFF of a result as the layer that it was; None for any other file."""
    ours = all(kept(Path(one)).tag for one in as_list(path))
    return _open_result if ours else None


def _open_result(path: str | list[str]) -> list[LayerData]:
    return [_result_in(Path(one)) for one in as_list(path)]


def _result_in(path: Path) -> LayerData:
    from tifffile import imread

    found = kept(path)
    kind = found.tag.get("kind")
    if kind == Kind.TRIMAP.value:
        return _trimap_in(path)
    values = imread(path)
    meta = {"name": path.stem, "metadata": {TAG: found.tag}, **found.place, **found.look}
    if not found.is_labels:
        return values, meta, "image"
    black_and_white = kind == Kind.MASK.value and values.max(initial=0) == 255
    return (values > 0).astype(np.uint8) if black_and_white else values, meta, "labels"


def as_list(path: str | list[str]) -> list[str]:
    """Return the paths that a reader got, as one or as several."""
    return [path] if isinstance(path, str) else path


def read_by_napari(path: str | Path) -> list[LayerData]:
    """Return a picture, or a folder of them, as napari itself reads it."""
    import npe2

    read: Any = npe2.read([str(path)], stack=False, plugin_name="napari")
    return list(read)


def _read_labels(path: Path) -> NDArray[np.uint8]:
    frames = stacks.read_stack(path, kind=Kind.TRIMAP)
    planes = np.stack([_as_labels(frame) for frame in frames])
    return planes.reshape(*_leading_shape(path, len(planes)), *planes.shape[1:])


def _as_labels(frame: Pixels) -> NDArray[np.uint8]:
    if frame.dtype.kind in "iu" and frame.dtype.itemsize >= 4:
        # Labels as napari itself writes them: no picture has so many bits.
        labels_to_trimap(frame)
        return frame.astype(np.uint8)
    return trimap_to_labels(as_trimap(frame))


def _leading_shape(path: Path, count: int) -> tuple[int, ...]:
    """Return the axes of a file's stack, such as time and z; none of a single picture."""
    if count == 1:
        return ()
    if path.suffix.lower() not in TIFF:
        return (count,)
    from tifffile import TiffFile

    with TiffFile(path) as file:
        series = file.series[0]
        shape = zip(series.axes, series.shape, strict=True)
        return tuple(length for axis, length in shape if axis not in "YXS")


def write_picture(path: str, data: LayerPixels, meta: LayerMeta) -> list[str]:
    """Write an Image layer: a result of ours as 16-bit PNG, or as TIFF with all its axes.

    Parameters
    ----------
    path : str
        The file.
    data : array
        The layer's data; a list of arrays if multiscale.
    meta : dict
        The layer's parameters.

    Raises
    ------
    MattingError
        If it cannot be written as that; no file is then.
    """
    values = np.asarray(data[0]) if meta.get("multiscale") else data
    if _kind(meta) is None or values.dtype.kind != "f" or not _is_for_us(path):
        return _hand_on("image", path, data, meta)
    return [_write(path, np.asarray(values), meta)]


def write_trimap(path: str, data: LayerPixels, meta: LayerMeta) -> list[str]:
    """Write a trimap as a grey picture, 0 background, 128 unknown, 255 foreground; or a mask.

    Parameters
    ----------
    path : str
        The file.
    data : integer array
        The labels.
    meta : dict
        The layer's parameters.

    Raises
    ------
    MattingError
        If the layer cannot be written; no file is then.
    """
    labels = np.asarray(data)
    if _kind(meta) in (Kind.TRIMAP, Kind.MASK):
        meta = _told_of_edits(meta, labels)
    if _kind(meta) is Kind.TRIMAP and _is_for_us(path):
        return [_write(path, labels_to_trimap(labels, meta["name"]), meta, is_labels=True)]
    if _kind(meta) is Kind.MASK and _is_for_us(path) and labels.max(initial=0) <= 1:
        return [_write(path, labels_to_grey(labels, Kind.MASK, meta["name"]), meta, is_labels=True)]
    return _hand_on("labels", path, data, meta)


def _told_of_edits(meta: LayerMeta, labels: Pixels) -> LayerMeta:
    """Return a layer's parameters with a tag that says whether it was painted over."""
    metadata = meta["metadata"]
    made = {name: value for name, value in metadata[TAG].items() if name != "edited"}
    if maker := edited_after(made, labels):
        made["edited"] = f"painted over after {maker}"
    return {**meta, "metadata": {**metadata, TAG: made}}


def _kind(meta: LayerMeta) -> Kind | None:
    """Return what a layer of ours holds; None for any other."""
    kind = meta.get("metadata", {}).get(TAG, {}).get("kind")
    return Kind(kind) if kind else None


def _is_for_us(path: str) -> bool:
    return Path(path).suffix.lower() in (*TIFF, ".png", "")


def _hand_on(layer_type: str, path: str, data: LayerPixels, meta: LayerMeta) -> list[str]:
    """Leave the layer to the plugin that would write it if this one were absent, usually napari.

    Raises
    ------
    FileError
        If there is none.
    """
    import npe2

    name, found = Path(path).name.lower(), dict[int, str]()
    for writer in npe2.PluginManager.instance().iter_compatible_writers([layer_type]):
        endings = writer.filename_extensions if Path(path).suffix else [""]
        fitting = [len(ending) for ending in endings if name.endswith(ending.lower())]
        if fitting and writer.plugin_name != PLUGIN:
            # As npe2 does: the longest ending, then the first writer.
            found.setdefault(max(fitting), writer.plugin_name)
    if not found:
        raise FileError(
            f"{meta['name']} is no trimap or mask of this plugin, and nothing else saves it as "
            f"{Path(path).suffix}",
            "Other labels are saved with their numbers",
            "Save it as .tif",
        )
    return npe2.write(path, [(data, meta, layer_type)], plugin_name=found[max(found)])


def _write(path: str, values: Pixels, meta: LayerMeta, is_labels: bool = False) -> str:
    target = Path(path) if Path(path).suffix else Path(f"{path}.tif")
    rgb, name = bool(meta.get("rgb", False)), meta["name"]
    if target.suffix.lower() in TIFF:
        write_tiff(target, values, rgb, keep(meta, is_labels))
        return str(target)
    planes = values.reshape(-1, *values.shape[-3 if rgb else -2 :])
    if len(planes) > 1:
        raise ShapeError(
            f"There are {len(planes)} frames for {target.name}",
            "PNG holds one",
            "Save the stack as .tif",
        )
    check_finite(planes, name)
    bits: images.Bits = 8 if planes.dtype == np.uint8 else 16
    # napari has asked whether to overwrite.
    return str(images.write_image(target, planes[0], bits=bits, force=True))


def write_tiff(target: Path, values: Pixels, rgb: bool, options: Mapping[str, Any]) -> None:
    """Write an array of any number of axes, its values as they are.

    Parameters
    ----------
    target : Path
        The file.
    values : array
        Its last axis is color if `rgb`.
    rgb : bool
    options : mapping
        More of tifffile's.

    Raises
    ------
    FileError
        If it cannot be written; nothing is left of it then.
    """
    import tifffile

    stream = streams.BytesIO()
    tifffile.imwrite(
        stream,
        values,
        photometric="rgb" if rgb else "minisblack",
        extrasamples=["unassalpha"] if rgb and values.shape[-1] == 4 else None,
        compression="zlib",
        **options,
    )
    images.write_whole(target, stream.getvalue())
