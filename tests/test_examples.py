"""The examples run, and the README's code is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from matting_nodes import read_image, samples, write_image

ROOT = Path(__file__).parent.parent


def run(code, folder):
    environment = os.environ | {"PYTHONPATH": ""}
    subprocess.run([sys.executable, *code], cwd=folder, env=environment, check=True)


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_an_example_runs_in_an_empty_folder(script, tmp_path):
    run([script], tmp_path)
    for path in tmp_path.iterdir():
        assert read_image(path).shape[:2] == (440, 680)
    assert list(tmp_path.iterdir())


def test_readmes_python_runs(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    write_image(tmp_path / "photo.png", samples.lemur())
    run(["-c", code + "assert cutout.shape == (440, 680, 4)"], tmp_path)


def test_links_of_the_pages_lead_somewhere():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
