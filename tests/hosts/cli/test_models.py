"""`matting-nodes models`, with real files in a folder of the test's own."""

from __future__ import annotations

import hashlib
import re
import sys

import numpy as np
import pytest
import torch

from matting_nodes.hosts.cli import main
from matting_nodes.models import catalog
from matting_nodes.models._source import Address


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("MATTING_NODES_CACHE", str(folder))
    monkeypatch.setenv("MATTING_NODES_OFFLINE", "1")
    return folder


@pytest.fixture
def lraspp(cache):
    """The smallest network of the catalog, its file brought by hand."""
    torch.manual_seed(0)
    network = catalog.model("lraspp_mobilenet_v3_large").build().eval()
    path = cache.parent / "mine.pth"
    torch.save(network.state_dict(), path)
    return network, path


def test_list_tells_task_size_licence_and_what_is_there(cache, capsys):
    (cache / "indexnet_matting.pth.tar").write_bytes(bytes(3 << 20))
    assert main(["models", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.endswith(":")] == [
        "segment:",
        "make_trimap:",
        "alpha_matte:",
    ]
    (indexnet,) = [n for n, line in enumerate(lines) if line.startswith("  indexnet")]
    assert lines[indexnet].split()[1:4] == ["3", "MiB", "present"]
    assert lines[indexnet + 1].strip().startswith("NON-COMMERCIAL: ")
    (gca,) = [line for line in lines if line.startswith("  gca")]
    assert "to fetch" in gca


def test_path_prints_where_the_file_is_or_would_be(cache, capsys):
    assert main(["models", "path", "gca"]) == 0
    assert capsys.readouterr().out.strip() == str(cache / "gca-dist.pth")


def test_fetch_says_what_to_do_where_it_cannot(cache, capsys):
    assert main(["models", "fetch", "gca", "--quiet"]) == 1
    told = capsys.readouterr()
    assert "NON-COMMERCIAL" in told.out
    for text in ("MATTING_NODES_OFFLINE", "gca-dist.pth", str(cache), "drive.google.com"):
        assert text in told.err
    assert main(["models", "fetch", "gcaa"]) == 1
    assert "There is no model 'gcaa'" in capsys.readouterr().err


@pytest.fixture
def small(cache):
    """Where the file of a small network belongs, for which no checksum is published."""
    undo = catalog.register(
        catalog.Model(
            name="small",
            title="Small",
            task="alpha_matte",
            builder=lambda: torch.nn.Linear(2, 3),
            source=Address("http://127.0.0.1:9/small.pth"),
            file="small.pth",
            licence="CC0",
            paper="none",
        )
    )
    yield cache / "small.pth"
    undo()


def test_fetch_prints_the_path_of_what_is_there(small, capsys):
    torch.save(torch.nn.Linear(2, 3).state_dict(), small)
    assert main(["models", "fetch", "small", "--quiet"]) == 0
    assert str(small) in capsys.readouterr().out


def test_a_damaged_file_is_named_with_the_command_that_mends_it(small, capsys):
    small.write_bytes(b"half of it")
    assert main(["models", "fetch", "small", "--quiet"]) == 1
    assert "small.pth cannot be read as a checkpoint" in capsys.readouterr().err
    # Offline here: by force it would be downloaded although it is there.
    assert main(["models", "fetch", "small", "--force", "--quiet"]) == 1
    assert "MATTING_NODES_OFFLINE" in capsys.readouterr().err
    assert small.read_bytes() == b"half of it"


def test_verify_finds_changed_files_until_they_are_accepted(small, capsys):
    torch.save(torch.nn.Linear(2, 3).state_dict(), small)
    digest = hashlib.sha256(small.read_bytes()).hexdigest()
    assert main(["models", "verify"]) == 0
    shipped, first = map(str.split, capsys.readouterr().out.splitlines())
    assert (shipped[0], shipped[2]) == ("refiner", "published")
    assert first == ["small", digest, "as", "first", "used"]
    torch.save(torch.nn.Linear(2, 3).state_dict(), small)
    assert main(["models", "verify", "small"]) == 1
    assert "has changed" in capsys.readouterr().err
    assert main(["models", "verify", "small", "--accept"]) == 0
    assert main(["models", "verify", "small"]) == 0


def test_verify_refuses_what_is_not_the_published_file(cache, capsys):
    (cache / "unet_resnext50-46a04131.pth").write_bytes(b"not it")
    assert main(["models", "verify", "unet_resnext50"]) == 1
    assert "begins with 46a04131" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["indexnet", "dim_segnet"])
def test_matting_networks_can_be_exported(cache, tmp_path, capsys, name):
    """With learned indices, and with unpooling: what onnxruntime makes of them is PyTorch's."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    torch.manual_seed(0)
    network = catalog.model(name).build().eval()
    torch.save(network.state_dict(), tmp_path / "mine.pth")
    arguments = ["models", "export", name, "--size", "64", "96", "-o", str(tmp_path / "n.onnx")]
    assert main([*arguments, "--weights", str(tmp_path / "mine.pth")]) == 0
    assert "agrees with PyTorch" in capsys.readouterr().out
    picture = torch.rand(1, 4, 64, 96)
    session = onnxruntime.InferenceSession(
        str(tmp_path / "n.onnx"), providers=["CPUExecutionProvider"]
    )
    (given,) = session.run(None, {"input": picture.numpy()})
    with torch.inference_mode():
        expected = network(picture).numpy()
    assert np.linalg.norm(given - expected) <= 1e-3 * np.linalg.norm(expected)
    assert main(arguments) == 1
    assert "n.onnx exists" in capsys.readouterr().err


def test_a_network_with_prompts_is_not_exported(cache, tmp_path, capsys):
    pytest.importorskip("onnxscript")
    assert main(["models", "export", "sam2_tiny", "-o", str(tmp_path / "sam2.onnx")]) == 1
    assert "asked by points and a box" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.onnx"))


def test_an_export_without_its_packages_says_how_to_get_them(lraspp, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    target = str(tmp_path / "network.onnx")
    assert main(["models", "export", "indexnet", "-o", target]) == 1
    told = capsys.readouterr().err
    assert re.search("onnxscript.* cannot be imported", told)
    assert 'pip install "matting-nodes[export]"' in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (["--size", "60", "96"], "multiples of 32"),
        (["--weights", "absent.pth"], "absent.pth is not a file"),
        (["-o", "nowhere/network.onnx"], "cannot be written"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_writes_nothing(
    lraspp, tmp_path, capsys, monkeypatch, change, told
):
    pytest.importorskip("onnxscript")
    monkeypatch.chdir(tmp_path)
    arguments = ["models", "export", "lraspp_mobilenet_v3_large", "-o", "network.onnx"]
    assert main([*arguments, "--weights", str(lraspp[1]), *change]) == 1
    assert told in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.onnx"))


def test_the_doctor_measures_networks_and_tells_their_cost_ever_after(cache, capsys):
    assert main(["doctor"]) == 0
    assert "cost unknown: run `matting-nodes doctor --networks`" in capsys.readouterr().out
    name = "lraspp_mobilenet_v3_large"
    assert main(["doctor", "--networks", name]) == 0
    line = capsys.readouterr().out.strip()
    assert line.startswith(name)
    assert line.endswith("a picture")
    assert main(["doctor"]) == 0
    assert line in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["segment", "--help"])
    assert "s a picture on" in capsys.readouterr().out


def test_the_doctor_measures_no_unknown_network(cache, capsys):
    assert main(["doctor", "--networks", "gcaa"]) == 1
    assert "There is no model 'gcaa'" in capsys.readouterr().err
    assert not (cache / "costs.json").exists()
