"""Workflows that are broken or hostile: each is refused by a message, before it costs much."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matting_nodes import memory
from matting_nodes.errors import (
    FileError,
    MattingError,
    MemoryLimitError,
    UnexpectedError,
)
from matting_nodes.graph import Folders, Graph, evaluate, node_types, problems
from matting_nodes.graph.node_types import TYPES
from matting_nodes.hosts.cli import main

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rules for names")


def node(class_type, title="", **inputs):
    entry = {"class_type": class_type, "inputs": inputs}
    return entry | ({"_meta": {"title": title}} if title else {})


def small():
    """Return a workflow that uses one of every kind of parameter."""
    return {
        "mask": node("SolidMask", value=1.0, width=16, height=16),
        "grey": node("MaskToImage", mask=["mask", 0]),
        "saved": node("SaveImage", images=["grey", 0], filename_prefix="a"),
        "empty": node("EmptyImage", width=16, height=16, batch_size=1, color=0),
        "segment": node("MattingNodesSegment", image=["empty", 0], method="threshold"),
        "picture": node(
            "MattingNodesSavePicture", image=["empty", 0], filename_prefix="b", file_type="png"
        ),
    }


def changed(name, **inputs):
    graph = small()
    graph[name]["inputs"] |= inputs
    return graph


def run(graph, tmp_path):
    (tmp_path / "in").mkdir(exist_ok=True)
    return evaluate(Graph.from_json(graph), Folders(tmp_path / "in", tmp_path / "out"))


def refused(graph, tmp_path, told=None):
    with pytest.raises(MattingError, match=told) as caught:
        run(graph, tmp_path)
    assert not isinstance(caught.value, UnexpectedError)
    assert len(str(caught.value)) < 7000
    return caught.value


def test_the_small_workflow_runs(tmp_path):
    assert [len(outcome.files) for outcome in run(small(), tmp_path)] == [1, 1]


@pytest.mark.parametrize("value", [5, "x", True, [1], {"a": 1}, 3.5])
@pytest.mark.parametrize("part", ["inputs", "_meta", "title", "class_type", "entry"])
def test_a_part_of_another_json_type_is_refused(tmp_path, part, value):
    graph, entry = small(), small()["grey"]
    if part == "title":
        entry["_meta"] = {"title": value}
    graph["grey"] = value if part == "entry" else {part: value, **entry} | {part: value}
    if part in ("inputs", "_meta") and value == {"a": 1}:
        return  # as it should be
    if part == "title":
        graph["grey"] = entry
        if value == "x":
            return
    told = "not known here" if (part, value) == ("class_type", "x") else "The entry grey of the"
    refused(graph, tmp_path, told)


@pytest.mark.parametrize("value", [5, "x", True, [1], {"a": 1}, None, 3.5, ["mask", 0], [[], 0]])
@pytest.mark.parametrize("name", ["method", "image"])
def test_a_method_or_a_wire_of_another_json_type_is_refused(tmp_path, name, value):
    graph = changed("segment", **{name: value}) | {
        "shown": node("MaskPreview", mask=["segment", 0])
    }
    refused(graph, tmp_path, r"Node segment \(MattingNodesSegment\): ")


def test_a_wired_file_type_counts_as_its_value(tmp_path):
    graph = changed("picture", file_type=["text", 0])
    graph["text"] = node("PrimitiveString", value="jpeg")
    assert run(graph, tmp_path)[1].files[0].suffix == ".jpg"
    graph["text"]["inputs"]["value"] = "bmp"
    refused(graph, tmp_path, "Node picture .*file_type of Save Picture is 'bmp'")
    graph["text"]["inputs"]["value"] = "jpeg"
    graph["picture"]["inputs"]["bits"] = "16"
    refused(graph, tmp_path, "Node picture .*bits of Save Picture is 16 and file_type is jpeg")
    graph["picture"]["inputs"] |= {"bits": "8", "filename_prefix": ["text", 0]}
    graph["text"]["inputs"]["value"] = "../../x"
    graph["picture"]["inputs"]["file_type"] = "png"
    refused(graph, tmp_path, "Node picture .*leads outside")


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), 10**400, 1e308, "nan", "inf", "9" * 5000]
)
def test_a_number_that_is_none_is_refused(tmp_path, value):
    refused(changed("empty", width=value), tmp_path, "Node empty .*width of Empty Image is")
    refused(changed("mask", value=value), tmp_path, "Node mask .*value of Create Solid Mask is")


NAMES = ["a\0b", "a\ud800", "a" * 5000, "a/" * 3000, "%width%" * 60 + "ä" * 130]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("loader", ["LoadImage", "LoadImageMask", "MattingNodesLoadPicture"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path, loader, name):
    graph = small() | {"load": node(loader, image=name, channel="red" if "Mask" in loader else 0)}
    graph["grey"] = node("PreviewImage", images=["load", 0])
    if "Mask" in loader:
        graph["grey"] = node("MaskPreview", mask=["load", 0])
    del graph["saved"]
    refused(graph, tmp_path)
    for saver in ("saved", "picture"):
        refused(changed(saver, filename_prefix=name), tmp_path)
    assert not list(tmp_path.rglob("*.p*"))


@UNIX
def test_a_name_just_as_long_as_a_file_may_have_is_written(tmp_path):
    """Also while it is written, under a name of its own."""
    name = "ä" * 121 + "b"  # with the number and the ending 254 bytes
    outcomes = run(changed("saved", filename_prefix=name), tmp_path)
    assert outcomes[0].files[0].name == f"{name}_00001_.png"


@pytest.mark.parametrize("text", ["a\0b", "a\ud800"], ids=ascii)
def test_texts_that_cannot_be_written_are_refused_wherever_they_are(tmp_path, text):
    for graph in (
        {text: node("SolidMask")},
        {"1": node("SolidMask", title=text)},
        {"1": node(text)},
        {"1": node("SolidMask", **{text: 1})},
        {"1": node("SolidMask", value=[[{"a": text}]])},
    ):
        refused(graph, tmp_path, "with a NUL or half a character")


POINTS = {
    "texts": '[{"x": "a", "y": 2}]',
    "ragged": '[[{"x": 1, "y": 2}], [3]]',
    "nested": "[" * 1000 + "]" * 1000,
    "nested deeper": "[" * 100_000 + "]" * 100_000,
    "null": "null",
    "truth": '[{"x": true, "y": 1}]',
    "nan": '[{"x": NaN, "y": 1}]',
    "infinite": '[{"x": 1e999, "y": 1}]',
    "huge": '[{"x": ' + "9" * 400 + ', "y": 1}]',
    "a list": '[{"x": [1], "y": 1}]',
    "not closed": '[{"x": 1',
    "an object": '{"x": 1}',
}


@pytest.mark.parametrize("text", POINTS.values(), ids=POINTS)
def test_points_that_are_none_are_refused(tmp_path, text):
    graph = small() | {
        "points": node("PrimitiveString", value=text),
        "found": node(
            "MattingNodesSegment",
            image=["empty", 0],
            foreground_points=["points", 0],
            method="grabcut",
        ),
        "shown": node("MaskPreview", mask=["found", 0]),
    }
    refused(graph, tmp_path, r"Node found .*The points are '")
    del graph["points"], graph["found"], graph["shown"]
    stroke = '{"strokes": [{"tool": "point", "value": "foreground", "points": %s}]}'
    for marks in (text, stroke % text):
        graph["marks"] = node("MattingNodesMarkObject", image=["empty", 0], marks=marks)
        graph["shown"] = node("MaskPreview", mask=["marks", 3])
        refused(graph, tmp_path, r"Node marks .*marks are ")


def deep(count):
    value = inner = []
    for _ in range(count):
        inner.append([])
        inner = inner[0]
    return value


@pytest.mark.parametrize("count", [1000, 100_000])
@pytest.mark.parametrize("where", ["inputs", "_meta", "a value", "a link", "an unknown input"])
def test_what_is_nested_too_deep_is_refused(tmp_path, where, count):
    graph = small()
    if where in ("inputs", "_meta"):
        graph["grey"][where] = deep(count)
    else:
        values = {"a value": deep(count), "a link": [deep(count), 0]}
        name = "foo" if where == "an unknown input" else "mask"
        graph["grey"]["inputs"][name] = values.get(where, deep(count))
    refused(graph, tmp_path, "The entry grey .*lists within lists")


def test_json_that_is_nested_too_deep_is_refused(tmp_path):
    (tmp_path / "flow.json").write_text("[" * 100_000 + "]" * 100_000)
    with pytest.raises(FileError, match=r"flow\.json holds no workflow: lists are nested too deep"):
        Graph.read(tmp_path / "flow.json")


@UNIX
def test_a_file_that_never_ends_is_refused():
    with pytest.raises(FileError, match=r"/dev/zero holds more than \d+ bytes"):
        Graph.read("/dev/zero")


def chain(count, class_type="InvertMask"):
    graph = {"0": node("SolidMask", value=1.0, width=8, height=8)}
    for index in range(1, count):
        graph[str(index)] = node(class_type, title="t" * 99, mask=[str(index - 1), 0])
    return graph | {"end": node("MaskPreview", mask=[str(count - 1), 0])}


def test_a_chain_of_5000_nodes_runs(tmp_path):
    """In a second or so: forward, backward, and closed to a circle."""
    for graph in (chain(5001), dict(reversed(chain(5001).items()))):
        (outcome,) = run(graph, tmp_path)
        assert (outcome.values[0] == 1).all()
    circle = chain(5001) | {"0": node("InvertMask", mask=["5000", 0])}
    refused(circle, tmp_path, "These nodes depend on each other: .* and 4982 more")


def test_thousands_of_problems_are_listed_soon():
    graph = Graph.from_json({str(n): node("MaskPreview", mask=["no", 0]) for n in range(3000)})
    told = [str(error) for _, error in problems(graph)]
    assert len(told) == 3000
    assert sum(map(len, told)) < 1_000_000


BIG = {"width": 16384, "height": 16384}


@pytest.mark.parametrize(
    ("class_type", "inputs"),
    [
        ("EmptyImage", BIG | {"batch_size": 4096, "color": 0}),
        ("RepeatImageBatch", {"image": ["many", 0], "amount": 4096}),
        ("ImageScale", BIG | {"image": ["many", 0], "upscale_method": "area", "crop": "disabled"}),
        ("ImageScale", {"image": ["wide", 0], "upscale_method": "lanczos", "width": 0}),
        ("ImageBatch", {"image1": ["wide", 0], "image2": ["many", 0]}),
        ("JoinImageWithAlpha", {"image": ["wide", 0], "alpha": ["masks", 0]}),
    ],
)
def test_what_needs_more_memory_than_there_is_is_refused_before(
    tmp_path, monkeypatch, class_type, inputs
):
    monkeypatch.setenv(memory.LIMIT, str(2 + memory._own() / memory.GIB))
    if class_type == "ImageScale":
        inputs = {"height": 16384, "crop": "disabled"} | inputs
    graph = {
        "one": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
        "many": node("RepeatImageBatch", image=["one", 0], amount=4096),
        "masks": node("ImageToMask", image=["many", 0], channel="red"),
        "wide": node("EmptyImage", width=16384, height=8, batch_size=1, color=0),
        "big": node(class_type, **inputs),
        "shown": node("PreviewImage", images=["big", 0]),
    }
    if class_type in ("ImageBatch", "JoinImageWithAlpha"):
        graph["wide"]["inputs"]["height"] = 2000
    title = node_types()[class_type].title
    error = refused(graph, tmp_path, rf"Node big .*{title} needs \d+\.\d GiB of memory")
    assert isinstance(error, MemoryLimitError)


def test_what_a_node_says_it_takes_is_what_it_makes():
    """The estimate is no less than the result."""
    image, mask = np.zeros((2, 5, 7, 3), np.float32), np.zeros((3, 5, 7), np.float32)
    scale = {"upscale_method": "bilinear", "crop": "disabled"}
    cases = [
        ("EmptyImage", {"width": 7, "height": 5, "batch_size": 2, "color": 3}),
        ("SolidMask", {"width": 7, "height": 5, "value": 0.5}),
        ("RepeatImageBatch", {"image": image, "amount": 3}),
        ("ImageScale", {"image": image, "width": 30, "height": 0, **scale}),
        ("ImageScaleBy", {"image": image, "upscale_method": "area", "scale_by": 3.0}),
        ("ImageBatch", {"image1": image, "image2": image}),
        ("JoinImageWithAlpha", {"image": image, "alpha": mask}),
        ("MaskToImage", {"mask": mask}),
        ("InvertMask", {"mask": mask}),
    ]
    for name, given in cases:
        type_ = node_types()[name]
        (result,) = type_.run(given, {}).values
        assert result.nbytes <= type_.bytes_for(given) <= 4 * result.nbytes, name


def test_growing_stops_when_nothing_changes(tmp_path):
    graph = changed("mask", width=64, height=64, value=0.0)
    graph["grown"] = node("GrowMask", mask=["mask", 0], expand=16384, tapered_corners=True)
    graph["grey"]["inputs"]["mask"] = ["grown", 0]
    run(graph, tmp_path)


@pytest.mark.parametrize(("x", "y"), [(16, 0), (0, 16), (16384, 16384)])
def test_a_crop_beside_the_mask_is_refused_and_what_follows_does_not_run(tmp_path, x, y):
    graph = changed("grey", mask=["grown", 0])
    graph["cropped"] = node("CropMask", mask=["mask", 0], x=x, y=y, width=5, height=5)
    graph["grown"] = node("GrowMask", mask=["cropped", 0], expand=3, tapered_corners=True)
    refused(graph, tmp_path, r"Node cropped .*The rectangle begins at")
    graph["cropped"] = node(
        "MaskComposite", destination=["mask", 0], source=["mask", 0], x=x, y=y, operation="add"
    )
    run(graph, tmp_path)


ESCAPES = "\x1b[2J\x1b]0;owned\x07\r\u202ered\x9b31m\nmatting-nodes: done"


@UNIX
def test_nothing_is_printed_unescaped(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    graph = small()
    del graph["segment"], graph["picture"]
    for entry in graph.values():
        entry["_meta"] = {"title": ESCAPES}
    graph["saved"]["inputs"]["filename_prefix"] = ESCAPES.replace("\n", "")
    graph["compared"] = node(
        "MattingNodesCompare", title=ESCAPES, alpha=["mask", 0], reference=["mask", 0]
    )
    flow = tmp_path / f"{ESCAPES}.json"
    flow.write_text(json.dumps(graph))
    assert main(["run", str(flow)]) == 0
    assert main(["run", str(flow), "--dry-run"]) == 0
    assert main(["run", str(flow), "--set", f"{ESCAPES}.x=3"]) == 1
    graph["saved"]["inputs"]["images"] = 5
    flow.write_text(json.dumps(graph))
    assert main(["run", str(flow)]) == 1
    assert main(["run", f"{ESCAPES}.no"]) == 1
    assert main(["cutout", f"{ESCAPES}.no"]) == 1
    out, err = capfd.readouterr()
    assert "Node saved (\\x1b[2J" in err
    for text in (out, err):
        assert "\\x1b[2J" in text
        assert not set(text) & set("\x1b\x07\r\u202e\x9b")


def test_an_unexpected_error_names_the_node_and_is_logged(tmp_path, monkeypatch):
    def fail(mask):
        return mask / {}

    # No input is known that does it: a node of the test's own.
    monkeypatch.setitem(TYPES, "Broken", replace(TYPES["InvertMask"], name="Broken", function=fail))
    graph = changed("grey", mask=["broken", 0]) | {"broken": node("Broken", mask=["mask", 0])}
    with pytest.raises(UnexpectedError, match=r"Node broken \(Broken\): TypeError") as caught:
        run(graph, tmp_path)
    log = str(caught.value).split("please report this, with what ")[1].removesuffix(" says.")
    assert "in fail" in Path(log).read_text(encoding="utf-8")
