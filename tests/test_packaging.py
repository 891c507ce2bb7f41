"""What is built and shipped: wheel, sdist and editable install carry the manifest."""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from PIL import Image

from matting_nodes import __version__

ROOT = Path(__file__).parent.parent
MANIFEST = (ROOT / "napari.yaml").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The sdist, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def validated(manifest):
    script = "import sys; from npe2 import PluginManifest as P; P.from_file(sys.argv[1])"
    subprocess.run([sys.executable, "-W", "ignore", "-c", script, manifest], check=True)


def test_the_wheel_carries_the_manifest_samples_and_help(dist, tmp_path):
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path)
    package = tmp_path / "matting_nodes"
    assert (package / "napari.yaml").read_text(encoding="utf-8") == MANIFEST
    validated(package / "napari.yaml")
    for path in (
        "py.typed",
        "graph/examples/cutout.json",
        "sample_data/lemur.png",
        "hosts/comfyui/web/docs/MattingNodesSegment.md",
    ):
        assert (package / path).is_file(), path


def test_the_installed_wheel_is_found_by_npe2_and_runs(dist, tmp_path):
    """In a folder of its own, before the editable install on the path."""
    pytest.importorskip("magicgui")  # which the widgets import
    wheel = next(dist.glob("*.whl"))
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path, wheel]
    subprocess.run(pip, check=True)
    script = (
        "import matting_nodes, npe2\n"
        "manifest = npe2.PluginManifest.from_distribution('matting-nodes')\n"
        "manifest.validate_imports()\n"
        "assert manifest.package_metadata.version == matting_nodes.__version__\n"
        "from matting_nodes import sample_data; assert sample_data.lemur().shape == (440, 680, 3)\n"
        "print(matting_nodes.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(tmp_path))


def test_the_sdist_carries_both_manifests_as_files(dist, tmp_path):
    shutil.unpack_archive(next(dist.glob("*.tar.gz")), tmp_path)
    (top,) = tmp_path.iterdir()
    for path in (top / "napari.yaml", top / "src/matting_nodes/napari.yaml"):
        assert path.read_text(encoding="utf-8") == MANIFEST
        validated(path)
    assert (top / "__init__.py").is_file()


def test_the_editable_install_is_found_by_npe2():
    from npe2 import PluginManifest

    manifest = PluginManifest.from_distribution("matting-nodes")
    assert manifest.name == "matting-nodes"


@pytest.fixture(scope="module")
def metadata(dist):
    """What PyPI and the hubs read of the wheel."""
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        (name,) = [n for n in wheel.namelist() if n.endswith("METADATA")]
        return email.message_from_bytes(wheel.read(name))


def test_the_base_install_pulls_no_window_system(metadata):
    required = metadata.get_all("Requires-Dist")
    base = {line.split(">")[0].lower() for line in required if "extra ==" not in line}
    assert {"torch", "torchvision", "numpy", "opencv-python"} <= base
    assert not {"napari", "magicgui", "pyqt6", "pyside6", "qtpy"} & base
    extra = {line.split(">")[0] for line in required if "extra == 'napari'" in line}
    assert extra == {"napari", "magicgui", "matplotlib"}


def test_comfyuis_requirements_are_ours_without_what_the_host_brings():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    host = ("torch>", "torchvision>", "numpy>")
    assert [line for line in lines if not line.startswith("#")] == [
        entry for entry in PROJECT["dependencies"] if not entry.startswith(host)
    ]


def test_the_version_is_the_same_wherever_it_is_written():
    assert PROJECT["version"] == __version__
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__


def test_the_description_holds_where_the_repository_is_not(metadata):
    """On PyPI and in napari's hub: whole addresses, of files that are there."""
    description = metadata.get_payload(decode=True).decode()
    targets = re.findall(r"\]\(([^)]+)\)", description)
    assert len(targets) > 20
    for target in targets:
        assert target.startswith(("https://", "#")), target
    ours = re.findall(r"/matting-nodes/(?:blob/)?v([\d.]+)/([^)#]+)", description)
    assert {version for version, _ in ours} == {__version__}
    for _, path in ours:
        assert (ROOT / path).exists(), path
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", description):
        assert picture.startswith("https://raw.githubusercontent.com/"), picture


@pytest.mark.parametrize(
    "words", ["image matting", "background removal", "hair", "trimap", "alpha"]
)
def test_the_words_that_people_type_are_in_the_line_that_hubs_search(metadata, words):
    assert words in metadata["Summary"].lower()


def test_the_repository_is_found_from_every_hub(metadata):
    """By napari's hub as Source Code, by ComfyUI's registry as Repository."""
    urls = dict(line.split(", ", 1) for line in metadata.get_all("Project-URL"))
    assert urls["Source Code"] == urls["Repository"] == urls["Homepage"]
    assert metadata["Author"] == "matting-nodes developers"


@pytest.mark.parametrize(("key", "most", "ratio"), [("Icon", 400, 1), ("Banner", 800, 21 / 9)])
def test_the_registrys_pictures_are_as_it_asks(key, most, ratio):
    address = PYPROJECT["tool"]["comfy"][key]
    with Image.open(ROOT / address.partition("/main/")[2]) as picture:
        width, height = picture.size
    assert width <= most
    assert width / height == pytest.approx(ratio, abs=0.01)


def test_the_registrys_archive_is_small(tmp_path):
    """The ComfyUI registry packs what git tracks, but for what .comfyignore names."""
    if not (ROOT / ".git").exists():
        pytest.skip("an sdist has no list of tracked files")
    ignored = tuple(
        line
        for line in (ROOT / ".comfyignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(tmp_path / "node.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in listed.stdout.decode().splitlines():
            if not name.startswith(ignored) and (ROOT / name).is_file():
                archive.write(ROOT / name, name)
        names = archive.namelist()
    assert {"__init__.py", "pyproject.toml", "requirements.txt"} <= set(names)
    assert any(name.startswith("examples/") for name in names)  # the templates
    assert any(name.startswith("subgraphs/") for name in names)
    assert (tmp_path / "node.zip").stat().st_size < 2_000_000
    with zipfile.ZipFile(tmp_path / "node.zip") as archive:
        archive.extractall(tmp_path / "matting-nodes")
    # docs/comfyui.md names this command, and this folder.
    command = [sys.executable, "-m", "matting_nodes", "doctor", "--help"]
    subprocess.run(
        command,
        cwd=tmp_path / "matting-nodes/src",
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        check=True,
        capture_output=True,
    )
