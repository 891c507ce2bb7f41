"""Training a network: from settings and data to a file of weights that the nodes take."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import DependencyError, ParameterError
from ..io.images import make_folder_for, write_whole
from ..job import Job
from ..models.catalog import model as find_model
from .material import find_material
from .recipes import recipe as find_recipe
from .settings import Settings

# Of [run], what may change when a training goes on: no step's result depends on it.
FREE = ("workers", "validate_every", "save_every", "unreadable", "start", "encoder", "device")
RECORD = "settings.json"


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    Parameters
    ----------
    weights : Path
        A file that the nodes' `weights` takes.
    error : float
        Of the best state: the mean absolute difference of alpha over unknown pixels, or
        T-Net's share of wrong pixels.
    origin : str
        What it began from.
    """

    weights: Path
    error: float
    origin: str


def train(
    network: str,
    settings: Settings,
    folder: str | Path,
    job: Job | None = None,
    tell: Callable[[str], None] = print,
) -> Trained:
    """Train a network of the catalog.

    A run that was stopped goes on from its last checkpoint, to the same result as if it had
    not been.

    Parameters
    ----------
    network : str
        See `recipes.RECIPES`.
    settings : Settings
        From `settings.read_settings`.
    folder : path
        Gets `last.ckpt` (to go on from), `best.ckpt` (the least error), TensorBoard's `board`,
        and the weights.
    job : Job, optional
        Progress and cancel.
    tell : callable(str)
        Takes what a person should know: what it begins with, and every sample left out.

    Returns
    -------
    Trained

    Raises
    ------
    ParameterError
        If network or settings cannot be used, or differ from those that the run began with.
    FileError
        If there is no data.
    TrainingError
        If a loss is no number, or too many files cannot be read.
    DependencyError
        If Lightning or TensorBoard is not installed.
    """
    recipe, model, folder = find_recipe(network), find_model(network), Path(folder)
    material = find_material(settings)
    for problem in material.problems:
        tell(f"left out: {problem}")
    engine = _engine()
    resumed = (folder / engine.LAST).is_file()
    _record(folder, network, settings, resumed)
    module: Any = model.build()
    _check_size(settings.augmentation.size, module.stride)
    origin = folder / engine.LAST if resumed else engine.begin(module, model, recipe, settings.run)
    tell(f"{network} begins with {origin}; {material}")
    error = engine.run(
        engine.Training(module, recipe, settings, tell),
        engine.Data(material, recipe, settings),
        folder,
        job or Job(),
    )
    return Trained(engine.export(network, settings, folder), error, str(origin))


def _check_size(size: int, stride: int) -> None:
    if size % stride:
        raise ParameterError(
            f"size is {size}",
            f"The network's sides are multiples of {stride}",
            f"Choose {size // stride * stride or stride}",
        )


def _record(folder: Path, network: str, settings: Settings, resumed: bool) -> None:
    """Keep the settings beside a run, and refuse to go on with others."""
    now: dict[str, Any] = {"network": network, **asdict(settings)}
    path = make_folder_for(folder / RECORD)
    if resumed:
        before = json.loads(path.read_text(encoding="utf-8"))
        longer = ("steps",) if settings.optimizer.schedule == "constant" else ()
        changed = [key for key in _changes(before, now) if key not in (*FREE, *longer)]
        if changed:
            raise ParameterError(
                f"{', '.join(changed)} changed since the training in {folder} began",
                "It goes on with the settings that it began with",
                f"Undo the change, or begin in another folder; {RECORD} there has the old ones",
            )
    write_whole(path, json.dumps(now, indent=1).encode())


def _changes(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """Yield the names of settings that differ."""
    if isinstance(now, dict) and isinstance(before, dict):
        for key in now:
            yield from _changes(before.get(key), now[key], key)
    elif before != now:
        yield name


def _engine() -> Any:
    """Return what needs Lightning."""
    try:
        import tensorboard  # noqa: F401

        from . import _engine as engine
    except ImportError as error:
        raise DependencyError(
            f"Training needs a package that cannot be imported: {error}",
            "It runs on Lightning and draws for TensorBoard",
            'Run: pip install "matting-nodes[train]"',
        ) from error
    return engine
