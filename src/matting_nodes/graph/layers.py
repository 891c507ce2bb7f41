"""Layered drawing of a directed graph, after Sugiyama, Tagawa and Toda (1981).

1. Layers by longest path. 2. A wire that passes layers gets a dummy in each: room to run through.
3. Order in each layer by barycenters, in sweeps. 4. Heights: each layer is drawn as near to its
neighbors as order and spacing allow, which is an isotonic regression.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

GAP, LANE = 64.0, 16.0
"""Pixels between two boxes; for a wire between them."""
PORT = 36.0
"""Pixels from the top of a box to its ports, about."""
ORDER_SWEEPS, HEIGHT_SWEEPS = 8, 5
MOST_DUMMIES = 20_000
"""With more, long wires get none."""


class Box(NamedTuple):
    """What is placed.

    Parameters
    ----------
    width, height : float
        Its size.
    inset : float
        How far below its top begins what its ports belong to.
    """

    width: float
    height: float
    inset: float = 0.0


Wire = tuple[Hashable, Hashable]
"""A source, and what takes it."""


def drawn_in_layers(
    boxes: Mapping[Hashable, Box], wires: Sequence[Wire]
) -> dict[Hashable, tuple[float, float]]:
    """Return the top left corner of each box: right of its sources, and none over another.

    Parameters
    ----------
    boxes : mapping of Box
        What is placed.
    wires : sequence of (source, target)
        What depends on what. In a circle, those that run against the order of `boxes` are
        drawn from right to left.

    Returns
    -------
    dict of (x, y)
        With the top at 0.
    """
    if not boxes:
        return {}
    wires = list(dict.fromkeys(wires))
    drawing = _Drawing(boxes, _layers(list(boxes), wires), wires)
    drawing.sort()
    drawing.align()
    return drawing.places()


def _layers(items: Collection[Hashable], wires: list[Wire]) -> dict[Hashable, int]:
    """Return each one's layer; wires that run against the order found are removed from the list."""
    takers: dict[Hashable, list[Hashable]] = {item: [] for item in items}
    for source, target in wires:
        takers[source].append(target)
    waits = Counter(target for _, target in wires)
    free = [item for item in items if not waits[item]]
    left, order = dict.fromkeys(items), list[Hashable]()
    while left:
        item = free.pop(0) if free else next(iter(left))  # in a circle: the first
        del left[item]
        order.append(item)
        for taker in takers[item]:
            waits[taker] -= 1
            if taker in left and not waits[taker]:
                free.append(taker)
    rank = {item: number for number, item in enumerate(order)}
    wires[:] = [(a, b) for a, b in wires if rank[a] < rank[b]]
    layer = dict.fromkeys(items, 0)
    takers = {item: [] for item in items}
    for source, target in sorted(wires, key=lambda wire: rank[wire[0]]):
        layer[target] = max(layer[target], layer[source] + 1)
        takers[source].append(target)
    fed = {target for _, target in wires}
    for item in order:
        if item not in fed and takers[item]:  # sources stand beside what takes them
            layer[item] = min(layer[taker] for taker in takers[item]) - 1
    return layer


class _Drawing:
    """Boxes and dummies in layers."""

    def __init__(
        self,
        boxes: Mapping[Hashable, Box],
        layer: Mapping[Hashable, int],
        wires: Sequence[Wire],
    ) -> None:
        self._boxes = dict(boxes)
        self._rows: dict[int, list[Hashable]] = {n: [] for n in range(max(layer.values()) + 1)}
        self._left: dict[Hashable, list[Hashable]] = {}
        self._right: dict[Hashable, list[Hashable]] = {}
        for item in boxes:
            self._rows[layer[item]].append(item)
        many = sum(layer[b] - layer[a] - 1 for a, b in wires) > MOST_DUMMIES
        for source, target in wires:
            last = source
            between = () if many else range(layer[source] + 1, layer[target])
            for number in between:  # wires from one box share their dummies
                dummy: Wire = source, number
                if dummy not in self._boxes:
                    self._boxes[dummy] = Box(0.0, LANE, LANE / 2 - PORT)
                    self._rows[number].append(dummy)
                    self._join(last, dummy)
                last = dummy
            self._join(last, target)
        self._real = boxes.keys()
        self._y = dict.fromkeys(self._boxes, 0.0)

    def _join(self, source: Hashable, target: Hashable) -> None:
        self._right.setdefault(source, []).append(target)
        self._left.setdefault(target, []).append(source)

    def _sweep(self, to_right: bool) -> list[tuple[list[Hashable], dict[Hashable, list[Hashable]]]]:
        """Return the layers in the order of a sweep, with the neighbors that it comes from."""
        numbers = sorted(self._rows, reverse=not to_right)
        return [(self._rows[n], self._left if to_right else self._right) for n in numbers]

    def sort(self) -> None:
        """Order each layer by the barycenters of its neighbors; the best of all sweeps is kept."""
        best, fewest = {n: list(row) for n, row in self._rows.items()}, self._crossings()
        for number in range(ORDER_SWEEPS):
            if not fewest:
                break
            at = {item: float(n) for row in self._rows.values() for n, item in enumerate(row)}
            for row, neighbors in self._sweep(to_right=number % 2 == 0):
                center = {i: _mean([at[o] for o in neighbors.get(i, ())], at[i]) for i in row}
                row.sort(key=center.__getitem__)
                at |= {item: float(n) for n, item in enumerate(row)}
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = {n: list(row) for n, row in self._rows.items()}, crossings
        self._rows = best

    def _crossings(self) -> int:
        """Return how many pairs of wires between neighboring layers cross."""
        crossings = 0
        for row, following in pairwise(self._rows.values()):
            at = {item: number for number, item in enumerate(following)}
            seen: list[int] = []
            for item in row:
                ends = sorted(at[other] for other in self._right.get(item, ()) if other in at)
                crossings += sum(len(seen) - bisect(seen, end) for end in ends)
                for end in ends:
                    insort(seen, end)
        return crossings

    def align(self) -> None:
        """Give heights: ports as high as those that they are wired to, as far as there is room."""
        for row in self._rows.values():
            self._y |= zip(row, self._steps(row), strict=True)
        for number in range(HEIGHT_SWEEPS):
            for row, neighbors in self._sweep(to_right=number % 2 == 0):
                wanted = [self._wanted(item, neighbors.get(item, ())) for item in row]
                self._y |= zip(row, _spaced(wanted, self._steps(row)), strict=True)

    def _wanted(self, item: Hashable, neighbors: Collection[Hashable]) -> float:
        ports = [self._y[other] + self._boxes[other].inset for other in neighbors]
        inset = self._boxes[item].inset
        return _mean(ports, self._y[item] + inset) - inset

    def _steps(self, row: Sequence[Hashable]) -> list[float]:
        """Return the heights of a layer that is drawn as closely as it may be."""
        heights = (
            self._boxes[above].height + (GAP if {above, below} <= self._real else LANE)
            for above, below in pairwise(row)
        )
        return list(accumulate(heights, initial=0.0))

    def places(self) -> dict[Hashable, tuple[float, float]]:
        """Return the top left corners."""
        top, left = min(self._y[item] for item in self._real), 0.0
        places = dict[Hashable, tuple[float, float]]()
        for row in self._rows.values():
            places |= {item: (left, self._y[item] - top) for item in row if item in self._real}
            left += max(self._boxes[item].width for item in row) + GAP
        return places


def _mean(values: Collection[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _spaced(wanted: Sequence[float], steps: Sequence[float]) -> list[float]:
    """Return the heights nearest to those wanted in the least squares that keep these steps.

    Without the steps it is an isotonic regression: neighbors that violate the order are pooled.
    """
    pools: list[tuple[float, int]] = []
    for height, step in zip(wanted, steps, strict=True):
        mean, count = height - step, 1
        while pools and pools[-1][0] > mean:
            before, weight = pools.pop()
            mean = (mean * count + before * weight) / (count + weight)
            count += weight
        pools.append((mean, count))
    bases = [mean for mean, count in pools for _ in range(count)]
    return [base + step for base, step in zip(bases, steps, strict=True)]
