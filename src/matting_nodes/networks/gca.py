"""GCA Matting: guided contextual attention, as image inpainting has it, inside a U-Net."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._spectral import SpectralConv2d, SpectralConvTranspose2d


class GCA(nn.Module):
    """GCA Matting: a ResNet with shortcuts and two guided contextual attentions.

    The attention compares every place with every other: the field of view is global, and time
    grows with the square of the number of pixels.

    Notes
    -----
    Li and Lu, "Natural Image Matting via Guided Contextual Attention", AAAI 2020,
    arXiv 2001.04069; github.com/Yaoyi-Li/GCA-Matting (``resnet_gca_encoder_29``,
    ``res_gca_decoder_22``).
    """

    stride = 32
    reach = None
    near = 16

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()

    def forward(self, image_and_trimap: Tensor) -> Tensor:
        """Return the alpha of a picture and its trimap.

        Parameters
        ----------
        image_and_trimap : (N, 6, H, W)
            RGB, ImageNet-normalized, then three planes that are 1 where the trimap is
            background, unknown and foreground. H and W are multiples of 32, 64 at least.

        Returns
        -------
        (N, 1, H, W), 0..1
        """
        return self.finish(*self.begin(image_and_trimap))

    def begin(self, image_and_trimap: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the input, the encoder's features at 1/2, and the decoder's at 1/4."""
        features, (whole, half, *deeper), guidance, unknown = self.encoder(image_and_trimap)
        layers = self.encoder.shortcut[2:]
        shortcuts = [layer(x) for layer, x in zip(layers, deeper, strict=True)]
        return whole, half, self.decoder(features, shortcuts, guidance, unknown)

    def finish(self, whole: Tensor, half: Tensor, quarter: Tensor) -> Tensor:
        """Return the alpha that features make.

        Parameters
        ----------
        whole, half, quarter
            As `begin` returns them, or the same part of each.
        """
        for_whole, for_half = self.encoder.shortcut[:2]
        return self.decoder.finish(quarter, for_whole(whole), for_half(half))


class Encoder(nn.Module):
    """Features down to 1/32, shortcuts of every resolution, and the guidance of attention."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = SpectralConv2d(6, 32, 3, stride=2, padding=1)
        self.conv2 = SpectralConv2d(32, 32, 3, padding=1)
        self.conv3 = SpectralConv2d(32, 64, 3, stride=2, padding=1)
        self.bn1, self.bn2, self.bn3 = (nn.BatchNorm2d(n) for n in (32, 32, 64))
        self.layer1 = _down(64, 64, blocks=3, stride=1)
        self.layer2 = _down(64, 128, blocks=4)
        self.layer3 = _down(128, 256, blocks=4)
        self.layer_bottleneck = _down(256, 512, blocks=2)
        widths = ((6, 32), (32, 32), (64, 64), (128, 128), (256, 256))
        self.shortcut = nn.ModuleList(_shortcut(*width) for width in widths)
        self.guidance_head = nn.Sequential(*_guide(3, 16), *_guide(16, 32), *_guide(32, 128))
        self.gca = GuidedContextualAttention(128, 128)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor], Tensor, Tensor]:
        """Return features at 1/32, five more from 1 to 1/16, guidance and unknown at 1/8."""
        half = F.relu(self.bn1(self.conv1(x)))
        half = F.relu(self.bn2(self.conv2(half)))
        quarter = self.layer1(F.relu(self.bn3(self.conv3(half))))
        guidance, unknown = self.guidance_head(x[:, :3]), x[:, 4:5, ::8, ::8]
        eighth = self.gca(guidance, self.layer2(quarter), unknown)
        sixteenth = self.layer3(eighth)
        levels = [x, half, quarter, eighth, sixteenth]
        return self.layer_bottleneck(sixteenth), levels, guidance, unknown


class Decoder(nn.Module):
    """From features at 1/32 back to an alpha, a shortcut added at every resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = _up(512, 256, blocks=2)
        self.layer2 = _up(256, 128, blocks=3)
        self.gca = GuidedContextualAttention(128, 128)
        self.layer3 = _up(128, 64, blocks=3)
        self.layer4 = _up(64, 32, blocks=2)
        self.conv1 = SpectralConvTranspose2d(32, 32, 4, stride=2, padding=1)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 1, 3, padding=1)

    def forward(
        self, x: Tensor, shortcuts: list[Tensor], guidance: Tensor, unknown: Tensor
    ) -> Tensor:
        """Return features at 1/4.

        Parameters
        ----------
        x : (N, 512, h, w)
            Features at 1/32.
        shortcuts : list of (N, C, h, w)
            At 1/4, 1/8 and 1/16.
        guidance : (N, 128, h, w)
            How the picture looks, at 1/8.
        unknown : (N, 1, h, w)
            1 where the trimap is unknown, at 1/8.
        """
        quarter, eighth, sixteenth = shortcuts
        x = self.layer1(x) + sixteenth
        x = self.layer2(x) + eighth
        x = self.gca(guidance, x, unknown)
        result: Tensor = self.layer3(x) + quarter
        return result

    def finish(self, x: Tensor, whole: Tensor, half: Tensor) -> Tensor:
        """Return (N, 1, H, W), 0..1.

        Parameters
        ----------
        x : (N, 64, h, w)
            Features at 1/4.
        whole, half : (N, 32, h, w)
            Shortcuts at 1 and 1/2.
        """
        x = self.layer4(x) + half
        x = F.leaky_relu(self.bn1(self.conv1(x)), 0.2) + whole
        alpha: Tensor = (self.conv2(x).tanh() + 1) / 2
        return alpha


class GuidedContextualAttention(nn.Module):
    """Carry features to where the picture looks alike, from known places to unknown ones."""

    # Places that look around at a time; bounds the memory, not the result.
    at_a_time = 2048

    def __init__(self, channels: int, guidance_channels: int) -> None:
        super().__init__()
        self.guidance_conv = nn.Conv2d(guidance_channels, guidance_channels // 2, 1)
        norm = nn.BatchNorm2d(channels)
        nn.init.constant_(norm.weight, 1e-3)  # begins as hardly more than the identity
        self.W = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), norm)

    def forward(self, guidance: Tensor, features: Tensor, unknown: Tensor) -> Tensor:
        """Return features, (N, C, h, w), with what was gathered from elsewhere added.

        Parameters
        ----------
        guidance : (N, G, h, w)
            How the picture looks.
        features : (N, C, h, w)
            What is carried. h and w are even.
        unknown : (N, 1, h, w)
            1 where the trimap is unknown.
        """
        looks = self.guidance_conv(guidance)[..., ::2, ::2]
        places = F.unfold(F.pad(looks, (1, 1, 1, 1), mode="reflect"), 3)
        unknown = unknown[..., ::2, ::2]
        partly = (F.max_pool2d(unknown, 3, stride=1, padding=1) > 0).flatten(1).to(places.dtype)
        keys = F.normalize(places, dim=1, eps=1e-4) * _trust(unknown, partly)[:, None]
        pieces = F.unfold(F.pad(features, (1, 1, 1, 1), mode="reflect"), 4, stride=2)
        gathered = self._gather(keys, places, pieces, partly)
        # Pieces of 4 × 4 two apart: each pixel lies in four of them
        size = (features.shape[2], features.shape[3])
        carried = F.fold(gathered, size, 4, padding=1, stride=2) / 4
        moved: Tensor = self.W(carried) + features
        return moved

    def _gather(self, keys: Tensor, places: Tensor, pieces: Tensor, partly: Tensor) -> Tensor:
        """Mix the pieces, for every place by how much each key looks like it."""
        # An unknown place does not look at itself
        itself = torch.eye(places.shape[2], dtype=places.dtype, device=places.device)
        banned = -1e4 * partly[:, :, None]
        looking = torch.split(places, self.at_a_time, dim=2)
        mixed = [
            pieces @ (keys.transpose(1, 2) @ some + banned * own).softmax(dim=1)
            for some, own in zip(looking, torch.split(itself, self.at_a_time, 1), strict=True)
        ]
        return torch.cat(mixed, dim=2)


def _trust(unknown: Tensor, partly: Tensor) -> Tensor:
    """Return by how much each key counts: the rarer of known and unknown counts more."""
    share = unknown.mean(dim=(2, 3))
    for_unknown = (share / (1 - share)).sqrt().clamp(0.1, 10.0)
    for_known = ((1 - share) / share).sqrt().clamp(0.1, 10.0)
    return for_unknown * partly + for_known * (1 - partly)


class DownBlock(nn.Module):
    """A residual block of the encoder."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = SpectralConv2d(inputs, outputs, 3, stride=stride, padding=1)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = SpectralConv2d(outputs, outputs, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1:
            self.downsample = nn.Sequential(
                nn.AvgPool2d(2), SpectralConv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs)
            )
        nn.init.zeros_(self.bn2.weight)  # begins as the identity

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class UpBlock(nn.Module):
    """A residual block of the decoder."""

    def __init__(self, inputs: int, outputs: int, *, double: bool = False) -> None:
        super().__init__()
        self.conv1 = (
            SpectralConvTranspose2d(inputs, inputs, 4, stride=2, padding=1)
            if double
            else SpectralConv2d(inputs, inputs, 3, padding=1)
        )
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv2 = SpectralConv2d(inputs, outputs, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.upsample: nn.Module = nn.Identity()
        if double:
            self.upsample = nn.Sequential(
                nn.Upsample(scale_factor=2, mode="nearest"),
                SpectralConv2d(inputs, outputs, 1),
                nn.BatchNorm2d(outputs),
            )
        nn.init.zeros_(self.bn2.weight)  # begins as the identity

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W), or to twice the size."""
        y = F.leaky_relu(self.bn1(self.conv1(x)), 0.2)
        return F.leaky_relu(self.bn2(self.conv2(y)) + self.upsample(x), 0.2)


def _down(inputs: int, outputs: int, *, blocks: int, stride: int = 2) -> nn.Sequential:
    first = DownBlock(inputs, outputs, stride)
    return nn.Sequential(first, *(DownBlock(outputs, outputs) for _ in range(blocks - 1)))


def _up(inputs: int, outputs: int, *, blocks: int) -> nn.Sequential:
    first = UpBlock(inputs, outputs, double=True)
    return nn.Sequential(first, *(UpBlock(outputs, outputs) for _ in range(blocks - 1)))


def _shortcut(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        SpectralConv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(outputs),
        SpectralConv2d(outputs, outputs, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(outputs),
    )


def _guide(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ReflectionPad2d(1),
        SpectralConv2d(inputs, outputs, 3, stride=2),
        nn.ReLU(inplace=True),
        nn.BatchNorm2d(outputs),
    )
