"""Marks by hand, and what Segment finds from them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from matting_nodes import sample_data, segment
from matting_nodes.arrays import Prompts
from matting_nodes.errors import ParameterError
from matting_nodes.graph import Folders, Graph, evaluate
from matting_nodes.graph.types.mark_object import mark_object, picture_of_marks


def mark(tool, *points, value="foreground", radius=4, frame=0):
    return {"tool": tool, "value": value, "radius": radius, "points": points, "frame": frame}


def text_of(*marks):
    return json.dumps({"strokes": marks})


IMAGE = np.full((1, 60, 80, 3), 0.5, np.float32)


def test_points_a_box_and_strokes_come_out_by_their_kind():
    drawn = mark_object(
        IMAGE,
        marks=text_of(
            mark("point", (30.5, 20)),
            mark("point", (5, 6), value="background"),
            mark("point", (33, 25)),
            mark("box", (70.2, 50), (9.8, 10.2)),
            mark("brush", (40, 30), (50, 30)),
            mark("brush", (45, 30), (45, 50), value="background"),
        ),
    )
    assert json.loads(drawn.foreground_points) == [{"x": 30.5, "y": 20}, {"x": 33, "y": 25}]
    assert json.loads(drawn.background_points) == [{"x": 5, "y": 6}]
    # From the pixel that holds the upper left corner to the one that holds the lower right.
    assert drawn.box == {"x": 10, "y": 10, "width": 61, "height": 41}
    assert drawn.foreground_scribbles[0, 30, 38] == 1
    assert drawn.background_scribbles[0, 45, 45] == 1
    # The later stroke lies over the one before, so that none says both.
    assert drawn.foreground_scribbles[0, 30, 45] == 0
    assert not (drawn.foreground_scribbles * drawn.background_scribbles).any()


def test_the_last_box_counts_and_an_eraser_takes_strokes_away():
    drawn = mark_object(
        IMAGE,
        marks=text_of(
            mark("box", (0, 0), (5, 5)),
            mark("box", (10, 12), (79, 59)),
            mark("brush", (40, 30), (50, 30)),
            mark("brush", (40, 30), (50, 30), value="unknown", radius=5),
        ),
    )
    assert drawn.box == {"x": 10, "y": 12, "width": 70, "height": 48}
    assert not drawn.foreground_scribbles.any()


def test_without_marks_nothing_is_said():
    drawn = mark_object(IMAGE)
    assert drawn.box is None
    assert drawn.foreground_points == drawn.background_points == ""
    assert drawn.foreground_scribbles.shape == (1, 60, 80)
    assert not drawn.foreground_scribbles.any()


@pytest.mark.parametrize(
    ("marks", "told"),
    [
        ("[1]", "marks are"),
        (text_of(mark("hair", (1, 1))), "tools are point, box, brush"),
        (text_of(mark("point", (1, 1), frame=1)), "frame 1, and the batch has 1"),
        (text_of(mark("box", (100, 5), (120, 9))), "80 × 60"),
    ],
)
def test_what_is_no_mark_is_refused(marks, told):
    with pytest.raises(ParameterError, match=told):
        mark_object(IMAGE, marks=marks)


def graph_of(marks, image="lemur.png [sample]"):
    names = ("box", "foreground_points", "background_points")
    names += ("foreground_scribbles", "background_scribbles")
    wires = {name: ["2", slot] for slot, name in enumerate(names)}
    return Graph.from_json(
        {
            "1": {"class_type": "MattingNodesLoadPicture", "inputs": {"image": image}},
            "2": {
                "class_type": "MattingNodesMarkObject",
                "inputs": {"image": ["1", 0], "marks": marks},
            },
            "3": {
                "class_type": "MattingNodesSegment",
                "inputs": {"image": ["1", 0], "method": "grabcut", **wires},
            },
            "4": {"class_type": "MaskPreview", "inputs": {"mask": ["3", 0]}},
        }
    )


def test_segment_finds_what_is_marked(tmp_path):
    marks = text_of(
        mark("box", (60, 20), (600, 430)),
        mark("point", (340, 200)),
        mark("point", (75, 30), value="background"),
        mark("brush", (300, 300), (380, 300), radius=8),
        mark("brush", (70, 420), (110, 420), value="background", radius=6),
    )
    (outcome,) = evaluate(graph_of(marks), Folders(tmp_path, tmp_path))
    image = sample_data.lemur()
    drawn = mark_object(image[None], marks=marks)
    expected = segment(
        image,
        prompts=Prompts(
            box=(60, 20, 601, 431),
            foreground_points=[(340, 200)],
            background_points=[(75, 30)],
            foreground_scribbles=drawn.foreground_scribbles[0],
            background_scribbles=drawn.background_scribbles[0],
        ),
    )
    np.testing.assert_array_equal(outcome.values[0][0], expected)
    assert expected[300, 340] == 1
    assert expected[420, 90] == 0


def test_no_marks_are_as_no_wires(tmp_path):
    (outcome,) = evaluate(graph_of(""), Folders(tmp_path, tmp_path))
    np.testing.assert_array_equal(outcome.values[0][0], segment(sample_data.lemur()))


@pytest.mark.parametrize(
    "drawn",
    [
        mark("box", (60, 20), (600, 430), frame=1),
        mark("point", (340, 200), frame=1),
        mark("brush", (300, 300), (380, 300), radius=8, frame=1),
    ],
    ids=["box", "point", "brush"],
)
def test_marks_belong_to_the_frame_that_they_were_drawn_in(tmp_path, drawn):
    folder = tmp_path / "two"
    folder.mkdir()
    lemur = np.ascontiguousarray(sample_data.lemur()[::4, ::4])
    from matting_nodes import write_image

    for name in ("0.png", "1.png"):
        write_image(folder / name, lemur)
    small = dict(drawn, points=[[x / 4, y / 4] for x, y in drawn["points"]], radius=2)
    first, *rest = evaluate(graph_of(text_of(small), "two"), Folders(tmp_path, tmp_path))
    (mask,) = rest[0].values if rest else first.values
    assert not mask[0].any()
    assert mask[1].any()


def test_the_picture_shows_the_marks():
    shown = picture_of_marks(
        IMAGE[0], text_of(mark("brush", (40, 30), (50, 30)), mark("point", (10, 10)))
    )
    green = np.array([40, 170, 70]) / 255
    np.testing.assert_allclose(shown[30, 45], green, atol=1e-6)
    np.testing.assert_allclose(shown[10, 10], green, atol=1e-6)
    np.testing.assert_allclose(shown[50, 10], IMAGE[0, 50, 10], atol=0.002)
