"""One sample: its files, and reading them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arrays import Alpha, Image, Kind, Trimap, as_alpha, as_image, as_rgb, as_trimap
from ..arrays import check_same_size as check_sizes
from ..errors import MissingInputError
from ..io import images


@dataclass(frozen=True)
class Sample:
    """The files of one sample, read on demand.

    Parameters
    ----------
    name : str
        Its path below the folder, without suffix.
    alpha : Path
        The true alpha: a grey picture, or the alpha channel of a cut-out.
    image : Path, optional
        The picture; without it, the foreground is laid over the background.
    trimap : Path, optional
        The published trimap.
    foreground, background : Path, optional
        The object's own colors, and the background to composite it over.
    """

    name: str
    alpha: Path
    image: Path | None = None
    trimap: Path | None = None
    foreground: Path | None = None
    background: Path | None = None

    def read_alpha(self) -> Alpha:
        """Return the true alpha, (H, W) float32, 0..1."""
        return as_alpha(images.read(self.alpha, Kind.ALPHA), str(self.alpha))

    def read_trimap(self) -> Trimap:
        """Return the published trimap, (H, W) uint8.

        Raises
        ------
        MissingInputError
            If there is none.
        """
        if self.trimap is None:
            raise MissingInputError(
                f"{self.name} has no trimap",
                "Methods that solve for alpha need one",
                "Write trimaps with `matting-nodes data prepare`, or choose a layout that has them",
            )
        return as_trimap(images.read(self.trimap, Kind.TRIMAP), str(self.trimap))

    def read_colors(self) -> Image:
        """Return the object's own colors where they are known, else the picture's."""
        path = self.foreground or self.image
        if path is None:
            raise MissingInputError(
                f"{self.name} has neither picture nor foreground",
                "A sample has one of them",
                "Check the folders",
            )
        return as_rgb(read_picture(path))

    def read_image(self) -> Image:
        """Return the picture, (H, W, 3) float32, 0..1: read, or composited and not stored.

        Raises
        ------
        FileError, MissingInputError, SizeMismatchError
            The message names the file.
        """
        if self.image is not None:
            return as_rgb(read_picture(self.image))
        colors, alpha = self.read_colors(), self.read_alpha()
        if self.background is None:
            raise MissingInputError(
                f"{self.name} has no background",
                "A foreground is laid over one",
                "Name the folder of backgrounds",
            )
        check_sizes({str(self.alpha): alpha, str(self.foreground): colors})
        behind = covering(read_picture(self.background), *alpha.shape)
        return over(colors, behind, alpha)


def read_picture(path: Path) -> Image:
    """Return a picture file as (H, W, C) float32 in 0..1."""
    return as_image(images.read(path, Kind.IMAGE), str(path))


def over(foreground: Image, background: Image, alpha: Alpha) -> Image:
    """Return I = αF + (1 − α)B.

    Parameters
    ----------
    foreground, background : (H, W, 3) float32
        F and B.
    alpha : (H, W) float32, 0..1
    """
    part = alpha[..., None]
    mixed: Image = part * foreground + (1 - part) * background
    return mixed


def covering(background: Image, height: int, width: int) -> Image:
    """Return the upper left of a background, enlarged where it is too small.

    As the data set of Xu et al. (2017, arXiv:1703.03872) was composited.

    Parameters
    ----------
    background : (h, w, C) float32, 0..1
    height, width : int, pixels
        Size of the result.
    """
    from ..resizing import resized

    rgb = as_rgb(background)
    scale = max(height / rgb.shape[0], width / rgb.shape[1])
    if scale > 1:
        high, wide = (int(np.ceil(side * scale)) for side in rgb.shape[:2])
        rgb = resized(rgb, high, wide, "cubic").clip(0, 1)
    return np.ascontiguousarray(rgb[:height, :width])
