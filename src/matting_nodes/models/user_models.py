"""Models of your own: trained weights that are known by a name, in the model folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..errors import ParameterError
from ..io.images import make_folder_for, replacing
from ._folder import model_folder, search_folders
from .catalog import MODELS, Model

FOLDER = "own"


def find(model: Model, name: str) -> Path | None:
    """Return the weights of your own for a network that go by this name, or None.

    Parameters
    ----------
    model : Model
        Its entry in the catalog.
    name : str
        As it was kept.
    """
    if not re.fullmatch(_NAME, name):
        return None
    paths = (folder / FOLDER / model.name / f"{name}.pth" for folder in search_folders())
    return next((path for path in paths if path.is_file()), None)


def all_own() -> Iterator[tuple[Model, str]]:
    """Yield network and name of every model of your own."""
    for model in MODELS.values():
        names = {
            path.stem
            for folder in search_folders()
            for path in (folder / FOLDER / model.name).glob("*.pth")
        }
        yield from ((model, name) for name in sorted(names))


def keep(model: Model, path: Path, name: str) -> Path:
    """Copy a file of weights to where the nodes find it by name; an older one gives way.

    Parameters
    ----------
    model : Model
        Its entry in the catalog.
    path : Path
        The file that is copied.
    name : str
        By which nodes find it.

    Raises
    ------
    ParameterError
        If it cannot be a name.
    FileError
        If the model folder cannot be written.
    """
    check_name(name)
    target = make_folder_for(model_folder() / FOLDER / model.name / f"{name}.pth")
    with replacing(target) as part:
        shutil.copyfile(path, part)
    return target


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a model.

    Raises
    ------
    ParameterError
    """
    if not re.fullmatch(_NAME, name):
        raise ParameterError(
            f"{name!r} cannot be the name of a model",
            "It is made of letters, digits, - and _",
            "Choose another",
        )


_NAME = r"[A-Za-z0-9_-]+"
