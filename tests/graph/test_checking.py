"""A graph that cannot run is refused before anything runs, by node, value, rule and fix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matting_nodes.errors import MattingError
from matting_nodes.graph import Folders, Graph, check, node_types, problems

CUTOUT = Path(__file__).parents[2] / "examples/api/cutout.json"


@pytest.fixture
def cutout():
    return json.loads(CUTOUT.read_text(encoding="utf-8"))


def test_a_good_graph_has_no_problems(cutout, tmp_path):
    assert list(problems(Graph.from_json(cutout), Folders(tmp_path, tmp_path))) == []


@pytest.mark.parametrize(
    ("node", "change", "told"),
    [
        ("4", {"class_type": "MattingNodesMakeTrimaps"}, "Use MattingNodesMakeTrimap"),
        ("4", {"class_type": "KSampler"}, r"KSampler, which is not known here"),
        ("4", {"mask": ["1", 0]}, "Put Convert Image to Mask between them"),
        ("4", {"mask": ["99", 0]}, "wired to the node 99, which is not there"),
        (
            "4",
            {"mask": ["3", 7]},
            r"output 7 of Node 3 \(MattingNodesSegment\)\. Its outputs are 0",
        ),
        ("4", {"mask": 5}, "mask is 5. It must be wired"),
        ("4", {"method": "bend"}, "method is 'bend'. It is one of band"),
        ("4", {"method": None}, "method is missing"),
        ("4", {"method": []}, r"method is \[\]. It is one of band"),
        ("4", {"method": {}}, "method is {}. It is one of band"),
        ("4", {"method.inner": float("nan")}, "inner of Make Trimap is nan"),
        ("4", {"method.inner": -1.0}, "inner of Make Trimap is -1.0"),
        ("4", {"method.inner": "wide"}, "inner of Make Trimap is 'wide'"),
        ("4", {"method.radius": 3}, "There is no input method.radius"),
        ("4", {"inner": 3}, "There is no input inner. Make Trimap has mask"),
        ("5", {"trimap": None}, "trimap is not wired"),
        ("5", {"trimap": None, "method": "gca"}, "Alpha Matte needs it"),
        ("5", {"image": ["8", 0], "trimap": ["8", 0]}, "These nodes depend on each other"),
        ("7", {"color": "whiite"}, "color of Composite is 'whiite'"),
        ("8", {"filename_prefix": None}, "filename_prefix is missing"),
        ("8", {"filename_prefix": "../../home"}, "leads outside"),
        ("1", {"image": "absent.png"}, "absent.png is not in the folder"),
        ("1", {"image": "absent.png [sample]"}, "absent.png is no sample"),
        ("1", {"image": "/etc/hostname"}, "lies outside"),
    ],
)
def test_what_cannot_run_is_refused(cutout, tmp_path, node, change, told):
    if "class_type" in change:
        cutout[node] |= change
    else:
        inputs = cutout[node]["inputs"] | change
        cutout[node]["inputs"] = {k: v for k, v in inputs.items() if v is not None}
    folders = Folders(tmp_path, tmp_path / "output")
    with pytest.raises(MattingError, match=told) as caught:
        check(Graph.from_json(cutout), folders)
    assert f"Node {node} " in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_graph_that_saves_nothing_is_refused(cutout):
    del cutout["8"]
    with pytest.raises(MattingError, match="The workflow saves nothing"):
        check(Graph.from_json(cutout))


def test_what_is_not_needed_is_not_asked_for(cutout):
    """As in ComfyUI: a node that nothing is saved from may be half wired."""
    cutout["9"] = {"class_type": "InvertMask", "inputs": {}}
    check(Graph.from_json(cutout))


def test_a_page_may_list_all_problems(cutout):
    cutout["4"]["inputs"]["method.inner"] = -1.0
    cutout["7"]["inputs"]["color"] = "whiite"
    assert [node for node, _ in problems(Graph.from_json(cutout))] == ["4", "7"]


def test_older_workflows_lack_newer_settings_of_ours(cutout):
    cutout["4"]["inputs"] = {"mask": ["3", 0], "method": "band"}
    check(Graph.from_json(cutout))


def test_every_type_is_described():
    for type_ in node_types().values():
        assert type_.summary, type_.name
        assert type_.outputs or type_.is_end, type_.name
