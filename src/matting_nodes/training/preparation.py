"""Prepare data once: `img/ trimap/ alpha/` and an index, from any layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import Alpha, Image, Kind, Trimap, as_rgb
from ..arrays import check_same_size as check_sizes
from ..errors import FileError, MattingError
from ..io import images
from ..job import Job
from ..resizing import Interpolation, resized
from .layouts import INDEX
from .samples import Sample, over, read_picture
from .trimaps import cutout_trimap


@dataclass(frozen=True)
class Preparation:
    """How samples are prepared.

    Parameters
    ----------
    threshold : int, of 255
        Alphas above it count as the object when a trimap is drawn.
    width : int, pixels
        Width of the ellipse that draws the trimap's band; odd.
    size : int, pixels
        Pad to a square and resize to this side length; 0 keeps the size.
    backgrounds : sequence of Path
        Lay each object over a random square of one of them.
    seed : int
        Seed of the random choices: sample n always gets the same ones.
    """

    threshold: int = 50
    width: int = 11
    size: int = 0
    backgrounds: Sequence[Path] = ()
    seed: int = 0


def prepare(
    samples: Sequence[Sample], folder: str | Path, preparation: Preparation, job: Job | None = None
) -> Iterator[str]:
    """Write samples as pictures, trimaps and alphas of equal names, and index them.

    Composites are stored in the same way. A published trimap is kept, otherwise one is drawn.

    Parameters
    ----------
    samples : sequence of Sample
        Samples of any layout.
    folder : path
        Receives `img/`, `trimap/`, `alpha/` and, at the end, `index.txt` with one name per line.
    preparation : Preparation
        How they are prepared.
    job : Job, optional
        Progress and cancel. Files that were already written stay.

    Yields
    ------
    str
        For each sample that could not be prepared, its name and why.

    Raises
    ------
    FileError
        If the folder has an index already, or cannot be written to.
    """
    job, target = job or Job(), Path(folder)
    if (target / INDEX).exists():
        raise FileError(
            f"{target / INDEX} exists", "Prepared data is not written over", "Choose a new folder"
        )
    names = []
    for number, sample in enumerate(samples):
        job.step(number, len(samples), sample.name)
        try:
            pictures = prepared(
                sample, preparation, np.random.default_rng([preparation.seed, number])
            )
        except MattingError as error:
            yield f"{sample.name}: {error}"
        else:
            names.append(_write(target, sample.name, *pictures))
    index = "".join(f"{name}\n" for name in names)
    images.write_whole(images.make_folder_for(target / INDEX), index.encode())


def prepared(
    sample: Sample, preparation: Preparation, chance: np.random.Generator
) -> tuple[Image, Trimap, Alpha]:
    """Return picture, trimap and alpha of a sample prepared for training.

    Parameters
    ----------
    sample : Sample
        The sample.
    preparation : Preparation
        How it is prepared.
    chance : numpy.random.Generator
        Source of the random choices.
    """
    alpha = sample.read_alpha()
    image = sample.read_colors() if preparation.backgrounds else sample.read_image()
    trimap = sample.read_trimap() if sample.trimap else None
    check_sizes({"alpha": alpha, "image": image, **({} if trimap is None else {"trimap": trimap})})
    if preparation.size:
        image, alpha = (squared(p, preparation.size, "smooth").clip(0, 1) for p in (image, alpha))
        trimap = None if trimap is None else squared(trimap, preparation.size, "nearest")
    if preparation.backgrounds:
        path = preparation.backgrounds[int(chance.integers(len(preparation.backgrounds)))]
        height, width = alpha.shape
        behind = random_crop(as_rgb(read_picture(path)), height, width, chance)
        image = over(image, behind, alpha)
    if trimap is None:
        trimap = cutout_trimap(alpha, preparation.threshold, preparation.width)
    return image, trimap, alpha


def squared(picture: NDArray[Any], size: int, how: Interpolation) -> NDArray[Any]:
    """Return a picture padded with zeros to a square, then resized to `size` pixels a side.

    Parameters
    ----------
    picture : (H, W) or (H, W, C) array
    size : int, pixels
        Side of the result.
    how : str
        Interpolation, as for `resized`.
    """
    height, width = picture.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    padding = ((top, side - height - top), (left, side - width - left), (0, 0))
    return resized(np.pad(picture, padding[: picture.ndim]), size, size, how)


def random_crop(picture: Image, height: int, width: int, chance: np.random.Generator) -> Image:
    """Return a random part of a picture, which is enlarged first where it is too small.

    Parameters
    ----------
    picture : (h, w, 3) float32, 0..1
    height, width : int, pixels
        Size of the crop.
    chance : numpy.random.Generator
        Source of its random position.
    """
    scale = max(height / picture.shape[0], width / picture.shape[1], 1)
    high, wide = (int(np.ceil(side * scale)) for side in picture.shape[:2])
    larger = resized(picture, high, wide, "cubic").clip(0, 1)
    top, left = chance.integers(high - height + 1), chance.integers(wide - width + 1)
    part: Image = larger[top : top + height, left : left + width]
    return part


def _write(folder: Path, name: str, image: Image, trimap: Trimap, alpha: Alpha) -> str:
    parts: dict[str, tuple[NDArray[Any], Kind]] = {
        "img": (image, Kind.IMAGE),
        "trimap": (trimap, Kind.TRIMAP),
        "alpha": (alpha, Kind.ALPHA),
    }
    for part, (value, kind) in parts.items():
        path = images.make_folder_for(folder / part / f"{name}.png")
        images.write(path, value, kind, force=True)
    return name
