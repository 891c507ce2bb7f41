"""`data`, `train` and `evaluate`, from a folder of cut-outs to a measured network."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.arrays import Kind
from matting_nodes.hosts.cli import main
from matting_nodes.io import images

WHERE = [np.s_[60:160, 220:340], np.s_[250:350, 120:240], np.s_[30:130, 380:500]]
TRAIN = """
[data]
folder = "prepared"
validation_share = 0.4

[augmentation]
size = 32

[loss]
composition = 0

[run]
steps = 2
batch = 2
workers = 0
device = "cpu"
encoder = "none"
validate_every = 2
"""


@pytest.fixture
def cutouts(tmp_path, monkeypatch):
    """Parts of the lemur as human matting data is kept, one of them cut short."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATTING_NODES_CACHE", str(tmp_path / "models"))
    image, alpha = sample_data.lemur(), sample_data.lemur_alpha()
    photos, mattes = (
        tmp_path / "data" / part for part in ("clip_img/1/clip_0", "matting/1/matting_0")
    )
    for folder in (photos, mattes):
        folder.mkdir(parents=True)
    for number, where in enumerate(WHERE):
        images.write_image(photos / f"{number}.png", image[where])
        images.write_image(mattes / f"{number}.png", np.dstack([image[where], alpha[where]]))
    broken = mattes / "2.png"
    broken.write_bytes(broken.read_bytes()[:2000])
    return tmp_path


def test_check_names_broken_files(cutouts, capsys):
    assert main(["data", "check", "data", "--layout", "aifenge", "--quiet"]) == 1
    told = capsys.readouterr()
    assert "2 samples can be used, 1 cannot" in told.out
    assert "2.png cannot be read" in told.err


@pytest.mark.usefixtures("one_thread")
def test_from_cutouts_to_a_network_that_is_measured(cutouts, capsys):
    """Prepared, trained, used by its name, and measured beside another method."""
    prepare = "data prepare data --layout aifenge -o prepared --width 21 --quiet"
    assert main(prepare.split()) == 1  # one file is broken
    assert "prepared: 2 samples" in capsys.readouterr().out

    (cutouts / "train.toml").write_text(TRAIN)
    pytest.importorskip("lightning")
    train = "train indexnet --config train.toml --name lemurs --quiet"
    assert main(train.split()) == 0
    printed = capsys.readouterr().out
    command = printed.splitlines()[-1].removeprefix("use it: matting-nodes ")
    assert command == "matte photo.png trimap.png -o alpha.png --method indexnet --weights lemurs"
    assert main(["models", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["lemurs", "indexnet"]

    for part, name in (("img", "photo.png"), ("trimap", "trimap.png")):
        (cutouts / name).write_bytes((cutouts / "prepared" / part / "1/clip_0/0.png").read_bytes())
    assert main([*command.split(), "--quiet"]) == 0
    assert images.read("alpha.png", Kind.ALPHA).shape == (100, 120)

    evaluate = "evaluate --data prepared --method indexnet:weights=lemurs --method guided_filter"
    assert main([*evaluate.split(), "--csv", "e.csv", "--report", "e.html", "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "unknown region, means over 2:" in text
    rows = list(csv.DictReader((cutouts / "e.csv").open(newline="")))
    assert {row["method"] for row in rows} == {"indexnet:weights=lemurs", "guided_filter"}
    assert (cutouts / "e.html").read_text().count("<img") == 2 * 2 * 5
    # What is there is not written over.
    assert main([*evaluate.split(), "--csv", "e.csv", "--quiet"]) == 1
    assert "e.csv exists" in capsys.readouterr().err


def test_composites_are_stored_if_asked(tmp_path, capsys):
    for part in ("fg", "alpha", "bg"):
        (tmp_path / part).mkdir()
    images.write_image(tmp_path / "fg" / "lemur.png", sample_data.lemur())
    images.write(tmp_path / "alpha" / "lemur.png", sample_data.lemur_alpha(), Kind.ALPHA)
    images.write_image(tmp_path / "bg" / "beach.png", sample_data.beach())
    store = ["data", "prepare", str(tmp_path), "--layout", "composition1k", "--composites", "2"]
    assert main([*store, "-o", str(tmp_path / "out"), "--size", "320", "--quiet"]) == 0
    assert (tmp_path / "out" / "index.txt").read_text().split() == ["lemur_0", "lemur_1"]
    assert images.read_image(tmp_path / "out" / "img" / "lemur_1.png").shape == (320, 320, 3)


def test_what_cannot_be_is_told_in_a_line(cutouts, capsys):
    for command, message in (
        ("data check nowhere", "nowhere is not a folder"),
        ("train fba --config train.toml", "'fba' cannot be trained"),
        ("train gca --config no.toml", "no.toml cannot be read"),
        ("evaluate --data data", "has no folder alpha"),
        ("evaluate --data data --csv nowhere/e.csv", "The folder nowhere does not exist"),
    ):
        assert main(command.split()) == 1
        assert message in capsys.readouterr().err
    (cutouts / "train.toml").write_text(TRAIN)
    assert main(["train", "gca", "--config", "train.toml", "--name", "a/b"]) == 1
    assert "'a/b' cannot be the name of a model" in capsys.readouterr().err


def test_light_commands_do_not_load_what_trains(cutouts):
    """Evaluating needs no training extra, and asking for help needs no torch."""
    import subprocess
    import sys

    script = (
        "import sys; from matting_nodes.hosts.cli import main\n"
        "try: main(['train', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'lightning', 'tensorboard', 'torchvision'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "sys.modules['lightning'] = None\n"
        "main(['evaluate', '--data', 'x', '--alphas', 'y'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "x is not a folder" in done.stderr
