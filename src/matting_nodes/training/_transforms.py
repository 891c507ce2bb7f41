"""Augmentations: torchvision's transforms, and two more.

Geometry acts on a mapping of pictures that lie over each other: colors and alphas are resized
by cubic interpolation, trimaps (masks) by the nearest value. All draw from torch's global
generator, which the data set seeds for each sample.
"""

from __future__ import annotations

from typing import Any

import torch
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from .parameters import Augmentation

CUBIC, NEAREST = v2.InterpolationMode.BICUBIC, v2.InterpolationMode.NEAREST


def geometry(parameters: Augmentation) -> v2.Transform:
    """Return the transform that brings a sample to the size of the network's input."""
    first: list[v2.Transform] = (
        [Padded(), Resized(parameters.size)]
        if parameters.recipe == "square"
        else [CropOnUnknown(parameters.size, parameters.smallest_scale, parameters.largest_scale)]
    )
    return v2.Compose([*first, v2.RandomHorizontalFlip(parameters.flip)])


def jitter(parameters: Augmentation) -> v2.Transform:
    """Return the random change of colors."""
    amount = parameters.jitter
    return v2.ColorJitter(amount, amount, amount, amount / 10)


def background_crop(size: int) -> v2.Transform:
    """Return the random square crop of a background, at least a quarter of its area."""
    return v2.RandomResizedCrop(size, scale=(0.25, 1), ratio=(1, 1), interpolation=CUBIC)


class Resized(v2.Transform):
    """Resize to a square, each picture by its own interpolation."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = [size, size]

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Return a picture at that size, its values within 0..1."""
        if isinstance(inpt, tv_tensors.Mask):
            return F.resize(inpt, self.size, NEAREST)
        return like(inpt, F.resize(inpt, self.size, CUBIC, antialias=True).clamp(0, 1))


class Padded(v2.Transform):
    """Pad with zeros to a square, the picture in the middle."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Return a picture padded."""
        height, width = inpt.shape[-2:]
        side = max(height, width)
        top, left = (side - height) // 2, (side - width) // 2
        return F.pad(inpt, [left, top, side - width - left, side - height - top])


class CropOnUnknown(Resized):
    """Cut a square around a random pixel of soft alpha, of a random size, and resize it.

    Parameters
    ----------
    size : int, pixels
        What it is resized to.
    smallest, largest : float
        Between these is the scale of the result.
    """

    def __init__(self, size: int, smallest: float, largest: float) -> None:
        super().__init__(size)
        self.smallest, self.largest = smallest, largest

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Choose the square: it lies inside, and no picture is smaller than it."""
        alpha = next(p for p in flat_inputs if p.shape[0] == 1)
        height, width = alpha.shape[-2:]
        scale = float(torch.empty(()).uniform_(self.smallest, self.largest))
        side = min(round(self.size[0] / scale), height, width)
        y, x = random_place((alpha[0] > 0) & (alpha[0] < 1))
        top = min(max(y - side // 2, 0), height - side)
        left = min(max(x - side // 2, 0), width - side)
        return {"top": top, "left": left, "height": side, "width": side}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Return a picture cut and resized."""
        return super().transform(F.crop(inpt, **params), params)


def random_place(region: torch.Tensor) -> tuple[int, int]:
    """Return row and column of a random pixel of a region, (H, W) bool; anywhere if empty."""
    places = region.flatten().nonzero()[:, 0]
    chosen = int(torch.randint(len(places) or region.numel(), ()))
    return divmod(int(places[chosen]) if len(places) else chosen, region.shape[1])


def like(picture: Any, values: torch.Tensor) -> Any:
    """Return values as the kind of picture that this one is."""
    return tv_tensors.wrap(values, like=picture)
