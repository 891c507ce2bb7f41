"""Cancel and progress within a network: between its operations, and within large ones."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ._finishing import near_of

Did = Callable[[float], None]
"""Takes the work done since the last call, in multiply-adds; raises to stop."""

# Multiply-adds of one part: about a tenth of a second on two cores.
AT_ONCE = 2**32
# Cost of reading and writing one element, in multiply-adds: memory is slower than arithmetic.
PER_ELEMENT = 40
# Seconds between two calls, so that they cost nothing.
PAUSE = 0.02


class Watch(TorchFunctionMode):
    """While it is active, operations of this thread report their work and can be stopped.

    On the CPU, long operations are computed in parts: convolutions and matrix products some rows
    of the result at a time. Only rounding changes.

    Parameters
    ----------
    did : callable(work)
        Called with the work done, between operations and their parts.
    """

    def __init__(self, did: Did) -> None:
        super().__init__()
        self.did = did
        self.work = 0.0
        self.told = 0.0

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operation, in parts if it is large."""
        in_parts = IN_PARTS.get(function)
        if in_parts and args and args[0].device.type == "cpu":
            return in_parts(self._add, *args, **(kwargs or {}))
        result = function(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and not _is_view(result, args):
            self._add(PER_ELEMENT * result.numel())
        return result

    def _add(self, work: float) -> None:
        self.work += work
        if time.monotonic() - self.told > PAUSE:
            work, self.work = self.work, 0.0
            self.did(work)
            self.told = time.monotonic()


def _is_view(result: Tensor, args: tuple[Any, ...]) -> bool:
    first = args[0] if args else None
    if not isinstance(first, Tensor):
        return False
    return result.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()


class Overflow(TorchFunctionMode):
    """Looks for infinity in results in half precision, without waiting for the device.

    Later operations could hide it: the sigmoid of infinity is 1, a rectifier maps −infinity to 0.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Tensor] = []

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operation, and look at its result."""
        result = function(*args, **(kwargs or {}))
        if function in IN_PARTS and result.dtype == torch.float16:
            self.found.append(result.isinf().any())
        return result

    def seen(self, outputs: Iterable[Tensor]) -> bool:
        """Tell whether there was an infinity, or the outputs hold infinity or NaN."""
        floats = [output for output in outputs if output.is_floating_point()]
        found = [*self.found, *(~output.isfinite().all() for output in floats)]
        return bool(found) and bool(torch.stack(found).any())


def _convolved(
    did: Did,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Return a convolution; a large one is computed some rows at a time."""
    (down, right), (above, beside), (apart, _) = map(_pair, (stride, padding, dilation))
    cost = weight[0].numel() + PER_ELEMENT
    reach = apart * (weight.shape[2] - 1) + 1
    height = (x.shape[2] + 2 * above - reach) // down + 1
    rows = _at_once(len(x) * len(weight) * (x.shape[3] // right) * cost)
    if height <= rows:
        result = functional.conv2d(x, weight, bias, stride, padding, dilation, groups)
        did(result.numel() * cost)
        return result
    whole: Tensor | None = None
    for first in range(0, height, rows):
        last = min(first + rows, height)
        # The rows that the part sees; those beyond the picture are zeros.
        begin, end = first * down - above, (last - 1) * down - above + reach
        beyond = (max(-begin, 0), max(end - x.shape[2], 0))
        seen = x[:, :, max(begin, 0) : end]
        seen = functional.pad(seen, (0, 0, *beyond)) if any(beyond) else seen
        part = functional.conv2d(seen, weight, bias, stride, (0, beside), dilation, groups)
        whole = _like(part, height) if whole is None else whole
        whole[:, :, first:last] = part
        did(part.numel() * cost)
    assert whole is not None
    return whole


def _transposed(
    did: Did,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Return a transposed convolution; a large one is computed some channels at a time."""
    rest = (stride, padding, output_padding, groups, dilation)
    count = weight.shape[1]
    channels = count if groups > 1 else _at_once(x.numel() * weight[0, 0].numel())
    parts = []
    for first in range(0, count, channels):
        some = slice(first, min(first + channels, count))
        own = bias if bias is None or groups > 1 else bias[some]
        parts.append(functional.conv_transpose2d(x, weight[:, some], own, *rest))
        did(x.numel() * weight[0, some].numel() + PER_ELEMENT * parts[-1].numel())
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _projected(did: Did, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return a linear layer's result; a large one is computed some rows at a time."""
    cost = weight.numel() + PER_ELEMENT * len(weight)
    places = x.flatten(0, -2) if x.ndim > 1 else x[None]
    parts = []
    for some in torch.split(places, _at_once(cost)):
        parts.append(functional.linear(some, weight, bias))
        did(len(some) * cost)
    return torch.cat(parts).view(*x.shape[:-1], len(weight))


def _multiplied(did: Did, a: Tensor, b: Tensor) -> Tensor:
    """Return a matrix product; a large one is computed some rows at a time."""
    if a.ndim < 2 or b.ndim < 2:
        return torch.matmul(a, b)
    batch = max(a.shape[:-2].numel(), b.shape[:-2].numel())
    cost = batch * b.shape[-1] * (a.shape[-1] + PER_ELEMENT)
    parts = []
    for some in torch.split(a, _at_once(cost), dim=-2):
        parts.append(some @ b)
        did(some.shape[-2] * cost)
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-2)


def _attended(did: Did, query: Tensor, key: Tensor, *rest: Any, **keywords: Any) -> Tensor:
    """Return the result of an attention, whose callers pass a limited number of queries."""
    result = functional.scaled_dot_product_attention(query, key, *rest, **keywords)
    did(2 * query.numel() * key.shape[-2])
    return result


@dataclass(frozen=True)
class Work:
    """Cost of each half of a network, a n + b n² for n pixels, as (a, b)."""

    begin: tuple[float, float]
    finish: tuple[float, float]

    def of(self, begun: int, finished: int) -> float:
        """Return the multiply-adds for the numbers of pixels that the halves see.

        Parameters
        ----------
        begun : int, pixels
            Pixels that the first half sees.
        finished : int, pixels
            Pixels that the second half sees.
        """
        return sum(
            once * pixels + squared * pixels**2
            for (once, squared), pixels in ((self.begin, begun), (self.finish, finished))
        )


def work_of(network: Any, channels: int) -> Work:
    """Measure the cost of a network by running it on two small squares.

    Parameters
    ----------
    network : Module
        On the CPU.
    channels : int
        Channels of its input.
    """
    side = max(_SIDE, getattr(network, "stride", _SIDE))
    sides = (side, 2 * side)
    first, second = (_done(network, channels, side) for side in sides)
    return Work(*(_fitted(sides, *pair) for pair in zip(first, second, strict=True)))


_SIDE = 64


def _done(network: Any, channels: int, side: int) -> tuple[float, float]:
    """Return the work of both halves on a square."""
    done = [0.0, 0.0]
    square = torch.rand(1, channels, side, side)
    halves = (network.begin, network.finish) if near_of(network) else (network,)
    features: Any = (square,)
    for number, half in enumerate(halves):
        watch = Watch(lambda work: None)
        watch.told = math.inf
        with torch.inference_mode(), watch:
            features = half(*features)
        done[number] = watch.work
    return done[0], done[1]


def _fitted(sides: tuple[int, int], small: float, large: float) -> tuple[float, float]:
    """Return a and b so that a n + b n² is the work on both squares."""
    few, many = (side**2 for side in sides)
    squared = max(0.0, (large / many - small / few) / (many - few))
    return large / many - squared * many, squared


IN_PARTS: dict[Any, Callable[..., Tensor]] = {
    torch.conv2d: _convolved,
    torch.conv_transpose2d: _transposed,
    functional.linear: _projected,
    torch.matmul: _multiplied,
    torch.bmm: _multiplied,
    functional.scaled_dot_product_attention: _attended,
    Tensor.matmul: _multiplied,
    Tensor.__matmul__: _multiplied,
}


def _like(part: Tensor, height: int) -> Tensor:
    """Return an empty tensor of that height, in the memory format of a part."""
    shape = (*part.shape[:2], height, part.shape[3])
    order = torch.channels_last
    order = order if part.is_contiguous(memory_format=order) else torch.contiguous_format
    return torch.empty(shape, dtype=part.dtype, device=part.device, memory_format=order)


def _at_once(cost: int) -> int:
    """Return how many rows of that cost make one part."""
    return max(1, AT_ONCE // max(cost, 1))


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)
