"""What a widget's worker thread does: it touches no layer and no widget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from ...alpha.propagation.follower import Follower
from ...arrays import Kind, Pixels
from ...errors import MattingError, as_matting_error
from ...framework.frames import map_frames
from ...framework.normalization import ValueRange
from ...framework.run import Frames
from ...framework.spec import NodeSpec
from ...job import Cancelled, Job
from ._axes import ChannelsTogether
from ._failures import report
from ._layers import hashes
from ._places import Grid, Shape
from ._protocols import Layer, LayerMeta
from ._results import layer_data


@dataclass
class LiveStack:
    """A result that follows its trimap, and all that it was made from but the trimap."""

    follower: Follower
    state: tuple[object, int | None]
    data: Pixels | None = None

    @property
    def unsettled(self) -> bool:
        """Whether there is more to be done than what is near the strokes."""
        return not self.follower.settled

    def brought_up_to_date(self, request: Request) -> Pixels:
        """Return the result with what is new in it; for the UI thread, which shows it."""
        for patch in self.follower.pop_patches():
            if self.data is None:
                self.data = np.zeros(request.grid.stack + patch.values.shape, patch.values.dtype)
            self.data[request.planes[patch.frame]][patch.region] = patch.values
        assert self.data is not None
        return self.data


@dataclass
class Request:
    """All that a run needs, read from the widget when Run was pressed."""

    layers: dict[str, Layer]
    inputs: dict[str, Frames | None]
    parameters: dict[str, object]
    grid: Grid
    plane: int | None = None
    """The number of the plane that alone is run; by default all are."""
    axes: dict[str, LayerMeta] = field(default_factory=dict)
    """How the axes of layers were read that could be read otherwise."""
    followed: LiveStack | None = None
    settle: bool = False
    """Whether to bring a followed result up to date everywhere, not near the strokes alone."""

    @property
    def planes(self) -> list[Shape]:
        """Where in the stack the frames are that are run."""
        numbers = range(len(self.grid)) if self.plane is None else [self.plane]
        return [self.grid.plane(number) for number in numbers]

    @property
    def channels(self) -> ChannelsTogether | None:
        """The picture if its channels make one, and results have its axes."""
        picture: object = self.grid.picture
        own = isinstance(picture, ChannelsTogether) and self.grid.stack_layer is picture
        return cast("ChannelsTogether", picture) if own else None

    def reference(self, restored: bool) -> Layer:
        """Return the layer whose axes a result has.

        Parameters
        ----------
        restored : bool
            Whether it has an axis of channels, as the picture.
        """
        return self.channels.of_results if restored and self.channels else self.grid.stack_layer


@dataclass
class Outcome:
    """What a run gave: values by output name, or the reason why there are none.

    For an unforeseen reason, the details are what a bug report needs.
    """

    stacks: Mapping[str, Pixels]
    provenance: Mapping[str, object]
    remarks: str = ""
    tables: list[Mapping[str, Any]] = field(default_factory=list)
    """What was measured, by plane."""
    range: ValueRange | None = None
    rgb: frozenset[str] = frozenset()
    restored: frozenset[str] = frozenset()
    """Pictures whose channels lie along the axis where their source has them."""
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
        told = report(error, spec.title, request.parameters, request.layers)
        return Outcome({}, {}, refusal=as_matting_error(error).within(spec.title), details=told)


def _follow(spec: NodeSpec, request: Request, job: Job) -> Outcome:
    """Run on what has changed; the UI thread fetches it, so that nothing is lost by a cancel."""
    assert request.followed is not None
    follower = request.followed.follower
    if request.settle:
        follower.settle(job)
    else:
        follower.follow(request.inputs, job, settle=False)
    return Outcome({}, follower.provenance, "\n".join(follower.remarks))


def _gather(spec: NodeSpec, request: Request, job: Job) -> Outcome:
    stacks: dict[str, Pixels] = {}
    remarks: list[str] = []
    rgb: set[str] = set()
    split: set[str] = set()
    outcome, contents = Outcome(stacks, {}), hashes(request.inputs)
    soft, channels = bool(request.parameters.get("soft")), request.channels
    results = map_frames(spec, request.inputs, request.parameters, job)
    for plane, result in zip(request.planes, results, strict=True):
        for output in spec.outputs:
            value = result.values[output.name]
            if output.kind is Kind.TABLE:
                outcome.tables.append(value)
                continue
            if output.kind is Kind.IMAGE and channels and channels.has_channels_of(value):
                frame = value
                split.add(output.name)
            else:
                frame = layer_data(value, output.kind, result.range, soft)
            if output.name not in stacks:
                stacks[output.name] = np.zeros(request.grid.stack + frame.shape, frame.dtype)
            if frame.ndim == 3:
                rgb.add(output.name)
            stacks[output.name][plane] = frame
        remarks += [result.remark] if result.remark else []
        outcome.provenance, outcome.range = result.provenance, result.range
    outcome.provenance = {**outcome.provenance, "inputs_sha256": contents}
    if channels:
        stacks |= {name: channels.restored(stacks[name]) for name in split}
    return replace(
        outcome, remarks="\n".join(remarks), rgb=frozenset(rgb - split), restored=frozenset(split)
    )
