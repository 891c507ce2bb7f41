"""VGG-16: the plan of its convolutions, and its features with torchvision's keys."""

from __future__ import annotations

from torch import nn

# How many convolutions each of the five blocks has, and their channels; a pooling ends each
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def vgg16_features(inputs: int = 3) -> nn.Sequential:
    """Return the layers that map (N, inputs, H, W) to (N, 512, H / 32, W / 32)."""
    layers: list[nn.Module] = []
    for convolutions, channels in BLOCKS:
        for _ in range(convolutions):
            layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.ReLU(inplace=True)]
            inputs = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)
