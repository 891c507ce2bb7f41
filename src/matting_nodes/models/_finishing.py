"""A network in two halves: the second, which sees little, runs only around what is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._windows import Span, windows

if TYPE_CHECKING:
    import torch

Marks = NDArray[np.bool_]
Part = tuple[int, Span, Span]
"""A picture of the batch, rows, columns."""

_SIDES = (64, 96, 128, 192, 256, 384, 512, 1024)
# So many pixels at once on a GPU, which one small part would leave idle.
_AT_ONCE = 2**20


def near_of(network: Any) -> int:
    """Return how many pixels away a network's second half sees; 0 if it is all of one piece."""
    near: int = getattr(network, "near", 0)
    return near


def answer_where(
    network: Any, stacked: torch.Tensor, wanted: Marks, output: int
) -> NDArray[np.float32]:
    """Run a network's first half over pictures, and the second where its answer is wanted.

    Parameters
    ----------
    network : Module
        With `near`, `begin` and `finish`, as `networks` has them.
    stacked : (N, C, H, W)
        The pictures, on the device; H and W are multiples of the network's stride.
    wanted : (N, H, W) bool
        Which pixels of the answer are wanted; one at least.
    output : int
        Which one, if the network gives several.

    Returns
    -------
    (N, K, H, W) float32
        0 far from what is wanted.
    """
    import torch

    features = network.begin(stacked)
    height, width = wanted.shape[1:]
    stride = max(height // feature.shape[2] for feature in features)
    parts = _least_work(wanted, near_of(network), stride)
    at_once = 1 if stacked.device.type == "cpu" else max(1, _AT_ONCE // _pixels(parts[0]))
    result = np.zeros((len(wanted), 0, height, width), np.float32)
    for begin in range(0, len(parts), at_once):
        some = parts[begin : begin + at_once]
        pieces = [torch.cat([_piece(f, part, height, width) for part in some]) for f in features]
        answer = network.finish(*pieces)
        answer = answer[output] if isinstance(answer, tuple) else answer
        if not result.shape[1]:
            result = np.zeros((len(wanted), answer.shape[1], height, width), np.float32)
        for (number, rows, columns), values in zip(some, answer.float().cpu().numpy(), strict=True):
            result[number, :, rows.core, columns.core] = values[:, rows.kept, columns.kept]
    return result


def pixels_finished(wanted: Marks, near: int, stride: int) -> int:
    """Return how many pixels the second half will see in all.

    Parameters
    ----------
    wanted : (N, H, W) bool
        Which pixels of the answer are wanted.
    near : int, pixels
        How far the second half sees.
    stride : int, pixels
        Stride of the coarsest features that it takes.
    """
    return sum(map(_pixels, _least_work(wanted, near, stride)))


def _least_work(wanted: Marks, near: int, stride: int) -> list[Part]:
    """Return all parts, of the size that is least work: large waste pixels, small margins."""
    margin = -(-near // stride) * stride
    height, width = wanted.shape[1:]
    sides = [side for side in _SIDES if 2 * margin < side < max(height, width)]
    ways = [_parts(wanted, side, margin, stride) for side in (*sides, max(height, width))]

    return min(ways, key=lambda parts: sum(map(_pixels, parts)))


def _pixels(part: Part) -> int:
    _, rows, columns = part
    return (rows.stop - rows.start) * (columns.stop - columns.start)


def _parts(wanted: Marks, side: int, margin: int, stride: int) -> list[Part]:
    return [
        (number, rows, columns)
        for number, marks in enumerate(wanted)
        if marks.any()
        for rows, columns in windows(marks, side, margin, stride)
    ]


def _piece(feature: torch.Tensor, part: Part, height: int, width: int) -> torch.Tensor:
    """Return a part of a feature of any resolution, (1, C, h, w)."""
    number, rows, columns = part
    high, wide = feature.shape[2:]
    return feature[
        number : number + 1,
        :,
        rows.start * high // height : rows.stop * high // height,
        columns.start * wide // width : columns.stop * wide // width,
    ]
