"""Strokes on a trimap, kept as text."""

from __future__ import annotations

import json

import numpy as np
import pytest

from matting_nodes.errors import ParameterError
from matting_nodes.trimap.painting import Stroke, paint, strokes_from, strokes_text


def distances(shape, start, stop):
    """The plain distance of every pixel to a straight line, one by one."""
    start, stop = np.array(start, float), np.array(stop, float)
    out = np.empty(shape)
    for y, x in np.ndindex(shape):
        at = np.array([x, y], float)
        part = np.clip(np.dot(at - start, stop - start) / np.dot(stop - start, stop - start), 0, 1)
        out[y, x] = np.linalg.norm(at - start - part * (stop - start))
    return out


def test_a_brush_marks_what_is_within_its_radius():
    trimap = np.zeros((40, 60), np.uint8)
    rows, columns = paint(trimap, Stroke("brush", "foreground", 5.5, ((10, 12), (45, 30))))
    expected = distances(trimap.shape, (10, 12), (45, 30)) <= 5.5
    np.testing.assert_array_equal(trimap == 255, expected)
    inside = np.zeros_like(expected)
    inside[rows, columns] = True
    assert inside[expected].all()


def test_a_dot_is_a_stroke_and_the_border_is_no_limit():
    trimap = np.zeros((20, 20), np.uint8)
    paint(trimap, Stroke("brush", "unknown", 3, ((0, 0),)))
    paint(trimap, Stroke("brush", "unknown", 3, ((100, 100), (120, 90))))
    assert np.count_nonzero(trimap) == np.count_nonzero(trimap[:4, :4] == 128) == 11


def test_fill_marks_the_connected_pixels_of_one_value():
    trimap = np.full((20, 30), 128, np.uint8)
    trimap[:, 10] = 0
    rows, columns = paint(trimap, Stroke("fill", "foreground", 1, ((20, 5),)))
    assert (trimap[:, 11:] == 255).all()
    assert (trimap[:, :10] == 128).all()
    assert (rows, columns) == (slice(0, 20), slice(11, 30))


def test_a_hair_brush_moves_to_the_edge_beside_it():
    image = np.zeros((60, 80, 3), np.float32)
    image[:, 43:] = 0.8  # an edge between columns 42 and 43
    image += np.random.default_rng(0).normal(0, 0.01, image.shape).astype(np.float32)
    trimap = np.zeros((60, 80), np.uint8)
    paint(trimap, Stroke("hair", "unknown", 6, ((38, 10), (39, 50))), image.clip(0, 1))
    marked = np.nonzero(trimap[30] == 128)[0]
    assert abs(marked.mean() - 42.5) <= 1  # and not 38.5, where it was drawn
    # Where the picture is flat it stays.
    flat = np.zeros((60, 80), np.uint8)
    paint(flat, Stroke("hair", "unknown", 6, ((38, 10), (38, 50))), np.zeros_like(image))
    assert np.nonzero(flat[30])[0].mean() == 38


def test_strokes_come_back_from_their_text():
    strokes = [
        Stroke("brush", "background", 2.5, ((1.5, 2.0), (3.0, 4.0))),
        Stroke("fill", "foreground", 1.0, ((7.0, 8.0),), frame=3),
    ]
    assert strokes_from(strokes_text(strokes)) == strokes
    assert strokes_from("") == strokes_from("  ") == []


@pytest.mark.parametrize(
    "entry",
    [
        {"tool": "chisel", "points": [[1, 2]]},
        {"tool": "brush", "value": "maybe", "points": [[1, 2]]},
        {"tool": "brush", "points": []},
        {"tool": "brush", "points": [[1, 2, 3]]},
        {"tool": "brush", "points": [["a", 2]]},
        {"tool": "brush", "points": [[float("nan"), 2]]},
        {"tool": "brush", "points": [[1, 2]], "radius": 1e9},
        {"tool": "brush", "points": [[1, 2]], "frame": -1},
        {"tool": "brush", "points": [[1, 2]], "frame": 0.5},
        {"points": [[1, 2]]},
        7,
    ],
)
def test_what_is_no_stroke_is_refused(entry):
    with pytest.raises(ParameterError, match="strokes are"):
        strokes_from(json.dumps({"strokes": [entry]}))


@pytest.mark.parametrize("text", ["[", "7", "[]", '{"strokes": 3}', "null", "[" * 100_000])
def test_what_is_no_text_of_strokes_is_refused(text):
    with pytest.raises(ParameterError, match="strokes are"):
        strokes_from(text)


def test_endless_strokes_are_refused():
    stroke = {"tool": "brush", "points": [[1, 2]] * 200_001}
    with pytest.raises(ParameterError, match="strokes have 200001 points"):
        strokes_from(json.dumps({"strokes": [stroke]}))
