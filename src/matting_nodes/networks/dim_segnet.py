"""Deep Image Matting in the manner of SegNet: batch norm, unpooling, no skips."""

from __future__ import annotations

from torch import Tensor, nn

from ._unpooling import pool, unpool


class DimSegNet(nn.Module):
    """Deep Image Matting on VGG-16 with batch norm, whose decoder unpools without skips.

    Notes
    -----
    Xu, Price, Cohen and Huang, "Deep Image Matting", CVPR 2017, arXiv 1703.03872, and
    Badrinarayanan, Kendall and Cipolla, "SegNet", PAMI 2017;
    github.com/foamliu/Deep-Image-Matting-PyTorch.
    """

    stride = 32
    reach = 183
    near = 32

    def __init__(self) -> None:
        super().__init__()
        self.down1 = Down(4, 64, convolutions=2)
        self.down2 = Down(64, 128, convolutions=2)
        self.down3 = Down(128, 256, convolutions=3)
        self.down4 = Down(256, 512, convolutions=3)
        self.down5 = Down(512, 512, convolutions=3)
        self.up5 = Up(512, 512)
        self.up4 = Up(512, 256)
        self.up3 = Up(256, 128)
        self.up2 = Up(128, 64)
        self.up1 = Up(64, 1)

    def forward(self, image_and_trimap: Tensor) -> Tensor:
        """Return the alpha of a picture and its trimap.

        Parameters
        ----------
        image_and_trimap : (N, 4, H, W)
            RGB, ImageNet-normalized, and the trimap / 255. H and W are 32 at least; the halves
            take multiples of 32 only.

        Returns
        -------
        (N, 1, H, W), 0..1
        """
        size = (image_and_trimap.shape[2], image_and_trimap.shape[3])
        return self.finish(*self.begin(image_and_trimap), size=size)

    def begin(self, image_and_trimap: Tensor) -> tuple[Tensor, ...]:
        """Return features at 1/16, and where maxima were, from 1/16 to 1/2."""
        x = image_and_trimap
        trail = []
        for down in (self.down1, self.down2, self.down3, self.down4, self.down5):
            x, places = down(x)
            trail.append(places)
        x = self.up5(x, trail.pop(), _size(trail[-1]))
        return x, *reversed(trail)

    def finish(self, x: Tensor, *trail: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Return the alpha that features make, of a size that may be odd.

        Parameters
        ----------
        x, *trail
            As `begin` returns them, or the same part of each.
        size : (H, W), optional
            Size of the alpha; twice that of the last features if not given.
        """
        sizes = (*map(_size, trail[1:]), size)
        ups = (self.up4, self.up3, self.up2, self.up1)
        for up, places, larger in zip(ups, trail, sizes, strict=True):
            x = up(x, places, larger)
        return x.sigmoid()


class Down(nn.Module):
    """Two or three convolutions, then pooling."""

    def __init__(self, inputs: int, outputs: int, *, convolutions: int) -> None:
        super().__init__()
        for number in range(1, convolutions + 1):
            self.add_module(f"conv{number}", Convolution(inputs, outputs, 3, nn.ReLU()))
            inputs = outputs

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, inputs, H, W) to (N, outputs, H / 2, W / 2) and the places of the maxima."""
        for convolution in self.children():
            x = convolution(x)
        return pool(x)


class Up(nn.Module):
    """Unpooling, then a convolution without rectifier, as published."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = Convolution(inputs, outputs, 5)

    def forward(self, x: Tensor, places: Tensor, size: tuple[int, int] | None) -> Tensor:
        """Map (N, inputs, h, w) to (N, outputs, 2h, 2w), or to a size that is one more.

        Parameters
        ----------
        x : (N, inputs, h, w)
            Features.
        places : (N, inputs, h, w)
            Where maxima were, as `pool` returns them.
        size : (H, W), optional
            Size of the result.
        """
        y: Tensor = self.conv(unpool(x, places, size))
        return y


class Convolution(nn.Module):
    """Convolution and batch norm, perhaps with a rectifier after them."""

    def __init__(self, inputs: int, outputs: int, size: int, *after: nn.Module) -> None:
        super().__init__()
        convolution = nn.Conv2d(inputs, outputs, size, padding=size // 2)
        self.cbr_unit = nn.Sequential(convolution, nn.BatchNorm2d(outputs), *after)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        y: Tensor = self.cbr_unit(x)
        return y


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[2], x.shape[3]
