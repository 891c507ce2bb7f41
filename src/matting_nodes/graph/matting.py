"""The matting nodes as types of a graph, made from their specs."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from ..arrays import Kind
from ..framework.frames import count_frames, map_frames
from ..framework.spec import NodeSpec, Socket
from ..job import Job
from ..nodes import all_nodes
from .node_types import NodeType, Saved, nothing
from .wires import WIRE_TYPES, collect, frames, node_id


def matting_types() -> dict[str, NodeType]:
    """Return the type of every matting node, by id."""
    return {node_id(spec): _type(spec) for spec in all_nodes()}


def matting_type(name: str) -> NodeType | None:
    """Return the type of the matting node with this id, if there is one."""
    spec = spec_of(name)
    return _type(spec) if spec else None


def spec_of(name: str) -> NodeSpec | None:
    """Return the spec of the matting node with this id, if there is one."""
    return next((spec for spec in all_nodes() if node_id(spec) == name), None)


def on_batches(name: str) -> Callable[..., tuple[object, ...]]:
    """Return a matting node as a function of what travels in a graph.

    Remarks, such as on frames without the object, become warnings.

    Parameters
    ----------
    name : str
        The node's name, such as "alpha_matte".

    Returns
    -------
    callable(**inputs and parameters)
        Takes and gives pictures (B, H, W, C) and masks (B, H, W), float32 in 0..1; returns a
        tuple of the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((1, 9, 9), np.float32)
    >>> mask[:, 2:7, 2:7] = 1
    >>> (trimap,) = on_batches("make_trimap")(mask=mask, method="band", inner=1, outer=1)
    >>> trimap[0, 4]
    array([0. , 0.5, 0.5, 1. , 1. , 1. , 0.5, 0.5, 0. ], dtype=float32)
    """
    (spec,) = (spec for spec in all_nodes() if spec.name == name)
    function = _function(spec)

    def run(**given: object) -> tuple[object, ...]:
        result = function(**{"job": Job(), **given})
        tables = [value for value in result.values if isinstance(value, str)]
        for remark in result.texts:
            if remark not in tables:
                warnings.warn(f"{spec.title}: {remark}", stacklevel=2)
        return result.values

    return run


def _type(spec: NodeSpec) -> NodeType:
    return NodeType(
        name=node_id(spec),
        title=spec.title,
        function=_function(spec),
        inputs=tuple(Socket(w.name, WIRE_TYPES[w.kind], w.optional, w.help) for w in spec.inputs),
        parameters=spec.parameters,
        outputs=tuple(Socket(o.name, WIRE_TYPES[o.kind]) for o in spec.outputs),
        passed=("job",),
        methods={name: method.parameters for name, method in spec.methods.items()},
        needs={name: method.needs for name, method in spec.methods.items()},
        # A graph runs for a table, whether or not anything uses it.
        is_end=any(output.kind is Kind.TABLE for output in spec.outputs),
        ours=True,
        summary=spec.summary,
        help=spec.help,
        aliases=spec.aliases,
        memory=nothing,  # each frame is asked for by itself, and its results
    )


def _function(spec: NodeSpec) -> Callable[..., Saved]:
    """Return the node as a function of batches, parameters and a job."""
    wires = {wire.name for wire in spec.inputs}

    def run(job: Job, **given: object) -> Saved:
        remarks: list[str] = []
        batches = frames(spec, given, remarks=remarks)
        # "method.inner" is the inner of the chosen method.
        parameters = {k.removeprefix("method."): v for k, v in given.items() if k not in wires}
        results = map_frames(spec, batches, parameters, job)
        values = collect(spec, results, count_frames(batches), remarks)
        tables = (v for o, v in zip(spec.outputs, values, strict=True) if o.kind is Kind.TABLE)
        return Saved(tuple(values), texts=(*tables, *remarks))

    return run
