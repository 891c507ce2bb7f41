from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from torch import nn

from matting_nodes.models import catalog
from matting_nodes.models._source import Address


class Tiny(nn.Module):
    """A real network in small: 4 channels in, one out, batch normalisation between."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x))))


def tiny_network(seed: int = 0, width: int = 6) -> Tiny:
    torch.manual_seed(seed)
    network = Tiny(width)
    # As training leaves them: otherwise two of the tensors are all zeros and ones.
    network.norm.running_mean.normal_()
    network.norm.running_var.uniform_(0.5, 2)
    return network.eval()


class Server:
    """A server on loopback.

    Paths in `broken` break off midway; those in `tags` have an entity tag and are sent from where
    they are asked for; those in `unmeasured` are sent without their length.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.broken: set[str] = set()
        self.tags: dict[str, str] = {}
        self.unmeasured: set[str] = set()
        self.asked: list[str] = []
        self.begun: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                data = outer.files.get(self.path)
                if data is None:
                    self.send_error(404)
                    return
                tag, begin = outer.tags.get(self.path), 0
                if tag and self.headers.get("If-Range") == tag:
                    begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
                outer.begun.append(begin)
                self.send_response(206 if begin else 200)
                if tag:
                    self.send_header("ETag", tag)
                if begin:
                    self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
                data = data[begin:]
                if self.path not in outer.unmeasured:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                # One of the tests kills who asks.
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(data[: len(data) // 2] if self.path in outer.broken else data)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()
    server.thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A folder of the test's own for downloads."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MATTING_NODES_CACHE", str(folder))
    monkeypatch.delenv("MATTING_NODES_OFFLINE", raising=False)
    return folder


@pytest.fixture
def register():
    """Registers models for one test."""
    undo = []

    def add(**changes):
        given = {
            "name": "tiny",
            "title": "Tiny",
            "task": "alpha_matte",
            "builder": Tiny,
            "source": Address("", "https://example.org/tiny"),
            "file": "tiny.pth",
            "licence": "CC0",
            "paper": "none",
            "telltale": ("first.weight", "norm.weight"),
        }
        model = catalog.Model(**given | changes)
        undo.append(catalog.register(model))
        return model

    yield add
    for take_back in undo:
        take_back()


@pytest.fixture
def network():
    return tiny_network()


@pytest.fixture
def tiny(register, server, network, tmp_path):
    """A model in the catalog whose file the server has."""
    path = tmp_path / "upstream.pth"
    torch.save({"state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, path)
    server.files["/tiny.pth"] = path.read_bytes()
    return register(source=Address(f"{server.url}/tiny.pth"), state_key="state_dict")
