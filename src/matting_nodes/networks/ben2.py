"""BEN2: the matte of a picture's object, from the whole picture and its four quarters."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import _swin

WIDTH = 128
"""Channels of all that comes after the backbone."""
VIEWS = 5
"""The four quarters of a picture, row by row, then the whole of it at half the size."""


class BEN2(nn.Module):
    """Background erase network, base model: MVANet's quarters and whole, with new norms.

    Notes
    -----
    Meyer and Spruyt, "BEN: Using Confidence-Guided Matting for Dichotomous Image Segmentation",
    2025, arXiv 2501.06230; github.com/PramaLLC/BEN2. Yu et al., "Multi-view Aggregation Network
    for Dichotomous Image Segmentation", CVPR 2024, arXiv 2404.07445.
    """

    stride = 128
    reach = None

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _swin.base()
        for i, channels in zip((5, 4, 3, 2, 1), (1024, 512, 256, 128, 128), strict=True):
            self.add_module(f"output{i}", _normed(channels))
            # A head for training, which the published file has.
            self.add_module(f"sideout{i}", nn.Sequential(nn.Conv2d(WIDTH, 1, 3, padding=1)))
        self.multifieldcrossatt = WholeAndQuarters((1, 4, 8))
        for i in (4, 3, 2, 1):
            self.add_module(f"dec_blk{i}", QuartersByWhole((2, 4, 8)))
            self.add_module(f"conv{i}", _normed(WIDTH))
        inner = 3 * WIDTH
        self.insmask_head = nn.Sequential(
            *_normed(WIDTH, inner), *_normed(inner, inner), nn.Conv2d(inner, WIDTH, 3, padding=1)
        )
        self.shallow = nn.Sequential(nn.Conv2d(3, WIDTH, 3, padding=1))
        self.upsample1, self.upsample2 = _normed(WIDTH), _normed(WIDTH)
        self.output = nn.Sequential(nn.Conv2d(WIDTH, 1, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits of the object.

        Parameters
        ----------
        image : (N, 3, H, W)
            RGB, ImageNet-normalized. H and W are multiples of 128; 1024 × 1024 in training.

        Returns
        -------
        (N, 1, H, W)
        """
        return torch.cat([self._logits(picture) for picture in image.chunk(len(image))])

    def _logits(self, image: Tensor) -> Tensor:
        half = F.interpolate(image, scale_factor=0.5, mode="bilinear")
        features = self.backbone(torch.cat([_quarters(image), half]))
        fine_to_coarse = [
            self.get_submodule(f"output{i}")(x) for i, x in enumerate(features, start=1)
        ]
        x = self.multifieldcrossatt(fine_to_coarse.pop())
        for i in (4, 3, 2, 1):
            finer = fine_to_coarse.pop()
            x = self.get_submodule(f"dec_blk{i}")(finer + _as_large(x, finer))
            x = self.get_submodule(f"conv{i}")(x)
        quarters, whole = x[:-1], x[-1:]
        joined = _joined(quarters)
        x = self.insmask_head(joined + _as_large(whole, joined))
        shallow = self.shallow(image)
        x = self.upsample1(_doubled(x + _as_large(shallow, x)))
        x = self.upsample2(_doubled(x + _as_large(shallow, x)))
        logits: Tensor = self.output(x)
        return logits


class WholeAndQuarters(nn.Module):
    """The whole looks at the quarters, then each quarter at its part of the whole.

    Parameters
    ----------
    ratios : tuple of int
        By how much what is looked at is shrunk.
    """

    def __init__(self, ratios: tuple[int, ...]) -> None:
        super().__init__()
        self.ratios = ratios
        self.attention = nn.ModuleList(nn.MultiheadAttention(WIDTH, 1) for _ in range(VIEWS))
        self.linear1, self.linear2 = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.linear3, self.linear4 = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, views: Tensor) -> Tensor:
        """Return the five views, (5, C, h, w)."""
        height, width = views.shape[2:]
        quarters, whole = views[:-1], views[-1:]
        pools = [_pooled(_joined(quarters), height, width, ratio) for ratio in self.ratios]
        seen = torch.cat([_sequence(pool) for pool in pools])
        where = torch.cat([_positions(pool) for pool in pools])
        x = _sequence(whole)
        x = self.norm1(x + _attend(self.attention[0], x + _positions(whole), seen + where, seen))
        x = self.norm2(x + self.linear2(F.gelu(self.linear1(x))))
        whole = _plane(x, height, width)
        looks = zip(quarters.chunk(4), _quarters(whole).chunk(4), strict=True)
        found = [
            _attend(attention, _sequence(quarter), _sequence(part))
            for attention, (quarter, part) in zip(self.attention[1:], looks, strict=True)
        ]
        y = self.norm1(_sequence(quarters) + torch.cat(found, 1))
        y = self.norm2(y + self.linear4(F.gelu(self.linear3(y))))
        return torch.cat([_plane(y, height, width), whole])


class QuartersByWhole(nn.Module):
    """The quarters, weighted by where the whole sees the object, look at their part of it.

    Parameters
    ----------
    ratios : tuple of int
        By how much what is looked at is shrunk.
    """

    def __init__(self, ratios: tuple[int, ...]) -> None:
        super().__init__()
        self.ratios = ratios
        self.attention = nn.ModuleList(nn.MultiheadAttention(WIDTH, 1) for _ in range(VIEWS - 1))
        self.linear3, self.linear4 = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.sal_conv = nn.Conv2d(WIDTH, 1, 1)

    def forward(self, views: Tensor) -> Tensor:
        """Return the five views, (5, C, h, w)."""
        height, width = views.shape[2:]
        quarters, whole = views[:-1], views[-1:]
        quarters = quarters * _quarters(_doubled(self.sal_conv(whole).sigmoid()))
        parts = _quarters(whole)
        pools = [_pooled(parts, height, width, ratio) for ratio in self.ratios]
        seen = torch.cat([_sequence(pool) for pool in pools])
        x = _sequence(quarters)
        found = [
            _attend(attention, x[:, i : i + 1], seen[:, i : i + 1])
            for i, attention in enumerate(self.attention)
        ]
        x = self.norm1(x + torch.cat(found, 1))
        x = self.norm2(x + self.linear4(F.gelu(self.linear3(x))))
        quarters = _plane(x, height, width)
        whole = whole + F.interpolate(_joined(quarters), size=(height, width), mode="nearest")
        return torch.cat([quarters, whole])


def _normed(inputs: int, outputs: int = WIDTH) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.InstanceNorm2d(outputs), nn.GELU()
    )


def _quarters(x: Tensor) -> Tensor:
    """Cut (1, C, H, W) into its quarters, (4, C, H / 2, W / 2)."""
    return torch.cat([part for row in x.chunk(2, 2) for part in row.chunk(2, 3)])


def _joined(x: Tensor) -> Tensor:
    """Put quarters together, the reverse of `_quarters`."""
    rows = [torch.cat(row.chunk(2), 3) for row in x.chunk(2)]
    return torch.cat(rows, 2)


def _as_large(x: Tensor, as_: Tensor) -> Tensor:
    return F.interpolate(x, size=as_.shape[2:], mode="bilinear")


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def _pooled(x: Tensor, height: int, width: int, ratio: int) -> Tensor:
    return F.adaptive_avg_pool2d(x, (max(1, round(height / ratio)), max(1, round(width / ratio))))


def _sequence(x: Tensor) -> Tensor:
    """(N, C, h, w) as attention takes it, (h w, N, C)."""
    return x.flatten(2).permute(2, 0, 1)


def _plane(x: Tensor, height: int, width: int) -> Tensor:
    """Undo `_sequence`."""
    return x.permute(1, 2, 0).reshape(x.shape[1], x.shape[2], height, width)


def _attend(
    attention: nn.Module, queries: Tensor, keys: Tensor, values: Tensor | None = None
) -> Tensor:
    found: Tensor = attention(
        queries, keys, keys if values is None else values, need_weights=False
    )[0]
    return found


def _positions(x: Tensor) -> Tensor:
    """Return sines and cosines of each pixel's place, (h w, 1, C): first of rows."""
    channels, height, width = x.shape[1] // 2, *x.shape[2:]
    waves = 10000.0 ** (2 * (torch.arange(channels, device=x.device) // 2) / channels)

    def encoded(count: int) -> Tensor:
        places = (torch.arange(count, device=x.device) + 0.5) * (2 * math.pi / count)
        angles = places[:, None] / waves
        return torch.stack([angles[:, 0::2].sin(), angles[:, 1::2].cos()], 2).flatten(1)

    rows = encoded(height)[:, None].expand(-1, width, -1)
    columns = encoded(width)[None].expand(height, -1, -1)
    return torch.cat([rows, columns], 2).flatten(0, 1)[:, None].to(x.dtype)
