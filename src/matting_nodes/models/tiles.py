"""Tiles: a network over a picture of any size, in bounded memory, only where it is unknown."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import MemoryLimitError, ParameterError
from ..job import Job
from ._finishing import answer_where, near_of, pixels_finished
from ._memory import is_out_of_memory
from ._windows import Span, ramp, surroundings, windows
from .pool import POOL

if TYPE_CHECKING:
    import torch

    from ._watch import Work

Padding = Literal["reflect", "replicate", "zeros"]

WHOLE = 2048 * 2048
"""Largest picture, in pixels, that a network with a global field of view sees whole."""
_TILE = 1024
_SIDES = (256, 384, 512, 768, 1024, 1536, 2048)
_OVERLAP = 64
_SMALLEST = 128
# Stride of the coarsest features that second halves of networks take, about.
_STRIDE = 16
# Seconds between two reports within a tile.
_PAUSE = 0.1
# Tiles at once on a GPU, which a single one would leave idle.
_BATCH = 4


@dataclass(frozen=True)
class Tiled:
    """What a network gave, and how it was run."""

    values: NDArray[np.float32]
    """(K, H, W) where it is unknown; elsewhere, where nothing was asked, partly 0."""
    tile: int
    """The side of the tiles in pixels; 0 if the picture was run whole."""
    device: str
    """Where it ran in the end."""
    notices: tuple[str, ...] = ()
    """What had to be done because memory was short, in order."""

    @property
    def record(self) -> dict[str, Any]:
        """What a result's provenance says of it, beside the notices, which the job has."""
        return {"tile": self.tile, "device": self.device}


@dataclass(frozen=True)
class Way:
    """One way to run: on a device, in tiles of a size."""

    network: Callable[..., Any]
    device: torch.device
    tile: int


@dataclass
class Picture:
    """The padded input, and how a network looks at it."""

    inputs: torch.Tensor
    unknown: NDArray[np.bool_]
    stride: int
    margin: int
    is_global: bool
    whole: int
    context: bool
    output: int
    work: Work | None
    job: Job
    notices: list[str] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.inputs.shape[1], self.inputs.shape[2]

    def announce(self, text: str) -> None:
        """Tell the user, and remember it for the record."""
        self.notices.append(text)
        self.job.announce(text)


def run_tiled(
    network: Callable[..., Any],
    inputs: NDArray[np.float32] | torch.Tensor,
    unknown: NDArray[np.bool_],
    *,
    stride: int,
    field_of_view: int | None,
    tile: int = 0,
    whole: int = WHOLE,
    padding: Padding = "reflect",
    batch: int = 0,
    context: bool = False,
    output: int = -1,
    on_cpu: Callable[[], Callable[..., Any]] | None = None,
    work: Work | None = None,
    job: Job | None = None,
) -> Tiled:
    """Run a network over a picture, tile by tile, where there are unknown pixels.

    Where the field of view is finite, the result is the one of the whole picture: tiles begin
    at multiples of the stride and overlap by the field of view; nothing is looked at that no
    unknown pixel can see. Where it is global, a picture of up to `whole` pixels is run whole, a
    larger one in tiles that are blended; a pass over the whole picture made smaller can then
    correct what is slow in them.

    When memory is short, the pool's other networks leave; then tiles become smaller, down to
    the smallest that make sense; then the CPU takes over. Each step is told through the job
    and stands in the result.

    Parameters
    ----------
    network : Module
        Maps (N, C, h, w) to (N, K, h, w) for h and w that are multiples of the stride.
    inputs : (C, H, W) float32
        What it takes, normalised.
    unknown : (H, W) bool
        Where the result is wanted.
    stride : int, pixels
        Stride of the network's coarsest features.
    field_of_view : int, pixels, or None
        Side of the square that one pixel of the result depends on; None if it is everything.
    tile : int, pixels
        Side of the tiles, rounded up to the stride; 0 chooses what is least work.
    whole : int, pixels
        How large a picture is run whole, at most, if `tile` is 0.
    padding : {"reflect", "replicate", "zeros"}
        How a picture is extended to the right and below to multiples of the stride.
    batch : int
        Tiles at once; 0 takes one on the CPU and four elsewhere.
    context : bool
        Whether a global network in tiles is corrected by a pass over the smaller picture. It
        helps a network that answers alike at both sizes, and costs as much as one more tile.
    output : int
        Which output, if the network has several.
    on_cpu : callable, optional
        Returns the network on the CPU; by default a copy of it that is moved there.
    work : Work, optional
        What the network costs, for progress within tiles; without it, tiles are counted.
    job : Job, optional
        Takes progress and notices; asked for a cancel between the network's operations, and on
        the CPU within large ones.

    Returns
    -------
    Tiled

    Raises
    ------
    ParameterError
        If the tile is not larger than the margins that the field of view needs.
    MemoryLimitError
        If even the smallest tiles do not fit the CPU's memory.
    """
    import torch

    job = job or Job()
    height, width = unknown.shape
    if not unknown.any():
        return Tiled(np.zeros((1, height, width), np.float32), tile, "none")
    padded, mask = _padded(torch.as_tensor(inputs, dtype=torch.float32), unknown, stride, padding)
    # Half a stride more, as far as the grid of coarse features can lie to one side of a pixel.
    reach = _OVERLAP if field_of_view is None else field_of_view // 2 + stride // 2
    margin = _up(reach, stride)
    is_global = field_of_view is None
    part = np.s_[:, :] if is_global else surroundings(mask, margin, stride)
    picture = Picture(
        padded[:, *part], mask[part], stride, margin, is_global, whole, context, output, work, job
    )
    first = Way(network, _device_of(network), _first_tile(picture, tile))
    way, some = _first_that_fits(picture, _ways(picture, first, on_cpu), batch)
    values = np.zeros((len(some), *mask.shape), np.float32)
    values[:, *part] = some
    return Tiled(values[:, :height, :width], way.tile, str(way.device), tuple(picture.notices))


def _padded(
    inputs: torch.Tensor, unknown: NDArray[np.bool_], stride: int, padding: Padding
) -> tuple[torch.Tensor, NDArray[np.bool_]]:
    """Return inputs and mask with sides that are multiples of the stride."""
    from torch.nn.functional import pad

    height, width = unknown.shape
    below, right = -height % stride, -width % stride
    mask = np.pad(unknown, ((0, below), (0, right)))
    if padding == "reflect" and (below >= height or right >= width):
        # There is not enough picture to reflect.
        padding = "replicate"
    mode = {"zeros": "constant"}.get(padding, padding)
    return pad(inputs[None].cpu(), (0, right, 0, below), mode=mode)[0], mask


def _up(pixels: int, stride: int) -> int:
    return -(-pixels // stride) * stride


def _device_of(network: Any) -> torch.device:
    import torch

    parameters = network.parameters() if hasattr(network, "parameters") else iter(())
    first = next(parameters, None)
    return torch.device("cpu") if first is None else first.device


def _first_tile(picture: Picture, asked: int) -> int:
    """Return the tile to begin with; 0 is the whole picture."""
    largest = max(picture.size)
    tile = _up(asked, picture.stride)
    if asked and tile < largest:
        if tile <= 2 * picture.margin:
            raise ParameterError(
                f"tile is {asked} px",
                f"Margins of {picture.margin} px are cut off on all sides, as the network sees "
                "that far",
                f"Choose more than {2 * picture.margin} px, or 0",
            )
        return tile
    if asked or (picture.is_global and _area(picture, 0) <= picture.whole):
        return 0
    if picture.is_global:
        return _TILE if largest > _TILE else 0
    # The cheapest: large tiles waste what lies between the unknown pixels, small ones margins.
    sides = [_up(side, picture.stride) for side in _SIDES]
    tiles = [side for side in sides if 2 * picture.margin < side < largest]
    if _area(picture, 0) <= picture.whole or not tiles:
        tiles.insert(0, 0)
    return min(tiles, key=lambda tile: _area(picture, tile))


def _area(picture: Picture, tile: int) -> int:
    """Return how many pixels a network sees in all, in tiles of that size or whole."""
    height, width = picture.size
    if not tile:
        return height * width
    count = len(windows(picture.unknown, tile, picture.margin, picture.stride))
    return count * min(tile, height) * min(tile, width)


def _ways(
    picture: Picture, first: Way, on_cpu: Callable[[], Callable[..., Any]] | None
) -> Iterator[Way]:
    """Yield the ways to try, each asked for when the one before did not fit the memory."""
    yield first
    if POOL.relieve(first.device):
        picture.announce(f"Memory of {first.device} is short: other networks were unloaded")
        yield first
    for tile in _smaller(picture, first.tile):
        picture.announce(f"Memory of {first.device} is short: tiles of {tile} px")
        yield replace(first, tile=tile)
    if first.device.type != "cpu" or on_cpu:
        import torch

        picture.announce(f"Memory of {first.device} is short: on the CPU, which is slower")
        network = on_cpu() if on_cpu else copy.deepcopy(first.network).to("cpu")  # type: ignore[attr-defined]
        yield replace(first, network=network, device=torch.device("cpu"))
        for tile in _smaller(picture, first.tile):
            picture.announce(f"Memory of the CPU is short: tiles of {tile} px")
            yield Way(network, torch.device("cpu"), tile)


def _smaller(picture: Picture, tile: int) -> Iterator[int]:
    """Yield the next smaller tiles, each half of the one before."""
    stride, margin = picture.stride, picture.margin
    smallest = max(2 * margin + stride, min(_SMALLEST, max(picture.size) // 2))
    size = tile or max(picture.size)
    while smallest <= (half := _up(size // 2, stride)) < size:
        yield half
        size = half


def _first_that_fits(
    picture: Picture, ways: Iterator[Way], batch: int
) -> tuple[Way, NDArray[np.float32]]:
    for way in ways:
        values = _unless_too_large(picture, way, batch)
        if values is not None:
            return way, values
    raise MemoryLimitError(
        f"{picture.size[1]} × {picture.size[0]} pixels to be solved do not fit the memory",
        "Even the smallest tiles that this network can use are too large",
        "Close other programs, or choose a smaller network",
    )


def _unless_too_large(picture: Picture, way: Way, batch: int) -> NDArray[np.float32] | None:
    import torch

    try:
        with torch.inference_mode():
            return _run(picture, way, batch)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    # Outside of the handler, whose traceback keeps what did not fit.
    POOL.backend.release(way.device)
    return None


def _run(picture: Picture, way: Way, batch: int) -> NDArray[np.float32]:
    from ._watch import Watch

    height, width = picture.size
    side = way.tile or max(height, width)
    chosen = windows(picture.unknown, side, picture.margin, picture.stride)
    batch = batch or (1 if way.device.type == "cpu" else _BATCH)
    canvas = _Canvas(picture, blended=picture.is_global and bool(way.tile))
    batches = [
        Batch.of(picture, way, chosen[begin : begin + batch], canvas.blended)
        for begin in range(0, len(chosen), batch)
    ]
    progress = Progress(picture.job, [_expected(picture.work, way, some) for some in batches])
    for number, some in enumerate(batches):
        progress.begin(number, f"tile {number * batch + 1} of {len(chosen)}")
        with Watch(progress.did):
            results = _forward(picture, way, some)
        for window, result in zip(some.windows, results, strict=True):
            canvas.add(window, result)
    values = canvas.finished()
    if canvas.blended and picture.context:
        values += _slow_error(picture, way, values, canvas.covered)
    return values


@dataclass(frozen=True)
class Batch:
    """Windows that a network sees together."""

    windows: list[tuple[Span, Span]]
    wanted: NDArray[np.bool_]
    """(N, h, w), where its answer is looked at."""

    @classmethod
    def of(cls, picture: Picture, way: Way, some: list[tuple[Span, Span]], blended: bool) -> Batch:
        """Return some windows of a picture, with what of them is wanted.

        Parameters
        ----------
        picture : Picture
            The whole.
        way : Way
            How it is run.
        some : list of (Span, Span)
            The windows, rows and columns.
        blended : bool
            Whether overlaps are blended, so that margins count too.
        """
        wanted = np.stack([picture.unknown[r.window, c.window] for r, c in some])
        if not blended:
            kept = np.zeros_like(wanted)
            for marks, (r, c) in zip(kept, some, strict=True):
                marks[r.kept, c.kept] = True
            wanted &= kept
        return cls(some, wanted)


def _expected(work: Work | None, way: Way, batch: Batch) -> float:
    """Return the multiply-adds that a batch will take; 1 if it is not known."""
    if work is None or way.device.type != "cpu":
        return 1.0
    near = near_of(way.network)
    finished = pixels_finished(batch.wanted, near, _STRIDE) if near else 0
    height, width = batch.wanted.shape[1:]
    return len(batch.windows) * work.of(height * width, 0) + work.of(0, finished)


class Progress:
    """Reports to the job which share of the expected work is done; asks it whether to stop."""

    def __init__(self, job: Job, expected: list[float]) -> None:
        self.job, self.expected = job, expected
        self.done = self.limit = self.told = 0.0
        self.message = ""

    def begin(self, number: int, message: str) -> None:
        """Begin with the next batch: by now all before it is done.

        Parameters
        ----------
        number : int
            Index of the batch.
        message : str
            Shown meanwhile.
        """
        self.done = sum(self.expected[:number])
        self.limit = self.done + self.expected[number]
        self.message = message
        self._tell()

    def did(self, work: float) -> None:
        """Add work within a batch; raise Cancelled if the job was cancelled."""
        self.job.check()
        if self.limit - self.done <= 1:
            return
        self.done = min(self.done + work, self.limit)
        if time.monotonic() - self.told > _PAUSE:
            self._tell()

    def _tell(self) -> None:
        self.job.step(self.done, sum(self.expected), self.message)
        self.told = time.monotonic()


def _forward(picture: Picture, way: Way, some: Batch) -> NDArray[np.float32]:
    """Return the network's results for some windows, (N, K, h, w), where they will be looked at."""
    import torch

    stacked = torch.stack([picture.inputs[:, r.window, c.window] for r, c in some.windows])
    if not near_of(way.network):
        return _results(picture, way, stacked)
    return answer_where(way.network, stacked.to(way.device), some.wanted, picture.output)


def _results(picture: Picture, way: Way, stacked: torch.Tensor) -> NDArray[np.float32]:
    result = way.network(stacked.to(way.device))
    if isinstance(result, tuple | list):
        result = result[picture.output]
    array: NDArray[np.float32] = result.float().cpu().numpy()
    return array


class _Canvas:
    """Gathers tiles, in float32 on the CPU: side by side, or blended where they overlap."""

    def __init__(self, picture: Picture, blended: bool) -> None:
        self.picture, self.blended = picture, blended
        self.values = np.zeros((0, *picture.size), np.float32)
        self.weights = np.zeros(picture.size, np.float32)

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Where there is a result."""
        return self.weights > 0

    def add(self, window: tuple[Span, Span], result: NDArray[np.float32]) -> None:
        """Lay down the result of a window."""
        if not len(self.values):
            self.values = np.zeros((len(result), *self.picture.size), np.float32)
        rows, columns = window
        if not self.blended:
            self.values[:, rows.core, columns.core] = result[:, rows.kept, columns.kept]
            return
        (height, width), margin = self.picture.size, self.picture.margin
        weights = np.outer(ramp(rows, height, margin), ramp(columns, width, margin))
        self.values[:, rows.window, columns.window] += result * weights
        self.weights[rows.window, columns.window] += weights

    def finished(self) -> NDArray[np.float32]:
        """Return the whole."""
        if self.blended:
            np.divide(self.values, self.weights, out=self.values, where=self.covered)
        return self.values


def _slow_error(
    picture: Picture, way: Way, values: NDArray[np.float32], covered: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return how far the tiles are, on average around each place, from the smaller picture.

    A tile does not know the rest of the picture, so its result may be off as a whole; the
    smaller picture knows it, but not the details. Only the mean over an eighth of a tile counts.
    """
    import torch
    from torch.nn.functional import avg_pool2d, interpolate

    picture.job.step(1, message="the whole picture, smaller")
    height, width = picture.size
    # As large as a tile at most: where tiles are small, it may be because memory is.
    largest = min(picture.whole, way.tile**2)
    scale = min(1.0, (largest / (height * width)) ** 0.5)
    steps = [max(1, int(side * scale) // picture.stride) for side in (height, width)]
    size = tuple(step * picture.stride for step in steps)
    small = interpolate(picture.inputs[None], size, mode="bilinear", antialias=True)
    low = torch.from_numpy(_results(picture, way, small))
    low = interpolate(low, (height, width), mode="bilinear")[0]
    seen = torch.from_numpy(picture.unknown & covered).float()
    cell = max(1, way.tile // 8)
    apart = (low - torch.from_numpy(values)) * seen
    # The mean of the difference over the unknown pixels of each cell, smooth in between.
    means = [
        interpolate(avg_pool2d(part, cell, ceil_mode=True)[None], (height, width), mode="bilinear")
        for part in (apart, seen[None])
    ]
    error: NDArray[np.float32] = (means[0] / means[1].clamp_min(1e-6))[0].numpy()
    return error * covered
