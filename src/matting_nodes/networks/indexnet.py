"""IndexNet Matting: what a pooling keeps and where an upsampling puts it is learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# The stages after which the resolution halves; each has a block that learns the indices.
INDEXED = {0: 32, 2: 24, 3: 32, 4: 64, 6: 160}


class IndexNet(nn.Module):
    """IndexNet Matting with a MobileNetV2 encoder of stride 32 and learned indices.

    The variant of the published weights: depthwise, many-to-one, nonlinear index blocks with
    context, atrous spatial pyramid pooling, a decoder with 5 × 5 kernels.

    Its mean pooling over the whole picture makes its field of view global.

    Notes
    -----
    Lu, Dai, Shen and Xu, "Indices Matter: Learning to Index for Deep Image Matting",
    ICCV 2019, arXiv 1908.00672; github.com/poppinace/indexnet_matting.
    """

    stride = 32
    reach = None
    near = 16

    def __init__(self) -> None:
        super().__init__()
        self.layer0 = _convolution(4, 32, 3)
        self.layer1 = nn.Sequential(InvertedResidual(32, 16, expansion=1))
        self.layer2 = _stage(16, 24, blocks=2)
        self.layer3 = _stage(24, 32, blocks=3)
        self.layer4 = _stage(32, 64, blocks=4)
        self.layer5 = _stage(64, 96, blocks=3)
        self.layer6 = _stage(96, 160, blocks=3)
        self.layer7 = _stage(160, 320, blocks=1)
        for number, channels in INDEXED.items():
            self.add_module(f"index{number}", IndexBlock(channels))
        self.dconv_pp = PyramidPooling(320, 160)
        widths = (32, 32, 16, 24, 32, 64, 96, 160)
        for number in range(7):
            self.add_module(
                f"decoder_layer{number}", IndexedUpsampling(widths[number + 1], widths[number])
            )
        self.pred = nn.Sequential(_convolution(32, 1, 5), nn.Conv2d(1, 1, 5, padding=2, bias=False))

    def forward(self, image_and_trimap: Tensor) -> Tensor:
        """Return the alpha of a picture and its trimap, before it is clipped.

        Parameters
        ----------
        image_and_trimap : (N, 4, H, W)
            RGB, ImageNet-normalized, and the trimap / 255. H and W are multiples of 32.

        Returns
        -------
        (N, 1, H, W)
            About 0..1, not clipped.
        """
        return self.finish(*self.begin(image_and_trimap))

    def begin(self, image_and_trimap: Tensor) -> tuple[Tensor, ...]:
        """Return features at 1/4, then skips and indices, at 1/2 first."""
        x = image_and_trimap
        skips: list[tuple[Tensor, Tensor | None]] = []
        for number in range(7):
            x = getattr(self, f"layer{number}")(x)
            if number not in INDEXED:
                skips.append((x, None))
                continue
            pooling, upsampling = getattr(self, f"index{number}")(x)
            x = pooling * x
            skips.append((x, upsampling))
            x = 4 * F.avg_pool2d(x, 2)  # the sum of each 2 × 2 window
        x = self.dconv_pp(self.layer7(x))
        for number in reversed(range(3, 7)):
            x = getattr(self, f"decoder_layer{number}")(x, *skips[number])
        parts = (part for skip in reversed(skips[:3]) for part in skip)
        return x, *(part for part in parts if part is not None)

    def finish(self, x: Tensor, *skips: Tensor) -> Tensor:
        """Return the alpha that features make.

        Parameters
        ----------
        x, *skips
            As `begin` returns them, or the same part of each.
        """
        half, half_indices, still_half, whole, indices = skips
        ways = ((2, half, half_indices), (1, still_half, None), (0, whole, indices))
        for number, skip, learned in ways:
            x = getattr(self, f"decoder_layer{number}")(x, skip, learned)
        alpha: Tensor = self.pred(x)
        return alpha


class InvertedResidual(nn.Module):
    """MobileNetV2's block: expand, filter each channel by itself, project."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int = 6) -> None:
        super().__init__()
        width = inputs * expansion
        expand = _convolution(inputs, width, 1) if expansion > 1 else ()
        self.conv = nn.Sequential(
            *expand,
            nn.Conv2d(width, width, 3, groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU6(inplace=True),
            nn.Conv2d(width, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.residual = inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        # Padded before the expansion, whose bias then fills the border: the weights know it so.
        y: Tensor = self.conv(F.pad(x, (1, 1, 1, 1)))
        return x + y if self.residual else y


class IndexBlock(nn.Module):
    """Learn for each 2 × 2 window the weights that pool it and those that upsample it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # One small network for each of the window's pixels
        self.indexnet1 = _index_network(channels)
        self.indexnet2 = _index_network(channels)
        self.indexnet3 = _index_network(channels)
        self.indexnet4 = _index_network(channels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weights of pooling, which sum to 1 in each window, and of upsampling."""
        networks = (self.indexnet1, self.indexnet2, self.indexnet3, self.indexnet4)
        weights = [network(x).sigmoid() for network in networks]
        # A softmax over the four
        shares = [weight.exp() for weight in weights]
        total = shares[0] + shares[1] + shares[2] + shares[3]
        return _interleaved([share / total for share in shares]), _interleaved(weights)


class IndexedUpsampling(nn.Module):
    """Upsample by the indices learned on the way down, then join with what was there."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dconv = _convolution(2 * inputs, outputs, 5)

    def forward(self, x: Tensor, skip: Tensor, indices: Tensor | None) -> Tensor:
        """Map (N, inputs, h, w) and a skip of the encoder to (N, outputs, H, W).

        Parameters
        ----------
        x : (N, inputs, h, w)
            Features.
        skip : (N, inputs, H, W)
            Features of the encoder.
        indices : (N, inputs, H, W), or None
            Weights of the upsampling; None leaves the resolution.
        """
        if indices is not None:
            x = indices * F.interpolate(x, scale_factor=2.0, mode="nearest")
        joined: Tensor = self.dconv(torch.cat((x, skip), dim=1))
        return joined


class PyramidPooling(nn.Module):
    """Atrous spatial pyramid pooling, with the mean of the whole picture beside it."""

    def __init__(self, inputs: int, outputs: int, width: int = 256) -> None:
        super().__init__()
        self.aspp1 = _Atrous(_convolution(inputs, width, 1))
        self.aspp2 = _Atrous(_separable(inputs, width, dilation=2))
        self.aspp3 = _Atrous(_separable(inputs, width, dilation=4))
        self.aspp4 = _Atrous(_separable(inputs, width, dilation=8))
        self.global_avg_pool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), *_convolution(inputs, width, 1)
        )
        self.bottleneck_conv = _convolution(5 * width, outputs, 1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, h, w)."""
        mean = self.global_avg_pool(x).expand(-1, -1, *x.shape[2:])
        views = (self.aspp1(x), self.aspp2(x), self.aspp3(x), self.aspp4(x), mean)
        pooled: Tensor = self.dropout(self.bottleneck_conv(torch.cat(views, dim=1)))
        return pooled


class _Atrous(nn.Module):
    """Gives the layers the name that they have in the published weights."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.atrous_conv = layers

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.atrous_conv(x)
        return y


def _interleaved(parts: list[Tensor]) -> Tensor:
    """Join four planes as the pixels of 2 × 2 windows; channels last, which is how they come."""
    upper_left, upper_right, lower_left, lower_right = (x.permute(0, 2, 3, 1) for x in parts)
    upper = torch.stack((upper_left, upper_right), dim=3)
    lower = torch.stack((lower_left, lower_right), dim=3)
    return torch.stack((upper, lower), dim=2).flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def _convolution(inputs: int, outputs: int, size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


def _separable(inputs: int, outputs: int, dilation: int) -> nn.Sequential:
    by_channel = nn.Conv2d(
        inputs, inputs, 3, padding=dilation, dilation=dilation, groups=inputs, bias=False
    )
    return nn.Sequential(
        by_channel,
        nn.BatchNorm2d(inputs),
        nn.ReLU6(inplace=True),
        *_convolution(inputs, outputs, 1),
    )


def _index_network(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(inplace=True),
        nn.Conv2d(channels, channels, 1, bias=False),
    )


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    first = InvertedResidual(inputs, outputs)
    return nn.Sequential(first, *(InvertedResidual(outputs, outputs) for _ in range(blocks - 1)))
