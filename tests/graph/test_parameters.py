from __future__ import annotations

import pytest

from matting_nodes.errors import MattingError
from matting_nodes.graph import Graph
from matting_nodes.graph.parameters import with_parameter

GRAPH = Graph.from_json(
    {
        "1": {"class_type": "SolidMask", "inputs": {"value": 1.0, "width": 9, "height": 9}},
        "2": {
            "class_type": "MattingNodesMakeTrimap",
            "inputs": {"mask": ["1", 0], "method": "band", "method.inner": 3.0},
            "_meta": {"title": "The v1.5 band"},
        },
        "7": {"class_type": "MattingNodesComposite", "inputs": {}},
    }
)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("1.value", "0.25", 0.25),
        ("1.width", "20", 20),
        ("2.method.inner", "7", 7.0),
        ("The v1.5 band.method.inner", "7", 7.0),
        ("7.linear_light", "on", True),
        ("7.color", "#102030", "#102030"),
    ],
)
def test_a_text_becomes_a_value_of_the_settings_type(name, text, value):
    graph = with_parameter(GRAPH, name, text)
    (changed,) = [n for n in graph.nodes.values() if n != GRAPH.nodes[n.id]]
    assert (
        changed.inputs[name.removeprefix("The v1.5 band.").removeprefix(f"{changed.id}.")] == value
    )


def test_another_method_takes_the_old_ones_settings_along():
    graph = with_parameter(GRAPH, "2.method", "soft")
    assert set(graph.nodes["2"].inputs) == {"mask", "method"}
    assert with_parameter(graph, "2.method.low", "0.1").nodes["2"].inputs["method.low"] == 0.1


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("9.value", "1", "No nodes are called '9'"),
        ("value", "1", "names no input"),
        ("1.values", "1", "has no parameter 'values'. It has value, width, height"),
        (
            "2.mask",
            "x.png",
            "has no parameter 'mask'. It has method, smallest_region, device, normalization, "
            "per_channel, method.inner",
        ),
        (
            "1.width",
            "wide",
            "width of Node 1 (SolidMask) is 'wide'. It must be a whole number from 1 to 16384",
        ),
        (
            "7.linear_light",
            "5",
            "linear_light of Node 7 (MattingNodesComposite) is '5'. It must be true or false",
        ),
    ],
)
def test_what_cannot_be_set_is_refused(name, text, told):
    with pytest.raises(MattingError) as caught:
        with_parameter(GRAPH, name, text)
    assert told in str(caught.value)
