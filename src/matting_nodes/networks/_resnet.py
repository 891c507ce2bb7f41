"""ResNet-50 and ResNeXt-50 with torchvision's keys: the trunk of several networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Layers:
    """What a trunk is built from."""

    convolution: type[nn.Conv2d] = nn.Conv2d
    norm: Callable[[int], nn.Module] = nn.BatchNorm2d


@dataclass(frozen=True)
class Stage:
    """A stage of residual blocks; the first may stride and be dilated differently."""

    width: int
    outputs: int
    blocks: int
    stride: int = 1
    first_dilation: int = 1
    dilation: int = 1
    groups: int = 1


RESNET50 = (
    Stage(64, 256, 3),
    Stage(128, 512, 4, stride=2),
    Stage(256, 1024, 6, stride=2),
    Stage(512, 2048, 3, stride=2),
)


class ResNet(nn.Module):
    """The trunk of a ResNet: everything but the mean over the picture and the classes."""

    def __init__(
        self, inputs: int = 3, stages: Sequence[Stage] = RESNET50, layers: Layers | None = None
    ) -> None:
        super().__init__()
        layers = layers or Layers()
        self.conv1 = layers.convolution(inputs, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = layers.norm(64)
        self.layer1, self.layer2, self.layer3, self.layer4 = residual_stages(stages, layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features at 1/2 and after each of the four stages."""
        features = [F.relu(self.bn1(self.conv1(x)))]
        x = F.max_pool2d(features[0], 3, stride=2, padding=1)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            features.append(x)
        return features


class Bottleneck(nn.Module):
    """A residual block: 1 × 1 to fewer channels, 3 × 3, 1 × 1 to more."""

    def __init__(
        self, inputs: int, stage: Stage, *, stride: int, dilation: int, layers: Layers
    ) -> None:
        super().__init__()
        width, outputs = stage.width, stage.outputs
        self.conv1 = layers.convolution(inputs, width, 1, bias=False)
        self.bn1 = layers.norm(width)
        self.conv2 = layers.convolution(
            width,
            width,
            3,
            stride=stride,
            padding=dilation,
            dilation=dilation,
            groups=stage.groups,
            bias=False,
        )
        self.bn2 = layers.norm(width)
        self.conv3 = layers.convolution(width, outputs, 1, bias=False)
        self.bn3 = layers.norm(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            shortcut = layers.convolution(inputs, outputs, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, layers.norm(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def residual_stages(stages: Sequence[Stage], layers: Layers | None = None) -> list[nn.Sequential]:
    """Return the stages as modules; the first takes 64 channels.

    Parameters
    ----------
    stages : sequence of Stage
        From fine to coarse.
    layers : Layers, optional
        Convolutions and norms; plain ones and batch norms if not given.
    """
    layers, inputs, built = layers or Layers(), 64, []
    for stage in stages:
        first = Bottleneck(
            inputs, stage, stride=stage.stride, dilation=stage.first_dilation, layers=layers
        )
        rest = [
            Bottleneck(stage.outputs, stage, stride=1, dilation=stage.dilation, layers=layers)
            for _ in range(stage.blocks - 1)
        ]
        built.append(nn.Sequential(first, *rest))
        inputs = stage.outputs
    return built
