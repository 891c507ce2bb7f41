"""Blur fusion: colors of both sides from two blurs, on any device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np

from ..arrays import Alpha, Image
from ..framework.parameters import Advanced, Slider
from ..framework.register import method
from ..models import torch_device

if TYPE_CHECKING:
    import torch


@method("estimate_foreground", title="Blur fusion")
def blur_fusion(
    image: Image,
    alpha: Alpha,
    *,
    radius: Annotated[int, Slider(1, 500, unit="px"), Advanced()] = 45,
    device: str,
) -> tuple[Image, Image]:
    """Estimate the colors from two blurs, a wide and a narrow one: fast, also on a GPU.

    Good along hair and hard edges; on wide soft ramps, such as smoke, about half of the old
    background stays in the colors.

    Parameters
    ----------
    image : (H, W, 3) or (H, W, 1) float32, 0..1
        The picture.
    alpha : (H, W) float32, 0..1
        Its matte.
    radius : int, pixels
        Radius of the wide blur; that of the narrow one is a fifteenth.

    Returns
    -------
    foreground, background : like image

    Notes
    -----
    Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021: windows of 90 and 6
    pixels, here 91 and 7, so that they have a center pixel.
    """
    import torch

    where = torch_device(device)
    mixed = torch.from_numpy(image).permute(2, 0, 1)[None].to(where)
    part = torch.from_numpy(alpha)[None, None].to(where)
    first, background = _fuse(mixed, mixed, mixed, part, radius)
    foreground, background = _fuse(mixed, first, background, part, max(1, radius // 15))
    return _array(foreground), _array(background)


def _fuse(
    mixed: torch.Tensor,
    foreground: torch.Tensor,
    background: torch.Tensor,
    alpha: torch.Tensor,
    radius: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return both sides' colors, blurred with their weights, and F corrected to explain I."""
    part, rest = _blur(alpha, radius), _blur(1 - alpha, radius)
    # F̂ = blur(F α) / blur(α) and B̂ = blur(B (1 − α)) / blur(1 − α)
    front = _blur(foreground * alpha, radius) / (part + 1e-5)
    back = _blur(background * (1 - alpha), radius) / (rest + 1e-5)
    # F = F̂ + α (I − α F̂ − (1 − α) B̂)
    left = mixed - alpha * front - (1 - alpha) * back
    return (front + alpha * left).clamp(0, 1), back.clamp(0, 1)


def _blur(values: torch.Tensor, radius: int) -> torch.Tensor:
    """Return the mean over windows of 2 radius + 1 pixels a side, cut off at the border."""
    from torch.nn.functional import avg_pool2d

    size, pad = 2 * radius + 1, radius
    rows = avg_pool2d(values, (1, size), 1, (0, pad), count_include_pad=False)
    return avg_pool2d(rows, (size, 1), 1, (pad, 0), count_include_pad=False)


def _array(picture: torch.Tensor) -> Image:
    return np.ascontiguousarray(picture[0].permute(1, 2, 0).cpu().numpy())
