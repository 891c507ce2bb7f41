from __future__ import annotations

import json

import pytest

from matting_nodes.errors import FileError, GraphError
from matting_nodes.graph import Graph, GraphNode, Link

CUT = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}, "_meta": {"title": "Cat"}},
    "2": {"class_type": "InvertMask", "inputs": {"mask": ["1", 1]}},
    "3": {"class_type": "MaskPreview", "inputs": {"mask": ["2", 0]}},
}


def test_a_graph_comes_out_of_json_as_it_went_in():
    graph = Graph.from_json(CUT)
    assert graph.nodes["2"].links == {"mask": Link("1", 1)}
    assert graph.find("Cat") is graph.find("1")
    assert graph.to_json() == CUT
    assert Graph.from_json({"prompt": CUT, "client_id": "x"}) == graph


def test_nodes_come_after_those_they_take_from():
    backwards = {key: CUT[key] for key in ("3", "2", "1")}
    assert Graph.from_json(backwards).order() == ["1", "2", "3"]


def test_changes_give_another_graph_and_leave_the_first():
    graph = Graph.from_json(CUT)
    changed = graph.with_input("2", "mask", Link("4")).with_node(GraphNode("4", "SolidMask"))
    assert changed.needed(["3"]) == {"2", "3", "4"}
    assert graph.needed(["3"]) == {"1", "2", "3"}
    assert changed.with_input("2", "mask", None).nodes["2"].inputs == {}


def test_a_chain_of_any_length_is_ordered():
    chain = {
        str(n): GraphNode(str(n), "InvertMask", {"mask": Link(str(n - 1))}) for n in range(5000)
    }
    backwards = Graph(dict(reversed(chain.items())))
    assert backwards.order() == [str(n) for n in range(5000)]
    with pytest.raises(GraphError, match=r"depend on each other: Node 2 .* ← Node 1 .* ← Node 2 "):
        backwards.with_input("1", "mask", Link("2")).order()


@pytest.mark.parametrize(
    "entry", [{"inputs": None}, {"inputs": []}, {"_meta": None}, {"_meta": []}]
)
def test_what_is_left_empty_is_as_if_left_out(entry):
    graph = Graph.from_json({"1": {"class_type": "SolidMask", **entry}})
    assert graph.nodes["1"] == GraphNode("1", "SolidMask")


def test_a_circle_is_named():
    graph = Graph.from_json(CUT).with_input("2", "mask", Link("3"))
    with pytest.raises(
        GraphError, match=r"Node 2 \(InvertMask\) ← Node 3 \(MaskPreview\) ← Node 2"
    ):
        graph.order()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"nodes": [], "links": [], "version": 0.4}', "is in UI format"),
        ("{}", "holds no nodes"),
        ("[]", "holds no nodes"),
        ('{"1": {"inputs": {}}}', "The entry 1 of the workflow"),
        ('{"1": 5}', "The entry 1 of the workflow is 5"),
        ('{"1": {"class_type": "SolidMask", "inputs": [8]}}', "The entry 1 of the workflow"),
        ("{", "holds no workflow"),
    ],
)
def test_what_is_no_workflow_is_refused_with_advice(tmp_path, text, told):
    path = tmp_path / "flow.json"
    path.write_text(text)
    with pytest.raises((GraphError, FileError), match=told) as caught:
        Graph.read(path)
    assert "Export (API)" in caught.value.fix


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileError, match=r"absent\.json"):
        Graph.read(tmp_path / "absent.json")


def test_two_nodes_of_one_title_are_not_guessed_between():
    twice = json.loads(json.dumps(CUT))
    twice["2"]["_meta"] = {"title": "Cat"}
    with pytest.raises(GraphError, match="2 nodes are called 'Cat'"):
        Graph.from_json(twice).find("Cat")
