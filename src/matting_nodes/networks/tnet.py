"""T-Net: a trimap from the picture alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._resnet import ResNet, Stage

# Strides of the last two stages become dilations, so that features stay at 1/8
DILATED = (
    Stage(64, 256, 3),
    Stage(128, 512, 4, stride=2),
    Stage(256, 1024, 6, dilation=2),
    Stage(512, 2048, 3, dilation=4),
)


class TNet(nn.Module):
    """The trimap network of Semantic Human Matting: PSPNet on a dilated ResNet-50.

    Its pyramid pools over the whole picture: the field of view is global.

    Notes
    -----
    Chen et al., "Semantic Human Matting", ACM MM 2018, arXiv 1809.01354; Zhao et al.,
    "Pyramid Scene Parsing Network", CVPR 2017, arXiv 1612.01105. The keys are those of
    github.com/Lextal/pspnet-pytorch.
    """

    stride = 8
    reach = None

    def __init__(self) -> None:
        super().__init__()
        self.backbone = PSPNet()

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits of background, unknown and foreground.

        Parameters
        ----------
        image : (N, 3, H, W)
            (BGR in 0..255 − (114, 121, 134)) / 255. H and W are multiples of 8.

        Returns
        -------
        (N, 3, H, W)
            Logits of background, unknown, foreground, in this order.
        """
        logits: Tensor = self.backbone(image)
        return logits


class PSPNet(nn.Module):
    """Features at 1/8, pooled over a pyramid of windows, and upsampled in three steps."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.feats = ResNet(stages=DILATED)
        self.psp = PyramidPooling(2048, 1024)
        self.up_1 = Upsampling(1024, 256)
        self.up_2 = Upsampling(256, 64)
        self.up_3 = Upsampling(64, 64)
        self.final = nn.Sequential(nn.Conv2d(64, classes, 1))
        self.drop_1 = nn.Dropout2d(0.3)
        self.drop_2 = nn.Dropout2d(0.15)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to (N, classes, H, W)."""
        x = self.drop_1(self.psp(self.feats(x)[-1]))
        x = self.drop_2(self.up_1(x))
        x = self.drop_2(self.up_2(x))
        logits: Tensor = self.final(self.up_3(x))
        return logits


class PyramidPooling(nn.Module):
    """The means over 1, 4, 9 and 36 windows, beside the features themselves."""

    def __init__(self, inputs: int, outputs: int, windows: tuple[int, ...] = (1, 2, 3, 6)) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(side), nn.Conv2d(inputs, inputs, 1, bias=False))
            for side in windows
        )
        self.bottleneck = nn.Conv2d((len(windows) + 1) * inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h, w)."""
        size = (x.shape[2], x.shape[3])
        pooled = [F.interpolate(stage(x), size, mode="bilinear") for stage in self.stages]
        return F.relu(self.bottleneck(torch.cat((*pooled, x), dim=1)))


class Upsampling(nn.Module):
    """Twice the size, then a convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv = nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.PReLU())

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, 2h, 2w)."""
        y: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="bilinear"))
        return y
