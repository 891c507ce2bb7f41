"""FBA Matting: foreground, background and alpha together."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._resnet import Layers, ResNet, Stage

# Strides of the last two stages become dilations, so that features stay at 1/8
DILATED = (
    Stage(64, 256, 3),
    Stage(128, 512, 4, stride=2),
    Stage(256, 1024, 6, dilation=2),
    Stage(512, 2048, 3, first_dilation=2, dilation=4),
)
# ImageNet's, with which the input is normalized
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class FBA(nn.Module):
    """FBA Matting: a dilated ResNet-50 with group norm and standardized weights.

    Its pyramid pools over the whole picture and its group norms take means over it: the field
    of view is global.

    Notes
    -----
    Forte and Pitié, "F, B, Alpha Matting", arXiv 2003.07711; github.com/MarcoForte/FBA_Matting.
    """

    stride = 8
    reach = None

    def __init__(self) -> None:
        super().__init__()
        self.encoder = ResNet(11, DILATED, Layers(StandardizedConv2d, _norm))
        self.decoder = Decoder()

    def forward(self, image_distances_and_trimap: Tensor) -> Tensor:
        """Return alpha and the colors of both sides.

        Parameters
        ----------
        image_distances_and_trimap : (N, 11, H, W)
            RGB, ImageNet-normalized; the nearness to the background, exp(−d² / 2 (s L)²) with
            d in pixels, L = 320 and s = 0.02, 0.08 and 0.16, then the same to the foreground;
            two planes that are 1 where the trimap is background and foreground. H and W are
            multiples of 8.

        Returns
        -------
        (N, 7, H, W), 0..1
            Alpha, the foreground's RGB, the background's RGB.
        """
        normalized, trimap = image_distances_and_trimap[:, :3], image_distances_and_trimap[:, 9:]
        image = _unnormalize(normalized)
        features = self.encoder(image_distances_and_trimap)
        logits = self.decoder(features, torch.cat((normalized, image, trimap), dim=1))
        alpha = logits[:, :1].clamp(0, 1)
        foreground, background = logits[:, 1:].sigmoid().chunk(2, dim=1)
        return torch.cat(fuse(image, alpha, foreground, background), dim=1)


def fuse(
    image: Tensor, alpha: Tensor, foreground: Tensor, background: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Make alpha and the colors agree better with I = α F + (1 − α) B.

    Parameters
    ----------
    image, foreground, background : (N, 3, H, W), 0..1
        Straight colors.
    alpha : (N, 1, H, W), 0..1
        As estimated together with them.

    Returns
    -------
    alpha, foreground, background
        One step of the paper's section 3.4, clipped to 0..1.
    """
    rest = 1 - alpha
    foreground = alpha * image + (1 - alpha**2) * foreground - alpha * rest * background
    # Its F is the one just moved: so published
    background = rest * image + (2 * alpha - alpha**2) * background - alpha * rest * foreground
    foreground, background = foreground.clamp(0, 1), background.clamp(0, 1)
    # α = (λ α + (I − B)·(F − B)) / (λ + ‖F − B‖²), λ = 0.1
    apart = foreground - background
    along = ((image - background) * apart).sum(dim=1, keepdim=True)
    alpha = (0.1 * alpha + along) / (0.1 + (apart * apart).sum(dim=1, keepdim=True))
    return alpha.clamp(0, 1), foreground, background


class Decoder(nn.Module):
    """Pyramid pooling at 1/8, then three doublings with skips."""

    def __init__(self) -> None:
        super().__init__()
        self.ppm = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(windows), *_convolution(2048, 256, 1))
            for windows in (1, 2, 3, 6)
        )
        self.conv_up1 = nn.Sequential(*_convolution(3072, 256), *_convolution(256, 256))
        self.conv_up2 = _convolution(256 + 256, 256)
        self.conv_up3 = _convolution(256 + 64, 64)
        self.conv_up4 = nn.Sequential(
            nn.Conv2d(64 + 8, 32, 3, padding=1),
            nn.LeakyReLU(),
            nn.Conv2d(32, 16, 3, padding=1),
            nn.LeakyReLU(),
            nn.Conv2d(16, 7, 1),
        )

    def forward(self, features: list[Tensor], inputs: Tensor) -> Tensor:
        """Return alpha, F and B before they are squashed, (N, 7, H, W).

        Parameters
        ----------
        features : list of (N, C, h, w)
            The trunk's, at 1/2, 1/4, 1/8, 1/8, 1/8.
        inputs : (N, 8, H, W)
            Normalized image, image, two planes of trimap.
        """
        half, quarter, deep = features[0], features[1], features[-1]
        size = (deep.shape[2], deep.shape[3])
        pooled = [F.interpolate(layer(deep), size, mode="bilinear") for layer in self.ppm]
        x = self.conv_up1(torch.cat((deep, *pooled), dim=1))
        x = self.conv_up2(torch.cat((_double(x), quarter), dim=1))
        x = self.conv_up3(torch.cat((_double(x), half), dim=1))
        logits: Tensor = self.conv_up4(torch.cat((_double(x), inputs), dim=1))
        return logits


class StandardizedConv2d(nn.Conv2d):
    """A convolution each of whose filters has mean 0 and variance 1.

    Filters are brought there once when a state dict is loaded, as FBA Matting's published code
    does in `eval()` after loading, and at the beginning of each training step.

    Notes
    -----
    Qiao et al., "Micro-Batch Training with Batch-Channel Normalization and Weight
    Standardization", arXiv 1903.10520, as FBA Matting was published with it.
    """

    def __init__(self, inputs: int, outputs: int, size: int, **options: Any) -> None:
        super().__init__(inputs, outputs, size, **options)
        self.register_load_state_dict_post_hook(_standardize)  # type: ignore[no-untyped-call]

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002, as torch calls it
        """Map (N, inputs, H, W) to (N, outputs, h, w)."""
        if self.training:
            self.standardize()
        return super().forward(input)

    def standardize(self) -> None:
        """Bring each filter to mean 0 and variance 1; no gradient sees it."""
        weight = self.weight.data
        variance, mean = torch.var_mean(weight, dim=(1, 2, 3), correction=0, keepdim=True)
        weight.sub_(mean).mul_((variance + 1e-5).rsqrt())


def _standardize(layer: StandardizedConv2d, _keys: Any) -> None:
    layer.standardize()


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, channels)


def _convolution(inputs: int, outputs: int, size: int = 3) -> nn.Sequential:
    convolution = StandardizedConv2d(inputs, outputs, size, padding=size // 2)
    return nn.Sequential(convolution, _norm(outputs), nn.LeakyReLU())


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear")


def _unnormalize(image: Tensor) -> Tensor:
    # By Python numbers: a tensor of constants would wait for the device
    channels = [image[:, i : i + 1] * std + MEAN[i] for i, std in enumerate(STD)]
    return torch.cat(channels, dim=1)
