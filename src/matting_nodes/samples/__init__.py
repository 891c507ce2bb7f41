"""Real pictures that come with the package; `README.md` beside them says whose they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..arrays import Alpha, Image, Kind, Trimap, as_alpha, as_image, as_trimap
from ..io import read

FOLDER = Path(__file__).parent


def lemur() -> Image:
    """Return a photo of a lemur, (440, 680, 3): fur before leaves."""
    return as_image(read(FOLDER / "lemur.png", Kind.IMAGE))


def lemur_trimap() -> Trimap:
    """Return a trimap of the lemur, drawn by hand."""
    return as_trimap(read(FOLDER / "lemur_trimap.png", Kind.TRIMAP))


def lemur_alpha() -> Alpha:
    """Return an alpha of the lemur to compare with."""
    return as_alpha(read(FOLDER / "lemur_alpha.png", Kind.ALPHA))


def beach() -> Image:
    """Return a background of the photo's size."""
    return as_image(read(FOLDER / "beach.png", Kind.IMAGE))


def cell() -> NDArray[Any]:
    """Return a quantitative phase image of a cell, (660, 550) uint8, 0.107 µm a pixel."""
    from skimage import data

    image: NDArray[Any] = data.cell()  # type: ignore[no-untyped-call]
    return image
