"""Load Picture and Save Picture: files of 8, 16 and 32 bits, TIFF, planes and channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from ...arrays import Pixels, check_same_size, unit_range
from ...errors import FileError, MissingInputError, ParameterError
from ...framework.normalization import Mode, ValueRange, measured, normalized
from ...framework.parameters import Advanced, Slider
from ...io.images import Bits, write_image
from ...io.stacks import read_stack, write_stack
from ...job import Job
from ...memory import check_memory
from ..folders import Folders
from ..node_types import ImageBatch, MaskBatch, Saved, floats, node_type
from .comfy_files import as_texts

FORMATS = {"png": ".png", "tiff": ".tif", "jpeg": ".jpg"}
DEPTHS = {"png": ("8", "16"), "tiff": ("8", "16", "32"), "jpeg": ("8",)}


class Picture(NamedTuple):
    """Colors and opacity of what a file holds."""

    image: ImageBatch
    alpha: MaskBatch
    mask: MaskBatch


def file_is_there(parameters: Mapping[str, object], folders: Folders) -> None:
    """Refuse a file that is not there.

    Parameters
    ----------
    parameters : mapping
        The node's parameters by name.
    folders : Folders
        Where files are looked for.
    """
    folders.find(str(parameters["image"]))


@node_type(
    title="Load Picture",
    check=file_is_there,
    aliases=("load 16-bit", "load TIFF", "load stack", "load sequence", "load alpha"),
    renamed={"file": "image"},
)
def load_picture(
    *,
    image: str = "lemur.png [sample]",
    channel: Annotated[int, Slider(0, 1000), Advanced()] = 0,
    first: Annotated[int, Slider(0, 1_000_000), Advanced()] = 0,
    count: Annotated[int, Slider(0, 1_000_000), Advanced()] = 0,
    stretch: Annotated[bool, Advanced()] = False,
    folders: Folders,
) -> Picture:
    """Load a picture of any depth, the planes of a TIFF, or a folder of pictures.

    Nothing passes through 8 bits: 16-bit and float files keep all their values.

    Parameters
    ----------
    image : str
        A picture or a folder of pictures in the input folder, or one of the samples.
    channel : int
        Which channel of a measurement, counted from 1, to take as grey; 0 takes colors.
    first : int
        The first frame that is loaded, counted from 0.
    count : int
        How many frames are loaded; 0 loads all.
    stretch : bool
        Bring the smallest value of all frames to 0 and the largest to 1. Files of signed
        numbers, or of floats beyond 0..1, are always loaded so.

    Returns
    -------
    image : (B, H, W, 3) float32, 0..1
        Straight colors; grey is repeated.
    alpha : (B, H, W) float32, 0..1
        1 is opaque, as everything in a file without transparency is.
    mask : (B, H, W) float32, 0..1
        1 where the file is transparent, and where the Mask Editor painted, as of Load Image.
    """
    path = folders.find(image)
    frames = read_stack(path, channel)
    chosen = frames[first : first + count if count else None]
    if not chosen:
        raise ParameterError(
            f"{path.name} has {len(frames)} frames, and the first to load is number {first}",
            "Frames are counted from 0",
            f"Choose a first frame up to {len(frames) - 1}",
        )
    return as_batches(chosen, path.name, stretch)


def as_batches(frames: list[Pixels], name: str, stretch: bool = False) -> Picture:
    """Return decoded frames as they travel in a graph.

    Parameters
    ----------
    frames : list of (H, W), (H, W, 3) or (H, W, 4) arrays
        Of one size.
    name : str
        What the picture is called in errors.
    stretch : bool
        As for `load_picture`.
    """
    return _as_batches(frames, _range(frames, stretch, name), name)


def _colors(frame: Pixels) -> Pixels:
    """Return a frame as (H, W, C) without its alpha."""
    return frame[..., None] if frame.ndim == 2 else frame[..., :3]


def _range(frames: list[Pixels], stretch: bool, name: str) -> ValueRange | None:
    """Return which values of all frames become 0 and 1; None for what their type says."""
    says = all(
        c.dtype.kind in "bu" or (c.dtype.kind == "f" and c.min() >= 0 and c.max() <= 1)
        for c in map(_colors, frames)
    )
    mode: Mode = "none" if says and not stretch else "stack"
    return measured(map(_colors, frames), mode, name)


def _as_batches(frames: list[Pixels], values: ValueRange | None, name: str) -> Picture:
    """Fill the batches one frame at a time: all at once would need twice their memory."""
    size = frames[0].shape[:2]
    check_memory(floats(len(frames), *size, 5), f"{name} as {len(frames)} pictures of float32")
    image = np.empty((len(frames), *size, 3), np.float32)
    alpha = np.ones((len(frames), *size), np.float32)
    for index, frame in enumerate(frames):
        image[index] = normalized(_colors(frame), values, name)
        if frame.shape[2:] == (4,):
            alpha[index] = unit_range(frame[..., 3], name)
    return Picture(image, alpha, 1 - alpha)


def can_be_saved(parameters: Mapping[str, object], folders: Folders) -> None:
    """Refuse a depth that the format lacks, and a saver that nothing is wired to.

    Parameters
    ----------
    parameters : mapping
        The node's inputs and parameters by name.
    folders : Folders
        Where files are written.
    """
    kind, depth, stack = (
        str(parameters["file_type"]),
        str(parameters["bits"]),
        parameters["one_file"],
    )
    if depth != "auto" and depth not in DEPTHS[kind]:
        raise FileError(
            f"bits of Save Picture is {depth} and file_type is {kind}",
            f"{kind} holds {' or '.join(DEPTHS[kind])} bits",
            "Choose tiff, or auto",
        )
    if stack and kind != "tiff":
        raise FileError(
            f"one_file of Save Picture is on and file_type is {kind}",
            "Only TIFF holds several frames",
            "Choose tiff, or switch one_file off",
        )
    given = [parameters.get(name) is not None for name in ("image", "alpha")]
    if kind == "jpeg" and all(given):
        raise FileError(
            "Save Picture got an image and an alpha, and file_type is jpeg",
            "JPEG holds no transparency",
            "Choose png or tiff, or lay the object over a color first",
        )
    if not any(given):
        raise MissingInputError(
            "Save Picture got neither an image nor an alpha", "It needs one", "Wire one of them"
        )
    folders.check_target(str(parameters["filename_prefix"]), FORMATS[kind])


def _bytes_of(given: Mapping[str, Any]) -> float:
    return float(sum(given[n].nbytes for n in ("image", "alpha") if given.get(n) is not None))


@node_type(
    title="Save Picture",
    is_end=True,
    check=can_be_saved,
    aliases=("save 16-bit", "save TIFF", "save alpha", "save stack", "export"),
    # Frames that are saved one after the other take no memory to speak of.
    memory=lambda given: 4 * _bytes_of(given) if given.get("one_file") else 0,
)
def save_picture(
    image: ImageBatch | None = None,
    alpha: MaskBatch | None = None,
    *,
    filename_prefix: str = "matting",
    file_type: Literal["png", "tiff", "jpeg"] = "png",
    bits: Literal["auto", "8", "16", "32"] = "auto",
    one_file: Annotated[bool, Advanced()] = False,
    folders: Folders,
    job: Job,
    embedded: Mapping[str, object],
) -> Saved:
    """Save pictures, alphas, or pictures with an alpha, in 8, 16 or 32 bits.

    A PNG holds the workflow, too, so that it can be dropped on ComfyUI's page.

    Parameters
    ----------
    image : (B, H, W, C) float32, 0..1
        The colors; straight where there is an alpha.
    alpha : (B, H, W) float32, 0..1
        1 is opaque. Alone it is saved in grey, with an image as its transparency.
    filename_prefix : str
        How the files are called; a number follows.
    file_type : {"png", "tiff", "jpeg"}
        JPEG holds no transparency.
    bits : {"auto", "8", "16", "32"}
        Bits per channel; auto takes 16 for an alpha as PNG, 32 (float) for TIFF, else 8.
    one_file : bool
        Save all frames as the planes of one TIFF.
    """
    images = [] if image is None else list(image)
    alphas = [] if alpha is None else list(alpha.reshape(-1, *alpha.shape[-2:]))
    total = max(len(images), len(alphas))
    layers = [_filled(frames, total) for frames in (images, alphas) if frames]
    check_same_size({n: f[0] for n, f in (("image", images), ("alpha", alphas)) if f})
    depth = None if bits == "auto" else cast("Bits", int(bits))
    size = layers[0][0].shape[1], layers[0][0].shape[0]
    paths = folders.target(filename_prefix, FORMATS[file_type], 1 if one_file else total, size)
    if one_file:
        frames = list(map(_joined, *layers))
        return Saved(files=(write_stack(paths[0], frames, bits=depth or 32),))
    # One frame at a time: a batch may fill most of the memory.
    for index, (path, frame) in enumerate(zip(paths, map(_joined, *layers), strict=True)):
        job.step(index, total, "Save Picture")
        write_image(path, frame, bits=depth, force=True, texts=as_texts(embedded))
    return Saved(files=tuple(paths))


def _joined(frame: NDArray[np.float32], *opaque: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image or an alpha as it is saved, or an image with its alpha."""
    joined = np.dstack([frame[..., :3], *opaque]) if opaque else frame
    return joined.clip(0, 1)


def _filled(frames: list[NDArray[np.float32]], count: int) -> list[NDArray[np.float32]]:
    """Return as many frames; one image or one alpha serves all of the other."""
    if len(frames) not in (1, count):
        raise ParameterError(
            f"Save Picture got batches of {count} and {len(frames)} frames",
            "They must have one frame, which then serves all, or the same number",
            "Select the same frames of each",
        )
    return frames * count if len(frames) == 1 else frames
