"""Real pictures that come with the package; `README.md` beside them says whose they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..arrays import Alpha, Image, Kind, Trimap, as_alpha, as_image, as_trimap
from ..errors import FileError
from ..io.images import read

FOLDER = Path(__file__).parent
PICTURES = (".jpg", ".png")
# Pictures that scikit-image brings along.
SCIKIT_IMAGES = ("astronaut.png", "cell.png", "coffee.png")


def names() -> list[str]:
    """Return the names of all sample files, and of folders that hold a sequence."""
    hidden = ("__", ".")
    ours = [p.name for p in FOLDER.iterdir() if p.is_dir() or p.suffix in PICTURES]
    return sorted([*(name for name in ours if not name.startswith(hidden)), *SCIKIT_IMAGES])


def find(name: str) -> Path:
    """Return the file, or the folder, of the sample with this name.

    Raises
    ------
    FileError
        If there is none.
    """
    if name not in names():
        raise FileError(
            f"{name} is no sample", f"The samples are {', '.join(names())}", "Choose one of these"
        )
    if name in SCIKIT_IMAGES:
        from skimage import data

        return Path(data.__file__).parent / name
    return FOLDER / name


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

    image: NDArray[Any] = data.cell()
    return image
