"""The examples run, and the README's code is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from matting_nodes import read_image, sample_data, write_image

ROOT = Path(__file__).parent.parent


def run(code, folder):
    environment = os.environ | {"PYTHONPATH": ""}
    subprocess.run([sys.executable, *code], cwd=folder, env=environment, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_an_example_runs_in_an_empty_folder(script, tmp_path):
    run([script], tmp_path)
    sizes = {read_image(path).shape[:2] for path in tmp_path.iterdir()}
    assert sizes == {(512, 512) if script.stem == "measure_cells" else (440, 680)}


@pytest.mark.slow
def test_readmes_python_runs(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    write_image(tmp_path / "photo.png", sample_data.lemur())
    run(["-c", code + "assert cutout.shape == (440, 680, 4) and rows.stop > rows.start"], tmp_path)


FOLDERS = (".github", "benchmarks", "docs", "examples", "src")
PAGES = sorted([*ROOT.glob("*.md"), *(page for f in FOLDERS for page in (ROOT / f).rglob("*.md"))])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """Files, and headings in them; pictures too."""
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"(?:\]\(|src=\")(?!https?:)([^)\"]+)", text):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [_anchor(heading) for heading in headings], target


def _anchor(heading):
    """Return the anchor that a heading gets on the usual forges."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def test_every_picture_is_shown():
    """On a page, or where hubs and the site show their icon."""
    places = [*PAGES, ROOT / "pyproject.toml"]
    shown = " ".join(page.read_text(encoding="utf-8") for page in places)
    for picture in (ROOT / "docs/pictures").rglob("*.*"):
        assert picture.name in shown, picture
