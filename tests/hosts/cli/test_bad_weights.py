"""Weights that cannot be used, from the user's side: a message, exit code 1, and nothing kept."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import torch

from matting_nodes import sample_data
from matting_nodes.hosts.cli import main
from matting_nodes.models import catalog
from matting_nodes.models.pool import POOL

from ...damaged_weights import FILES

LEMUR = str(sample_data.FOLDER / "lemur.png")
TRIMAP = str(sample_data.FOLDER / "lemur_trimap.png")


@pytest.fixture(scope="module")
def state():
    return catalog.model("indexnet").build().state_dict()


@pytest.fixture
def matte(tmp_path, monkeypatch):
    """Run Alpha Matte in a folder of its own, offline, with an empty model folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATTING_NODES_CACHE", str(tmp_path / "models"))
    monkeypatch.setenv("MATTING_NODES_OFFLINE", "1")
    held = POOL.held()

    def run(*arguments):
        code = main(["matte", LEMUR, TRIMAP, "-o", "alpha.png", "--quiet", *arguments])
        assert POOL.held() == held
        return code

    return run


@pytest.mark.parametrize(("write", "told"), FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_used_as_weights(matte, state, capsys, monkeypatch, write, told):
    """Whether it is named or stands in the model folder, where a good one is looked for."""
    entry, own = catalog.model("indexnet"), Path("mine.pth")
    write(dict(state), own)
    before = set(Path().iterdir())
    assert matte("--method", "indexnet", "--weights", str(own)) == 1
    error = capsys.readouterr().err
    assert told in error
    assert str(own) in error
    assert set(Path().iterdir()) == before, "no result, no trace of code, nothing in a cache"
    if own.is_file():
        # As of networks whose checksum nobody publishes: the file is looked into.
        unpublished = dataclasses.replace(entry, git_sha1="")
        monkeypatch.setitem(catalog.MODELS, "indexnet", unpublished)
        Path("models").mkdir()
        own.rename(Path("models") / entry.file)
        assert matte("--method", "indexnet") == 1
        assert told in capsys.readouterr().err
        assert not Path("models", "checksums.json").exists(), "it is trusted by no record"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--method", "gca"], ["gca-dist.pth", "MATTING_NODES_OFFLINE", "drive.google.com"]),
        (["--method", "deep_image_matting", "--network", "two_vgg16"], ["train it yourself"]),
        (["--method", "indexnet", "--device", "mps"], ["device is mps. This machine has"]),
    ],
    ids=["offline", "never published", "absent device"],
)
def test_what_is_not_there_is_named_and_nothing_is_kept(matte, capsys, arguments, told):
    if "mps" in arguments and torch.backends.mps.is_available():
        pytest.skip("this machine has it")
    assert matte(*arguments) == 1
    error = capsys.readouterr().err
    assert all(text in error for text in told)
    assert not list(Path().iterdir())


@pytest.mark.parametrize("choice", [["--method", "gcaa"], ["--network", "vgg19"]])
def test_an_unknown_network_is_refused_with_those_that_there_are(matte, capsys, choice):
    with pytest.raises(SystemExit) as caught:
        matte(*choice)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert "gca" in error or "vgg16" in error
    assert not list(Path().iterdir())


class Endless(BaseHTTPRequestHandler):
    """Sends more than the disk of the test holds."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(bytes(1 << 20))

    def log_message(self, *args):
        pass


def test_a_full_disk_leaves_no_part_of_a_download(tmp_path):
    """A real one: the process may write files of a third of what is sent."""
    server = HTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    script = (
        "import dataclasses, resource, signal, sys\n"
        "from matting_nodes.hosts.cli import main\n"
        "from matting_nodes.models import catalog\n"
        "from matting_nodes.models._source import Address\n"
        f"here = Address('http://127.0.0.1:{server.server_port}/')\n"
        "gca = dataclasses.replace(catalog.MODELS['gca'], source=here)\n"
        "catalog.MODELS['gca'] = gca\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        f"arguments = ['matte', {LEMUR!r}, {TRIMAP!r}, '-o', 'alpha.png', '--method', 'gca']\n"
        "sys.exit(main(arguments))\n"
    )
    environment = os.environ | {"MATTING_NODES_CACHE": "models", "MATTING_NODES_OFFLINE": ""}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    server.shutdown()
    server.server_close()
    assert done.returncode == 1, done.stderr
    assert "gca-dist.pth cannot be written: File too large" in done.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["gca-dist.pth.lock"]
