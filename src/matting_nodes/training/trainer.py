"""Training a network: from parameters and data to a file of weights that the nodes accept."""

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
from .parameters import TrainingParameters
from .specs import training_spec

# Parameters of [run] that may change when training resumes: no result depends on them.
FREE = ("workers", "validate_every", "save_every", "unreadable", "start", "encoder", "device")
RECORD = "settings.json"


@dataclass(frozen=True)
class Trained:
    """The result of a training run.

    Parameters
    ----------
    weights : Path
        A file that the nodes' `weights` takes.
    error : float
        The validation error of the best state: the mean absolute difference of alpha over
        unknown pixels, or T-Net's share of wrong pixels.
    origin : str
        The weights that training started from.
    """

    weights: Path
    error: float
    origin: str


def train(
    network: str,
    parameters: TrainingParameters,
    folder: str | Path,
    job: Job | None = None,
    tell: Callable[[str], None] = print,
) -> Trained:
    """Train a network of the catalog.

    A run that was stopped resumes from its last checkpoint and gives the same result as an
    uninterrupted one.

    Parameters
    ----------
    network : str
        A network of `TRAINING_SPECS`.
    parameters : TrainingParameters
        From `load_parameters`.
    folder : path
        Receives `last.ckpt` (to resume from), `best.ckpt` (the lowest error), TensorBoard's
        `board`, and the weights.
    job : Job, optional
        Progress and cancel.
    tell : callable(str)
        Called with messages: the initial weights, and every sample that was left out.

    Returns
    -------
    Trained

    Raises
    ------
    ParameterError
        If the network or the parameters are invalid, or differ from those of the stopped run.
    FileError
        If there is no data.
    TrainingError
        If the loss is not finite, or too many files cannot be read.
    DependencyError
        If Lightning or TensorBoard is not installed.
    """
    spec, model, folder = training_spec(network), find_model(network), Path(folder)
    material = find_material(parameters)
    for problem in material.problems:
        tell(f"left out: {problem}")
    engine = _engine()
    resumed = (folder / engine.LAST).is_file()
    _record(folder, network, parameters, resumed)
    module: Any = model.build()
    _check_size(parameters.augmentation.size, module.stride)
    origin = folder / engine.LAST if resumed else engine.begin(module, model, spec, parameters.run)
    tell(f"{network} begins with {origin}; {material}")
    error = engine.run(
        engine.Training(module, spec, parameters, tell),
        engine.Data(material, spec, parameters),
        folder,
        job or Job(),
    )
    return Trained(engine.export(network, parameters, folder), error, str(origin))


def _check_size(size: int, stride: int) -> None:
    if size % stride:
        raise ParameterError(
            f"size is {size}",
            f"The network's sides are multiples of {stride}",
            f"Choose {size // stride * stride or stride}",
        )


def _record(folder: Path, network: str, parameters: TrainingParameters, resumed: bool) -> None:
    """Store the parameters in the folder of a run, and refuse to resume with others."""
    now: dict[str, Any] = {"network": network, **asdict(parameters)}
    path = make_folder_for(folder / RECORD)
    if resumed:
        before = json.loads(path.read_text(encoding="utf-8"))
        longer = ("steps",) if parameters.optimizer.schedule == "constant" else ()
        changed = [key for key in _changes(before, now) if key not in (*FREE, *longer)]
        if changed:
            raise ParameterError(
                f"{', '.join(changed)} changed since the training in {folder} began",
                "It resumes with the parameters it began with",
                f"Undo the change, or begin in another folder; {RECORD} there has the old ones",
            )
    write_whole(path, json.dumps(now, indent=1).encode())


def _changes(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """Yield the names of parameters that differ."""
    if isinstance(now, dict) and isinstance(before, dict):
        for key in now:
            yield from _changes(before.get(key), now[key], key)
    elif before != now:
        yield name


def _engine() -> Any:
    """Return the module that needs Lightning."""
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
