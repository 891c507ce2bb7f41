"""Batch norms fused into the convolutions before them, once, when a network is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..networks._spectral import SpectralConv2d


def fuse_norms(network: nn.Module) -> None:
    """Fuse, in place, each batch norm into the convolution before it; rounding alone changes.

    Fused are neighbors in a Sequential, and `conv1` with `bn1` of one module, and so on: under
    these names all networks of the catalog apply one right after the other.

    Parameters
    ----------
    network : Module
        In eval mode, with its weights loaded. It cannot be trained afterwards.
    """
    for module in list(network.modules()):
        for first, second in list(_pairs(module)):
            convolution, norm = getattr(module, first), getattr(module, second)
            if isinstance(convolution, SpectralConv2d):
                convolution = convolution.normalized()
            if type(convolution) in (nn.Conv2d, nn.ConvTranspose2d):
                transposed = isinstance(convolution, nn.ConvTranspose2d)
                setattr(module, first, fuse_conv_bn_eval(convolution, norm, transposed))
                setattr(module, second, nn.Identity())


def _pairs(module: nn.Module) -> Iterator[tuple[str, str]]:
    """Yield the names of layers, of which the second is a batch norm after the first."""
    names = [name for name, _ in module.named_children()]
    if isinstance(module, nn.Sequential):
        pairs = list(pairwise(names))
    else:
        pairs = [(name, name.replace("conv", "bn", 1)) for name in names if name.startswith("conv")]
    for first, second in pairs:
        if isinstance(getattr(module, second, None), nn.BatchNorm2d):
            yield first, second
