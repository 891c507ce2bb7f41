"""The refiner: a small network that corrects what sampled propagation found."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

INPUTS = 8
"""Channels: the picture, whether foreground, whether unknown, and what the solver knows."""
ALPHA, UNKNOWN = 5, 4
"""Which of them are the solver's α, and whether a pixel is unknown."""
WIDTHS = (24, 48, 64, 80)
"""Channels at a half, a quarter, an eighth and a sixteenth of the resolution."""


class Refiner(nn.Module):
    """A U-Net at half resolution that predicts a correction of α, and how far off the sum may be.

    There is no normalization, so that the field of view is bounded and tiles equal the whole. With
    its initial weights it returns the solver's α.

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
        self.stem = nn.Conv2d(4 * INPUTS, first, 3, padding=1)
        self.encode = nn.ModuleList([Residual(first)])
        self.down = nn.ModuleList()
        for finer, coarser in zip(WIDTHS, others, strict=False):
            self.down.append(nn.Conv2d(finer, coarser, 3, stride=2, padding=1))
            blocks = 2 if coarser >= WIDTHS[2] else 1
            self.encode.append(nn.Sequential(*(Residual(coarser) for _ in range(blocks))))
        self.up = nn.ModuleList(
            nn.Conv2d(coarser, finer, 1) for finer, coarser in zip(WIDTHS, others, strict=False)
        )
        self.decode = nn.ModuleList(Residual(width) for width in WIDTHS[:-1])
        self.head = nn.Conv2d(first + 4 * INPUTS, first, 3, padding=1)
        self.last = nn.Conv2d(first, 8, 1)
        _zero(self.last)

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
        features = self.encode[0](self.stem(planes))
        kept = []
        for down, encode in zip(self.down, self.encode[1:], strict=True):
            kept.append(features)
            features = encode(_rectified(down(features)))
        for up, decode, finer in zip(
            reversed(self.up), reversed(self.decode), reversed(kept), strict=True
        ):
            features = decode(finer + F.interpolate(up(features), scale_factor=2, mode="nearest"))
        features = _rectified(self.head(torch.cat([features, planes], 1)))
        answer = F.pixel_shuffle(self.last(features), 2)
        return answer[:, :1], torch.sigmoid(answer[:, 1:] - 3)


def _rectified(x: Tensor) -> Tensor:
    # Not to zero: plain rectifiers before the last layer died in training.
    return F.leaky_relu(x, 0.1)


class Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        # Begins as the identity: without normalization, deep sums would grow.
        _zero(self.second)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels, h, w)."""
        result: Tensor = x + self.second(_rectified(self.first(_rectified(x))))
        return result


def _zero(layer: nn.Conv2d) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
