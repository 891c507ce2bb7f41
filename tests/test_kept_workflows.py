"""Workflows that this and earlier versions saved: each of them opens and runs, for ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from matting_nodes import read_image
from matting_nodes.graph import Document, Folders, as_python, evaluate, node_types

KEPT = Path(__file__).parent / "fixtures/workflows"
FILES = sorted(
    path for path in KEPT.rglob("*.*") if path.suffix == ".json" or path.name.startswith("ComfyUI")
)


def test_there_is_one_of_each_kind():
    for version in KEPT.iterdir():
        names = {str(p.relative_to(version)) for p in FILES if version in p.parents}
        assert names == {"napari/workflow.json", "api.json", "ui.json", "ComfyUI_00001_.png"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(KEPT)))
def test_a_kept_workflow_runs_and_gives_what_it_gave(path, tmp_path):
    document = Document.read(path)
    graph = document.contents.to_run()
    (matte,) = [n for n in graph.nodes.values() if n.class_type == "MattingNodesAlphaMatte"]
    assert matte.inputs["method"] == "closed_form"
    # No node, input or parameter has lost its name.
    for node in graph.nodes.values():
        type_ = node_types()[node.class_type]
        known = {wire.name for wire in type_.inputs} | type_.parameters_for(node.inputs).keys()
        assert node.inputs.keys() <= known | {"method"}
    outcomes = evaluate(graph, Folders(path.parent, tmp_path))
    saved = {file.name.split("_")[0]: file for outcome in outcomes for file in outcome.files}
    version = KEPT / path.relative_to(KEPT).parts[0]
    alpha = read_image(saved.get("alpha", saved.get("result"))).squeeze()
    alpha = alpha / (np.iinfo(alpha.dtype).max if alpha.dtype.kind == "u" else 1)
    expected = read_image(version / "expected.png") / np.float64(65535)
    # A method may become more exact.
    assert np.abs(alpha - expected).mean() < 0.01
    if "image" in saved:
        picture = read_image(saved["image"])
        assert picture[:4, :4].reshape(-1, 3).tolist() == [[0x33, 0x66, 0x99]] * 16
    compile(as_python(graph), path.name, "exec")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(KEPT)))
def test_a_kept_workflow_is_saved_without_loss(path, tmp_path):
    document = Document.read(path)
    for form in ("api", "ui"):
        document.save(tmp_path / f"{form}.json", form)
        again = Document.read(tmp_path / f"{form}.json").graph
        assert again.nodes.keys() == document.graph.nodes.keys()
        for key, node in document.graph.nodes.items():
            assert again.nodes[key].inputs.items() >= node.inputs.items()
