"""ComfyUI's nodes on pictures."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import numpy as np

from ...framework.parameters import Slider
from ..node_types import ImageBatch, MaskBatch, floats, node_type, nothing
from ._resizing import repeated, resized
from .masks import LARGEST_SIDE, batched

Kernel = Literal["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]


class Parted(NamedTuple):
    """A picture without its alpha, and the mask of what was transparent."""

    image: ImageBatch
    mask: MaskBatch


def scaled_size(image: ImageBatch, width: int, height: int) -> tuple[int, int]:
    """Return a width and a height of which 0 keeps the proportions; both 0 keep the size.

    Parameters
    ----------
    image : (B, H, W, C) float32
        The pictures.
    width, height : int, pixels
        The new size, or 0.
    """
    tall, wide = image.shape[1:3]
    if width == height == 0:
        return wide, tall
    across = width or max(1, round(wide * height / tall))
    return across, height or max(1, round(tall * width / wide))


def _bytes_scaled(image: ImageBatch, width: int, height: int) -> float:
    # The result, and the one that it is copied from in another order.
    return 2 * floats(len(image), height, width, image.shape[3])


@node_type(
    name="ImageScale",
    title="Upscale Image",
    memory=lambda given: _bytes_scaled(
        given["image"], *scaled_size(given["image"], given["width"], given["height"])
    ),
)
def image_scale(
    image: ImageBatch,
    *,
    upscale_method: Kernel = "nearest-exact",
    width: Annotated[int, Slider(0, LARGEST_SIDE)] = 512,
    height: Annotated[int, Slider(0, LARGEST_SIDE)] = 512,
    crop: Literal["disabled", "center"] = "disabled",
) -> ImageBatch:
    """Resize to a width and a height; 0 for one of them keeps the proportions.

    Parameters
    ----------
    image : (B, H, W, C) float32, 0..1
        The pictures.
    upscale_method : str
        The interpolation.
    width, height : int, pixels
        The new size.
    crop : {"disabled", "center"}
        Whether to cut off what does not fit the new proportions, rather than distort.
    """
    if width == height == 0:
        return image
    width, height = scaled_size(image, width, height)
    return resized(image, width, height, upscale_method, crop == "center")


@node_type(
    name="ImageScaleBy",
    title="Upscale Image By",
    memory=lambda given: 2 * given["image"].nbytes * given["scale_by"] ** 2,
)
def image_scale_by(
    image: ImageBatch,
    *,
    upscale_method: Kernel = "nearest-exact",
    scale_by: Annotated[float, Slider(0.01, 8)] = 1.0,
) -> ImageBatch:
    """Resize by a factor.

    Parameters
    ----------
    image : (B, H, W, C) float32, 0..1
        The pictures.
    upscale_method : str
        The interpolation.
    scale_by : float
        The factor for both sides.
    """
    height, width = (round(side * scale_by) for side in image.shape[1:3])
    return resized(image, width, height, upscale_method)


@node_type(name="ImageInvert", title="Invert Image Colors")
def image_invert(image: ImageBatch) -> ImageBatch:
    """Return the negative."""
    return 1 - image


@node_type(
    name="EmptyImage",
    title="Empty Image",
    memory=lambda given: floats(given["batch_size"], given["height"], given["width"], 3),
)
def empty_image(
    *,
    width: Annotated[int, Slider(1, LARGEST_SIDE)] = 512,
    height: Annotated[int, Slider(1, LARGEST_SIDE)] = 512,
    batch_size: Annotated[int, Slider(1, 4096)] = 1,
    color: Annotated[int, Slider(0, 0xFFFFFF)] = 0,
) -> ImageBatch:
    """Return pictures of one color, given as 0xRRGGBB.

    Parameters
    ----------
    width, height : int, pixels
        The size.
    batch_size : int
        How many pictures.
    color : int
        0xRRGGBB.
    """
    channels = np.array([color >> 16, color >> 8, color]) & 0xFF
    picture = np.broadcast_to(np.float32(channels / 255), (batch_size, height, width, 3))
    return np.ascontiguousarray(picture)


@node_type(
    name="ImageBatch",
    title="Batch Images",
    # The second ones are resized before.
    memory=lambda given: floats(
        len(given["image1"]) + 2 * len(given["image2"]), *given["image1"].shape[1:]
    ),
)
def image_batch(image1: ImageBatch, image2: ImageBatch) -> ImageBatch:
    """Put pictures behind each other; the second ones take the size of the first.

    Parameters
    ----------
    image1, image2 : (B, H, W, C) float32, 0..1
        The pictures.
    """
    channels = max(image1.shape[3], image2.shape[3])
    image1, image2 = (_opaque(image, channels) for image in (image1, image2))
    if image1.shape[1:] != image2.shape[1:]:
        height, width = image1.shape[1:3]
        image2 = resized(image2, width, height, "bilinear", center=True)
    return np.concatenate([image1, image2])


def _opaque(image: ImageBatch, channels: int) -> ImageBatch:
    """Return the picture with an alpha of 1 where it lacks that channel."""
    missing = channels - image.shape[3]
    return np.pad(image, [(0, 0)] * 3 + [(0, missing)], constant_values=1)


@node_type(
    name="RepeatImageBatch",
    title="Repeat Image Batch",
    memory=lambda given: given["image"].nbytes * given["amount"],
)
def repeat_image_batch(
    image: ImageBatch, *, amount: Annotated[int, Slider(1, 4096)] = 1
) -> ImageBatch:
    """Repeat pictures so many times.

    Parameters
    ----------
    image : (B, H, W, C) float32, 0..1
        The pictures.
    amount : int
        How often.
    """
    return np.tile(image, (amount, 1, 1, 1))


@node_type(name="ImageFromBatch", title="Get Image from Batch", memory=nothing)
def image_from_batch(
    image: ImageBatch,
    *,
    batch_index: Annotated[int, Slider(-LARGEST_SIDE, LARGEST_SIDE)] = 0,
    length: Annotated[int, Slider(1, 4096)] = 1,
) -> ImageBatch:
    """Take some pictures out of a batch; a negative index counts from the end.

    Parameters
    ----------
    image : (B, H, W, C) float32, 0..1
        The pictures.
    batch_index : int
        The first one; negative counts from the end.
    length : int
        How many.
    """
    first = batch_index + len(image) if batch_index < 0 else batch_index
    first = max(0, min(len(image) - 1, first))
    return image[first : first + length]


@node_type(name="SplitImageWithAlpha", title="Split Image with Alpha")
def split_image_with_alpha(image: ImageBatch) -> Parted:
    """Part a picture into colors and a mask that is 1 where it is transparent."""
    opaque = image.shape[3] <= 3
    alpha = np.ones(image.shape[:3], np.float32) if opaque else image[..., 3]
    return Parted(image[..., :3], 1 - alpha)


@node_type(
    name="JoinImageWithAlpha",
    title="Join Image with Alpha",
    # Colors and masks as often as needed, and both together.
    memory=lambda given: floats(
        max(len(given["image"]), len(batched(given["alpha"]))), *given["image"].shape[1:3], 9
    ),
)
def join_image_with_alpha(image: ImageBatch, alpha: MaskBatch) -> ImageBatch:
    """Make a picture transparent where the mask is 1.

    Parameters
    ----------
    image : (B, H, W, C) float32, 0..1
        The pictures.
    alpha : (B, H, W) float32, 0..1
        1 is transparent.
    """
    count = max(len(image), len(batched(alpha)))
    height, width = image.shape[1:3]
    mask = resized(batched(alpha)[..., None], width, height, "bilinear")
    opaque = 1 - repeated(mask, count)
    return np.concatenate([repeated(image, count)[..., :3], opaque], axis=3)


@node_type(name="PreviewImage", title="Preview Image", is_end=True, memory=nothing)
def preview_image(images: ImageBatch) -> ImageBatch:
    """Show pictures on the page; without one it only asks for them."""
    return images
