"""Max pooling that remembers where each maximum was, and its way back."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maxima of the 2 × 2 windows of (N, C, H, W), and where in H · W they were."""
    pooled, places = F.max_pool2d(x, 2, return_indices=True)
    return pooled, places


def unpool(x: Tensor, places: Tensor) -> Tensor:
    """Put the values of (N, C, h, w) back where their maxima were; elsewhere is 0.

    torch's own unpooling knows no bfloat16 and cannot be exported.
    """
    batch, channels, height, width = x.shape
    empty = torch.zeros(batch, channels, 4 * height * width, dtype=x.dtype, device=x.device)
    put = empty.scatter(2, places.flatten(2), x.flatten(2))
    return put.reshape(batch, channels, 2 * height, 2 * width)
