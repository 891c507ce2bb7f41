"""Running a node: all inputs and parameters are checked before anything is computed."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol, get_args

import numpy as np

from ..arrays import CONVERSIONS, Kind, as_pixels, check_same_size
from ..errors import DependencyError, MissingInputError, ParameterError, article
from ..job import Job, in_background
from ..memory import check_memory
from ..version import __version__
from .normalization import Mode, ValueRange, in_range_of, measured, normalized
from .parameters import Parameter
from .spec import LEAST_BYTES, Method, MethodSpec, NodeSpec
from .stack import Stack

# Parameters of every node with a picture as input, after its own.
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
    """Frames, read one at a time: a list, an array, a lazy stack."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


# By the picture's name; None is the range of its type.
Ranges = Mapping[str, ValueRange | None]


@dataclass(frozen=True)
class Result:
    """The result of a run.

    Parameters
    ----------
    values : dict
        Values by output name. Pictures are in the numbers of the picture they were made from.
    provenance : dict
        How they were made.
    range : ValueRange, optional
        The range of these pictures if they are in their source's own numbers; else it is 0..1.
    remark : str
        What a user should know about the result; empty for most.
    """

    values: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    range: ValueRange | None = None
    remark: str = ""


def prepare(
    spec: NodeSpec,
    inputs: Mapping[str, Any],
    ranges: Ranges,
    any_channels: Set[str] = frozenset(),
) -> dict[str, Any]:
    """Return the inputs in the core's own form, checked; absent ones are None.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    inputs : mapping
        Its inputs by name, in any form that `arrays` converts.
    ranges : mapping
        By name of the picture, the range of values that becomes 0..1.
    any_channels : set of str
        Names of pictures that may have any number of channels; others have one or three.

    Raises
    ------
    MattingError
        If one is missing, unknown or unusable, or if their sizes differ.
    """
    given = _ungrouped(spec, inputs)
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


def _ungrouped(spec: NodeSpec, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with those that were given together one by one."""
    given = dict(inputs)
    for group, type_ in spec.groups.items():
        prompts = given.pop(group, None)
        if prompts is not None:
            given |= {f.name: getattr(prompts, f.name) for f in fields(type_)}
    return given


def complete_parameters(spec: NodeSpec, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters of a node and its chosen method, checked, with defaults filled in.

    The chosen method is under "method".

    Parameters
    ----------
    spec : NodeSpec
        The node.
    parameters : mapping
        As for `run`.

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
    spec: NodeSpec, inputs: Mapping[str, Frames], parameters: Mapping[str, Any]
) -> dict[str, ValueRange | None]:
    """Return the range of values of every picture, over all given frames.

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
    values = complete_parameters(spec, parameters)
    chosen = spec.chosen(values.get("method", "default"))
    several = chosen.any_channels if chosen else frozenset()
    ranges: dict[str, ValueRange | None] = {}
    for wire in spec.inputs:
        frames = inputs.get(wire.name)
        if wire.kind is not Kind.IMAGE or frames is None:
            continue
        joint = [w.name for w in spec.inputs if w.measured_jointly and w.values_of == wire.name]
        pictures = (
            as_pixels(each[index], name, name in several)
            for name in (wire.name, *joint)
            if (each := inputs.get(name)) is not None
            for index in range(len(each))
            # A background of 8 bits beside pictures of 16 has a range of its own.
            if name == wire.name or np.asarray(each[index]).dtype == np.asarray(frames[0]).dtype
        )
        if wire.values_of in ranges:
            ranges[wire.name] = in_range_of(ranges[wire.values_of], next(pictures), wire.name)
        else:
            mode, per_channel = values["normalization"], values["per_channel"]
            ranges[wire.name] = measured(pictures, mode, wire.name, per_channel)
    return ranges


def is_by_stack(spec: NodeSpec, parameters: Mapping[str, Any]) -> bool:
    """Return whether the frames of a stack share one range of values.

    By default they do if pictures are among the outputs, so that white is the same in all of them.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    parameters : mapping
        As for `run`.
    """
    mode = parameters.get("normalization", "auto")
    return mode == "stack" or (mode == "auto" and any(o.kind is Kind.IMAGE for o in spec.outputs))


def prepared(
    spec: NodeSpec,
    inputs: Mapping[str, Any],
    parameters: Mapping[str, Any],
    ranges: Ranges | None = None,
) -> dict[str, Any]:
    """Return the inputs of one frame as a method gets them, by name; absent ones are None.

    Parameters
    ----------
    spec, inputs, parameters, ranges
        As for `run`.
    """
    return _checked(spec, inputs, parameters, ranges)[2]


def prepared_prompts(
    spec: NodeSpec, inputs: Mapping[str, Any], taken: Collection[str]
) -> dict[str, Any]:
    """Return the prompts of one frame as a method gets them, by name; absent ones are None.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    inputs : mapping
        Its inputs by name.
    taken : collection of str
        The inputs that the method takes; others are passed over.
    """
    given = _ungrouped(spec, inputs)
    prompts = {w: given.get(w.name) for w in spec.inputs if w.group and w.name in taken}
    return {
        wire.name: None if value is None else CONVERSIONS[wire.kind](value, wire.name)
        for wire, value in prompts.items()
    }


def check(
    spec: NodeSpec,
    inputs: Mapping[str, Any],
    parameters: Mapping[str, Any],
    ranges: Ranges | None = None,
) -> None:
    """Raise the error that `run` would raise before it computes anything.

    Parameters
    ----------
    spec, inputs, parameters, ranges
        As for `run`.
    """
    _checked(spec, inputs, parameters, ranges)


def _checked(
    spec: NodeSpec,
    inputs: Mapping[str, Any],
    parameters: Mapping[str, Any],
    ranges: Ranges | None,
) -> tuple[dict[str, Any], MethodSpec | None, dict[str, Any], Ranges]:
    """Return the parameters, the chosen method, the inputs and their ranges, all checked."""
    values = complete_parameters(spec, parameters)
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
    spec: NodeSpec,
    inputs: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    job: Job | None = None,
    ranges: Ranges | None = None,
    stack: Stack | None = None,
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
        Reports progress, and stops the work when it is cancelled.
    ranges : mapping, optional
        The range of values of each picture that becomes 0..1. By default it is measured according
        to the parameter "normalization".
    stack : Stack, optional
        For methods that work on a whole stack; by default this frame is all.

    Returns
    -------
    Result
        Values by output name, and the provenance.

    Raises
    ------
    MattingError
        Before anything is computed, if an input or parameter cannot be used, or the memory that is
        free is too small.
    Cancelled
        If the job was cancelled.
    """
    # Notes belong to one frame; the job may be for many.
    job = replace(job or Job(), notes={}).forward()
    _check_memory(spec, inputs, parameters or {})
    values, chosen, ready, ranges = _checked(spec, inputs, parameters or {}, ranges)
    job.step(0.0, message=spec.title)
    own = [p.name for p in spec.parameters if p not in NORMALIZATION]
    arguments: dict[str, Any] = {name: values[name] for name in own}
    for group, type_ in spec.groups.items():
        arguments[group] = type_(**{f.name: ready[f.name] for f in fields(type_)})
    arguments |= {w.name: ready[w.name] for w in spec.inputs if not w.group}

    if spec.wants_range:
        arguments["image_range"] = ranges.get("image")
    stack = stack or Stack(1, lambda _: ready, lambda _: ready)

    def compute(job: Job) -> Any:
        given = {"method": _bound(chosen, values | {"job": job, "stack": stack})} if chosen else {}
        return spec.function(**arguments, **given, **({"job": job} if spec.wants_job else {}))

    try:
        # One operation of a network, or on a large picture, can take longer than a cancel may wait.
        alone = chosen is not None and bool(chosen.networks)
        outcome = in_background(compute, job) if alone else compute(job)
    except ImportError as error:
        raise _dependency_error(error) from error
    job.step(1.0, message=spec.title)
    results = outcome if isinstance(outcome, tuple) else (outcome,)
    range_ = ranges.get("image")
    return Result(
        {
            output.name: range_.restored(value, output.is_difference)
            if range_ and output.kind is Kind.IMAGE
            else value
            for output, value in zip(spec.outputs, results, strict=True)
        },
        provenance(spec, values, job, ranges),
        None if range_ is None or range_.by_type else range_,
    )


def _check_memory(spec: NodeSpec, inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Refuse a picture for which the chosen method needs more memory than is free."""
    chosen = spec.chosen(parameters.get("method", "default"))
    given = (inputs.get(wire.name) for wire in spec.inputs if not wire.any_size)
    pictures = (one for one in given if getattr(one, "ndim", 0) >= 2)
    height, width = getattr(next(pictures, None), "shape", (0, 0))[:2]
    each = chosen.bytes_per_pixel if chosen else LEAST_BYTES
    owner = f"{spec.title} ({chosen.title})" if chosen else spec.title
    check_memory(each * height * width, f"{owner} on {width} × {height} pixels")


def provenance(
    spec: NodeSpec, values: Mapping[str, Any], job: Job, ranges: Ranges
) -> dict[str, Any]:
    """Return how a result was made: the node, its parameters, and the notes of the job.

    "ranges" has the values of each picture that became 0 and 1: parts of the type's range for
    pictures that use it, else their own numbers. None is the whole range.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    values : mapping
        Its parameters, as `complete_parameters` returns them.
    job : Job
        Its notes are included.
    ranges : mapping
        The range of values of each picture.
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


def _bound(chosen: MethodSpec, values: Mapping[str, Any]) -> Method:
    keywords = {
        name: values[name] for name in (*(p.name for p in chosen.parameters), *chosen.passed)
    }
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
