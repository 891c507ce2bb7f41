"""Where the nodes of a graph stand, by themselves: columns from left to right, by depth."""

from __future__ import annotations

from collections.abc import Mapping

from .model import Graph

GAP = 80.0
"""Pixels between two nodes."""


def laid_out(
    graph: Graph, sizes: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Return a place for every node: right of all its sources, none over another.

    A node stands one column right of the farthest of its sources, and a node without sources
    just left of the first that uses it. In its column it stands as high as its sources do on
    average (the barycenter heuristic of Sugiyama, Tagawa and Toda 1981).

    Parameters
    ----------
    graph : Graph
        The nodes and wires.
    sizes : mapping of id to (width, height)
        How large the nodes are drawn.

    Returns
    -------
    dict of id to (x, y)
        Top left corners.

    Raises
    ------
    GraphError
        If nodes depend on each other in a circle.
    """
    column: dict[str, int] = {}
    takers: dict[str, list[str]] = {key: [] for key in graph.nodes}
    order = graph.order()
    for key in order:
        sources = _sources(graph, key)
        column[key] = max((column[source] for source in sources), default=-1) + 1
        for source in sources:
            takers[source].append(key)
    for key in order:
        if takers[key] and not _sources(graph, key):
            column[key] = min(column[taker] for taker in takers[key]) - 1
    columns: dict[int, list[str]] = {}
    for key in order:
        columns.setdefault(column[key], []).append(key)

    places: dict[str, tuple[float, float]] = {}
    left = 0.0
    for number in sorted(columns):
        wanted = {key: _height(graph, key, places) for key in columns[number]}
        top = 0.0
        for key in sorted(columns[number], key=lambda key: wanted[key]):
            places[key] = left, top
            top += sizes[key][1] + GAP
        left += max(sizes[key][0] for key in columns[number]) + GAP
    return places


def _sources(graph: Graph, key: str) -> list[str]:
    return [link.node for link in graph.nodes[key].links.values() if link.node in graph.nodes]


def _height(graph: Graph, key: str, places: Mapping[str, tuple[float, float]]) -> float:
    """Return how high the sources of a node stand on average."""
    tops = [places[source][1] for source in _sources(graph, key)]
    return sum(tops) / len(tops) if tops else 0.0
