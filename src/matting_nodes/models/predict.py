"""From planes to a network's answer: leased from the pool, run in tiles, with its provenance."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from ..job import Job
from ..resizing import Interpolation
from ._finishing import near_of
from .catalog import model
from .inputs import Planes, read_from, resized_planes
from .pool import POOL
from .tiles import WHOLE, Padding, Progress, run_tiled

if TYPE_CHECKING:
    import torch
    from torch.nn import Module

    from ._watch import Work

# Smaller pictures take less time than measuring the cost of the network.
_LARGE = 2**18
_WORK: dict[str, Work] = {}

Pick = Callable[[Any, Any], "torch.Tensor"]
Call = Callable[[Any, "torch.Tensor"], "torch.Tensor"]


def predict(
    name: str,
    planes: Planes,
    wanted: NDArray[np.bool_],
    *,
    device: str,
    precision: str,
    weights: str,
    tile: int,
    job: Job,
    stride: int = 0,
    padding: Padding = "reflect",
    pick: Pick | None = None,
    call: Call | None = None,
    in_one_piece: bool = False,
    back: Interpolation = "linear",
) -> Planes:
    """Run a network of the catalog over a picture.

    Parameters
    ----------
    name : str
        Name of the model.
    planes : (C, h, w) float32
        What it looks at, perhaps at a size of its own.
    wanted : (H, W) bool
        Where the answer is needed; elsewhere it may be anything.
    device, precision, weights : str
        As `Pool.lease` takes them.
    tile : int, pixels
        Side of the tiles; 0 chooses.
    job : Job
        Progress, cancel, and notes: model, checksum, device, tile, what memory forced.
    stride : int, pixels
        The sides that the network takes are multiples of it; 0 asks the network.
    padding : {"reflect", "replicate", "zeros"}
        How sides are filled up to a multiple.
    pick : callable(network, answer) -> (N, K, h, w), optional
        Takes what is wanted out of an answer that is not one tensor.
    call : callable(network, x) -> (N, K, h, w), optional
        How a network without halves is run, if it takes more than the picture.
    in_one_piece : bool
        Run the whole network over all of the picture, which is of any size, as its authors do.
    back : str
        How the answer is brought to the picture's size, as `resized` takes it.

    Returns
    -------
    (K, H, W) float32
    """
    told: list[float] = []

    def report(fraction: float, message: str) -> None:
        told.append(fraction)
        job.report(fraction, message)

    loading = replace(job.part(0, 0.2), report=report)
    with POOL.lease(
        name, device=device, precision=precision, weights=weights, job=loading
    ) as leased:
        network: Any = leased
        # Networks that are not ours do not say how far they see: the whole picture, then.
        reach = None if in_one_piece else getattr(network, "reach", None)
        plain = not (pick or call or in_one_piece)
        runs = network if plain else _picking(network, pick, call, in_one_piece)
        read = read_from(wanted, *planes.shape[1:])
        tiled = run_tiled(
            runs,
            planes,
            read,
            # What a network does not say of itself must be given.
            stride=1 if in_one_piece else stride or network.stride,
            field_of_view=None if reach is None else 2 * reach + 1,
            whole=sys.maxsize if in_one_piece else WHOLE,
            tile=tile,
            padding=padding,
            work=_work(name, runs, planes),
            # A network that is there already takes no time to load.
            job=job.part(0.2 if told else 0, 1),
        )
        note_network(job, name, network, **tiled.record)
    check_finite(name, tiled.values[:, read])
    height, width = wanted.shape
    return resized_planes(tiled.values, height, width, back)


def note_network(job: Job, name: str, network: Module, **record: Any) -> None:
    """Note in a job which network was used.

    Parameters
    ----------
    job : Job
        Takes the note.
    name : str
        Name in the catalog.
    network : Module
        The network, from the pool.
    **record
        What else is to be known of the run.
    """
    notices = job.notes.get("notices", [])
    job.note(model=name, checksum=network.checksum, **record, notices=notices)


@contextmanager
def watched(job: Job, work: float, message: str) -> Iterator[None]:
    """Make a network that runs inside cancellable, with progress if its work is known.

    Parameters
    ----------
    job : Job
        Takes progress; asked for a cancel.
    work : float, multiply-adds
        What the network will take; 1 if that is unknown.
    message : str
        Shown meanwhile.
    """
    from ._watch import Watch

    progress = Progress(job, [work])
    progress.begin(0, message)
    with Watch(progress.did):
        yield


def check_finite(name: str, values: NDArray[np.float32]) -> None:
    """Refuse a network's answer that holds NaN or infinity.

    Parameters
    ----------
    name : str
        Name of the model.
    values : array of float32
        What it answered, of any shape.

    Raises
    ------
    WeightsError
    """
    wrong = int((~np.isfinite(values)).sum())
    if wrong:
        raise WeightsError(
            f"{model(name).title} gave {wrong} values of {values.size} that are NaN or infinite",
            "Its weights must be whole and of a training that went well",
            "Choose other weights; `matting-nodes models verify` checks published ones",
        )


def _work(name: str, network: Any, planes: Planes) -> Work | None:
    """Return the cost of a network on the CPU, or None where progress counts tiles."""
    if planes[0].size < _LARGE or next(network.parameters()).device.type != "cpu":
        return None
    if name not in _WORK:
        from ._watch import work_of

        _WORK[name] = work_of(network, len(planes))
    return _WORK[name]


def _picking(network: Module, pick: Pick | None, call: Call | None, in_one_piece: bool) -> Module:
    """Return the network with an answer of one tensor, and without halves if in one piece."""
    from torch.nn import Module as Base

    class Picked(Base):
        def __init__(self) -> None:
            super().__init__()
            self.network: Any = network
            self.near = 0 if in_one_piece else near_of(network)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self._picked(call(self.network, x) if call else self.network(x))

        def begin(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            features: tuple[torch.Tensor, ...] = self.network.begin(x)
            return features

        def finish(self, *features: torch.Tensor) -> torch.Tensor:
            return self._picked(self.network.finish(*features))

        def _picked(self, answer: Any) -> torch.Tensor:
            tensor: torch.Tensor = pick(self.network, answer) if pick else answer
            return tensor

    return Picked()
