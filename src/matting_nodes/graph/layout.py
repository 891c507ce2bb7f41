"""Where the nodes of a graph stand: left to right, in their groups, off the notes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import product

from .layers import GAP, Box, drawn_in_layers
from .model import Graph

Place = tuple[float, float]
Rectangle = tuple[float, float, float, float]
SIDE, TITLE = 20.0, 40.0
"""Room between a group's nodes and its frame, at the sides and below its title."""


def laid_out(
    graph: Graph,
    sizes: Mapping[str, tuple[float, float]],
    groups: Iterable[Iterable[str]] = (),
    notes: Sequence[Rectangle] = (),
) -> dict[str, Place]:
    """Return a place for every node: right of all its sources, none over another or a note.

    The nodes of a group stand together, with none of another between them; where two groups
    depend on each other, some wires run from right to left.

    Parameters
    ----------
    graph : Graph
        The nodes and wires.
    sizes : mapping of id to (width, height)
        How large the nodes are drawn.
    groups : iterable of iterables of ids
        The nodes of each group, which may hold other groups.
    notes : sequence of (left, top, width, height)
        What stays where it is, and free of nodes.

    Returns
    -------
    dict of id to (x, y)
        Top left corners.

    Raises
    ------
    GraphError
        If nodes depend on each other in a circle.
    """
    order = graph.order()
    wires = [
        (link.node, key)
        for key in order
        for link in graph.nodes[key].links.values()
        if link.node in graph.nodes
    ]
    sets = sorted((frozenset(g) & graph.nodes.keys() for g in groups), key=len, reverse=True)
    places = _grouped(order, wires, sizes, [ids for ids in sets if ids])
    boxes = {key: (*places[key], *sizes[key]) for key in places}
    frames = [frame_around([boxes[key] for key in ids]) for ids in sets if ids]
    down = _clearance([*boxes.values(), *frames], notes)
    return {key: (x, y + down) for key, (x, y) in places.items()}


def bounds(boxes: Sequence[Rectangle]) -> Rectangle:
    """Return the smallest rectangle that holds others.

    Parameters
    ----------
    boxes : sequence of (left, top, width, height)
        What it holds; without any, it is at 0, and empty.
    """
    left, top = (min((box[n] for box in boxes), default=0.0) for n in (0, 1))
    right, bottom = (max((box[n] + box[n + 2] for box in boxes), default=0.0) for n in (0, 1))
    return left, top, right - left, bottom - top


def frame_around(boxes: Sequence[Rectangle]) -> Rectangle:
    """Return the frame of a group: room for its title above its nodes.

    Parameters
    ----------
    boxes : sequence of (left, top, width, height)
        The nodes.
    """
    left, top, width, height = bounds(boxes)
    return left - SIDE, top - TITLE, width + 2 * SIDE, height + TITLE + SIDE


def _clearance(boxes: Sequence[Rectangle], notes: Sequence[Rectangle]) -> float:
    """Return how far all boxes must move down together to clear the notes."""
    down, over = 0.0, True
    while over:
        over = False
        for (left, top, width, height), (x, y, across, tall) in product(boxes, notes):
            beside = left >= x + across + SIDE or x >= left + width + SIDE
            if not beside and y - SIDE < top + down + height and top + down < y + tall + SIDE:
                down, over = y + tall + GAP - top, True
    return down


def _grouped(
    order: Sequence[str],
    wires: Sequence[tuple[str, str]],
    sizes: Mapping[str, tuple[float, float]],
    groups: Sequence[frozenset[str]],
) -> dict[str, Place]:
    """Return places where each group, the largest first, is drawn as one box among the others."""
    outer: list[frozenset[str]] = []
    for ids in groups:
        # A group that shares some nodes with another is not kept together.
        if not any(ids & other for other in outer):
            outer.append(ids)
    group_of = {key: number for number, ids in enumerate(outer) for key in ids}
    boxes: dict[Hashable, Box] = {}
    inside: dict[str, Place] = {}
    for key in order:
        number = group_of.get(key)
        if number is None:
            boxes[key] = Box(*sizes[key])
        elif number not in boxes:
            ids = outer[number]
            part = _grouped(
                [k for k in order if k in ids],
                [(a, b) for a, b in wires if a in ids and b in ids],
                sizes,
                [inner for inner in groups if inner < ids],
            )
            *_, width, height = frame_around([(*part[k], *sizes[k]) for k in part])
            inside |= {k: (x + SIDE, y + TITLE) for k, (x, y) in part.items()}
            boxes[number] = Box(width, height, inside[key][1])

    def box_of(key: str) -> Hashable:
        return group_of.get(key, key)

    between = [(box_of(a), box_of(b)) for a, b in wires]
    placed = drawn_in_layers(boxes, [(a, b) for a, b in between if a != b])
    places = dict[str, Place]()
    for key in order:
        (left, top), (x, y) = placed[box_of(key)], inside.get(key, (0.0, 0.0))
        places[key] = left + x, top + y
    return places
