"""Property-based: whatever a workflow holds, it runs or is refused by a message of ours."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matting_nodes import memory
from matting_nodes.errors import MattingError, UnexpectedError
from matting_nodes.graph import Folders, Graph, evaluate, node_types, problems

# By hand, for an hour: MATTING_NODES_FUZZ=100000 python -m pytest tests/graph/test_any_workflow.py
EXAMPLES = settings(
    max_examples=int(os.environ.get("MATTING_NODES_FUZZ", "150")),
    deadline=None,
    derandomize="MATTING_NODES_FUZZ" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
IDS = st.sampled_from(["1", "2", "3", "4", "5"])
TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["lemur.png [sample]", "../x", "a" * 300, "\x1b[2J", "white", "png", "nan", "1e999", "",
         '[{"x": 3, "y": 4}]', '[{"x": 1e300, "y": "a"}]', "[[[[]]]]", '{"strokes": []}']
    ),
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-3, 40), st.integers(), st.floats(), st.sampled_from([2**63, 10**400, 16384, 4096])
)
PLAIN = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
LINKS = st.lists(IDS | PLAIN, max_size=1).flatmap(
    lambda start: st.tuples(st.just(start), st.integers(-1, 4)).map(lambda p: [*p[0], p[1]])
)
VALUES = st.recursive(
    PLAIN | LINKS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
# Methods that need no weights, and take no time.
QUICK = ("threshold", "grabcut", "band", "soft", "guided_filter", "multilevel", "closed_form")
OURS = [
    type_
    for type_ in node_types().values()
    if not set(type_.methods) or set(type_.methods) & set(QUICK)
]


@st.composite
def of_parameter(draw, parameter):
    """Return a value that a parameter may have, and now and then any other."""
    if draw(st.integers(0, 9)) == 0:
        return draw(VALUES)
    if parameter.choices:
        return draw(st.sampled_from(parameter.choices))
    if parameter.type is bool:
        return draw(st.booleans())
    if parameter.type is str:
        return draw(st.just(parameter.default) | TEXTS)
    low, high = (parameter.slider.minimum, parameter.slider.maximum) if parameter.slider else (0, 9)
    low = max(low, -40)
    high = max(low, min(high, 40))
    number = draw(
        st.floats(low, high) if parameter.type is float else st.integers(int(low), int(high))
    )
    return draw(st.sampled_from([number, parameter.default]))


@st.composite
def nodes(draw, ids):
    """Return a node that could run if the links were right, and now and then anything."""
    if draw(st.integers(0, 19)) == 0:
        return draw(VALUES)
    type_ = draw(st.sampled_from(OURS))
    inputs = {}
    for socket in type_.inputs:
        if not socket.optional or draw(st.booleans()):
            inputs[socket.name] = [draw(st.sampled_from(ids)), draw(st.integers(0, 1))]
    if type_.methods:
        inputs["method"] = draw(st.sampled_from([m for m in type_.methods if m in QUICK]))
    for name, parameter in type_.parameters_for(inputs).items():
        if draw(st.integers(0, 3)):
            inputs[name] = draw(of_parameter(parameter))
    if draw(st.integers(0, 9)) == 0:
        inputs[draw(TEXTS)] = draw(VALUES)
    entry = {"class_type": type_.name, "inputs": inputs}
    return entry | draw(st.sampled_from([{}, {}, {}, {"_meta": {"title": "a\x1b[2J"}}]))


@st.composite
def workflows(draw):
    ids = [str(number) for number in range(1, draw(st.integers(2, 7)))]
    return {key: draw(nodes(ids[:at] or ids)) for at, key in enumerate(ids)}


def answer(graph, folders):
    """Return whether a graph ran; fail where its answer is no message of ours."""
    try:
        evaluate(Graph.from_json(graph), folders)
    except MattingError as error:
        assert not isinstance(error, UnexpectedError), error
        assert error.found
        assert error.rule
        assert error.fix
        return False
    return True


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv(memory.LIMIT, str(0.5 + memory._own() / memory.GIB))
    (tmp_path / "in").mkdir()
    return Folders(tmp_path / "in", tmp_path / "out")


@EXAMPLES
@given(data=VALUES | st.dictionaries(TEXTS, VALUES, max_size=4))
def test_any_json_is_a_workflow_or_refused(folders, data):
    answer(data, folders)


@EXAMPLES
@given(graph=workflows())
def test_any_nodes_run_or_are_refused(folders, graph):
    answer(graph, folders)


@EXAMPLES
@given(graph=workflows())
def test_all_problems_are_listed_without_an_error(folders, graph):
    try:
        graph = Graph.from_json(graph)
    except MattingError:
        return
    for node, problem in problems(graph, folders):
        assert node in graph.nodes or not node
        assert str(problem).isascii() or str(problem)
