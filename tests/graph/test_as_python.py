"""Workflows as scripts: they run by themselves and save the same files as `run`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from matting_nodes import read_image
from matting_nodes.errors import GraphError, MissingInputError
from matting_nodes.graph import Folders, Graph, as_python, evaluate
from matting_nodes.io.stacks import read_stack

EXAMPLES = Path(__file__).parent.parent.parent / "examples/api"
# Those that need no network: the others cannot run here without their weights.
ALONE = ("comparison", "cutout", "mark_object", "microscopy", "portrait", "product", "video")


def files_in(folder):
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


def run(script, folder):
    (folder / "script.py").write_text(script, "utf-8")
    return subprocess.run(
        [sys.executable, "-X", "utf8", "script.py", "in", "by_script"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    ).stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ALONE)
def test_the_script_of_an_example_saves_the_same_pixels(name, example, tmp_path):
    graph = example(name)
    outcomes = evaluate(graph, Folders(tmp_path / "in", tmp_path / "by_run"))
    said = run(as_python(graph), tmp_path)
    ours, theirs = files_in(tmp_path / "by_run"), files_in(tmp_path / "by_script")
    assert ours.keys() == theirs.keys()
    assert ours
    for key, path in ours.items():
        for a, b in zip(read_stack(path), read_stack(theirs[key]), strict=True):
            assert a.dtype == b.dtype
            assert (a == b).all()
        assert theirs[key].name in said
    for outcome in outcomes:
        assert all(text in said for text in outcome.texts)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_every_example_has_a_script(path):
    script = as_python(Graph.read(path))
    compile(script, path.name, "exec")
    assert max(map(len, script.splitlines()[:20])) <= 100


def test_titles_of_any_kind_become_names(tmp_path):
    """And nothing in a title or a text becomes code."""
    evil = "')\nimport os; os.mkdir('hacked')  # \u2028\r\x0c"
    titles = ["print", "class", "12", "ﬁeld", "field", "マスク", evil, "mask", '"""']
    nodes = {
        str(n): {
            "class_type": "SolidMask",
            "inputs": {"value": 0.5, "width": 4, "height": 4},
            "_meta": {"title": title},
        }
        for n, title in enumerate(titles)
    }
    for n in range(len(titles)):
        nodes[f"end {n}"] = {
            "class_type": "MattingNodesSavePicture",
            "inputs": {
                "alpha": [str(n), 0],
                "filename_prefix": f"'+{evil[:2]}{n}",
                "one_file": False,
            },
        }
    (tmp_path / "in").mkdir()
    run(as_python(Graph.from_json(nodes)), tmp_path)
    assert not list(tmp_path.rglob("hacked"))
    assert len(files_in(tmp_path / "by_script")) == len(titles)


def test_parameters_may_come_from_other_nodes(tmp_path):
    nodes = {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": 7}},
        "2": {"class_type": "SolidMask", "inputs": {"value": 1, "width": ["1", 0], "height": 5}},
        "3": {"class_type": "MattingNodesSavePicture", "inputs": {"alpha": ["2", 0]}},
    }
    run(as_python(Graph.from_json(nodes)), tmp_path)
    (file,) = files_in(tmp_path / "by_script").values()
    assert read_image(file).shape == (5, 7)


def test_what_has_no_equal_in_python_is_refused():
    nodes = {"1": {"class_type": "KSampler", "inputs": {}, "_meta": {"title": "Draw"}}}
    with pytest.raises(GraphError, match=r"Node 1 \(Draw\).*KSampler, which is not known here"):
        as_python(Graph.from_json(nodes))
    with pytest.raises(MissingInputError, match="images is not wired"):
        as_python(Graph.from_json({"1": {"class_type": "PreviewImage", "inputs": {}}}))
