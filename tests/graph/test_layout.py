"""Where nodes stand when they are laid out, and where wires run."""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

from matting_nodes.graph import Document, Graph, GraphNode, Link
from matting_nodes.graph.canvas.figures import Figure, frames
from matting_nodes.graph.canvas.placed import Placed, courses
from matting_nodes.graph.canvas.ports import shown
from matting_nodes.graph.canvas.routing import CLEAR, Router
from matting_nodes.graph.canvas.wiring import wires
from matting_nodes.graph.layers import Box, drawn_in_layers
from matting_nodes.graph.layout import laid_out

EXAMPLES = sorted((Path(__file__).parents[2] / "examples/api").glob("*.json"))


def over(a, b):
    """Return whether two rectangles (left, top, width, height) overlap."""
    return all(a[n] < b[n] + b[n + 2] and b[n] < a[n] + a[n + 2] for n in (0, 1))


def boxes_of(places, sizes):
    return {key: (*places[key], *sizes[key]) for key in places}


def overlapping(boxes):
    return [(a, b) for a, b in combinations(boxes, 2) if over(boxes[a], boxes[b])]


def box_around(boxes):
    left, top = (min(box[n] for box in boxes) for n in (0, 1))
    return left, top, *(max(b[n] + b[n + 2] for b in boxes) - (left, top)[n] for n in (0, 1))


def random_graph(random, count):
    nodes = {}
    for n in range(count):
        sources = random.integers(0, n, random.integers(0, 4)) if n else []
        inputs = {f"in_{i}": Link(str(source)) for i, source in enumerate(sources)}
        nodes[str(n)] = GraphNode(str(n), "Any", inputs)
    sizes = {key: tuple(random.uniform(50, 400, 2)) for key in nodes}
    return Graph(nodes), sizes


def points_on(start, curves, count=60):
    """Return points along Bézier curves."""
    t = np.linspace(0, 1, count)[:, None]
    ends = [start, *(curve[2] for curve in curves)]
    return np.vstack(
        [
            (1 - t) ** 3 * np.array(begin)
            + 3 * t * (1 - t) ** 2 * np.array(one)
            + 3 * t**2 * (1 - t) * np.array(two)
            + t**3 * np.array(end)
            for begin, (one, two, end) in zip(ends, curves, strict=False)
        ]
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_laid_out_and_their_wires_pass_no_node(path):
    document = Document.read(path)
    contents = document.contents
    figures = {key: Figure(shown(contents, key), message=True) for key in document.graph.nodes}
    sizes = {key: figure.size for key, figure in figures.items()}
    note = {"id": 9999, "type": "Note", "pos": [0, -50], "size": [700, 300]}
    document = Document(type(contents)(contents.graph, contents.places, notes=(note,)))
    document.lay_out(sizes)
    boxes = boxes_of(document.places, sizes)
    assert not overlapping(boxes)
    (frame,) = frames(document.contents)
    assert not [key for key in boxes if over(boxes[key], frame.box)]
    for node in document.graph.nodes.values():
        for link in node.links.values():
            source = boxes[link.node]
            assert source[0] + source[2] < boxes[node.id][0]
    placed = {key: Placed(document.places[key], figures[key]) for key in figures}
    for _, start, curves in courses(wires(document.graph), placed):
        along = points_on(start, curves)
        for left, top, width, height in boxes.values():
            inside = (along > (left + 1, top + 1)) & (along < (left + width - 1, top + height - 1))
            assert not inside.all(axis=1).any()


@pytest.mark.parametrize("seed", range(5))
def test_random_graphs_overlap_nothing_and_keep_their_groups_apart(seed):
    random = np.random.default_rng(seed)
    graph, sizes = random_graph(random, 60)
    keys = random.permutation(list(graph.nodes)).tolist()
    groups = [keys[:12], keys[:5], keys[12:20]]  # the second lies in the first
    notes = [(*random.uniform(-500, 1500, 2), *random.uniform(50, 600, 2)) for _ in range(6)]
    places = laid_out(graph, sizes, groups, notes)
    boxes = boxes_of(places, sizes)
    assert not overlapping(boxes)
    assert not [1 for box in boxes.values() for note in notes if over(box, note)]
    for group in groups:
        frame = box_around([boxes[key] for key in group])
        assert {key for key in boxes if over(boxes[key], frame)} == set(group)
        assert not [note for note in notes if over(frame, note)]


def test_without_groups_every_node_is_right_of_its_sources():
    graph, sizes = random_graph(np.random.default_rng(7), 80)
    places = laid_out(graph, sizes)
    for node in graph.nodes.values():
        for link in node.links.values():
            assert places[link.node][0] + sizes[link.node][0] < places[node.id][0]


def test_wires_that_need_not_cross_do_not():
    # Two ladders whose rungs are given in the wrong order.
    boxes = {name: Box(100, 50) for name in ("a", "b", "d", "c", "e", "f")}
    placed = drawn_in_layers(boxes, [("a", "c"), ("b", "d"), ("c", "e"), ("d", "f")])
    for left, right in pairwise((("a", "b"), ("c", "d"), ("e", "f"))):
        assert (placed[left[0]][1] < placed[left[1]][1]) == (
            placed[right[0]][1] < placed[right[1]][1]
        )
    # A chain is a straight line.
    assert placed["a"][1] == pytest.approx(placed["c"][1])
    assert placed["c"][1] == pytest.approx(placed["e"][1])


def test_a_circle_between_groups_is_drawn():
    before = {"a": None, "b": "a", "c": "b"}
    nodes = {
        key: GraphNode(key, "Any", {"x": Link(source)} if source else {})
        for key, source in before.items()
    }
    sizes = dict.fromkeys(nodes, (100.0, 80.0))
    places = laid_out(Graph(nodes), sizes, [("a", "c")])
    boxes = boxes_of(places, sizes)
    assert not over(boxes["b"], box_around([boxes["a"], boxes["c"]]))


def test_a_wire_goes_around_what_lies_in_its_way():
    box = (100.0, -50.0, 80.0, 100.0)
    start, end = (0.0, 0.0), (300.0, 10.0)
    curves = Router([box]).route(start, end)
    along = points_on(start, curves)
    assert curves[-1][2] == end
    near = along[(along[:, 0] > box[0]) & (along[:, 0] < box[0] + box[2])]
    # Below is nearer to the end than above.
    assert near[:, 1].min() == pytest.approx(box[1] + box[3] + CLEAR)
    # Nothing in the way: one curve; backwards: one, too.
    assert len(Router([box]).route((0.0, 200.0), (300.0, 200.0))) == 1
    assert len(Router([box]).route(end, start)) == 1
