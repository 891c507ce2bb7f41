"""The multilevel method's sweeps as tensors, for a GPU: the same equations in the same order."""

from __future__ import annotations

import torch
from torch.nn.functional import pad

Tensor = torch.Tensor


def resized(picture: Tensor, height: int, width: int) -> Tensor:
    """Return a picture resized by nearest neighbors.

    Parameters
    ----------
    picture : (C, h, w) tensor
    height, width : int, pixels
    """
    rows = torch.arange(height, device=picture.device) * picture.shape[1] // height
    columns = torch.arange(width, device=picture.device) * picture.shape[2] // width
    return picture[:, rows][:, :, columns]


def solve(
    image: Tensor,
    alpha: Tensor,
    foreground: Tensor,
    background: Tensor,
    regularization: float,
    iterations: int,
) -> tuple[Tensor, Tensor]:
    """Return the colors of one level after some red-black iterations.

    Parameters
    ----------
    image : (C, H, W) tensor
    alpha : (1, H, W) tensor
    foreground, background : (C, H, W) tensor
        The colors to begin with.
    regularization : float
        Weight of smoothness.
    iterations : int
        Each is a red and a black sweep.
    """
    # The same equations as in _multilevel.py.
    a, b = alpha, 1 - alpha
    around = _neighbors(alpha)
    weights = regularization + (a - around).abs()
    solid = (a * b == 0) & (around == a).all(dim=0)
    w = weights.sum(dim=0)
    ff, fb, bb = a * a + w, a * b, b * b + w
    inverse = 1 / (ff * bb - fb * fb)
    height, width = alpha.shape[1:]
    places = torch.arange(height, device=a.device)[:, None] + torch.arange(width, device=a.device)
    for sweep in range(2 * iterations):
        turn = (places % 2 == sweep % 2) & (~solid if sweep >= 2 else True)
        near_f, near_b = _neighbors(foreground), _neighbors(background)
        f = a * image + (weights * near_f).sum(dim=0)
        g = b * image + (weights * near_b).sum(dim=0)
        # In solid parts one color is the picture's and the other a mean of its neighbors.
        new_f = torch.where(
            solid, torch.where(a == 1, image, near_f.mean(dim=0)), inverse * (bb * f - fb * g)
        )
        new_b = torch.where(
            solid, torch.where(a == 1, near_b.mean(dim=0), image), inverse * (ff * g - fb * f)
        )
        foreground = torch.where(turn, new_f.clamp(0, 1), foreground)
        background = torch.where(turn, new_b.clamp(0, 1), background)
    return foreground, background


def _neighbors(values: Tensor) -> Tensor:
    """Return the values above, below, left and right of each pixel, (4, C, H, W)."""
    wide = pad(values[None], (1, 1, 1, 1), mode="replicate")[0]
    return torch.stack(
        [wide[:, :-2, 1:-1], wide[:, 2:, 1:-1], wide[:, 1:-1, :-2], wide[:, 1:-1, 2:]]
    )
