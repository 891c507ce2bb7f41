"""The contents of `train.toml`, checked as the nodes' parameters are."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from docstring_parser import parse as parse_docstring

from ..errors import FileError, ParameterError
from ..framework.parameters import Parameter, Slider, read_parameter
from ..framework.register import help_texts

Share = Annotated[float, Slider(0, 1)]
Pixels = Annotated[int, Slider(0, 8192, unit="px")]
Count = Annotated[int, Slider(1, 100_000_000)]


@dataclass(frozen=True)
class Data:
    """Where samples come from.

    Parameters
    ----------
    layout : {"folders", "alphamatting", "composition1k", "aifenge"}
        How the data's folder is laid out.
    folder : str
        The data. Paths are relative to the file that names them.
    validation : str
        Validation data in the same layout; if empty, a share of the data is set aside.
    validation_share : float
        The share of the data that is set aside for validation.
    backgrounds : str
        A folder of pictures; a random one is composited behind each object. Empty uses the
        pictures as they are.
    images, alphas, trimaps, foregrounds : str
        The folder of each kind, where it is not named as usual.
    """

    layout: Literal["folders", "alphamatting", "composition1k", "aifenge"] = "folders"
    folder: str = ""
    validation: str = ""
    validation_share: Annotated[float, Slider(0, 0.9)] = 0.1
    backgrounds: str = ""
    images: str = ""
    alphas: str = ""
    trimaps: str = ""
    foregrounds: str = ""


@dataclass(frozen=True)
class Augmentation:
    """Random changes to each sample.

    Parameters
    ----------
    recipe : {"crop", "square"}
        crop cuts around an unknown pixel; square pads the whole picture and resizes it.
    size : int, pixels
        Side of what the network sees; a multiple of its stride.
    smallest_scale : float
        The smallest random scale.
    largest_scale : float
        The largest random scale.
    flip : float
        Share of the samples that are mirrored.
    jitter : float
        The largest change of brightness, contrast and saturation; hue changes by a tenth of it.
    joined : float
        Share of the samples in which two foregrounds are combined; needs foregrounds.
    given_trimaps : bool
        Learn from the published trimaps rather than from random ones.
    narrowest : int, pixels
        The least reach of a random trimap's unknown band, on either side of the edge.
    widest : int, pixels
        The largest reach of that band.
    """

    recipe: Literal["crop", "square"] = "crop"
    size: Annotated[int, Slider(32, 4096, unit="px")] = 320
    smallest_scale: Annotated[float, Slider(0.1, 10)] = 0.75
    largest_scale: Annotated[float, Slider(0.1, 10)] = 1.25
    flip: Share = 0.5
    jitter: Share = 0.1
    joined: Share = 0.0
    given_trimaps: bool = False
    narrowest: Pixels = 1
    widest: Pixels = 20


@dataclass(frozen=True)
class Loss:
    """The loss: a weighted sum of the terms in `matting_nodes.training.losses`.

    Parameters
    ----------
    stage : {"first", "refinement", "joint"}
        Which part of Deep Image Matting is trained: all but the refinement, the refinement
        alone, or both. Other networks have the first stage only.
    alpha : float
        Weight of the alpha loss.
    composition : float
        Weight of the compositional loss; needs foregrounds and backgrounds.
    gradient : float
        Weight of the loss of the alpha's gradients.
    laplacian : float
        Weight of the loss of its Laplacian pyramid.
    """

    stage: Literal["first", "refinement", "joint"] = "first"
    alpha: Annotated[float, Slider(0, 1000)] = 1.0
    composition: Annotated[float, Slider(0, 1000)] = 0.0
    gradient: Annotated[float, Slider(0, 1000)] = 0.0
    laplacian: Annotated[float, Slider(0, 1000)] = 0.0


@dataclass(frozen=True)
class Optimizer:
    """The parameters of Adam.

    Parameters
    ----------
    learning_rate : float
        The learning rate after the warm-up.
    weight_decay : float
        The weight of the L2 penalty.
    first_moment : float
        Adam's β₁.
    schedule : {"constant", "cosine"}
        Whether the learning rate is constant or decays to 0 along a cosine.
    warmup : int, steps
        Steps over which the learning rate rises to its value.
    clip : float
        Gradients with a larger norm are scaled down to it; 0 turns clipping off.
    """

    learning_rate: Annotated[float, Slider(0, 10)] = 1e-4
    weight_decay: Annotated[float, Slider(0, 10)] = 0.0
    first_moment: Share = 0.9
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: Annotated[int, Slider(0, 100_000_000)] = 0
    clip: Annotated[float, Slider(0, 1_000_000)] = 1.0


@dataclass(frozen=True)
class Run:
    """The training run: its length, device and checkpoints.

    Parameters
    ----------
    steps : int
        The number of batches in all.
    batch : int
        Samples per step on each device.
    seed : int
        The seed of every random choice.
    start : str
        A file of weights to start from, such as those of an earlier stage.
    encoder : str
        A file of torchvision's ImageNet weights for the encoder. auto looks in the model folder
        and in torch's own; none starts from random weights.
    precision : {"fp32", "bf16", "fp16"}
        The precision of the computation; bf16 and fp16 use autocast.
    device : {"auto", "cpu", "cuda", "mps"}
        The device to train on.
    devices : int
        The number of devices on each machine.
    machines : int
        The number of machines, connected as described in Lightning's documentation.
    workers : int
        Processes that load samples. The result does not depend on it.
    validate_every : int, steps
        Steps between two validations.
    save_every : int, steps
        Steps between two checkpoints.
    unreadable : int
        Training stops after more unreadable files than this; each one is reported and replaced.
    """

    steps: Count = 100_000
    batch: Annotated[int, Slider(1, 10_000)] = 8
    seed: Annotated[int, Slider(0, 2**31)] = 0
    start: str = ""
    encoder: str = "auto"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: Annotated[int, Slider(1, 1024)] = 1
    machines: Annotated[int, Slider(1, 1024)] = 1
    workers: Annotated[int, Slider(0, 256)] = 2
    validate_every: Count = 1000
    save_every: Count = 500
    unreadable: Annotated[int, Slider(0, 1_000_000)] = 20


@dataclass(frozen=True)
class TrainingParameters:
    """All parameters of `train.toml`, one table for each part."""

    data: Data = field(default_factory=Data)
    augmentation: Augmentation = field(default_factory=Augmentation)
    loss: Loss = field(default_factory=Loss)
    optimizer: Optimizer = field(default_factory=Optimizer)
    run: Run = field(default_factory=Run)


PARTS: Mapping[str, type] = {
    "data": Data,
    "augmentation": Augmentation,
    "loss": Loss,
    "optimizer": Optimizer,
    "run": Run,
}


def load_parameters(
    path: str | Path, defaults: Mapping[str, Mapping[str, Any]]
) -> TrainingParameters:
    """Return the parameters of a TOML file.

    Parameters
    ----------
    path : path
        A TOML file with the tables of `PARTS`; parameters that are not given have their default.
    defaults : mapping
        The network's own defaults, part by part, where they differ from the parts'.

    Raises
    ------
    FileError
        If it cannot be read or is not TOML; the message names the line.
    ParameterError
        For an unknown table or parameter, or an invalid value.
    """
    path = Path(path)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileError(
            f"{path} cannot be read: {error}", "It must be valid TOML", "Correct it"
        ) from error
    parameters = checked(given, defaults, path.name)
    return _resolved(parameters, path.parent)


def checked(
    given: Mapping[str, Any], defaults: Mapping[str, Mapping[str, Any]], owner: str
) -> TrainingParameters:
    """Return parameters from nested mappings, every value checked.

    Parameters
    ----------
    given : mapping of mappings
        Tables and their parameters.
    defaults : mapping of mappings
        As for `load_parameters`.
    owner : str
        The file's name, for errors.

    Raises
    ------
    ParameterError
    """
    _refuse_unknown(given, PARTS, owner)
    parts = {}
    for name, kind in PARTS.items():
        table = given.get(name, {})
        if not isinstance(table, Mapping):
            raise ParameterError(
                f"{name} of {owner} is {table!r}", "It is a table", f"Write [{name}] above it"
            )
        known = {parameter.name: parameter for parameter in parameters(kind)}
        _refuse_unknown(table, known, f"[{name}] of {owner}")
        values = {**defaults.get(name, {}), **table}
        parts[name] = kind(
            **{key: known[key].checked(value, f"[{name}]") for key, value in values.items()}
        )
    return TrainingParameters(**parts)


def parameters(part: type) -> list[Parameter]:
    """Return the parameters of a part: names, types, ranges, defaults and help."""
    texts = help_texts(parse_docstring(part.__doc__ or ""))
    hints = get_type_hints(part, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        read_parameter(inspect.Parameter(f.name, keyword, default=f.default), hints[f.name], texts)
        for f in fields(part)
    ]


def _refuse_unknown(given: Mapping[str, Any], known: Mapping[str, Any], owner: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ParameterError(
            f"{owner} has {', '.join(unknown)}", f"It knows {', '.join(known)}", "Leave it out"
        )


def _resolved(parameters: TrainingParameters, home: Path) -> TrainingParameters:
    """Resolve paths against the folder of the file."""

    def absolute(text: str) -> str:
        return str((home / Path(text).expanduser()).resolve()) if text else ""

    data, run = asdict(parameters.data), asdict(parameters.run)
    for name in ("folder", "validation", "backgrounds"):
        data[name] = absolute(data[name])
    run["start"] = absolute(run["start"])
    run["encoder"] = (
        run["encoder"] if run["encoder"] in ("auto", "none") else absolute(run["encoder"])
    )
    return TrainingParameters(
        Data(**data), parameters.augmentation, parameters.loss, parameters.optimizer, Run(**run)
    )
