"""What a widget's worker thread does: it touches no layer and no widget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...alpha.propagation.follower import Follower
from ...arrays import Kind, Pixels
from ...errors import MattingError, as_matting_error
from ...framework.frames import map_frames
from ...framework.normalization import ValueRange
from ...framework.run import Frames
from ...framework.spec import NodeSpec
from ...job import Cancelled, Job
from ._failures import details
from ._places import Grid
from ._protocols import Layer
from ._results import layer_data


@dataclass
class LiveStack:
    """A result that follows its trimap, and all that it was made from but the trimap."""

    follower: Follower
    state: object
    data: Pixels | None = None

    @property
    def unsettled(self) -> bool:
        """Whether there is more to be done than what is near the strokes."""
        return not self.follower.settled

    def brought_up_to_date(self, grid: Grid) -> Pixels:
        """Return the result with what is new in it; for the UI thread, which shows it."""
        for patch in self.follower.pop_patches():
            if self.data is None:
                self.data = np.zeros(grid.stack + patch.values.shape, patch.values.dtype)
            self.data[grid.plane(patch.frame)][patch.region] = patch.values
        assert self.data is not None
        return self.data


@dataclass
class Request:
    """All that a run needs, read from the widget when Run was pressed."""

    layers: dict[str, Layer]
    inputs: dict[str, Frames | None]
    parameters: dict[str, object]
    grid: Grid
    followed: LiveStack | None = None
    settle: bool = False
    """Whether to bring a followed result up to date everywhere, not near the strokes alone."""


@dataclass
class Outcome:
    """What a run gave: values by output name, or the reason why there are none.

    For an unforeseen reason, the details are what a bug report needs.
    """

    stacks: Mapping[str, Pixels]
    provenance: Mapping[str, object]
    table: str = ""
    range: ValueRange | None = None
    rgb: frozenset[str] = frozenset()
    refusal: MattingError | None = None
    details: str = ""


def work(spec: NodeSpec, requests: list[Request], job: Callable[[], Job]) -> Outcome:
    """Run a node on the request in a list, which is removed from it.

    Parameters
    ----------
    spec : NodeSpec
        The node.
    requests : list of Request
        Holds one, which is removed.
    job : callable() -> Job
        Progress and cancel.
    """
    request = requests.pop()
    try:
        return (_follow if request.followed else _gather)(spec, request, job())
    except MattingError as error:
        return Outcome({}, {}, refusal=error)
    except Cancelled:
        return Outcome({}, {})
    except Exception as error:
        told = details(error, spec, request.parameters, request.layers)
        return Outcome({}, {}, refusal=as_matting_error(error).within(spec.title), details=told)


def _follow(spec: NodeSpec, request: Request, job: Job) -> Outcome:
    """Run on what has changed; the UI thread fetches it, so that nothing is lost by a cancel."""
    assert request.followed is not None
    follower = request.followed.follower
    # The result is kept however the trimap has changed meanwhile: what settles is what was followed.
    if request.settle:
        follower.settle(job)
    else:
        follower.follow(request.inputs, job, settle=False)
    return Outcome({}, follower.provenance, "\n".join(follower.remarks))


def _gather(spec: NodeSpec, request: Request, job: Job) -> Outcome:
    stacks: dict[str, Pixels] = {}
    texts: list[str] = []
    rgb: set[str] = set()
    planes = list(np.ndindex(request.grid.stack))
    outcome = Outcome(stacks, {})
    soft = bool(request.parameters.get("soft"))
    results = map_frames(spec, request.inputs, request.parameters, job)
    for plane, result in zip(planes, results, strict=True):
        for output in spec.outputs:
            value = result.values[output.name]
            if output.kind is Kind.TABLE:
                texts.append("\n".join(f"{name}: {number:.5g}" for name, number in value.items()))
                continue
            frame = layer_data(value, output.kind, result.range, soft)
            if output.name not in stacks:
                stacks[output.name] = np.empty(request.grid.stack + frame.shape, frame.dtype)
            if frame.ndim == 3:
                rgb.add(output.name)
            stacks[output.name][plane] = frame
        texts += [result.remark] if result.remark else []
        outcome.provenance, outcome.range = result.provenance, result.range
    return replace(outcome, table="\n\n".join(texts), rgb=frozenset(rgb))
