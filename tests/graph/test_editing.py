from __future__ import annotations

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matting_nodes.errors import GraphError, MattingError, ParameterError
from matting_nodes.graph import Document, Graph, Link, node_types
from matting_nodes.graph.checking import problems
from matting_nodes.graph.files import api_of, from_json
from matting_nodes.graph.page_writing import page_of

TYPES = node_types()


@pytest.fixture
def document():
    """A photo, a trimap of a mask of it, and a matte."""
    document = Document()
    photo = document.add("MattingNodesLoadPicture")
    mask = document.add("MattingNodesSegment", (400, 0))
    trimap = document.add("MattingNodesMakeTrimap", (800, 0))
    document.connect(Link(photo), mask, "image")
    document.connect(Link(mask), trimap, "mask")
    return document


def test_a_new_node_has_the_defaults_of_its_type_and_method(document):
    segment = TYPES["MattingNodesSegment"]
    given = document.graph.nodes["2"].inputs
    method = given["method"]
    assert method == next(iter(segment.methods))
    expected = {name: p.default for name, p in segment.parameters_for({"method": method}).items()}
    assert given == {"method": method, "image": Link("1"), **expected}
    assert document.places == {"1": (0, 0), "2": (400, 0), "3": (800, 0)}


def test_values_may_be_given_with_a_new_node(document):
    key = document.add(
        "MattingNodesMakeTrimap", inputs={"mask": Link("2"), "method": "band", "method.inner": 3}
    )
    assert document.graph.nodes[key].inputs["method.inner"] == 3.0
    assert document.graph.nodes[key].links == {"mask": Link("2")}


def test_another_method_comes_with_its_own_parameters(document):
    document.set("2", "method", "threshold")
    names = set(document.graph.nodes["2"].inputs)
    assert {f"method.{p.name}" for p in TYPES["MattingNodesSegment"].methods["threshold"]} == {
        name for name in names if name.startswith("method.")
    }
    assert "image" in names


@pytest.mark.parametrize(
    ("edit", "error", "said"),
    [
        (lambda d: d.connect(Link("1"), "3", "mask"), GraphError, "Convert Image to Mask between"),
        (lambda d: d.connect(Link("3"), "2", "mask"), GraphError, "depend on each other.*Node 2"),
        (lambda d: d.connect(Link("3"), "3", "mask"), GraphError, "depend on each other"),
        (lambda d: d.connect(Link("1", 7), "2", "image"), GraphError, r"outputs are 0 \(image\)"),
        (lambda d: d.connect(Link("9"), "2", "image"), GraphError, "no node '9'"),
        (lambda d: d.connect(Link("1"), "2", "picture"), GraphError, "has image, box"),
        (lambda d: d.connect(Link("1"), "9", "image"), GraphError, "has the nodes 1, 2, 3"),
        (lambda d: d.set("3", "method.inner", -3), ParameterError, "-3.*from 0"),
        (lambda d: d.set("3", "method", "nothing"), ParameterError, "It is one of"),
        (lambda d: d.set("3", "mask", 1), GraphError, "no parameter 'mask'"),
        (lambda d: d.add("Knowbody"), GraphError, "no type of node 'Knowbody'"),
        (lambda d: d.add("ImageInvert", inputs={"image": Link("3")}), GraphError, "type MASK"),
        (lambda d: d.move({"1": (float("nan"), 0)}), GraphError, "nan"),
        (lambda d: d.remove(["1", "7"]), GraphError, "no node '7'"),
        (lambda d: d.paste("{", (0, 0)), MattingError, "holds no workflow"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(document, edit, error, said):
    before, called = document.contents, []
    document.on_change.append(lambda: called.append(1))
    with pytest.raises(error, match=said) as caught:
        edit(document)
    assert caught.value.rule
    assert caught.value.fix
    assert document.contents is before
    assert not called


def test_wires_go_with_the_nodes_and_come_back(document):
    before = document.graph
    document.remove(["2"])
    assert document.graph.nodes.keys() == {"1", "3"}
    assert not document.graph.nodes["3"].links
    assert document.undo()
    assert document.graph == before
    assert document.redo()
    assert document.graph.nodes.keys() == {"1", "3"}


def test_a_parameter_can_be_wired_and_has_its_default_afterwards(document):
    number = document.add("PrimitiveFloat", inputs={"value": 3.0})
    document.set("3", "method.inner", 7)
    document.connect(Link(number), "3", "method.inner")
    assert document.contents.sockets("3")[0][-1].kind == "FLOAT"
    document.disconnect("3", "method.inner")
    default = TYPES["MattingNodesMakeTrimap"].parameters_for({"method": "band"})
    assert document.graph.nodes["3"].inputs["method.inner"] == default["method.inner"].default


def test_edits_of_one_value_in_a_row_are_one_step(document):
    before = document.graph
    for inner in range(1, 9):
        document.set("3", "method.inner", inner)
    assert document.graph.nodes["3"].inputs["method.inner"] == 8
    document.undo()
    assert document.graph == before
    document.set("3", "method.inner", 1)
    document.settle()
    document.set("3", "method.inner", 2)
    document.undo()
    assert document.graph.nodes["3"].inputs["method.inner"] == 1


def test_moves_of_the_same_nodes_are_one_step_and_no_change_is_none(document):
    for x in range(9):
        document.move({"1": (x, 1)})
    document.move({"1": (8, 1)})
    document.undo()
    assert document.places["1"] == (0, 0)
    document.undo()
    assert not document.graph.nodes["3"].links


def test_listeners_hear_every_change(document):
    called = []
    document.on_change.append(lambda: called.append(len(document.graph.nodes)))
    document.add("PreviewImage")
    document.undo()
    document.redo()
    document.rename("1", "Photo")
    assert called == [4, 3, 4, 4]
    while document.undo():
        pass
    assert not document.can_undo
    assert not document.undo()


def test_copies_keep_values_wires_and_groups_among_them(document):
    document.set("3", "method.inner", 5)
    document.rename("3", "細い帯")
    document.group("Mask", ["2", "3"])
    text = document.copy(["2", "3"])
    mask, trimap = document.paste(text, (100, 900))
    assert {mask, trimap}.isdisjoint({"1", "2", "3"})
    copy = document.graph.nodes[trimap]
    assert copy.links == {"mask": Link(mask)}
    assert copy.inputs["method.inner"] == 5
    assert copy.title == "細い帯"
    assert not document.graph.nodes[mask].links  # its picture was not copied
    assert document.places[mask] == (100, 900)
    assert document.places[trimap] == (500, 900)
    assert [group.ids for group in document.groups] == [("2", "3"), (mask, trimap)]


def test_any_workflow_can_be_pasted(document):
    pasted = {"7": {"class_type": "SolidMask", "inputs": {"value": 0.5, "width": 9, "height": 9}}}
    (key,) = document.paste(json.dumps(pasted), (0, 0))
    assert document.graph.nodes[key].inputs["value"] == 0.5


def test_a_frame_is_around_its_nodes_and_goes_with_the_last(document):
    group = document.group("Both", ["2", "3"])
    left, top, width, height = document.contents.rectangle(group)
    for key in group.ids:
        (x, y), (w, h) = document.places[key], document.contents.size(key)
        assert left < x
        assert top < y
        assert x + w < left + width
        assert y + h < top + height
    document.group("One", ["3"])
    assert [g.ids for g in document.groups] == [("2",), ("3",)]
    document.remove(["2"])
    assert [g.title for g in document.groups] == ["One"]
    document.ungroup(document.groups[0])
    assert document.groups == ()


def overlapping(document):
    boxes = [(*document.places[key], *document.contents.size(key)) for key in document.graph.nodes]
    return [
        (a, b)
        for n, a in enumerate(boxes)
        for b in boxes[:n]
        if a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
    ]


def test_the_layout_runs_from_left_to_right_and_nothing_overlaps(document):
    end = document.add("MaskPreview", inputs={"mask": Link("3")})
    document.add("PrimitiveFloat")
    document.add("MaskPreview", inputs={"mask": Link("2")})
    assert overlapping(document)
    document.lay_out()
    assert not overlapping(document)
    for node in document.graph.nodes.values():
        for link in node.links.values():
            assert document.places[link.node][0] < document.places[node.id][0]
    document.lay_out({end: (2000.0, 50.0)})
    assert document.undo()


def test_thousands_of_nodes_are_laid_out_and_edited():
    nodes = {"0": {"class_type": "SolidMask", "inputs": {}}} | {
        str(n): {"class_type": "InvertMask", "inputs": {"mask": [str(max(0, n - 7)), 0]}}
        for n in range(1, 5000)
    }
    document = Document.read(json.dumps(nodes).encode())
    before = document.graph
    for _ in range(100):
        document.add("InvertMask", inputs={"mask": Link("4999")})
    with pytest.raises(GraphError, match=r"depend on each other.* and 6\d\d more"):
        document.connect(Link("4999"), "8", "mask")
    while document.undo():
        pass
    assert document.graph == before


def edits(document, chance):
    """Do one random edit; what it refuses is part of it."""
    keys = list(document.graph.nodes)
    pick = lambda: chance.choice(keys)  # noqa: E731
    some = chance.sample(keys, min(len(keys), chance.randint(1, 3)))
    kind = chance.randrange(12) if keys else 0
    if kind <= 1 and len(keys) < 40:
        document.add(chance.choice(list(TYPES)), (chance.randint(-99, 999), chance.randint(0, 99)))
    elif kind <= 4:
        source, target = pick(), pick()
        sockets = document.contents.sockets(target)[0] or ("",)
        name = getattr(chance.choice(sockets), "name", "none")
        document.connect(Link(source, chance.randrange(3)), target, name)
    elif kind == 5:
        document.disconnect(pick(), chance.choice(["image", "mask", "alpha", "trimap"]))
    elif kind == 6:
        key = pick()
        known = TYPES[document.graph.nodes[key].class_type]
        parameters = known.parameters_for(document.graph.nodes[key].inputs)
        if parameters and chance.random() < 0.7:
            name = chance.choice(list(parameters))
            values = (
                parameters[name].choices or (1, 0.5, "white", True),
                [parameters[name].default],
            )
            document.set(key, name, chance.choice(chance.choice(values)))
        elif known.methods:
            document.set(key, "method", chance.choice(list(known.methods)))
    elif kind == 7:
        document.move({key: (chance.randint(0, 999), 5) for key in some})
    elif kind == 8:
        chance.choice([document.group, lambda title, ids: document.remove(ids)])("G", some)
    elif kind == 9:
        document.paste(document.copy(some), (3, 4))
    elif kind == 10:
        document.rename(pick(), chance.choice(["", "Łódź", "マスク"]))
    else:
        document.lay_out()


@settings(
    max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(st.integers(0, 10**9))
def test_a_thousand_random_edits_come_back_by_undo_and_redo(seed):
    document, chance = Document(), random.Random(seed)
    states, at, refused = [document.contents], 0, 0
    for _ in range(1000):
        document.settle()
        move = chance.random()
        if move < 0.15:
            at -= document.undo()
        elif move < 0.25:
            at += document.redo()
        else:
            try:
                edits(document, chance)
            except MattingError:
                refused += 1
            if document.contents != states[at]:
                states[at + 1 :] = [document.contents]
                at += 1
        assert document.contents == states[at]
        check_sound(document)
        if at % 50 == 0:
            for data in (page_of(document.contents), api_of(document.contents)):
                if data:
                    assert from_json(json.loads(json.dumps(data))).graph == document.graph
    assert 0 < refused < 700
    while document.undo():
        at -= 1
        assert document.contents == states[at]
    assert (at, document.graph) == (0, Graph())
    while document.redo():
        at += 1
        assert document.contents == states[at]
    assert at == len(states) - 1


def check_sound(document):
    """Check what must hold of every document."""
    graph = document.graph
    assert graph.nodes.keys() == document.places.keys()
    assert set(graph.order()) == graph.nodes.keys()
    assert all(key in graph.nodes for group in document.groups for key in group.ids)
    assert all(link.node in graph.nodes for n in graph.nodes.values() for link in n.links.values())
    # A canvas only lets through what can be wired, so that nothing but files and values is amiss.
    assert not [e for _, e in problems(graph) if "of the type" in str(e) or "not there" in str(e)]
