"""Deep Image Matting on VGG-16 with unpooling and skips."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ._refinement import Refinement
from ._unpooling import pool, unpool
from ._vgg import BLOCKS


class DimVgg16(Refinement):
    """Deep Image Matting: VGG-16, a decoder with unpooling and added skips, a refinement.

    Parameters
    ----------
    size_of_conv6 : 3 or 1
        Side of the kernel between encoder and decoder; weights from before September 2019 have 1.
    refinement : bool
        False for published weights of the first stage alone, which lack the keys ``refine_*``.

    Notes
    -----
    Xu, Price, Cohen and Huang, "Deep Image Matting", CVPR 2017, arXiv 1703.03872;
    github.com/huochaitiantang/pytorch-deep-image-matting.
    """

    stride = 32
    reach = 221
    near = 24

    def __init__(self, size_of_conv6: int = 3, *, refinement: bool = True) -> None:
        super().__init__(refinement=refinement)
        inputs = 4
        for block, (convolutions, channels) in enumerate(BLOCKS, 1):
            for number in range(1, convolutions + 1):
                layer = nn.Conv2d(inputs, channels, 3, padding=1)
                self.add_module(f"conv{block}_{number}", layer)
                inputs = channels
        self.conv6_1 = nn.Conv2d(512, 512, size_of_conv6, padding=size_of_conv6 // 2)
        self.deconv6_1 = nn.Conv2d(512, 512, 1)
        self.deconv5_1 = nn.Conv2d(512, 512, 5, padding=2)
        self.deconv4_1 = nn.Conv2d(512, 256, 5, padding=2)
        self.deconv3_1 = nn.Conv2d(256, 128, 5, padding=2)
        self.deconv2_1 = nn.Conv2d(128, 64, 5, padding=2)
        self.deconv1_1 = nn.Conv2d(64, 64, 5, padding=2)
        self.deconv1 = nn.Conv2d(64, 1, 5, padding=2)

    def forward(self, image_and_trimap: Tensor) -> tuple[Tensor, Tensor]:
        """Return the alpha of a picture and its trimap, before and after the refinement.

        Parameters
        ----------
        image_and_trimap : (N, 4, H, W)
            RGB, ImageNet-normalized, and the trimap / 255. H and W are multiples of 32.

        Returns
        -------
        first, refined : (N, 1, H, W), 0..1
            The same without a refinement.
        """
        return self.finish(*self.begin(image_and_trimap))

    def begin(self, image_and_trimap: Tensor) -> tuple[Tensor, ...]:
        """Return the picture, features at 1/8, and skips with places of maxima, at 1/4 first."""
        x = image_and_trimap
        skips = []
        for block, (convolutions, _) in enumerate(BLOCKS, 1):
            for number in range(1, convolutions + 1):
                x = F.relu(getattr(self, f"conv{block}_{number}")(x))
            pooled, places = pool(x)
            skips.append((x, places))
            x = pooled
        x = F.relu(self.deconv6_1(F.relu(self.conv6_1(x))))
        for block in (5, 4):
            x = self._up(block, x, *skips.pop())
        return image_and_trimap[:, :3], x, *(part for skip in reversed(skips) for part in skip)

    def finish(self, image: Tensor, x: Tensor, *skips: Tensor) -> tuple[Tensor, Tensor]:
        """Return the alphas that features make.

        Parameters
        ----------
        image, x, *skips
            As `begin` returns them, or the same part of each.
        """
        for block, skip, places in zip((3, 2, 1), skips[::2], skips[1::2], strict=True):
            x = self._up(block, x, skip, places)
        return self.refine(image, self.deconv1(x))

    def _up(self, block: int, x: Tensor, skip: Tensor, places: Tensor) -> Tensor:
        return F.relu(getattr(self, f"deconv{block}_1")(unpool(x, places) + skip))
