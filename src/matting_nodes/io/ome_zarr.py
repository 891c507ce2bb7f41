"""OME-Zarr in and out: pictures opened lazily, and mattes written as pyramids (0.4 and 0.5)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import DependencyError, FileError, ShapeError, SizeMismatchError

Version = Literal["0.4", "0.5"]
COLORS = (3, 4)
"""Lengths of a last axis without a name that are taken as colors."""
_METERS = {
    "meter": 1.0,
    "centimeter": 1e-2,
    "millimeter": 1e-3,
    "micrometer": 1e-6,
    "nanometer": 1e-9,
    "angstrom": 1e-10,
    "picometer": 1e-12,
}
SMALLEST_LEVEL = 1024
"""A pyramid ends with the level whose longer side is at most so many pixels."""


@dataclass(frozen=True)
class Planes:
    """An array of any size, read plane by plane and box by box.

    Parameters
    ----------
    array : zarr, dask or NumPy array
        What is read.
    axes : tuple of str
        Name of each of its axes: y, x, at most one c, and any others.
    scale : tuple of float
        Size of a step along each axis, in its unit.
    units : tuple of str or None
        The axes' units.
    name : str
        What it is called in errors.
    """

    array: Any
    axes: tuple[str, ...]
    scale: tuple[float, ...]
    units: tuple[str | None, ...]
    name: str

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a plane."""
        height, width = (int(self.array.shape[self.axes.index(axis)]) for axis in "yx")
        return height, width

    @property
    def stack_axes(self) -> tuple[int, ...]:
        """Numbers of the axes along which planes are stacked."""
        return tuple(i for i, axis in enumerate(self.axes) if axis not in ("y", "x", "c"))

    @property
    def stack_shape(self) -> tuple[int, ...]:
        """How many planes there are along each of these axes."""
        return tuple(int(self.array.shape[i]) for i in self.stack_axes)

    def read(self, plane: tuple[int, ...], rows: slice, columns: slice) -> NDArray[Any]:
        """Return a box of a plane, (h, w) or (h, w, C).

        Parameters
        ----------
        plane : tuple of int
            Its place in the stack.
        rows : slice
            Rows of the box.
        columns : slice
            Columns of the box.

        Raises
        ------
        FileError
            If a chunk cannot be read.
        """
        where = dict(zip(self.stack_axes, plane, strict=True))
        named = {"y": rows, "x": columns, "c": slice(None)}
        index = tuple(where[i] if i in where else named[a] for i, a in enumerate(self.axes))
        try:
            box = np.asarray(self.array[index])
        except Exception as error:  # of whatever codec or store
            raise FileError(
                f"{self.name}: rows {rows.start} to {rows.stop}, columns {columns.start} to "
                f"{columns.stop} cannot be read: {error}",
                "Every chunk that is needed must be whole",
                "Write the store again, or restore it from a copy",
            ) from error
        left = [axis for axis in self.axes if axis in ("y", "x", "c")]
        return box.transpose([left.index(axis) for axis in "yxc" if axis in left])


def needs_zarr() -> None:
    """Check that zarr and yaozarrs are installed.

    Raises
    ------
    DependencyError
    """
    try:
        import yaozarrs  # noqa: F401
        import zarr  # noqa: F401
    except ImportError as error:
        raise DependencyError(
            f"OME-Zarr needs zarr and yaozarrs: {error}",
            "They are an extra",
            'Run: pip install "matting-nodes[zarr]"',
        ) from error


def is_zarr(path: Any) -> bool:
    """Return whether a path is that of a Zarr store, by its name.

    Examples
    --------
    >>> is_zarr("photo.ome.zarr"), is_zarr("photo.png"), is_zarr("photo.zarr/0")
    (True, False, True)
    """
    if not isinstance(path, (str, os.PathLike)):
        return False
    return any(part.lower().endswith(".zarr") for part in Path(path).parts)


def open_planes(source: Any, name: str = "image", *, colors: bool = True) -> Planes:
    """Open an OME-Zarr image, or take an array, without reading its pixels.

    Parameters
    ----------
    source : path, or zarr, dask or NumPy array
        An OME-Zarr image (0.4, 0.5), of which the largest level is taken; one of its levels; or any
        Zarr array. Axes without names are (…, y, x), or (…, y, x, c) if the last is 3 or 4 long.
    name : str
        What it is called in errors.
    colors : bool
        Whether an axis of colors is possible.

    Raises
    ------
    FileError
        If it cannot be opened, or holds no image.
    ShapeError
        If it has no rows or columns, or channels where there can be none.
    """
    if isinstance(source, Planes):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _opened(Path(source), name, colors)
    array = source if hasattr(source, "shape") else np.asarray(source)
    return _of_array(array, name, colors)


def read_plane(path: Path, *, colors: bool) -> NDArray[Any]:
    """Read the one plane of a store, whole.

    Parameters
    ----------
    path : Path
        The store.
    colors : bool
        Whether an axis of colors is possible.

    Raises
    ------
    FileError
        If it holds several.
    """
    planes = open_planes(path, colors=colors)
    if any(count != 1 for count in planes.stack_shape):
        raise FileError(
            f"{path} holds {planes.stack_shape} planes",
            "It must hold one picture",
            "Stacks are taken by `matting-nodes matte`, and by napari",
        )
    whole = tuple(slice(0, side) for side in planes.shape)
    return planes.read((0,) * len(planes.stack_shape), *whole)


def _of_array(array: Any, name: str, colors: bool) -> Planes:
    count = len(array.shape)
    has_colors = colors and count > 2 and array.shape[-1] in COLORS
    tail = ("y", "x", "c") if has_colors else ("y", "x")
    if count < 2:
        raise ShapeError(
            f"{name} has shape {tuple(array.shape)}",
            "It has rows and columns",
            "Give an array of (…, y, x) or (…, y, x, c)",
        )
    extra = count - len(tail)
    if extra > 2:
        raise ShapeError(
            f"{name} has shape {tuple(array.shape)}",
            "Without names of its axes there are at most two before rows and columns",
            "Give an OME-Zarr image, whose axes have names",
        )
    head = ("t", "z")[2 - extra :]
    return Planes(array, (*head, *tail), (1.0,) * count, (None,) * count, name)


def _opened(path: Path, name: str, colors: bool) -> Planes:
    needs_zarr()
    import yaozarrs
    import zarr

    try:
        found = zarr.open(str(path), mode="r")
    except Exception as error:  # of whatever codec or store
        raise FileError(
            f"{path} cannot be opened: {error}",
            f"The {name} is a Zarr array, or an OME-Zarr image",
            "Check the path, and that the store is complete",
        ) from error
    if isinstance(found, zarr.Array):
        return _of_array(found, str(path), colors)
    stored = dict(found.attrs)
    try:
        metadata: Any = yaozarrs.validate_ome_object(stored.get("ome", stored))
        image = metadata.multiscales[0]
        level = image.datasets[0]
        array: Any = found[level.path]
    except Exception as error:  # a model that does not fit, a level that is missing
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileError(
            f"{path} holds no OME-Zarr image that can be read: {told}",
            "It has the metadata of OME-Zarr 0.4 or 0.5, and the levels that these name",
            "Give the path of the image within the store, or write it again",
        ) from error
    for other in image.datasets[1:]:
        smaller: Any = found.get(other.path)  # may be missing: only the first level is read
        shape = array.shape if smaller is None else smaller.shape
        if len(shape) != array.ndim or max(np.subtract(shape, array.shape)) > 0:
            raise FileError(
                f"{path} has the levels {level.path} of shape {array.shape} and {other.path} of "
                f"shape {shape}",
                "The first level is the largest",
                "Correct its metadata, or give the path of the level",
            )
    axes = tuple(str(axis.name).lower() for axis in image.axes)
    if not {"y", "x"} <= set(axes) or len(axes) != array.ndim:
        raise ShapeError(
            f"{path} has the axes {', '.join(axes)} and shape {array.shape}",
            "A picture has the axes y and x, and as many axes as its array",
            "Correct its metadata",
        )
    if "c" in axes and not colors and array.shape[axes.index("c")] != 1:
        raise ShapeError(
            f"{path} has {array.shape[axes.index('c')]} channels",
            f"The {name} has one",
            "Give a store with one channel",
        )
    units = tuple(getattr(axis, "unit", None) for axis in image.axes)
    scale = tuple(level.coordinateTransformations[0].scale)
    return Planes(array, axes, scale, tuple(u and str(u) for u in units), str(path))


def same_scale(image: Planes, other: Planes) -> None:
    """Check that two pictures have one size of pixel; one that does not tell its own has any.

    Parameters
    ----------
    image, other : Planes

    Raises
    ------
    SizeMismatchError
        If their sizes of a pixel differ by more than a thousandth, or cannot be compared.
    """
    for axis in "yx":
        (size, unit), (other_size, other_unit) = (
            (planes.scale[i], planes.units[i])
            for planes in (image, other)
            for i in [planes.axes.index(axis)]
        )
        if unit is None or other_unit is None:
            continue
        if unit in _METERS and other_unit in _METERS:
            ratio = size * _METERS[unit] / (other_size * _METERS[other_unit])
        else:
            ratio = size / other_size if unit == other_unit else 0
        if abs(ratio - 1) > 1e-3:
            raise SizeMismatchError(
                f"Along {axis} a pixel of {image.name} is {size:g} {unit}, one of {other.name} "
                f"{other_size:g} {other_unit}",
                "Both have one scale",
                "Give the trimap of this image, or correct the metadata of one",
            )


def create(
    path: Path,
    like: Planes,
    dtype: Any,
    chunk: int,
    version: Version = "0.5",
    provenance: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Create the pyramid of a matte of the size, scale and units of a picture; return its levels.

    Parameters
    ----------
    path : Path
        A folder that does not exist.
    like : Planes
        The picture.
    dtype : dtype
        Type of the values.
    chunk : int, pixels
        Side of the chunks; a plane is one chunk thick.
    version : {"0.4", "0.5"}
        Of OME-Zarr.
    provenance : mapping, optional
        What the matte was made of and with.

    Returns
    -------
    list of zarr.Array
        The largest first; each has half the sides of the one before.
    """
    needs_zarr()
    import yaozarrs
    import zarr

    model: Any = yaozarrs.v05 if version == "0.5" else yaozarrs.v04
    kept = [*like.stack_axes, like.axes.index("y"), like.axes.index("x")]
    axes = [_axis(model, like.axes[i], like.units[i]) for i in kept]
    scale = [like.scale[i] for i in kept]
    group = zarr.create_group(str(path), zarr_format=3 if version == "0.5" else 2)
    levels: list[Any] = []
    datasets = []
    keys: Any = "default" if version == "0.5" else "v2"
    shape = like.shape
    while True:
        factor = 2 ** len(levels)
        scales = [*scale[:-2], scale[-2] * factor, scale[-1] * factor]
        # Means of 2 × 2 pixels lie between them: the centre of the first is moved by half a pixel.
        offset = [0.0] * len(scale[:-2]) + [(factor - 1) / 2 * s for s in scale[-2:]]
        moved = [model.TranslationTransformation(translation=offset)] if factor > 1 else []
        steps = [model.ScaleTransformation(scale=scales), *moved]
        datasets.append(model.Dataset(path=str(len(levels)), coordinateTransformations=steps))
        sides = tuple(min(chunk, side) for side in shape)
        levels.append(
            group.create_array(
                str(len(levels)),
                shape=(*like.stack_shape, *shape),
                chunks=(*(1 for _ in like.stack_shape), *sides),
                dtype=dtype,
                fill_value=0,
                chunk_key_encoding={"name": keys, "separator": "/"},
                dimension_names=[like.axes[i] for i in kept] if version == "0.5" else None,
            )
        )
        if max(shape) <= SMALLEST_LEVEL:
            break
        shape = (-(-shape[0] // 2), -(-shape[1] // 2))
    image = model.Image(
        multiscales=[model.Multiscale(name=path.stem, axes=axes, datasets=datasets)]
    )
    stored = image.model_dump(mode="json", exclude_none=True, by_alias=True)
    group.attrs.update({"ome": stored} if version == "0.5" else stored)
    if provenance:
        group.attrs["matting_nodes"] = dict(provenance)
    return levels


def _axis(model: Any, name: str, unit: str | None) -> Any:
    if name == "t":
        return model.TimeAxis(name=name, unit=unit)
    if name in ("z", "y", "x"):
        return model.SpaceAxis(name=name, unit=unit)
    return model.CustomAxis(name=name)


def fill_pyramid(
    levels: Sequence[Any], plane: tuple[int, ...], begun: int = 0
) -> Iterator[tuple[int, int]]:
    """Fill the smaller levels of a plane with means of 2 × 2 pixels, strip by strip.

    Parameters
    ----------
    levels : sequence of zarr.Array
        As `create` returns them; the first one is filled.
    plane : tuple of int
        Its place in the stack.
    begun : int
        Pieces that are filled already.

    Yields
    ------
    done, total : int
        After each piece.
    """
    steps = [(n, top) for n, level in enumerate(levels[1:], 1) for top in _strips(level)]
    for number, (n, top) in list(enumerate(steps))[begun:]:
        level, finer = levels[n], levels[n - 1]
        high, wide = level.shape[-2:]
        bottom = min(high, top + level.chunks[-2])
        for left in range(0, wide, level.chunks[-1]):
            right = min(wide, left + level.chunks[-1])
            part = finer[(*plane, slice(2 * top, 2 * bottom), slice(2 * left, 2 * right))]
            level[(*plane, slice(top, bottom), slice(left, right))] = halved(part)
        yield number + 1, len(steps)


def _strips(level: Any) -> range:
    return range(0, level.shape[-2], level.chunks[-2])


def halved(values: NDArray[Any]) -> NDArray[Any]:
    """Return means of 2 × 2 pixels; a last row or column without a partner stays.

    Examples
    --------
    >>> halved(np.array([[0, 2, 7], [2, 4, 9]], np.uint8)).tolist()
    [[2, 8]]
    """
    pad = [(0, side % 2) for side in values.shape]
    even = np.pad(values, pad, mode="edge").astype(np.float32)
    mean = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    whole = values.dtype.kind in "ui"
    return (np.floor(mean + 0.5) if whole else mean).astype(values.dtype)
