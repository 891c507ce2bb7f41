"""The layouts that data sets come in: which files belong together, and which do not fit.

Files without a partner, unreadable files and files of another size are reported and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import TypeVar

from ..errors import FileError, ParameterError
from ..io.decoding import READABLE, size_of
from .samples import Sample

T = TypeVar("T")

# Names that folders of one content go by, our own first
IMAGES = ("img", "image", "images", "input", "input_training_lowres", "merged")
ALPHAS = ("alpha", "alphas", "gt", "mask", "gt_training_lowres", "alpha_copy")
TRIMAPS = ("trimap", "trimaps", "trimap1", "trimap_training_lowres/Trimap1")
FOREGROUNDS = ("fg", "foreground", "foregrounds")
BACKGROUNDS = ("bg", "background", "backgrounds")
INDEX = "index.txt"


@dataclass(frozen=True)
class DataFolders:
    """Where the files are, below the data's folder or anywhere; empty looks for usual names.

    Parameters
    ----------
    images, alphas, trimaps, foregrounds, backgrounds : str
        Folders of pictures of equal names; backgrounds have names of their own.
    composites : int
        On how many backgrounds each foreground is laid.
    """

    images: str = ""
    alphas: str = ""
    trimaps: str = ""
    foregrounds: str = ""
    backgrounds: str = ""
    composites: int = 20


@dataclass(frozen=True)
class Found:
    """The samples of a folder, and what is wrong with the rest, a line each."""

    samples: tuple[Sample, ...]
    problems: tuple[str, ...] = ()


def find_samples(
    folder: str | Path, layout: str = "folders", at: DataFolders | None = None
) -> Found:
    """Return the samples of a folder.

    Parameters
    ----------
    folder : path
        The folder of the data set.
    layout : {"folders", "alphamatting", "composition1k", "aifenge"}
        How it is laid out; see `LAYOUTS`.
    at : DataFolders, optional
        Where the files are, if not at the usual names.

    Returns
    -------
    Found
        Samples sorted by name, and the problems: nothing is left out silently.

    Raises
    ------
    ParameterError
        If there is no such layout.
    FileError
        If a folder is missing, or no sample can be used.
    """
    if layout not in LAYOUTS:
        raise ParameterError(
            f"There is no layout {layout!r}", f"There are {', '.join(LAYOUTS)}", "Choose one"
        )
    root = _folder(Path(folder).expanduser())
    found = _usable(LAYOUTS[layout](root, at or DataFolders()))
    if not found.samples:
        problems = "; ".join(found.problems[:3]) or "it holds no pictures"
        raise FileError(
            f"{root} has no sample that can be used: {problems}",
            f"The layout {layout} was looked for",
            "Check folder and layout",
        )
    return found


def three_folders(root: Path, at: DataFolders) -> Found:
    """Pair pictures, alphas and perhaps trimaps and foregrounds of equal names.

    An `index.txt` beside the folders, a name a line, says which count.

    Parameters
    ----------
    root : Path
        The folder of the data set.
    at : DataFolders
        Where the files are, if not at the usual names.
    """
    parts = {
        "alpha": _pictures(_place(root, at.alphas, ALPHAS)),
        "image": _pictures(_place(root, at.images, IMAGES, optional=True)),
        "trimap": _pictures(_place(root, at.trimaps, TRIMAPS, optional=True)),
        "foreground": _pictures(_place(root, at.foregrounds, FOREGROUNDS, optional=True)),
    }
    return _matched(
        {kind: files for kind, files in parts.items() if files or kind == "alpha"}, _index(root)
    )


def alphamatting(root: Path, at: DataFolders) -> Found:
    """Pair `input/ trimap*/ gt/`, as the training images of alphamatting.com are kept.

    Also under the names of its archives; all three must be there.

    Parameters
    ----------
    root, at
        As for `three_folders`.
    """
    parts = {
        "alpha": _pictures(_place(root, at.alphas, ("gt", "gt_training_lowres"))),
        "image": _pictures(_place(root, at.images, ("input", "input_training_lowres"))),
        "trimap": _pictures(_place(root, at.trimaps, TRIMAPS)),
    }
    return _matched(parts, _index(root))


def aifenge(root: Path, at: DataFolders) -> Found:
    """Pair photos in `clip_img/…/clip_…/` with cut-outs in `matting/…/matting_…/`.

    As in AiFenGe's human matting data: the alpha is that of the cut-out, an RGBA PNG.

    Parameters
    ----------
    root, at
        As for `three_folders`.
    """
    photos = _pictures(_place(root, at.images, ("clip_img",)))
    cutouts = _pictures(_place(root, at.alphas, ("matting",)))
    renamed = {name.replace("/matting_", "/clip_"): path for name, path in cutouts.items()}
    return _matched({"alpha": renamed, "image": photos})


def composition1k(root: Path, at: DataFolders) -> Found:
    """Lay each foreground of `fg/`, with its alpha of `alpha/`, over backgrounds of `bg/`.

    As Xu et al. (2017) made Composition-1k: foregrounds and backgrounds in the order of the
    lists `*fg_names.txt` and `*bg_names.txt` (else by name), and each background used once.
    Composite k of a foreground is called NAME_k, and so is its file in `trimaps/`.

    Parameters
    ----------
    root, at
        As for `three_folders`; `at` also has the number of composites per foreground.
    """
    parts = {
        "alpha": _pictures(_place(root, at.alphas, ALPHAS)),
        "foreground": _pictures(_place(root, at.foregrounds, FOREGROUNDS)),
    }
    found = _matched(parts)
    trimaps = _pictures(_place(root, at.trimaps, TRIMAPS, optional=True))
    behind = _pictures(background_folder(root, at))
    backgrounds = cycle(_in_order(behind, _listed(root, "bg_names.txt")).items())
    by_name = {sample.name: sample for sample in found.samples}
    composites = [
        replace(
            sample,
            name=f"{name}_{number}",
            background=path,
            trimap=trimaps.get(f"{name}_{number}", trimaps.get(name)),
        )
        for name, sample in _in_order(by_name, _listed(root, "fg_names.txt")).items()
        for number, (_, path) in enumerate(islice(backgrounds, at.composites))
    ]
    return replace(found, samples=tuple(composites))


LAYOUTS: Mapping[str, Callable[[Path, DataFolders], Found]] = {
    "folders": three_folders,
    "alphamatting": alphamatting,
    "composition1k": composition1k,
    "aifenge": aifenge,
}


def background_folder(root: Path, at: DataFolders) -> Path:
    """Return where the backgrounds of Composition-1k are.

    Parameters
    ----------
    root, at
        As for `three_folders`.

    Raises
    ------
    FileError
        If they are not found.
    """
    return _place(root, at.backgrounds, BACKGROUNDS)


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder and the folders in it, by name."""
    return list(_pictures(_folder(folder)).values())


def _matched(parts: Mapping[str, Mapping[str, Path]], index: list[str] | None = None) -> Found:
    """Return a sample for each name that all parts have; a name that some lack is a problem."""
    names = sorted(set(index) if index is not None else set().union(*parts.values()))
    samples, problems = [], []
    for name in names:
        missing = [kind for kind, files in parts.items() if name not in files]
        if missing:
            problems.append(f"{name}: no {' and no '.join(missing)} of that name")
        else:
            samples.append(Sample(name, **{kind: files[name] for kind, files in parts.items()}))
    return Found(tuple(samples), tuple(problems))


def _usable(found: Found) -> Found:
    """Leave out samples whose files cannot be opened or differ in size."""
    samples, sizes, problems = [], dict[Path, tuple[int, int] | str](), list(found.problems)
    for sample in found.samples:
        fault = _fault(sample, sizes)
        if fault:
            problems.append(f"{sample.name}: {fault}")
        else:
            samples.append(sample)
    return Found(tuple(samples), tuple(problems))


def _fault(sample: Sample, sizes: dict[Path, tuple[int, int] | str]) -> str:
    """Return what is wrong with a sample, as far as the heads of its files tell."""
    files = (sample.alpha, sample.image, sample.trimap, sample.foreground, sample.background)
    for path in filter(None, files):
        size = sizes.setdefault(path, _size(path))
        if isinstance(size, str):
            return size
        if path != sample.background and size != sizes[sample.alpha]:
            return f"{path} is not of the size of {sample.alpha}"
    return ""


def _size(path: Path) -> tuple[int, int] | str:
    """Return width and height of an upright picture, or why its head cannot be read."""
    try:
        return size_of(path)
    except Exception as error:  # Decoders raise errors of many kinds for a broken file.
        return f"{path} cannot be opened: {error}"


def _place(root: Path, chosen: str, usual: tuple[str, ...], *, optional: bool = False) -> Path:
    """Return the selected folder, or the first of the usual ones that exists."""
    if chosen:
        return _folder(root / Path(chosen).expanduser())
    there = next((root / name for name in usual if (root / name).is_dir()), None)
    if there is None and not optional:
        raise FileError(
            f"{root} has no folder {' or '.join(usual)}",
            "The layout needs one of them",
            "Name the folder, or choose another layout",
        )
    return there or root / usual[0]


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise FileError(f"{path} is not a folder", "Data is in folders", "Check the path")
    return path


def _pictures(folder: Path) -> dict[str, Path]:
    """Return the pictures below a folder by their path in it, without ending."""
    return {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in READABLE
    }


def _in_order(by_name: Mapping[str, T], names: list[str]) -> dict[str, T]:
    """Return what a list names, in its order; everything by name if there is none."""
    return {n: by_name[n] for n in names if n in by_name} if names else dict(by_name)


def _index(root: Path) -> list[str] | None:
    return _lines(root / INDEX) if (root / INDEX).is_file() else None


def _listed(root: Path, ending: str) -> list[str]:
    """Return the names in the list that ends so, without their own endings."""
    lists = sorted(root.glob(f"*{ending}"))
    return [str(Path(line).with_suffix("")) for line in _lines(lists[0])] if lists else []


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]
