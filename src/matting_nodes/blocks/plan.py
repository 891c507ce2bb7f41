"""How a plane is divided into blocks, where it comes from, and where its parts are kept."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Image, Trimap, as_pixels, as_trimap
from ..errors import ShapeError
from ..framework.normalization import ValueRange, normalized
from ..io.ome_zarr import Planes
from ..solvers.boxes import Slices, widened

Floats = NDArray[np.float32]
EMPTY = 128
"""Bytes of an array's file before its values."""
PARTIAL = ".partial"
"""Ending of files that are being written, here and in zarr's stores."""


@dataclass(frozen=True)
class Whole:
    """What the blocks need to know about the whole plane.

    Parameters
    ----------
    values : ValueRange, optional
        The values that become 0 and 1; None for the type's own.
    low, high : float
        The plane's extremes after that: they become 0 and 1 in turn.
    counts : (3, h, w) int64
        Background, foreground and unknown pixels of each tile.
    row_starts : (B, side + 1) int64
        Unknown pixels of a block above each of its rows.
    offsets : (B + 1,) int64
        Number of each block's first unknown pixel: they are numbered block by block, row by row.
    """

    values: ValueRange | None
    low: np.float32
    high: np.float32
    counts: NDArray[np.int64]
    row_starts: NDArray[np.int64]
    offsets: NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """A plane that is matted block by block.

    Parameters
    ----------
    folder : Path
        Where everything is kept until the matte is complete.
    image, trimap : Planes
        What the plane is read from.
    plane, trimap_plane : tuple of int
        Its place in their stacks.
    side : int, pixels
        Side of a block; a multiple of the sampling grid's tiles and of `factor`.
    halo : int, pixels
        How far around a block is solved with it.
    factor : int
        How many times smaller the plane is for the coarse solution: a power of two.
    mode : str
        Normalization, as for nodes.
    """

    folder: Path
    image: Planes
    trimap: Planes
    plane: tuple[int, ...]
    trimap_plane: tuple[int, ...]
    side: int
    halo: int
    factor: int
    mode: Any

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the plane."""
        return self.image.shape

    @property
    def grid(self) -> tuple[int, int]:
        """How many blocks there are down and across."""
        return -(-self.shape[0] // self.side), -(-self.shape[1] // self.side)

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return math.prod(self.grid)

    def box(self, block: int) -> Slices:
        """Return a block's rows and columns."""
        y, x = divmod(block, self.grid[1])
        rows, columns = (
            slice(i * self.side, min(length, (i + 1) * self.side))
            for i, length in zip((y, x), self.shape, strict=True)
        )
        return rows, columns

    def window(self, block: int, margin: int) -> Slices:
        """Return a block with a margin around it, within the plane.

        Parameters
        ----------
        block : int
            Number of the block, row by row.
        margin : int, pixels
            How far around the block.
        """
        return widened(self.box(block), margin, self.shape)

    def blocks_in(self, window: Slices) -> list[int]:
        """Return the blocks that a window touches."""
        rows, columns = (range(s.start // self.side, -(-s.stop // self.side)) for s in window)
        return [y * self.grid[1] + x for y in rows for x in columns]

    def labels(self, window: Slices) -> Trimap:
        """Return the trimap in a window."""
        found = self.trimap.read(self.trimap_plane, *window)
        return as_trimap(found, self.trimap.name)

    def pixels(self, window: Slices) -> NDArray[Any]:
        """Return the picture in a window, (h, w, C), as it is stored."""
        found: NDArray[Any] = as_pixels(self.image.read(self.plane, *window), any_channels=True)
        if found.shape[2] not in (1, 3):
            raise ShapeError(
                f"{self.image.name} has {found.shape[2]} channels",
                "Block by block, a picture has one channel or three",
                "Give a store with the colors alone",
            )
        return found

    def picture(self, window: Slices) -> Image:
        """Return the picture in a window, (h, w, C) in 0..1 and in full contrast of the plane."""
        pixels = self.pixels(window)
        if pixels.dtype != np.uint8:
            return self._normalized(pixels)
        import cv2

        # Windows are large: a table of 256 values gives the same bits in a tenth of the time.
        table = self._normalized(np.arange(256, dtype=np.uint8).reshape(1, 256, 1))
        return np.asarray(cv2.LUT(pixels, table[0]), np.float32).reshape(pixels.shape)

    def _normalized(self, pixels: NDArray[Any]) -> Image:
        whole = self.whole
        image = normalized(pixels, whole.values, "image")
        if whole.high == whole.low or (whole.low == 0 and whole.high == 1):
            return image
        stretched: Image = ((image - whole.low) * (1 / (whole.high - whole.low))).astype(np.float32)
        return stretched

    @property
    def whole(self) -> Whole:
        """What is known about the whole plane once all blocks were measured."""
        return _whole(self.file("whole"))

    def file(self, name: str, block: int | None = None) -> Path:
        """Return the file of some arrays, of the whole plane or of a block.

        Parameters
        ----------
        name : str
            Name of the arrays.
        block : int, optional
            Number of a block; the whole plane by default.
        """
        return self.folder / (f"{name}.npy" if block is None else f"{name}-{block:06}.npy")

    def load(self, name: str, block: int | None = None) -> NDArray[Any]:
        """Return an array without reading it: pages of the file are, when they are needed.

        Parameters
        ----------
        name : str
            Name of the arrays.
        block : int, optional
            Number of a block; the whole plane by default.
        """
        path = self.file(name, block)
        # Nothing can be mapped of an empty file.
        mapped: Literal["r"] | None = "r" if path.stat().st_size > EMPTY else None
        found: NDArray[Any] = np.load(path, mmap_mode=mapped)
        return found

    @property
    def unknown_count(self) -> int:
        """How many unknown pixels the plane has."""
        return int(self.whole.offsets[-1])

    def piece(self, name: str, row: int, start: int, length: int) -> Floats:
        """Return some values of a vector of all unknown pixels, read, not mapped.

        What is mapped counts as memory of this process.

        Parameters
        ----------
        name : str
            Name of the arrays.
        row : int
            Row of a file that holds several vectors.
        start : int
            Number of the first pixel.
        length : int
            How many at most.
        """
        count = max(1, self.unknown_count)
        length = min(length, self.unknown_count - start)
        offset = EMPTY + 4 * (row * count + start)
        return np.fromfile(self.file(name), np.float32, length, offset=offset)

    def load_several(self, name: str, block: int | None = None) -> dict[str, NDArray[Any]]:
        """Return arrays that were kept together.

        Parameters
        ----------
        name : str
            Name of the arrays.
        block : int, optional
            Number of a block; the whole plane by default.
        """
        with np.load(self.file(name, block)) as stored:
            return dict(stored)

    def keep(self, name: str, block: int | None, value: NDArray[Any] | dict[str, Any]) -> None:
        """Write arrays: the file is there when it is complete.

        Parameters
        ----------
        name : str
            Name of the arrays.
        block : int or None
            Number of a block; None for the whole plane.
        value : array, or dict of arrays
            What is kept.
        """
        write_array(self.file(name, block), value)


@lru_cache(maxsize=2)
def _whole(path: Path) -> Whole:
    with np.load(path) as stored:
        kept = dict(stored)
    low, high, by_type = (kept.pop(name) for name in ("value_low", "value_high", "by_type"))
    values = ValueRange(low, high, bool(by_type)) if len(by_type.shape) == 0 else None
    return Whole(values, np.float32(kept.pop("low")), np.float32(kept.pop("high")), **kept)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is there when it is whole, and not at all if writing it fails.

    Parameters
    ----------
    path : Path
        Its final name.
    """
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}{PARTIAL}")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_array(path: Path, value: NDArray[Any] | dict[str, Any]) -> None:
    """Write an array, or several together, whole or not at all.

    Parameters
    ----------
    path : Path
        Its file.
    value : array, or dict of arrays
        What is kept.
    """
    with whole_file(path) as file:
        if isinstance(value, dict):
            np.savez(file, **value)
        else:
            # Not np.save: what it writes last is lost on a full disk without an error.
            value = np.ascontiguousarray(value)
            header = np.lib.format.header_data_from_array_1_0(value)
            np.lib.format.write_array_header_1_0(file, header)
            file.write(value.data)
