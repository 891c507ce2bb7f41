"""The refiner: a small network that corrects what sampled propagation found."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

INPUTS = 8
"""Channels: the picture, whether foreground, whether unknown, and what the solver knows."""
ALPHA, UNKNOWN = 5, 4
"""Which of them are the solver's α, and whether a pixel is unknown."""
WIDTHS = (32, 48, 64, 80)
"""Channels at a half, a quarter, an eighth and a sixteenth of the resolution."""


class Refiner(nn.Module):
    """A U-Net at half resolution that predicts a correction of α, and how far off the sum may be.

    It is normalized by statistics of training alone, which are constants afterwards: the field of
    view is bounded, and tiles equal the whole. With its initial weights it returns the solver's α.

    Notes
    -----
    Ours. The field of view is bounded, the trunk at half resolution by rearranged pixels as in
    Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network", CVPR 2016; U-Net: Ronneberger, Fischer and Brox, MICCAI 2015.
    """

    stride = 16
    reach = 168

    def __init__(self) -> None:
        super().__init__()
        first, *others = WIDTHS
        self.stem = convolution(4 * INPUTS, first)
        self.encode = nn.ModuleList([Residual(first)])
        self.down = nn.ModuleList()
        for finer, coarser in zip(WIDTHS, others, strict=False):
            self.down.append(convolution(finer, coarser, stride=2))
            blocks = 2 if coarser >= WIDTHS[2] else 1
            self.encode.append(nn.Sequential(*(Residual(coarser) for _ in range(blocks))))
        self.up = nn.ModuleList(
            convolution(coarser, finer, 1) for finer, coarser in zip(WIDTHS, others, strict=False)
        )
        self.decode = nn.ModuleList(Residual(width) for width in WIDTHS[:-1])
        self.head = convolution(first + 4 * INPUTS, first)
        self.last = nn.Conv2d(first, 8, 1)
        nn.init.zeros_(self.last.weight)
        if self.last.bias is not None:
            nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the refined α, and its predicted error.

        Parameters
        ----------
        x : (N, 8, H, W)
            The picture in −1..1; 1 where the trimap says foreground, and where it is unknown, else
            0; the solver's α, α̂ and the confidence of α̂, 0..1. H and W are multiples of 16.

        Returns
        -------
        (N, 2, H, W), 0..1
            Of known pixels α is that of the input, and the error 0.
        """
        correction, error = self.corrections(x)
        alpha, unknown = x[:, ALPHA : ALPHA + 1], x[:, UNKNOWN : UNKNOWN + 1]
        return torch.cat([(alpha + unknown * correction).clamp(0, 1), unknown * error], 1)

    def corrections(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is added to α before it is clipped, and the predicted error.

        Parameters
        ----------
        x : (N, 8, H, W)
            As above.

        Returns
        -------
        correction, error : (N, 1, H, W)
        """
        planes = F.pixel_unshuffle(x, 2)
        features = self.encode[0](rectified(self.stem(planes)))
        kept = []
        for down, encode in zip(self.down, self.encode[1:], strict=True):
            kept.append(features)
            features = encode(rectified(down(features)))
        for up, decode, finer in zip(
            reversed(self.up), reversed(self.decode), reversed(kept), strict=True
        ):
            features = decode(finer + F.interpolate(up(features), scale_factor=2, mode="nearest"))
        features = rectified(self.head(torch.cat([features, planes], 1)))
        answer = F.pixel_shuffle(self.last(features), 2)
        return answer[:, :1], torch.sigmoid(answer[:, 1:] - 3)


def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Return a convolution and its normalization.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel : int, pixels
    stride : int
    """
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


def rectified(x: Tensor) -> Tensor:
    """Return x, its negative values made small."""
    # Not to zero: plain rectifiers before the last layer died in training.
    return F.leaky_relu(x, 0.1)


class Residual(nn.Module):
    """Two convolutions beside a shortcut, rectified."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = convolution(channels, channels)
        # Begins as the shortcut alone.
        self.second[1].weight = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels, h, w)."""
        return rectified(x + self.second(rectified(self.first(x))))
