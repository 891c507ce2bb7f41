"""ComfyUI's nodes that load and save pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

import numpy as np

from ...io.images import with_texts, write_whole
from ..folders import Folders
from ..node_types import ImageBatch, MaskBatch, Saved, Wire, node_type, nothing
from ..wires import IMAGE


class Loaded(NamedTuple):
    """A picture, and the mask of what is transparent."""

    image: ImageBatch
    mask: MaskBatch


def is_there(parameters: Mapping[str, object], folders: Folders) -> None:
    """Refuse a picture that is not there.

    Parameters
    ----------
    parameters : mapping
        The node's parameters by name.
    folders : Folders
        Where files are looked for.
    """
    folders.find(str(parameters["image"]))


@node_type(name="LoadImage", title="Load Image", check=is_there)
def load_image(*, image: str = "", folders: Folders) -> Loaded:
    """Load a picture and a mask that is 1 where it is transparent.

    Parameters
    ----------
    image : str
        A file in the input folder.
    folders : Folders
        Where files are looked for.
    """
    from ._decoding import decode

    return Loaded(*decode(folders.find(image)))


@node_type(name="LoadImageMask", title="Load Image (as Mask)", check=is_there)
def load_image_mask(
    *,
    image: str = "",
    channel: Literal["alpha", "red", "green", "blue"] = "alpha",
    folders: Folders,
) -> MaskBatch:
    """Load one channel of a picture; alpha is the mask of what is transparent.

    Parameters
    ----------
    image : str
        A file in the input folder.
    channel : {"alpha", "red", "green", "blue"}
        Which channel.
    folders : Folders
        Where files are looked for.
    """
    colors, mask = load_image(image=image, folders=folders)
    return mask if channel == "alpha" else colors[..., ("red", "green", "blue").index(channel)]


def can_be_saved(parameters: Mapping[str, object], folders: Folders) -> None:
    """Refuse a prefix that leads elsewhere, or to what exists.

    Parameters
    ----------
    parameters : mapping
        The node's parameters by name.
    folders : Folders
        Where files are written.
    """
    folders.check_target(str(parameters["filename_prefix"]), ".png")


@node_type(name="SaveImage", title="Save Image", is_end=True, check=can_be_saved, memory=nothing)
def save_image(
    images: ImageBatch,
    *,
    filename_prefix: str = "ComfyUI",
    folders: Folders,
    embedded: Mapping[str, object],
) -> Annotated[Saved, Wire(IMAGE)]:
    """Save pictures as 8-bit PNG, with the workflow inside.

    Parameters
    ----------
    images : (B, H, W, C) float32, 0..1
        The pictures.
    filename_prefix : str
        As `Folders.target` reads it.
    folders : Folders
        Where files are written.
    embedded : mapping
        JSON values that the files hold of how they were made, by name.
    """
    height, width = images.shape[1:3]
    paths = folders.target(filename_prefix, ".png", len(images), (width, height))
    for path, image in zip(paths, images, strict=True):
        frame = (np.float32(255) * image).clip(0, 255).astype(np.uint8)
        write_whole(path, _png(frame, embedded))
    return Saved((images,), tuple(paths))


def as_texts(embedded: Mapping[str, object]) -> dict[str, str]:
    """Return what a PNG holds of its making: the page opens the workflow from such a picture."""
    return {name: json.dumps(value) for name, value in embedded.items()}


def _png(frame: np.ndarray, embedded: Mapping[str, object]) -> bytes:
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, "png", compress_level=4)
    return with_texts(stream.getvalue(), as_texts(embedded))
