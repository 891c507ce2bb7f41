"""Convolutions with spectral normalization, stored as the public GAN code stores it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SpectralWeight(nn.Module):
    """A weight divided by its largest singular value, which u and v estimate.

    torch's own spectral norm names its tensors differently.

    Notes
    -----
    Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018.
    """

    weight_u: Tensor
    weight_v: Tensor

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.weight_bar = nn.Parameter(nn.init.xavier_uniform_(torch.empty(shape)))
        columns = self.weight_bar[0].numel()
        self.register_buffer("weight_u", F.normalize(torch.randn(shape[0]), dim=0))
        self.register_buffer("weight_v", F.normalize(torch.randn(columns), dim=0))

    def forward(self) -> Tensor:
        """Return the weight; while training, first refine u and v by a power iteration."""
        matrix = self.weight_bar.flatten(1)
        if self.training:
            self._iterate(matrix.detach())
        # σ = uᵀ W v; by sums, since a matrix product would be rounded under autocast
        scale = (matrix * self.weight_v).sum(dim=1).mul(self.weight_u).sum()
        return self.weight_bar / scale

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        """Take one step towards the singular vectors; new tensors, so older graphs stay valid."""
        self.weight_v = F.normalize((matrix * self.weight_u[:, None]).sum(dim=0), dim=0)
        self.weight_u = F.normalize((matrix * self.weight_v).sum(dim=1), dim=0)


class SpectralConv2d(nn.Module):
    """A convolution, without bias, whose weight is spectrally normalized."""

    plain: type[nn.Conv2d | nn.ConvTranspose2d] = nn.Conv2d

    def __init__(
        self, inputs: int, outputs: int, size: int, *, stride: int = 1, padding: int = 0
    ) -> None:
        super().__init__()
        self.module = SpectralWeight(*self._shape(inputs, outputs), size, size)
        self.stride = stride
        self.padding = padding

    @staticmethod
    def _shape(inputs: int, outputs: int) -> tuple[int, int]:
        return outputs, inputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, h, w)."""
        return F.conv2d(x, self.module(), stride=self.stride, padding=self.padding)

    def normalized(self) -> nn.Conv2d | nn.ConvTranspose2d:
        """Return a plain convolution that gives the same, in eval mode, for inference."""
        weight = self.module().detach()
        inputs, outputs = self._shape(*weight.shape[:2])[::-1]
        plain = self.plain(inputs, outputs, weight.shape[2], self.stride, self.padding, bias=False)
        plain.weight = nn.Parameter(weight, requires_grad=False)
        return plain.eval()


class SpectralConvTranspose2d(SpectralConv2d):
    """The same for a transposed convolution."""

    plain = nn.ConvTranspose2d

    @staticmethod
    def _shape(inputs: int, outputs: int) -> tuple[int, int]:
        return inputs, outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, H, W)."""
        return F.conv_transpose2d(x, self.module(), stride=self.stride, padding=self.padding)
