"""Pictures of several layers for image editors: OpenRaster and Photoshop files.

OpenRaster (https://www.openraster.org) is a ZIP of PNGs with a list of them; GIMP, Krita, MyPaint
and Inkscape open it. Photoshop's format is left to psd-tools.
"""

from __future__ import annotations

import io as streams
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from ..arrays import Alpha, Image
from ..errors import DependencyError, FileError, ShapeError, SizeMismatchError
from .images import check_ending, check_target, encoded, is_in_own_numbers, quantized, write_whole

LAYERED = (".ora", ".psd")
THUMBNAIL_SIDE = 256
"""Longest side of the thumbnail in an OpenRaster file, which the format limits to this."""
PSD_MAX_SIDE = 30000


class PictureLayer(NamedTuple):
    """A layer of such a file."""

    name: str
    pixels: NDArray[Any]
    """(H, W), (H, W, 1), (H, W, 3) or (H, W, 4): straight colors, float in 0..1 or uint8."""
    visible: bool = True
    opacity: float = 1.0


def cutout_layers(foreground: Image, alpha: Alpha, background: Image) -> list[PictureLayer]:
    """Return the layers of an object that was cut out: background, object, and its hidden alpha.

    Parameters
    ----------
    foreground, background : (H, W, 3) or (H, W, 1) array, 0..1
    alpha : (H, W) array, 0..1
    """
    colors = np.broadcast_to(foreground, (*alpha.shape, 3))
    return [
        PictureLayer("background", background),
        PictureLayer("foreground", np.dstack([colors, alpha])),
        PictureLayer("alpha", alpha, visible=False),
    ]


def check_layered(path: str | os.PathLike[str], force: bool = False) -> Path:
    """Return the path if a file of layers may be written there.

    Parameters
    ----------
    path : path
        Ends in .ora or .psd.
    force : bool
        Whether an existing file may be overwritten.

    Raises
    ------
    FileError
        If its type is another, its folder is missing, or it exists and `force` is false.
    DependencyError
        If the type needs a package that is not installed.
    """
    path = Path(path)
    check_ending(path, "Layers", LAYERED)
    if path.suffix.lower() == ".psd":
        _psd_tools()
    return check_target(path, force)


def write_layers(
    path: str | os.PathLike[str], layers: Sequence[PictureLayer], *, force: bool = False
) -> Path:
    """Write layers for image editors in 8 bits, whole or not at all.

    Parameters
    ----------
    path : path
        Ends in .ora (OpenRaster) or .psd (Photoshop, with transparency as layer masks).
    layers : sequence of PictureLayer
        From the lowest to the highest, all of the same size.
    force : bool
        Overwrite an existing file.

    Raises
    ------
    MattingError
        If the layers do not fit each other or the format, or the file cannot be written; nothing
        is left of it then.
    """
    target = check_layered(path, force)
    ready = _ready(layers)
    data = _psd(ready) if target.suffix.lower() == ".psd" else _open_raster(ready)
    write_whole(target, data)
    return target


def _ready(layers: Sequence[PictureLayer]) -> list[PictureLayer]:
    """Return layers as (H, W, 4) uint8."""
    if not layers:
        raise FileError("There are no layers", "The file holds one or more", "Select some")
    size = np.shape(layers[0].pixels)[:2]
    return [layer._replace(pixels=_rgba(layer, size)) for layer in layers]


def _rgba(layer: PictureLayer, size: tuple[int, ...]) -> NDArray[np.uint8]:
    array = layer.pixels
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ShapeError(
            f"The layer {layer.name!r} has the shape {layer.pixels.shape}",
            "A layer is one picture, (H, W) or (H, W, 1, 3 or 4)",
            "Save one plane",
        )
    if array.shape[:2] != size:
        raise SizeMismatchError(
            f"The layer {layer.name!r} is {array.shape[1]} × {array.shape[0]} pixels, the lowest "
            f"one {size[1]} × {size[0]}",
            "The layers of a file lie on the same pixels",
            "Select layers of one picture",
        )
    if array.dtype != np.uint8 and (array.dtype.kind != "f" or is_in_own_numbers(array)):
        raise FileError(
            f"The layer {layer.name!r} has values from {array.min():g} to {array.max():g} in "
            f"{array.dtype}",
            "Files of layers hold colors in 0..1, in 8 bits",
            "Save it as .tif, or bring it to 0..1 first",
        )
    array = quantized(array, 8)
    if array.shape[2] == 4:
        return array
    opaque = np.full((*size, 1), 255, np.uint8)
    return np.dstack([np.broadcast_to(array, (*size, 3)), opaque])


def _merged(layers: Sequence[PictureLayer]) -> NDArray[np.float32]:
    """Lay the visible layers over each other (Porter and Duff's *over*)."""
    height, width = layers[0].pixels.shape[:2]
    color: NDArray[Any] = np.zeros((height, width, 3), np.float32)
    alpha: NDArray[Any] = np.zeros((height, width), np.float32)
    for layer in layers:
        if not layer.visible:
            continue
        above = layer.pixels.astype(np.float32) / 255
        a = above[..., 3] * np.float32(layer.opacity)
        color = a[..., None] * above[..., :3] + (1 - a)[..., None] * color
        alpha = a + (1 - a) * alpha
    straight = color / np.maximum(alpha, np.float32(1e-6))[..., None]
    return np.dstack([straight.clip(0, 1), alpha.clip(0, 1)])


def _open_raster(layers: Sequence[PictureLayer]) -> bytes:
    import cv2

    height, width = layers[0].pixels.shape[:2]
    image = ElementTree.Element("image", version="0.0.5", w=str(width), h=str(height))
    stack = ElementTree.SubElement(image, "stack")
    merged = _merged(layers)
    scale = min(1, THUMBNAIL_SIDE / max(height, width))
    side = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(merged, side, interpolation=cv2.INTER_AREA)
    stream = streams.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        # First and not compressed, so that the type can be read at a fixed place.
        file.writestr("mimetype", "image/openraster", zipfile.ZIP_STORED)
        for number, layer in enumerate(layers):
            source = f"data/layer{number}.png"
            entry = ElementTree.Element("layer", name=layer.name, src=source, x="0", y="0")
            entry.set("visibility", "visible" if layer.visible else "hidden")
            entry.set("opacity", f"{layer.opacity:g}")
            stack.insert(0, entry)  # the highest comes first
            file.writestr(source, encoded(source, layer.pixels))
        listing = ElementTree.tostring(image, encoding="UTF-8", xml_declaration=True)
        file.writestr("stack.xml", listing, zipfile.ZIP_DEFLATED)
        file.writestr("mergedimage.png", encoded("m.png", merged))
        file.writestr("Thumbnails/thumbnail.png", encoded("t.png", small))
    return stream.getvalue()


def _psd_tools() -> Any:
    try:
        import psd_tools
    except ImportError as error:
        raise DependencyError(
            f"psd-tools cannot be imported: {error}",
            "Photoshop files are written by it",
            'Run: pip install "matting-nodes[psd]", or save as .ora',
        ) from error
    return psd_tools


def _psd(layers: Sequence[PictureLayer]) -> bytes:
    from PIL import Image as PillowImage

    height, width = layers[0].pixels.shape[:2]
    if max(height, width) > PSD_MAX_SIDE:
        raise FileError(
            f"The picture is {width} × {height} pixels",
            f"A Photoshop file holds at most {PSD_MAX_SIDE} to a side",
            "Save as .ora",
        )
    document = _psd_tools().PSDImage.new("RGB", (width, height))
    for layer in layers:
        opaque = bool((layer.pixels[..., 3] == 255).all())
        pixels = np.ascontiguousarray(layer.pixels[..., :3] if opaque else layer.pixels)
        made = document.create_pixel_layer(
            PillowImage.fromarray(pixels), name=layer.name, opacity=round(255 * layer.opacity)
        )
        made.visible = layer.visible
    stream = streams.BytesIO()
    document.save(stream)
    return stream.getvalue()
