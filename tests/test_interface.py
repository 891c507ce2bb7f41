"""What others rely on: generated files are up to date, and names and defaults do not move."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import matting_nodes

ROOT = Path(__file__).parent.parent


def generated():
    pytest.importorskip("napari")
    at = ROOT / "scripts/generate.py"
    module_spec = importlib.util.spec_from_file_location("generate", at)
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module.files()


def test_generated_files_are_up_to_date():
    """If this fails: python scripts/generate.py, then read the difference.

    A name or default that changed in tests/interface.json breaks saved workflows.
    """
    for path, text in generated().items():
        assert path.read_text(encoding="utf-8") == text, path


def test_every_text_on_comfyuis_page_is_translated_and_no_translation_is_left_over(monkeypatch):
    """One that is missing stops scripts/generate.py."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    locales = importlib.import_module("locales")
    for column, language in enumerate(("zh", "ja")):
        page = json.loads((ROOT / f"locales/{language}/nodeDefs.json").read_text(encoding="utf-8"))
        said = {node["description"] for node in page.values()}
        tips = [
            wire.get("tooltip", "") for node in page.values() for wire in node["inputs"].values()
        ]
        for english, both in locales.TEXTS.items():
            text = both[column]
            assert text in said or any(tip.startswith(text) for tip in tips), english
            # The page's translator would take these for its own syntax.
            assert not set(text) & set("{}@|")


def test_the_public_names():
    names = {
        "Cancelled",
        "Job",
        "MattingError",
        "MattingSession",
        "matte_zarr",
        "Prompts",
        "all_nodes",
        "map_frames",
        "read_image",
        "run",
        "write_image",
    }
    nodes = {spec.name for spec in matting_nodes.all_nodes()}
    assert matting_nodes.__all__ == ["__version__", *sorted(names | nodes)]
    for name in matting_nodes.__all__:
        # A module of the same name would hide the object once it is imported.
        assert not isinstance(getattr(matting_nodes, name), ModuleType)


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import matting_nodes", "numpy torch cv2 numba qtpy"),
        (
            "import matting_nodes; matting_nodes.all_nodes()",
            "torch torchvision cv2 numba pymatting skimage scipy PIL qtpy napari magicgui",
        ),
        (
            "from matting_nodes.hosts.cli._main import _parser; _parser()",
            "torch cv2 numba skimage qtpy napari",
        ),
        ("import matting_nodes.hosts.napari as n; n.manifest()", "torch cv2 numba qtpy napari"),
    ],
)
def test_listing_loads_nothing_heavy(code, absent):
    script = f"{code}; import sys; print([m for m in {absent.split()!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
