"""Swin Transformer: features at four resolutions by attention within shifted windows."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Swin(nn.Module):
    """The backbone, with a norm on each of its four outputs.

    Parameters
    ----------
    embedding : int
        Channels of the first stage; each further one has twice as many.
    depths, heads : tuple of int
        Blocks, and heads of attention, of each stage.
    window : int
        Side of the windows, in patches.

    Notes
    -----
    Liu et al., "Swin Transformer", ICCV 2021, arXiv 2103.14030.
    """

    def __init__(
        self, embedding: int, depths: tuple[int, ...], heads: tuple[int, ...], window: int
    ) -> None:
        super().__init__()
        self.patch_embed = PatchEmbedding(embedding)
        channels = [embedding * 2**i for i in range(len(depths))]
        last = len(depths) - 1
        self.layers = nn.ModuleList(
            Stage(channels[i], depths[i], heads[i], window, merge=i < last)
            for i in range(len(depths))
        )
        for i, width in enumerate(channels):
            self.add_module(f"norm{i}", nn.LayerNorm(width))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the patches, and features at 1/4, 1/8, 1/16 and 1/32 of the resolution.

        All are channels first; patches are of 4 × 4 pixels.
        """
        x = self.patch_embed(image)
        outputs = [x.permute(0, 3, 1, 2)]
        for i, stage in enumerate(self.layers):
            x, merged = stage(x)
            norm = self.get_submodule(f"norm{i}")
            outputs.append(norm(x).permute(0, 3, 1, 2).contiguous())
            x = merged
        return outputs


class PatchEmbedding(nn.Module):
    """Patches of 4 × 4 pixels as vectors, channels last."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, channels, 4, stride=4)
        self.norm = nn.LayerNorm(channels)

    def forward(self, image: Tensor) -> Tensor:
        """Return (N, h, w, C)."""
        height, width = image.shape[2:]
        patches = self.proj(F.pad(image, (0, -width % 4, 0, -height % 4)))
        embedded: Tensor = self.norm(patches.permute(0, 2, 3, 1))
        return embedded


class Stage(nn.Module):
    """Blocks of one resolution; every other one shifts its windows by half a window."""

    def __init__(self, channels: int, depth: int, heads: int, window: int, *, merge: bool) -> None:
        super().__init__()
        self.window = window
        self.blocks = nn.ModuleList(
            Block(channels, heads, window, shift=window // 2 * (i % 2)) for i in range(depth)
        )
        self.downsample = PatchMerging(channels) if merge else None

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features, and those of the next resolution."""
        mask = _shift_mask(x.shape[1], x.shape[2], self.window, x)
        for block in self.blocks:
            x = block(x, mask)
        return x, x if self.downsample is None else self.downsample(x)


class Block(nn.Module):
    """Attention within windows, then a perceptron, each with a shortcut."""

    def __init__(self, channels: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, heads, window)
        self.mlp = Perceptron(channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return x with what each patch takes from its window."""
        height, width = x.shape[1:3]
        padded = F.pad(self.norm1(x), (0, 0, 0, -width % self.window, 0, -height % self.window))
        if self.shift:
            padded = padded.roll((-self.shift, -self.shift), (1, 2))
        windows = _windows(padded, self.window)
        attended = self.attn(windows, mask if self.shift else None)
        joined = _from_windows(attended, self.window, padded.shape)
        if self.shift:
            joined = joined.roll((self.shift, self.shift), (1, 2))
        x = x + joined[:, :height, :width]
        mixed: Tensor = x + self.mlp(self.norm2(x))
        return mixed


class WindowAttention(nn.Module):
    """Attention of the patches in a window, with a bias by their relative position."""

    relative_position_index: Tensor

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        # The files hold this index, too.
        self.register_buffer("relative_position_index", _relative_positions(window))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        """Return (B, M, C) for windows of M patches; `mask` is (windows of a picture, M, M)."""
        count, size, channels = windows.shape
        q, k, v = (
            self.qkv(windows)
            .reshape(count, size, 3, self.heads, channels // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        table = self.relative_position_bias_table[self.relative_position_index]
        bias = table.permute(2, 0, 1)[None].to(q.dtype)
        if mask is not None:
            bias = bias + mask.to(q.dtype).repeat(count // len(mask), 1, 1)[:, None]
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        projected: Tensor = self.proj(attended.transpose(1, 2).reshape(count, size, channels))
        return projected


class Perceptron(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return as many channels."""
        mixed: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return mixed


class PatchMerging(nn.Module):
    """Four patches become one with twice the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, h / 2, w / 2, 2 C), sides rounded up."""
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        four = torch.cat([x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], -1)
        merged: Tensor = self.reduction(self.norm(four))
        return merged


def _windows(x: Tensor, side: int) -> Tensor:
    """Cut (N, h, w, C) into windows, (N h w / side², side², C)."""
    n, height, width, channels = x.shape
    cut = x.view(n, height // side, side, width // side, side, channels)
    return cut.transpose(2, 3).reshape(-1, side * side, channels)


def _from_windows(windows: Tensor, side: int, shape: torch.Size) -> Tensor:
    """Put windows back together, the reverse of `_windows`."""
    n, height, width, channels = shape
    cut = windows.view(n, height // side, width // side, side, side, channels)
    return cut.transpose(2, 3).reshape(n, height, width, channels)


def _shift_mask(height: int, width: int, side: int, like: Tensor) -> Tensor:
    """Return −∞ for pairs that a shift brought into one window from opposite ends, else 0."""
    ends = (slice(0, -side), slice(-side, -(side // 2)), slice(-(side // 2), None))
    part = torch.zeros(1, height + -height % side, width + -width % side, 1, device=like.device)
    for i, rows in enumerate(ends):
        for j, columns in enumerate(ends):
            part[:, rows, columns] = 3 * i + j
    of = _windows(part, side)[..., 0]
    apart = of[:, :, None] != of[:, None, :]
    return torch.zeros_like(apart, dtype=like.dtype).masked_fill(apart, -torch.inf)


def _relative_positions(side: int) -> Tensor:
    """Return the row of the bias table for each pair of patches in a window."""
    axis = torch.arange(side)
    places = torch.stack(torch.meshgrid(axis, axis, indexing="ij")).flatten(1)
    rows, columns = places[:, :, None] - places[:, None] + (side - 1)
    index: Tensor = rows * (2 * side - 1) + columns
    return index


base = partial(Swin, 128, (2, 2, 18, 2), (4, 8, 16, 32), 12)
large = partial(Swin, 192, (2, 2, 18, 2), (6, 12, 24, 48), 12)
tiny = partial(Swin, 96, (2, 2, 6, 2), (3, 6, 12, 24), 7)
