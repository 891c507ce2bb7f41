"""BiRefNet: an object's mask, or its matte, from the picture alone, at high resolution."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import _swin

WIDTHS = {"large": (3072, 1536, 768, 384), "tiny": (1536, 768, 384, 192)}
"""Channels of the coarsest features and of the finer ones, both passes of the backbone joined."""
ATTENTION = 16
"""Channels of what the gradient attention looks at."""


class BiRefNet(nn.Module):
    """Bilateral reference: the decoder sees the picture itself, in patches, at every resolution.

    Parameters
    ----------
    size : {"large", "tiny"}
        Size of the backbone: Swin-L, or Swin-T (the lite networks).
    columns : bool
        Whether patches are ordered as in upstream's code before November 2024, columns first and
        colors last. The keys and shapes are the same: weights do not tell which they want.

    Notes
    -----
    Zheng et al., "Bilateral Reference for High-Resolution Dichotomous Image Segmentation",
    CAAI AIR 2024, arXiv 2401.03407; github.com/ZhengPeng7/BiRefNet.
    """

    stride = 32
    reach = None

    def __init__(self, size: Literal["large", "tiny"] = "large", columns: bool = False) -> None:
        super().__init__()
        self.columns = columns
        widths = WIDTHS[size]
        self.bb = _swin.large() if size == "large" else _swin.tiny()
        self.squeeze_module = nn.Sequential(DecoderBlock(sum(widths), widths[0]))
        self.decoder = Decoder(widths)

    def forward(self, image: Tensor, columns: bool | None = None) -> Tensor:
        """Return the logits of the object.

        Parameters
        ----------
        image : (N, 3, H, W)
            RGB, ImageNet-normalized. H and W are multiples of 32; 1024 × 1024 in training.
        columns : bool, optional
            The order of patches, if not the network's own.

        Returns
        -------
        (N, 1, H, W)
        """
        height, width = image.shape[2:]
        # Without the patches themselves.
        whole = self.bb(image)[1:]
        half = self.bb(_resized(image, (height // 2, width // 2)))[1:]
        features = [
            torch.cat([a, _resized(b, a.shape[2:])], 1) for a, b in zip(whole, half, strict=True)
        ]
        coarse = features[3]
        context = [_resized(finer, coarse.shape[2:]) for finer in features[:3]]
        squeezed = self.squeeze_module(torch.cat([*context, coarse], 1))
        by_columns = self.columns if columns is None else columns
        logits: Tensor = self.decoder(image, [*features[:3], squeezed], by_columns)
        return logits


class Decoder(nn.Module):
    """From coarse to fine; every step sees the picture cut into patches of its resolution."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        outputs = (*widths[1:], widths[-1] // 2)
        patches = [width // 8 for width in widths]
        seen = (patches[0], patches[0], patches[1], patches[2], patches[3])
        for i, channels in zip((5, 4, 3, 2, 1), seen, strict=True):
            cut = 4**i if i > 1 else 1
            self.add_module(f"ipt_blk{i}", PatchBlock(3 * cut, channels))
        for i, (width, extra, out) in enumerate(zip(widths, seen, outputs, strict=False)):
            self.add_module(f"decoder_block{4 - i}", DecoderBlock(width + extra, out))
        for i in range(3):
            # What the resolution below adds; heads for training, which published files have.
            self.add_module(f"lateral_block{4 - i}", Lateral(widths[i + 1], outputs[i]))
            self.add_module(f"conv_ms_spvn_{4 - i}", nn.Conv2d(outputs[i], 1, 1))
            self.add_module(f"gdt_convs_{4 - i}", _attention_features(outputs[i]))
            self.add_module(f"gdt_convs_pred_{4 - i}", nn.Sequential(nn.Conv2d(ATTENTION, 1, 1)))
            self.add_module(f"gdt_convs_attn_{4 - i}", nn.Sequential(nn.Conv2d(ATTENTION, 1, 1)))
        self.conv_out1 = nn.Sequential(nn.Conv2d(outputs[3] + patches[3], 1, 1))

    def forward(self, image: Tensor, features: list[Tensor], columns: bool) -> Tensor:
        """Return the logits, (N, 1, H, W).

        Parameters
        ----------
        image : (N, 3, H, W)
            As the network gets it.
        features : list of tensor
            The encoder's, from fine to coarse.
        columns : bool
            Whether patches of the image come column by column.
        """
        x = features[3]
        for i in (4, 3, 2):
            x = self._with_patches(image, x, i + 1, columns)
            x = self.get_submodule(f"decoder_block{i}")(x)
            attention = self.get_submodule(f"gdt_convs_{i}")(x)
            x = x * self.get_submodule(f"gdt_convs_attn_{i}")(attention).sigmoid()
            finer = features[i - 2]
            x = _resized(x, finer.shape[2:]) + self.get_submodule(f"lateral_block{i}")(finer)
        x = self.get_submodule("decoder_block1")(self._with_patches(image, x, 2, columns))
        x = _resized(x, image.shape[2:])
        logits: Tensor = self.conv_out1(self._with_patches(image, x, 1, columns))
        return logits

    def _with_patches(self, image: Tensor, x: Tensor, block: int, columns: bool) -> Tensor:
        seen = self.get_submodule(f"ipt_blk{block}")(_patches(image, x.shape[2:], columns))
        return torch.cat([x, seen], 1)


class DecoderBlock(nn.Module):
    """Two convolutions around deformable atrous spatial pyramid pooling."""

    def __init__(self, inputs: int, outputs: int, inner: int = 64) -> None:
        super().__init__()
        self.conv_in, self.bn_in = nn.Conv2d(inputs, inner, 3, padding=1), nn.BatchNorm2d(inner)
        self.dec_att = DeformablePooling(inner)
        self.conv_out = nn.Conv2d(inner, outputs, 3, padding=1)
        self.bn_out = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, h, w)."""
        x = self.dec_att(self.bn_in(self.conv_in(x)).relu())
        result: Tensor = self.bn_out(self.conv_out(x))
        return result


class DeformablePooling(nn.Module):
    """Deformable convolutions of several sizes and the mean of everything, side by side."""

    def __init__(self, channels: int, wide: int = 256) -> None:
        super().__init__()
        self.aspp1 = Deformable(channels, wide, 1)
        self.aspp_deforms = nn.ModuleList(Deformable(channels, wide, side) for side in (1, 3, 7))
        self.global_avg_pool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(inplace=True),
        )
        self.conv1, self.bn1 = (
            nn.Conv2d(5 * wide, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return as many channels."""
        parts = [self.aspp1(x), *(part(x) for part in self.aspp_deforms)]
        mean = self.global_avg_pool(x).expand(-1, -1, *x.shape[2:])
        pooled: Tensor = self.bn1(self.conv1(torch.cat([*parts, mean], 1))).relu()
        return pooled


class Deformable(nn.Module):
    """A modulated deformable convolution (Zhu et al., CVPR 2019), a norm and a rectifier."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__()
        self.atrous_conv = DeformableConvolution(inputs, outputs, side)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, h, w)."""
        result: Tensor = self.bn(self.atrous_conv(x)).relu()
        return result


class DeformableConvolution(nn.Module):
    """A convolution that reads where its own offsets point, weighted by its own modulator."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__()
        self.padding = side // 2
        self.offset_conv = nn.Conv2d(inputs, 2 * side**2, side, padding=self.padding)
        self.modulator_conv = nn.Conv2d(inputs, side**2, side, padding=self.padding)
        self.regular_conv = nn.Conv2d(inputs, outputs, side, padding=self.padding, bias=False)
        for layer in (self.offset_conv, self.modulator_conv):
            nn.init.zeros_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, h, w)."""
        from torchvision.ops import deform_conv2d

        weight = self.regular_conv.weight
        # On the CPU it has no autocast of its own.
        x, offset, mask = (
            part.to(weight.dtype)
            for part in (x, self.offset_conv(x), 2 * self.modulator_conv(x).sigmoid())
        )
        # NaN, and what exceeds an integer, would make its loops read from elsewhere in the memory.
        # Beyond the picture all is 0; NaN stays in the result, by the mask.
        beyond = x.shape[2] + x.shape[3] + 2 * self.padding
        wrong = offset.isnan().any(1, keepdim=True)
        mask = mask.masked_fill(wrong, torch.nan)
        offset = offset.nan_to_num().clamp(-beyond, beyond)
        result: Tensor = deform_conv2d(x, offset, weight, padding=self.padding, mask=mask)
        return result


class PatchBlock(nn.Module):
    """What the decoder sees of the picture: two convolutions over its patches."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, 64, 3, padding=1)
        self.conv_out = nn.Conv2d(64, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, h, w)."""
        result: Tensor = self.conv_out(self.conv1(x))
        return result


class Lateral(nn.Module):
    """A 1 × 1 convolution from the encoder to the decoder."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, h, w)."""
        result: Tensor = self.conv(x)
        return result


def _attention_features(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, ATTENTION, 3, padding=1),
        nn.BatchNorm2d(ATTENTION),
        nn.ReLU(inplace=True),
    )


def _patches(image: Tensor, size: torch.Size, columns: bool) -> Tensor:
    """Cut (N, C, H, W) into a grid of patches of (h, w), stacked as channels.

    Their order is (color, row, column), or (column, row, color) by columns.
    """
    n, channels, height, width = image.shape
    down, across = height // size[0], width // size[1]
    cut = image.view(n, channels, down, size[0], across, size[1])
    order = (0, 4, 2, 1, 3, 5) if columns else (0, 1, 2, 4, 3, 5)
    return cut.permute(order).reshape(n, channels * down * across, *size)


def _resized(x: Tensor, size: tuple[int, ...] | torch.Size) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=True)
