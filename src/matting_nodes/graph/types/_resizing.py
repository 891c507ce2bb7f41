"""Pictures brought to another size by the kernels that ComfyUI uses."""

from __future__ import annotations

import numpy as np

from ...errors import ShapeError
from ..node_types import ImageBatch


def resized(
    image: ImageBatch, width: int, height: int, kernel: str, center: bool = False
) -> ImageBatch:
    """Return (B, height, width, C) pictures.

    Parameters
    ----------
    image : (B, H, W, C) float32
        The pictures.
    width, height : int, pixels
        The new size.
    kernel : str
        lanczos (Pillow's, in 8 bits), or one of PyTorch's.
    center : bool
        Cut off what does not fit the new proportions, rather than distort.

    Raises
    ------
    ShapeError
        If no pixel would remain.
    """
    original = image.shape
    if center:
        image = _cut(image, width, height)
    if not (width and height and image.size):
        raise ShapeError(
            f"{original[2]} × {original[1]} pixels are to become {width} × {height}",
            "A picture has at least one pixel",
            "Choose a larger size or factor",
        )
    if kernel == "lanczos":
        return _lanczos(image, width, height)
    import torch

    # A view with channels in front, not a copy: the order in memory decides the last bits.
    channels_first = torch.from_numpy(image).movedim(-1, 1)
    sized = torch.nn.functional.interpolate(channels_first, size=(height, width), mode=kernel)
    result: ImageBatch = np.ascontiguousarray(sized.movedim(1, -1).numpy())
    return result


def _cut(image: ImageBatch, width: int, height: int) -> ImageBatch:
    """Cut off both sides, or top and bottom, until the proportions are the new ones."""
    tall, wide = image.shape[1:3]
    old, new = wide / tall, width / height
    x = round((wide - wide * (new / old)) / 2) if old > new else 0
    y = round((tall - tall * (old / new)) / 2) if old < new else 0
    return image[:, y : tall - y, x : wide - x]


def _lanczos(image: ImageBatch, width: int, height: int) -> ImageBatch:
    from PIL import Image

    frames = (np.float32(255) * image).clip(0, 255).astype(np.uint8)
    kernel = Image.Resampling.LANCZOS
    sized = [Image.fromarray(frame).resize((width, height), kernel) for frame in frames]
    return np.stack([np.asarray(frame).astype(np.float32) for frame in sized]) / np.float32(255)


def repeated(batch: ImageBatch, count: int) -> ImageBatch:
    """Return a batch of this many frames, its own over and over.

    Parameters
    ----------
    batch : (B, H, W, C) float32
        The frames.
    count : int
        How many to return.
    """
    return batch[np.arange(count) % len(batch)]
