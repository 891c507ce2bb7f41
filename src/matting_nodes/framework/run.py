"""Running a node: every input and setting is checked first, then it computes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol, get_args

from ..arrays import CONVERSIONS, Kind, as_pixels, check_same_size
from ..errors import DependencyError, MissingInputError, ParameterError, article
from ..job import Job
from ..version import __version__
from .normalization import Mode, ValueRange, in_range_of, measured, normalized
from .parameters import Parameter
from .spec import Method, MethodSpec, NodeSpec

# What every node that takes a picture has, after its own parameters.
NORMALIZATION = (
    Parameter(
        "normalization",
        str,
        "auto",
        get_args(Mode),
        advanced=True,
        help="Which values of the picture become 0 and 1. none: those of its type. picture and "
        "stack: the smallest and the largest of each frame, or of all. percentiles: as picture, "
        "without the lowest and the highest thousandth. auto: none for 8 bits and for pictures "
        "that reach a quarter of their type's range, else picture, or stack where pictures come "
        "out. Pictures come out in the values that they came in.",
    ),
    Parameter(
        "per_channel",
        bool,
        False,
        advanced=True,
        help="Normalize each channel by itself, for stains of different strength.",
    ),
)


class Frames(Protocol):
    """Frames that are read when they are asked for: a list, an array, a lazy stack."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


# By the picture's name; None is what its type says.
Ranges = Mapping[str, ValueRange | None]


@dataclass(frozen=True)
class Result:
    """What a run gives.

    Parameters
    ----------
    values : dict
        By output name. Pictures have the values of the picture that they were made from.
    provenance : dict
        How they came about.
    range : ValueRange, optional
        Of the pictures among them, if they are in their source's own numbers; else in 0..1.
    remark : str
        What a user should know of the result; mostly nothing.
    """

    values: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    range: ValueRange | None = None
    remark: str = ""


def prepare(
    spec: NodeSpec[Any],
    inputs: Mapping[str, Any],
    ranges: Ranges,
    any_channels: Set[str] = frozenset(),
) -> dict[str, Any]:
    """Return the inputs in the core's own form, checked; absent ones are None.

    `ranges` has the values of pictures that become 0 and 1. Pictures have one or three
    channels, those named in `any_channels` any number.

    Raises
    ------
    MattingError
        If one is missing, unknown or unusable, or if their sizes differ.
    """
    given = dict(inputs)
    for group, type_ in spec.groups.items():
        prompts = given.pop(group, None)
        if prompts is not None:
            given |= {f.name: getattr(prompts, f.name) for f in fields(type_)}
    ready: dict[str, Any] = {}
    for wire in spec.inputs:
        value = given.pop(wire.name, None)
        if value is None and not wire.optional:
            raise MissingInputError(
                f"{spec.title} got no {wire.name}",
                f"It needs the {wire.name}: {wire.help or wire.kind.value}",
                f"Give it {article(wire.kind.value)}",
            )
        if value is None:
            ready[wire.name] = None
        elif wire.kind is Kind.IMAGE:
            pixels = as_pixels(value, wire.name, wire.name in any_channels)
            ready[wire.name] = normalized(pixels, ranges.get(wire.name), wire.name)
        else:
            ready[wire.name] = CONVERSIONS[wire.kind](value, wire.name)
    if given:
        raise ParameterError(
            f"{spec.title} has no input {', '.join(given)}",
            f"It takes {', '.join(wire.name for wire in spec.inputs)}",
            "Use these names",
        )
    pictures = [w.name for w in spec.inputs if w.kind.is_picture and not w.any_size]
    check_same_size({name: ready[name] for name in pictures if ready[name] is not None})
    if spec.check is not None:
        spec.check(**{name: ready[name] for name in inspect.signature(spec.check).parameters})
    return ready


def settings(spec: NodeSpec[Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return every parameter of the node and its chosen method, checked, defaults filled in.

    The chosen method stands under "method".

    Raises
    ------
    ParameterError
        For an unknown method or parameter, or a value out of range.
    """
    given = dict(parameters)
    chosen = spec.chosen(given.pop("method", "default"))
    known = spec.parameters + (chosen.parameters if chosen else ())
    owner = f"{spec.title} ({chosen.title})" if chosen else spec.title
    unknown = [name for name in given if name not in {p.name for p in known}]
    if unknown:
        raise ParameterError(
            f"{owner} has no parameter {', '.join(unknown)}",
            f"It takes {', '.join(p.name for p in known) or 'none'}",
            "Leave it out, or choose another method",
        )
    values = {p.name: p.checked(given.get(p.name, p.default), owner) for p in known}
    if (
        chosen
        and values.get("device", "auto") not in ("auto", "cpu")
        and "device" not in chosen.passed
    ):
        raise ParameterError(
            f"device of {owner} is {values['device']}",
            "This method runs on the CPU only",
            "Choose auto or cpu",
        )
    return ({"method": chosen.name} if chosen else {}) | values


def measure(
    spec: NodeSpec[Any], inputs: Mapping[str, Frames], parameters: Mapping[str, Any]
) -> dict[str, ValueRange | None]:
    """Return the range of values of every picture, over all the frames that are given.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    inputs : mapping of sequences
        The frames of each input by name.
    parameters : mapping
        As for `run`.

    Raises
    ------
    MattingError
        If a picture cannot be used.
    """
    values = settings(spec, parameters)
    chosen = spec.chosen(values.get("method", "default"))
    several = chosen.any_channels if chosen else frozenset()
    ranges: dict[str, ValueRange | None] = {}
    for wire in spec.inputs:
        frames = inputs.get(wire.name)
        if wire.kind is not Kind.IMAGE or frames is None:
            continue
        pictures = (
            as_pixels(frames[index], wire.name, wire.name in several)
            for index in range(len(frames))
        )
        if wire.values_of in ranges:
            ranges[wire.name] = in_range_of(ranges[wire.values_of], next(pictures), wire.name)
        else:
            mode, per_channel = values["normalization"], values["per_channel"]
            ranges[wire.name] = measured(pictures, mode, wire.name, per_channel)
    return ranges


def is_by_stack(spec: NodeSpec[Any], parameters: Mapping[str, Any]) -> bool:
    """Return whether the frames of a stack share one range of values.

    Where pictures come out they do, so that the same white lies behind all of them.
    """
    mode = parameters.get("normalization", "auto")
    return mode == "stack" or (mode == "auto" and any(o.kind is Kind.IMAGE for o in spec.outputs))


def check(
    spec: NodeSpec[Any],
    inputs: Mapping[str, Any],
    parameters: Mapping[str, Any],
    ranges: Ranges | None = None,
) -> None:
    """Raise the error that `run` would raise before it computes anything."""
    _checked(spec, inputs, parameters, ranges)


def _checked(
    spec: NodeSpec[Any],
    inputs: Mapping[str, Any],
    parameters: Mapping[str, Any],
    ranges: Ranges | None,
) -> tuple[dict[str, Any], MethodSpec | None, dict[str, Any], Ranges]:
    """Return the settings, the chosen method, the inputs and their ranges, all of them usable."""
    values = settings(spec, parameters)
    chosen = spec.chosen(values.get("method", "default"))
    if ranges is None:
        single = {name: [value] for name, value in inputs.items() if value is not None}
        ranges = measure(spec, single, parameters)
    ready = prepare(spec, inputs, ranges, chosen.any_channels if chosen else frozenset())
    if chosen:
        missing = next((name for name in chosen.needs if ready.get(name) is None), None)
        if missing:
            raise MissingInputError(
                f"{spec.title} got no {missing}",
                f"The method {chosen.title} works on the {missing}",
                f"Give it {article(missing)}, or choose another method",
            )
    return values, chosen, ready, ranges


def run(
    spec: NodeSpec[Any],
    inputs: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    job: Job | None = None,
    ranges: Ranges | None = None,
) -> Result:
    """Run a node on one frame.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    inputs : mapping
        Its inputs by name, in any form that `arrays` converts.
    parameters : mapping, optional
        "method", and parameters of the node and of that method. Defaults for the rest.
    job : Job, optional
        Takes progress, and is asked whether to stop.
    ranges : mapping, optional
        The values of each picture that become 0 and 1. By default they are measured, as the
        parameter "normalization" says.

    Returns
    -------
    Result
        Values by output name, and the provenance.

    Raises
    ------
    MattingError
        Before anything is computed, if an input or parameter cannot be used.
    Cancelled
        If the job was cancelled.
    """
    # Notes are of one frame; the job may be of many.
    job = replace(job or Job(), notes={}).forward()
    values, chosen, ready, ranges = _checked(spec, inputs, parameters or {}, ranges)
    job.step(0.0, message=spec.title)
    own = [p.name for p in spec.parameters if p not in NORMALIZATION]
    arguments: dict[str, Any] = {name: values[name] for name in own}
    for group, type_ in spec.groups.items():
        arguments[group] = type_(**{f.name: ready[f.name] for f in fields(type_)})
    arguments |= {w.name: ready[w.name] for w in spec.inputs if not w.group}
    if chosen:
        arguments["method"] = _bound(chosen, values, job)
    if spec.wants_job:
        arguments["job"] = job
    try:
        outcome = spec.function(**arguments)
    except ImportError as error:
        raise _dependency_error(error) from error
    job.step(1.0, message=spec.title)
    results = outcome if isinstance(outcome, tuple) else (outcome,)
    range_ = ranges.get("image")
    return Result(
        {
            output.name: range_.restored(value) if range_ and output.kind is Kind.IMAGE else value
            for output, value in zip(spec.outputs, results, strict=True)
        },
        provenance(spec, values, job, ranges),
        None if range_ is None or range_.by_type else range_,
    )


def provenance(
    spec: NodeSpec[Any], values: Mapping[str, Any], job: Job, ranges: Ranges
) -> dict[str, Any]:
    """Return how a result came about: the node, its settings, and what the job has noted.

    "ranges" has the lowest and the highest value of each picture that were made 0 and 1: parts
    of the type's range for pictures that use it, else their own numbers. None is the whole range.
    """
    applied = {
        name: range_ and [range_.low.tolist(), range_.high.tolist()]
        for name, range_ in ranges.items()
    }
    return {
        "node": spec.name,
        "parameters": values,
        "version": __version__,
        **({"ranges": applied} if applied else {}),
        **job.notes,
    }


def _bound(chosen: MethodSpec, values: Mapping[str, Any], job: Job) -> Method:
    keywords = {p.name: values[p.name] for p in chosen.parameters}
    keywords |= {name: job if name == "job" else values[name] for name in chosen.passed}
    bound = Method(chosen.name)
    bound.call = lambda **inputs: chosen.function(
        **{name: inputs[name] for name in chosen.takes}, **keywords
    )
    return bound


def _dependency_error(error: ImportError) -> DependencyError:
    packages = {"cv2": "opencv-python", "skimage": "scikit-image", "PIL": "pillow"}
    name = (error.name or "").partition(".")[0]
    return DependencyError(
        f"A package cannot be imported: {error}",
        "The node needs it",
        f"Run: pip install {packages.get(name, name)}; then: matting-nodes doctor",
    )
