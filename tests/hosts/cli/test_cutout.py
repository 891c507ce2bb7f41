"""`matting-nodes cutout`: a photo, or a folder of them, to objects without background."""

from __future__ import annotations

import shutil
import zipfile

import cv2
import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.hosts.cli import main
from matting_nodes.models.catalog import MODELS
from matting_nodes.nodes._cutout import NETWORKS, proposed


@pytest.fixture
def photos(tmp_path):
    """The lemur at a quarter of its size, beside a file that is no picture."""
    folder = tmp_path / "photos"
    folder.mkdir()
    small = cv2.resize(sample_data.lemur(), (170, 110), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(folder / "lemur.png"), small[..., ::-1] * 255)
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MATTING_NODES_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def test_a_photo_becomes_its_object_on_nothing(photos, cache, capsys):
    assert main(["cutout", str(photos / "lemur.png"), "--quiet"]) == 0
    assert "found by GrabCut" in capsys.readouterr().out
    found = cv2.imread(str(photos / "lemur-cutout.png"), cv2.IMREAD_UNCHANGED)
    assert found.shape == (110, 170, 4)
    truth = cv2.resize(sample_data.lemur_alpha(), (170, 110), interpolation=cv2.INTER_AREA)
    assert np.abs(found[..., 3] / 255 - truth).mean() < 0.02


def test_a_folder_goes_on_after_a_bad_picture_and_skips_what_is_there(photos, cache, capsys):
    (photos / "broken.png").write_bytes(b"\x89PNG")
    target = photos.parent / "photos-cutouts/lemur-cutout.png"
    assert main(["cutout", str(photos), "--quiet"]) == 1
    assert "broken.png" in capsys.readouterr().err
    stamp = target.stat().st_mtime_ns
    assert main(["cutout", str(photos), "--quiet"]) == 1
    assert f"{target} is there already" in capsys.readouterr().out
    assert target.stat().st_mtime_ns == stamp


def test_an_image_editor_gets_the_object_and_what_was_behind_it(photos, cache, capsys):
    target = photos / "lemur.ora"
    assert main(["cutout", str(photos / "lemur.png"), "-o", str(target), "--quiet"]) == 0
    with zipfile.ZipFile(target) as file:
        merged = cv2.imdecode(np.frombuffer(file.read("mergedimage.png"), np.uint8), -1)
    photo = cv2.imread(str(photos / "lemur.png"))
    # I = αF + (1 − α)B
    assert np.abs(merged[..., :3].astype(float) - photo).mean() < 2
    assert main(["cutout", str(photos / "lemur.png"), "-o", str(target), "--quiet"]) == 1
    assert "lemur.ora exists" in capsys.readouterr().err


def test_nothing_is_overwritten_unasked(photos, cache, capsys):
    shutil.copy(photos / "lemur.png", photos / "lemur-cutout.png")
    assert main(["cutout", str(photos / "lemur.png"), "--quiet"]) == 1
    assert "lemur-cutout.png" in capsys.readouterr().err


def test_a_network_on_disk_is_proposed_first_but_none_for_portraits(cache):
    assert proposed() == "grabcut"
    for name, expected in (
        ("modnet", "grabcut"),
        ("birefnet_lite", "birefnet_lite"),
        ("birefnet", "birefnet"),
    ):
        (cache / MODELS[name].file).touch()
        assert proposed() == expected


def test_it_says_of_every_network_how_large_it_is_and_its_licence(capsys):
    with pytest.raises(SystemExit):
        main(["cutout", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert set(NETWORKS) <= set(MODELS)
    assert "BiRefNet lite, 178 MB, MIT" in told


def test_a_network_that_cannot_be_fetched_leaves_nothing(photos, cache, monkeypatch, capsys):
    monkeypatch.setenv("MATTING_NODES_OFFLINE", "1")
    arguments = ["cutout", str(photos / "lemur.png"), "--network", "birefnet_lite", "--quiet"]
    assert main(arguments) == 1
    assert "BiRefNet lite" in capsys.readouterr().err
    assert [path.name for path in photos.iterdir() if "cutout" in path.name] == []
