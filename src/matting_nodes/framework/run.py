"""Running a node: every input and setting is checked first, then it computes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..arrays import CONVERSIONS, as_channels, check_same_size
from ..errors import DependencyError, MissingInputError, ParameterError
from ..job import Job
from ..version import __version__
from .spec import Method, MethodSpec, NodeSpec


@dataclass(frozen=True)
class Result:
    """What a run gives: the values by output name, and where they come from."""

    values: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)


def prepare(
    spec: NodeSpec[Any], inputs: Mapping[str, Any], any_channels: Set[str] = frozenset()
) -> dict[str, Any]:
    """Return the inputs in the core's own form, checked; absent ones are None.

    Pictures have one or three channels, those named in `any_channels` any number.

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
                f"Give it a {wire.kind.value}",
            )
        convert = as_channels if wire.name in any_channels else CONVERSIONS[wire.kind]
        ready[wire.name] = None if value is None else convert(value, wire.name)
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


def check(spec: NodeSpec[Any], inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Raise the error that `run` would raise before it computes anything."""
    _checked(spec, inputs, parameters)


def _checked(
    spec: NodeSpec[Any], inputs: Mapping[str, Any], parameters: Mapping[str, Any]
) -> tuple[dict[str, Any], MethodSpec | None, dict[str, Any]]:
    """Return the settings, the chosen method and the inputs, all of them usable."""
    values = settings(spec, parameters)
    chosen = spec.chosen(values.get("method", "default"))
    ready = prepare(spec, inputs, chosen.any_channels if chosen else frozenset())
    if chosen:
        missing = next((name for name in chosen.needs if ready.get(name) is None), None)
        if missing:
            raise MissingInputError(
                f"{spec.title} got no {missing}",
                f"The method {chosen.title} works on the {missing}",
                f"Give it a {missing}, or choose another method",
            )
    return values, chosen, ready


def run(
    spec: NodeSpec[Any],
    inputs: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    job: Job | None = None,
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
    job = replace(job or Job(), notes={})
    values, chosen, ready = _checked(spec, inputs, parameters or {})
    job.step(0.0, message=spec.title)
    arguments: dict[str, Any] = {p.name: values[p.name] for p in spec.parameters}
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
    return Result(
        dict(zip((o.name for o in spec.outputs), results, strict=True)),
        provenance(spec, values, job),
    )


def provenance(spec: NodeSpec[Any], values: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """Return how a result came about: the node, all its settings, and what the job has noted."""
    return {"node": spec.name, "parameters": values, "version": __version__, **job.notes}


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
