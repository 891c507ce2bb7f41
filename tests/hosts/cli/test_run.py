"""`matting-nodes run`: one workflow, folders of pictures, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from matting_nodes import read_image, sample_data, write_image
from matting_nodes.hosts.cli import main

EXAMPLES = Path(__file__).parents[3] / "examples"
PRODUCT = str(EXAMPLES / "api/product.json")
INVERT = {
    "1": {
        "class_type": "MattingNodesLoadPicture",
        "inputs": {"image": "photo.png"},
        "_meta": {"title": "Photo"},
    },
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {
        "class_type": "MattingNodesSavePicture",
        "inputs": {"image": ["2", 0], "filename_prefix": "negative", "bits": "16"},
    },
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.json").write_text(json.dumps(INVERT))
    (tmp_path / "photos").mkdir()
    for number in range(3):
        picture = sample_data.lemur()[10 * number : 10 * number + 40, :60]
        write_image(tmp_path / f"photos/p{number}.png", picture, bits=16)
    return tmp_path


def negative(path):
    return 65535 - read_image(path)


def test_a_workflow_runs_on_its_own_pictures(here, capsys):
    (here / "photos/p0.png").rename(here / "photos/photo.png")
    assert main(["run", "flow.json", "--input", "photos", "--output", "results"]) == 0
    saved = Path(capsys.readouterr().out.strip())
    assert saved == Path("results/negative_00001_.png")
    np.testing.assert_array_equal(read_image(saved), negative("photos/photo.png"))


def test_settings_are_changed_by_id_or_title(here):
    command = ["run", "flow.json", "--output", "results"]
    command += ["--set", "Photo.image=photos/p1.png", "--set", "3.file_type=tiff"]
    assert main([*command, "--set", "3.bits=32"]) == 0
    result = read_image("results/negative_00001_.tif")
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, negative("photos/p1.png") / 65535, atol=1e-7)


def test_a_saved_picture_brings_its_workflow(here, capsys):
    assert main(["run", PRODUCT, "--set", "5.method=guided_filter", "--output", "a"]) == 0
    assert main(["run", "a/product_00001_.png", "--output", "b"]) == 0
    first, again = (read_image(f"{folder}/product_00001_.png") for folder in "ab")
    np.testing.assert_array_equal(first, again)


def test_a_folder_is_done_picture_by_picture_and_only_once(here, capsys):
    command = ["run", "flow.json", "--each", "photos", "--output", "results"]
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 of 3 to do"
    assert not (here / "results").exists()
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 done, 0 skipped, 0 failed"
    for number in range(3):
        np.testing.assert_array_equal(
            read_image(f"results/negative_p{number}.png"), negative(f"photos/p{number}.png")
        )
    (here / "results/negative_p1.png").unlink()
    assert main([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "done   p0",
        "to do  p1",
        "done   p2",
        "1 of 3 to do",
    ]
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 done, 2 skipped, 0 failed"
    assert main([*command, "--force"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 done, 0 skipped, 0 failed"


def test_a_dry_run_lists_the_nodes_in_their_order(here, capsys):
    assert main(["run", PRODUCT, "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Node 1 (Photo)"
    assert lines[-1] == "Node 8 (SaveImage)"
    assert not (here / "output").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("absent.json", "absent.json holds no workflow"),
        (str(EXAMPLES / "product.json"), "is in UI format"),
        ("flow.json", "photo.png is not in the folder"),
        ("flow.json --set 1.image", "--set got '1.image'. It takes NODE.INPUT=VALUE"),
        ("flow.json --set 9.image=a.png", "No nodes are called '9'"),
        ("flow.json --set 3.bits=12", "bits of Node 3 (MattingNodesSavePicture) is '12'"),
        ("flow.json --each absent", "absent is not a folder"),
        ("flow.json --each results", "results is not a folder"),
        ("flow.json --each 2.image=photos", "They are 1.image"),
        ("flow.json --each photos --set 3.file_type=jpeg", "jpeg holds 8 bits"),
        (f"{EXAMPLES}/api/cutout.json --each photos", "the workflow loads 2 pictures"),
    ],
)
def test_what_cannot_run_exits_with_1_and_writes_nothing(here, capsys, options, told):
    before = sorted(here.rglob("*"))
    assert main(["run", *options.split(), "--output", "results"]) == 1
    assert told in capsys.readouterr().err
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_a_node_cannot_do_is_told_by_name_and_node(here, capsys, workers):
    """One picture is too narrow to be cropped."""
    write_image("photos/p1.png", sample_data.lemur()[:40, :20], bits=16, force=True)
    crop = {"x": 30, "y": 0, "width": 10, "height": 10}
    flow = {
        "1": INVERT["1"],
        "2": {"class_type": "ImageToMask", "inputs": {"image": ["1", 0], "channel": "red"}},
        "3": {"class_type": "CropMask", "inputs": {"mask": ["2", 0], **crop}},
        "4": {"class_type": "MaskToImage", "inputs": {"mask": ["3", 0]}},
        "5": {
            "class_type": "MattingNodesSavePicture",
            "inputs": {"image": ["4", 0], "filename_prefix": "part"},
        },
    }
    (here / "flow.json").write_text(json.dumps(flow))
    command = ["run", "flow.json", "--each", "photos", "--output", "results", "--workers", workers]
    assert main(command) == 1
    captured = capsys.readouterr()
    assert "p1: Node 3 (CropMask): The rectangle begins at (30, 0)" in captured.err
    assert captured.out.splitlines()[-1] == "2 done, 0 skipped, 1 failed"
    assert sorted(path.name for path in (here / "results").glob("*.png")) == [
        "part_p0.png",
        "part_p2.png",
    ]


def test_a_picture_that_cannot_be_used_is_named_and_the_others_are_done(here, capsys):
    (here / "photos/p1.png").write_bytes(b"no picture")
    assert main(["run", "flow.json", "--each", "photos", "--output", "results"]) == 1
    captured = capsys.readouterr()
    assert "p1: Node 1 (Photo): " in captured.err
    assert captured.out.splitlines()[-1] == "2 done, 0 skipped, 1 failed"
