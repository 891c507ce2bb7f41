"""`train.toml`: what it may say, checked as the nodes' own settings are."""

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
        Other data of the same layout to measure on; empty sets a share of the data aside.
    validation_share : float
        The share that is set aside.
    backgrounds : str
        Pictures, one of which is drawn anew each time to lie behind an object; empty takes
        the pictures as they are.
    images, alphas, trimaps, foregrounds : str
        The folder of these, where its name is unusual.
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
    """How a sample becomes another one each time.

    Parameters
    ----------
    recipe : {"crop", "square"}
        crop cuts around an unknown pixel; square pads the whole picture and resizes it.
    size : int, pixels
        Side of what the network sees; a multiple of its stride.
    smallest_scale : float
        To what share of its size an object is shrunk at most.
    largest_scale : float
        To what multiple of its size it is enlarged at most.
    flip : float
        Share of the samples that are mirrored.
    jitter : float
        How far brightness, contrast and saturation may change, and a tenth of it the hue.
    joined : float
        Share of the samples that two foregrounds are joined in; needs foregrounds.
    given_trimaps : bool
        Learn from the published trimaps rather than from random ones.
    narrowest : int, pixels
        How far the unknown of a random trimap reaches at least, on either side.
    widest : int, pixels
        How far it reaches at most.
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
    """What is made small; each weight times its term of `matting_nodes.training.losses`.

    Parameters
    ----------
    stage : {"first", "refinement", "joint"}
        Of Deep Image Matting, what is trained: all but the refinement, the refinement alone,
        or both. Others have one stage, the first.
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
    """How steps are taken, by Adam.

    Parameters
    ----------
    learning_rate : float
        Of the first step after the warm-up.
    weight_decay : float
        Of the L2 penalty.
    first_moment : float
        Adam's β₁.
    schedule : {"constant", "cosine"}
        Whether the rate stays or sinks to 0 along a cosine.
    warmup : int, steps
        So long the rate rises to its value.
    clip : float
        Longest gradient; longer ones are shortened. 0 leaves them.
    """

    learning_rate: Annotated[float, Slider(0, 10)] = 1e-4
    weight_decay: Annotated[float, Slider(0, 10)] = 0.0
    first_moment: Share = 0.9
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: Annotated[int, Slider(0, 100_000_000)] = 0
    clip: Annotated[float, Slider(0, 1_000_000)] = 1.0


@dataclass(frozen=True)
class Run:
    """How long, where, and what is kept.

    Parameters
    ----------
    steps : int
        So many batches in all.
    batch : int
        Samples of a step on each device.
    seed : int
        Of every random choice.
    start : str
        A file of weights to begin from, such as those of an earlier stage.
    encoder : str
        A file of torchvision's ImageNet weights for the encoder; auto takes it if it lies in
        the model folder or torch's own; none begins at random.
    precision : {"fp32", "bf16", "fp16"}
        What to compute in; the halves by autocast.
    device : {"auto", "cpu", "cuda", "mps"}
        Where.
    devices : int
        How many of them on each machine.
    machines : int
        How many machines; each is told of the others as Lightning's documentation says.
    workers : int
        Processes that load samples. The samples do not depend on it.
    validate_every : int, steps
        How often the error is measured.
    save_every : int, steps
        How often the state is saved, to go on from.
    unreadable : int
        More broken files than this end the training; each is told and replaced.
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
class Settings:
    """All that `train.toml` may say, a table for each part."""

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


def read_settings(path: str | Path, defaults: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Return the settings of a TOML file.

    Parameters
    ----------
    path : path
        Tables of `PARTS`; what it does not say has its default.
    defaults : mapping
        Those of a network, part by part, where they differ from the parts' own.

    Raises
    ------
    FileError
        If it cannot be read or is not TOML; it names the line.
    ParameterError
        For a part or setting that there is not, or a value that cannot be.
    """
    path = Path(path)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileError(
            f"{path} cannot be read: {error}", "It must be a file of TOML", "Mend it"
        ) from error
    settings = checked(given, defaults, path.name)
    return _resolved(settings, path.parent)


def checked(
    given: Mapping[str, Any], defaults: Mapping[str, Mapping[str, Any]], owner: str
) -> Settings:
    """Return settings from nested mappings, every value checked.

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
    return Settings(**parts)


def parameters(part: type) -> list[Parameter]:
    """Return what a part may say: names, types, ranges, defaults and help."""
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


def _resolved(settings: Settings, home: Path) -> Settings:
    """Return the settings with paths that begin where their file lies."""

    def absolute(text: str) -> str:
        return str((home / Path(text).expanduser()).resolve()) if text else ""

    data, run = asdict(settings.data), asdict(settings.run)
    for name in ("folder", "validation", "backgrounds"):
        data[name] = absolute(data[name])
    run["start"] = absolute(run["start"])
    run["encoder"] = (
        run["encoder"] if run["encoder"] in ("auto", "none") else absolute(run["encoder"])
    )
    return Settings(
        Data(**data), settings.augmentation, settings.loss, settings.optimizer, Run(**run)
    )
