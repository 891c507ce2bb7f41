"""U-Net on ResNeXt-50: a portrait's mask from the picture alone."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._resnet import Stage, residual_stages

RESNEXT50 = (
    Stage(128, 256, 3, groups=32),
    Stage(256, 512, 4, stride=2, groups=32),
    Stage(512, 1024, 6, stride=2, groups=32),
    Stage(1024, 2048, 3, stride=2, groups=32),
)


class UNetResNeXt50(nn.Module):
    """U-Net with a ResNeXt-50 32 × 4d encoder, for people in the foreground.

    Notes
    -----
    Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015, arXiv 1505.04597; Xie et al.,
    "Aggregated Residual Transformations", CVPR 2017, arXiv 1611.05431;
    github.com/nizhib/portrait-demo.
    """

    stride = 32
    reach = 366

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = nn.Sequential(
            Decoder(),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(64, 64, 3, padding=1, bias=False),
        )
        self.final = nn.Conv2d(64, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits of the foreground.

        Parameters
        ----------
        image : (N, 3, H, W)
            RGB, ImageNet-normalized. H and W are multiples of 32. The published weights saw
            pictures of 320 pixels.

        Returns
        -------
        (N, 1, H, W)
            Logits: their sigmoid is the mask.
        """
        logits: Tensor = self.final(self.decoder(self.encoder(image)))
        return logits


class Encoder(nn.Module):
    """ResNeXt-50, its parts named by resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder0 = nn.Sequential(
            nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
        )
        first, self.encoder2, self.encoder3, self.encoder4 = residual_stages(RESNEXT50)
        self.encoder1 = nn.Sequential(nn.MaxPool2d(3, stride=2, padding=1), first)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features at 1/2, 1/4, 1/8, 1/16 and 1/32."""
        features = []
        for part in (self.encoder0, self.encoder1, self.encoder2, self.encoder3, self.encoder4):
            x = part(x)
            features.append(x)
        return features


class Decoder(nn.Module):
    """From features at 1/32 to those at 1/2."""

    def __init__(self) -> None:
        super().__init__()
        widths = (2048, 1024, 512, 256, 64)
        self.blocks = nn.ModuleList(
            DecoderBlock(inputs, outputs) for inputs, outputs in pairwise(widths)
        )

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return (N, 64, H / 2, W / 2)."""
        *skips, x = features
        for block, skip in zip(self.blocks, reversed(skips), strict=True):
            x = block(x, skip)
        return x


class DecoderBlock(nn.Module):
    """Upsample to the size of the skip, join, and convolve twice."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.upconv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.conv1 = nn.Conv2d(2 * outputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Map (N, inputs, h, w) and (N, outputs, 2h, 2w) to the size of the latter.

        Parameters
        ----------
        x : (N, inputs, h, w)
            Features.
        skip : (N, outputs, 2h, 2w)
            Features of the encoder.
        """
        x = self.upconv(F.interpolate(x, scale_factor=2.0, mode="bilinear"))
        x = F.relu(self.bn1(self.conv1(torch.cat((skip, x), dim=1))))
        return F.relu(self.bn2(self.conv2(x)))
