"""ComfyUI's nodes on masks."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from ...errors import ShapeError, SizeMismatchError
from ...framework.parameters import Slider
from ...job import Job
from ..node_types import ImageBatch, MaskBatch, floats, node_type, nothing

CHANNELS = ("red", "green", "blue", "alpha")
# ComfyUI's largest width and height.
LARGEST_SIDE = 16384


def batched(mask: MaskBatch) -> MaskBatch:
    """Return a mask with its batch axis; single ones may come without."""
    return mask.reshape(-1, *mask.shape[-2:])


@node_type(
    name="MaskToImage",
    title="Convert Mask to Image",
    memory=lambda given: 3 * given["mask"].nbytes,
)
def mask_to_image(mask: MaskBatch) -> ImageBatch:
    """Return a mask as a grey picture of three channels."""
    return np.repeat(batched(mask)[..., None], 3, axis=3)


@node_type(name="ImageToMask", title="Convert Image to Mask", memory=nothing)
def image_to_mask(
    image: ImageBatch, *, channel: Literal["red", "green", "blue", "alpha"] = "red"
) -> MaskBatch:
    """Return one channel as a mask.

    Parameters
    ----------
    image : (B, H, W, C) float32, 0..1
        The pictures.
    channel : {"red", "green", "blue", "alpha"}
        Which channel.
    """
    index = CHANNELS.index(channel)
    if index >= image.shape[3]:
        raise ShapeError(
            f"The image has {image.shape[3]} channels",
            f"{channel} is the fourth",
            "Choose red, green or blue, or load a picture with transparency",
        )
    return image[..., index]


@node_type(name="InvertMask", title="Invert Mask")
def invert_mask(mask: MaskBatch) -> MaskBatch:
    """Turn foreground and background around."""
    return 1 - mask


@node_type(
    name="SolidMask",
    title="Create Solid Mask",
    memory=lambda given: floats(given["height"], given["width"]),
)
def solid_mask(
    *,
    value: Annotated[float, Slider(0, 1)] = 1.0,
    width: Annotated[int, Slider(1, LARGEST_SIDE)] = 512,
    height: Annotated[int, Slider(1, LARGEST_SIDE)] = 512,
) -> MaskBatch:
    """Return a mask of one value.

    Parameters
    ----------
    value : float, 0..1
        The value of every pixel.
    width, height : int, pixels
        The size.
    """
    return np.full((1, height, width), value, np.float32)


@node_type(name="ThresholdMask", title="Threshold Mask")
def threshold_mask(mask: MaskBatch, *, value: Annotated[float, Slider(0, 1)] = 0.5) -> MaskBatch:
    """Return 1 where the mask is above the value, 0 elsewhere.

    Parameters
    ----------
    mask : (B, H, W) float32, 0..1
        The masks.
    value : float, 0..1
        The threshold.
    """
    return (mask > np.float32(value)).astype(np.float32)


@node_type(name="CropMask", title="Crop Mask", memory=nothing)
def crop_mask(
    mask: MaskBatch,
    *,
    x: Annotated[int, Slider(0, LARGEST_SIDE)] = 0,
    y: Annotated[int, Slider(0, LARGEST_SIDE)] = 0,
    width: Annotated[int, Slider(1, LARGEST_SIDE)] = 512,
    height: Annotated[int, Slider(1, LARGEST_SIDE)] = 512,
) -> MaskBatch:
    """Cut a rectangle out.

    Parameters
    ----------
    mask : (B, H, W) float32, 0..1
        The masks.
    x, y : int, pixels
        The rectangle's left and upper edge.
    width, height : int, pixels
        Its size.
    """
    cropped = batched(mask)[:, y : y + height, x : x + width]
    if not cropped.size:
        raise ShapeError(
            f"The rectangle begins at ({x}, {y}) and the mask is "
            f"{mask.shape[-1]} × {mask.shape[-2]} pixels",
            "The rectangle must hold a pixel of the mask",
            "Choose a smaller x and y",
        )
    return cropped


@node_type(name="GrowMask", title="Grow Mask")
def grow_mask(
    mask: MaskBatch,
    *,
    expand: Annotated[int, Slider(-LARGEST_SIDE, LARGEST_SIDE)] = 0,
    tapered_corners: bool = True,
    job: Job,
) -> MaskBatch:
    """Dilate a mask by this many pixels, or erode it if negative.

    Parameters
    ----------
    mask : (B, H, W) float32, 0..1
        The masks.
    expand : int, pixels
        How far to dilate; negative erodes.
    tapered_corners : bool
        Leave the corners of the structuring element out.
    job : Job
        Progress and cancel.
    """
    import cv2

    corner = not tapered_corners
    footprint = np.array([[corner, 1, corner], [1, 1, 1], [corner, 1, corner]], np.uint8)
    grown = cv2.erode if expand < 0 else cv2.dilate
    result = batched(mask).copy()
    for frame, part in job.each(result):
        for step in range(abs(expand)):
            part.step(step, abs(expand), "Grow Mask")
            before = frame.copy()
            frame[...] = grown(before, footprint)
            if (frame == before).all():  # all that follow change nothing either
                break
    return result


@node_type(name="MaskComposite", title="Combine Masks")
def mask_composite(
    destination: MaskBatch,
    source: MaskBatch,
    *,
    x: Annotated[int, Slider(0, LARGEST_SIDE)] = 0,
    y: Annotated[int, Slider(0, LARGEST_SIDE)] = 0,
    operation: Literal["multiply", "add", "subtract", "and", "or", "xor"] = "multiply",
) -> MaskBatch:
    """Combine a mask with another that is laid over it at a place.

    Parameters
    ----------
    destination, source : (B, H, W) float32, 0..1
        The masks below and above.
    x, y : int, pixels
        Where the source's upper left corner lies.
    operation : str
        How values are combined.
    """
    result = batched(destination).copy()
    below = result[:, y:, x:][:, : source.shape[-2], : source.shape[-1]]
    above = batched(source)[:, : below.shape[1], : below.shape[2]]
    if len(above) not in (1, len(below)):
        raise SizeMismatchError(
            f"The destination has {len(below)} masks and the source {len(above)}",
            "The source has one mask, which then serves all, or as many",
            "Take the same masks of both",
        )
    # below is a view: this changes the result.
    below[...] = _combined(below, above, operation)
    return result.clip(0, 1)


def _combined(below: MaskBatch, above: MaskBatch, operation: str) -> MaskBatch:
    if operation in ("multiply", "add", "subtract"):
        result: MaskBatch = getattr(np, operation)(below, above)
        return result
    logic = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}[operation]
    return logic(np.round(below), np.round(above)).astype(np.float32)


@node_type(name="FeatherMask", title="Feather Mask")
def feather_mask(
    mask: MaskBatch,
    *,
    left: Annotated[int, Slider(0, LARGEST_SIDE)] = 0,
    top: Annotated[int, Slider(0, LARGEST_SIDE)] = 0,
    right: Annotated[int, Slider(0, LARGEST_SIDE)] = 0,
    bottom: Annotated[int, Slider(0, LARGEST_SIDE)] = 0,
) -> MaskBatch:
    """Fade a mask out towards its borders, over so many pixels a side.

    Parameters
    ----------
    mask : (B, H, W) float32, 0..1
        The masks.
    left, top, right, bottom : int, pixels
        How wide the fade is on each side.
    """
    result = batched(mask).copy()
    height, width = result.shape[1:]
    result *= _fade(width, left)
    result *= _fade(width, right)[::-1]
    result *= _fade(height, top)[:, None]
    result *= _fade(height, bottom)[::-1, None]
    return result


def _fade(length: int, reach: int) -> np.ndarray:
    reach = min(reach, length)
    fade = np.ones(length, np.float32)
    fade[:reach] = np.arange(1, reach + 1) / max(reach, 1)
    return fade


@node_type(name="MaskPreview", title="Preview Mask", is_end=True, memory=nothing)
def mask_preview(mask: MaskBatch) -> MaskBatch:
    """Show a mask on the page; without one it only asks for it."""
    return mask
