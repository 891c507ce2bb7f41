"""Max pooling that remembers where each maximum was, and its way back."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maxima of the 2 × 2 windows of (N, C, H, W), and where in its window each was.

    0 is the upper left, 1 the upper right, 2 the lower left, 3 the lower right: unlike torch's
    own indices these are true of a part of the picture too.
    """
    pooled, places = F.max_pool2d(x, 2, return_indices=True)
    height, width = x.shape[2:]
    lower = places >= width * torch.arange(1, height, 2, device=x.device)[:, None]
    # Where the width is odd, rows begin at odd numbers too.
    right = (places % width if width % 2 else places) & 1
    return pooled, right.to(torch.uint8) + 2 * lower


def unpool(x: Tensor, places: Tensor, size: tuple[int, int] | None = None) -> Tensor:
    """Put the values of (N, C, h, w) back where their maxima were; elsewhere is 0.

    torch's own unpooling knows no bfloat16 and cannot be exported.

    Parameters
    ----------
    size : (H, W), optional
        Size of the result, where it was odd; twice that of x if not given.
    """
    batch, channels, height, width = x.shape
    high, wide = size or (2 * height, 2 * width)
    rows, columns = (2 * torch.arange(side, device=x.device) for side in (height, width))
    first = wide * rows[:, None] + columns
    places = first + (places & 1) + (places >> 1) * wide
    empty = torch.zeros(batch, channels, high * wide, dtype=x.dtype, device=x.device)
    put = empty.scatter(2, places.flatten(2), x.flatten(2))
    return put.reshape(batch, channels, high, wide)
