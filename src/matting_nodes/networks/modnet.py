"""MODNet: a portrait's matte from the picture alone, fast."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Expansion, channels, blocks and first stride of MobileNetV2's inverted residuals.
MOBILENET = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
DETAIL = 32
"""Channels of the high-resolution branch."""


class MODNet(nn.Module):
    """Matting objective decomposition: semantics, detail and their fusion.

    Half of the channels are normalized by the statistics of the picture, so that the field of view
    is the whole picture.

    Notes
    -----
    Ke, Sun, Li, Yan and Lau, "MODNet: Real-Time Trimap-Free Portrait Matting via Objective
    Decomposition", AAAI 2022, arXiv 2011.11961; github.com/ZHKKKe/MODNet.
    """

    stride = 32
    reach = None

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        # Registered under both names, as in the published state dicts.
        self.lr_branch = Semantics(self.backbone)
        self.hr_branch = Detail()
        self.f_branch = Fusion()

    def forward(self, image: Tensor) -> Tensor:
        """Return the matte.

        Parameters
        ----------
        image : (N, 3, H, W)
            RGB in −1..1. H and W are multiples of 32.

        Returns
        -------
        (N, 1, H, W), 0..1
        """
        half, quarter, eighth = self.lr_branch(image)
        detail = self.hr_branch(image, half, quarter, eighth)
        matte: Tensor = self.f_branch(image, eighth, detail)
        return matte


class Backbone(nn.Module):
    """MobileNetV2 without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(3, 32, 3, stride=2)]
        channels = 32
        for expansion, out, blocks, stride in MOBILENET:
            for block in range(blocks):
                layers.append(InvertedResidual(channels, out, expansion, 1 if block else stride))
                channels = out
        layers.append(_convolution(channels, 1280, 1))
        self.model = nn.Module()
        self.model.features = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features at a half, a quarter and a thirty-second of the resolution."""
        features: Any = self.model.features
        half = features[:2](image)
        quarter = features[2:4](half)
        return half, quarter, features[4:](quarter)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; with a shortcut where shapes agree."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        self.has_shortcut = stride == 1 and inputs == outputs
        wide = inputs * expansion
        expand = [*_convolution(inputs, wide, 1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *expand,
            *_convolution(wide, wide, 3, stride=stride, groups=wide),
            nn.Conv2d(wide, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, h, w)."""
        filtered: Tensor = self.conv(x)
        return x + filtered if self.has_shortcut else filtered


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    padding = kernel // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


class HalfInstanceNorm(nn.Module):
    """IBNorm: the first half of the channels by running statistics, the rest by the picture's."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = channels // 2
        self.bnorm = nn.BatchNorm2d(self.first)

    def forward(self, x: Tensor) -> Tensor:
        """Return x, normalized."""
        return torch.cat([self.bnorm(x[:, : self.first]), F.instance_norm(x[:, self.first :])], 1)


class Convolution(nn.Module):
    """A convolution, and IBNorm and a rectifier unless it is the last one."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, *, last: bool = False
    ) -> None:
        super().__init__()
        after = [] if last else [HalfInstanceNorm(outputs), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2), *after)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, h, w)."""
        result: Tensor = self.layers(x)
        return result


class SqueezeExcitation(nn.Module):
    """Channels weighted by what the whole picture says of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // 4, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(channels // 4, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return x, weighted."""
        weights: Tensor = self.fc(x.mean(dim=(2, 3)))
        return x * weights[..., None, None]


class Semantics(nn.Module):
    """The low-resolution branch: where the person is."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.se_block = SqueezeExcitation(1280)
        self.conv_lr16x = Convolution(1280, 96, 5)
        self.conv_lr8x = Convolution(96, 32, 5)
        # Used in training only; published files have it.
        self.conv_lr = Convolution(32, 1, 3, stride=2, last=True)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features at a half and a quarter, and the semantics at an eighth."""
        half, quarter, coarse = self.backbone(image)
        sixteenth = self.conv_lr16x(_double(self.se_block(coarse)))
        return half, quarter, self.conv_lr8x(_double(sixteenth))


class Detail(nn.Module):
    """The high-resolution branch: what the edge looks like."""

    def __init__(self) -> None:
        super().__init__()
        n = DETAIL
        self.tohr_enc2x = Convolution(16, n, 1)
        self.conv_enc2x = Convolution(n + 3, n, 3, stride=2)
        self.tohr_enc4x = Convolution(24, n, 1)
        self.conv_enc4x = Convolution(2 * n, 2 * n, 3)
        self.conv_hr4x = nn.Sequential(
            Convolution(3 * n + 3, 2 * n, 3), Convolution(2 * n, 2 * n, 3), Convolution(2 * n, n, 3)
        )
        self.conv_hr2x = nn.Sequential(
            Convolution(2 * n, 2 * n, 3),
            Convolution(2 * n, n, 3),
            Convolution(n, n, 3),
            Convolution(n, n, 3),
        )
        # Used in training only; published files have it.
        self.conv_hr = nn.Sequential(Convolution(n + 3, n, 3), Convolution(n, 1, 1, last=True))

    def forward(self, image: Tensor, half: Tensor, quarter: Tensor, eighth: Tensor) -> Tensor:
        """Return the detail at a half of the resolution.

        Parameters
        ----------
        image : (N, 3, H, W)
            As the network gets it.
        half, quarter, eighth
            Features at these parts of the resolution.
        """
        image2, image4 = (
            F.interpolate(image, scale_factor=s, mode="bilinear", align_corners=False)
            for s in (1 / 2, 1 / 4)
        )
        half = self.tohr_enc2x(half)
        detail = self.conv_enc2x(torch.cat([image2, half], 1))
        detail = self.conv_enc4x(torch.cat([detail, self.tohr_enc4x(quarter)], 1))
        detail = self.conv_hr4x(torch.cat([detail, _double(eighth), image4], 1))
        result: Tensor = self.conv_hr2x(torch.cat([_double(detail), half], 1))
        return result


class Fusion(nn.Module):
    """Joins semantics and detail to a matte."""

    def __init__(self) -> None:
        super().__init__()
        n = DETAIL
        self.conv_lr4x = Convolution(32, n, 5)
        self.conv_f2x = Convolution(2 * n, n, 3)
        self.conv_f = nn.Sequential(
            Convolution(n + 3, n // 2, 3), Convolution(n // 2, 1, 1, last=True)
        )

    def forward(self, image: Tensor, eighth: Tensor, detail: Tensor) -> Tensor:
        """Return the matte, (N, 1, H, W).

        Parameters
        ----------
        image : (N, 3, H, W)
            As the network gets it.
        eighth : tensor
            What the object is, at an eighth of the resolution.
        detail : tensor
            Its edge, at a half of the resolution.
        """
        half = _double(self.conv_lr4x(_double(eighth)))
        fused = self.conv_f2x(torch.cat([half, detail], 1))
        matte: Tensor = self.conv_f(torch.cat([_double(fused), image], 1))
        return matte.sigmoid()


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
