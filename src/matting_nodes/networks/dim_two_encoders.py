"""Deep Image Matting to be trained: one encoder looks at the picture, one at the trimap."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._refinement import Refinement
from ._resnet import ResNet
from ._vgg import vgg16_features


class VggEncoder(nn.Module):
    """VGG-16 up to its first fully connected layer, which is a 7 × 7 convolution here."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.features = vgg16_features(inputs)
        self.fc6 = nn.Conv2d(512, channels, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, channels, H / 32, W / 32)."""
        return F.relu(self.fc6(self.features(x)))

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Take the state dict of torchvision's ``vgg16``; needs 3 inputs and 4096 channels.

        Its first fully connected layer saw 7 × 7 features: the same numbers are the kernel.
        """
        ours = {key: value for key, value in state.items() if key.startswith("features.")}
        ours["fc6.weight"] = state["classifier.0.weight"].reshape(-1, 512, 7, 7)
        ours["fc6.bias"] = state["classifier.0.bias"]
        self.load_state_dict(ours)


class ResNetEncoder(ResNet):
    """ResNet-50, then a 7 × 7 convolution."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__(inputs)
        self.fc6 = nn.Conv2d(2048, channels, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]  # the last of its features
        """Map (N, inputs, H, W) to (N, channels, H / 32, W / 32)."""
        return F.relu(self.fc6(super().forward(x)[-1]))

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Take the state dict of torchvision's ``resnet50``; needs 3 inputs, keeps its fc6."""
        ours = {key: value for key, value in state.items() if not key.startswith("fc.")}
        kept = {f"fc6.{key}": value for key, value in self.fc6.state_dict().items()}
        self.load_state_dict(ours | kept)


class DimTwoEncoders(Refinement):
    """Deep Image Matting with an encoder each for picture and trimap, and without skips.

    Apart from the trimap, the picture's encoder takes ImageNet's weights as they are. The
    features of both are joined; transposed convolutions bring them back to full size, and the
    refinement sharpens the result.

    Parameters
    ----------
    encoder : VggEncoder or ResNetEncoder
        The kind of both encoders.
    channels : int
        Channels of the 7 × 7 convolution that ends each encoder. With 4096 as in VGG-16, that layer
        alone has 103 million parameters on VGG-16 and 411 million on ResNet-50, twice.

    Notes
    -----
    After Xu, Price, Cohen and Huang, "Deep Image Matting", CVPR 2017, arXiv 1703.03872.
    """

    stride = 32
    reach = 377  # of ResNet-50, the wider of the two
    near = 24

    def __init__(
        self,
        encoder: type[VggEncoder] | type[ResNetEncoder] = VggEncoder,
        channels: int = 4096,
    ) -> None:
        super().__init__()
        self.image_encoder = encoder(3, channels)
        self.trimap_encoder = encoder(1, channels)
        self.deconv6 = nn.Conv2d(2 * channels, 512, 1)
        self.deconv5 = _double(512, 512)
        self.deconv4 = _double(512, 256)
        self.deconv3 = _double(256, 128)
        self.deconv2 = _double(128, 64)
        self.deconv1 = _double(64, 64)
        self.alpha = nn.Conv2d(64, 1, 5, padding=2)

    def forward(self, image_and_trimap: Tensor) -> tuple[Tensor, Tensor]:
        """Return the alpha of a picture and its trimap, before and after the refinement.

        Parameters
        ----------
        image_and_trimap : (N, 4, H, W)
            RGB, ImageNet-normalized, and the trimap / 255. H and W are multiples of 32.

        Returns
        -------
        first, refined : (N, 1, H, W), 0..1
        """
        return self.finish(*self.begin(image_and_trimap))

    def begin(self, image_and_trimap: Tensor) -> tuple[Tensor, Tensor]:
        """Return the picture, and features at 1/8."""
        image, trimap = image_and_trimap[:, :3], image_and_trimap[:, 3:]
        seen = (self.image_encoder(image), self.trimap_encoder(trimap))
        x = F.relu(self.deconv6(torch.cat(seen, dim=1)))
        return image, F.relu(self.deconv4(F.relu(self.deconv5(x))))

    def finish(self, image: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the alphas that features make.

        Parameters
        ----------
        image, x
            As `begin` returns them, or the same part of each.
        """
        for layer in (self.deconv3, self.deconv2, self.deconv1):
            x = F.relu(layer(x))
        return self.refine(image, self.alpha(x))


class DimTwoVgg16(DimTwoEncoders):
    """Two VGG-16 encoders."""

    reach = 285

    def __init__(self, channels: int = 4096) -> None:
        super().__init__(VggEncoder, channels)


class DimTwoResNet50(DimTwoEncoders):
    """Two ResNet-50 encoders."""

    def __init__(self, channels: int = 4096) -> None:
        super().__init__(ResNetEncoder, channels)


def _double(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1)
