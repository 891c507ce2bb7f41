"""Pictures decoded as ComfyUI's Load Image decodes them: by FFmpeg, through PyAV.

FFmpeg's JPEG decoder, its upsampling of color and its conversions to float differ from
Pillow's by up to a tenth of the range at sharp edges, so only FFmpeg gives the same pixels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import Pixels
from ...errors import DependencyError, FileError, MattingError
from ...io.declared import check_pixels
from ...io.decoding import open_picture
from ...memory import check_memory
from ..node_types import ImageBatch, MaskBatch
from ..wires import PLACEHOLDER

# Formats that stay in 8 bits; FFmpeg turns all others into floats.
EIGHT_BITS = ("yuvj420p", "yuvj422p", "yuvj444p", "rgb24", "rgba", "pal8")
ALIGNMENT = 32


def decode(path: Path) -> tuple[ImageBatch, MaskBatch]:
    """Return a file's pictures, and masks that are 1 where they are transparent.

    Returns
    -------
    image : (B, H, W, 3) float32, 0..1
        All frames of a video or an animation.
    mask : (B, H, W) float32, 0..1
        (B, 64, 64) zeros if the file has no transparency.

    Raises
    ------
    DependencyError
        If PyAV is not installed.
    FileError
        If the file holds no picture.
    """
    try:
        import av
    except ImportError as error:
        raise DependencyError(
            f"PyAV cannot be imported: {error}",
            "Load Image decodes with it, as in ComfyUI, or else the pixels would differ",
            'Run: pip install "matting-nodes[run]"; or use Load Picture, which does without',
        ) from error
    try:
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            check_pixels(path, stream.width * stream.height)
            frames = _frames(file)
    except MattingError as error:
        raise error.within(path.name) from error
    except Exception as error:
        raise _unreadable(path, error) from error
    # FFmpeg cannot read animated WebP.
    return _parted(frames) if frames else _by_pillow(path)


def _frames(file: Any) -> list[NDArray[np.float32]]:
    """Return every frame as (H, W, 3) or (H, W, 4), all in the form that the first one needs."""
    import av

    frames: list[NDArray[np.float32]] = []
    form, align = "", None
    for packet in file.demux(file.streams.video[0]):
        try:
            decoded = packet.decode()
        except av.error.InvalidDataError:
            continue  # a broken frame among whole ones
        for frame in decoded:
            if not form:
                form = _form(frame)
                align = _aligner(frame) if form[0] == "g" and frame.width % ALIGNMENT else None
            size = frame.height, frame.width
            turns = round(frame.rotation // 90)
            array = (align(frame) if align else frame).to_ndarray(format=form)
            array = np.rot90(array[: size[0], : size[1]], turns)
            check_memory(2 * 4 * array.size, f"Frame {len(frames)} of a video")
            frames.append(_unit(array) if array.dtype == np.uint8 else array)
    return frames


def _form(frame: Any) -> str:
    """Return what to convert to: 8 bits where the file holds those as RGB or JPEG, or floats."""
    name = frame.format.name
    if name.startswith("grayf32"):
        raise FileError(
            "Grey of 32 bits cannot be decoded by FFmpeg",
            "It converts these numbers only roughly",
            "Use Load Picture, or save it with 16 bits",
        )
    # A palette may hold transparent colors.
    alpha = name == "pal8" or any(part.is_alpha for part in frame.format.components)
    if name in EIGHT_BITS:
        return "rgba" if alpha else "rgb24"
    return "gbrapf32le" if alpha else "gbrpf32le"


def _aligner(first: Any) -> Any:
    """Return a function that pads frames to full blocks, the last pixels repeated.

    Without this FFmpeg's conversion reads beyond the row, and the last columns vary.
    """
    from av.filter import Graph

    wide, tall = (side + -side % ALIGNMENT for side in (first.width, first.height))
    right, bottom = wide - first.width, tall - first.height
    graph = Graph()
    buffer = graph.add_buffer(
        width=first.width,
        height=first.height,
        format=first.format.name,
        time_base=first.time_base,
    )
    borders = f"left=0:right={right}:top=0:bottom={bottom}:mode=smear"
    pad, fill = graph.add("pad", f"{wide}:{tall}:0:0"), graph.add("fillborders", borders)
    graph.link_nodes(buffer, pad, fill, graph.add("buffersink")).configure()

    def align(frame: Any) -> Any:
        graph.push(frame)
        return graph.pull()

    return align


def _parted(frames: list[NDArray[np.float32]]) -> tuple[ImageBatch, MaskBatch]:
    check_memory(sum(frame.nbytes for frame in frames), f"A batch of {len(frames)} frames")
    pictures = np.stack(frames)
    if pictures.shape[3] == 4:
        return np.ascontiguousarray(pictures[..., :3]), 1 - pictures[..., 3]
    return pictures, np.zeros((len(frames), *PLACEHOLDER[1:]), np.float32)


def _by_pillow(path: Path) -> tuple[ImageBatch, MaskBatch]:
    from PIL import ImageOps, ImageSequence

    try:
        with open_picture(path) as file:
            check_pixels(path, getattr(file, "n_frames", 1) * file.size[0] * file.size[1])
            if file.mode[0] in "IF":
                raise FileError(
                    f"{path} holds numbers of more than 8 bits that FFmpeg does not read",
                    "Load Image would cut them off at 255",
                    "Save it as PNG or TIFF, with the ending of its type, or use Load Picture",
                )
            upright = [ImageOps.exif_transpose(frame) for frame in ImageSequence.Iterator(file)]
    except MattingError:
        raise
    except Exception as error:
        raise _unreadable(path, error) from error
    same = [frame for frame in upright if frame.size == upright[0].size]
    transparent = "A" in same[0].getbands()
    mode = "RGBA" if transparent else "RGB"
    return _parted([_unit(np.asarray(frame.convert(mode))) for frame in same])


def _unit(array: Pixels) -> NDArray[np.float32]:
    """Return 8 bits as floats."""
    return array.astype(np.float32) / np.float32(255)


def _unreadable(path: Path, error: Exception) -> FileError:
    return FileError(
        f"{path} cannot be decoded: {error}",
        "It must be a whole picture or video",
        "Open it in another program and save it again",
    )
