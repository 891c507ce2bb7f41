from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

SAMPLES = Path(__file__).parents[3] / "src/matting_nodes/sample_data"


class Server:
    """A real server, in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log"
        # Whatever it wrote to disk would be here.
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        command = [sys.executable, "-m", "matting_nodes", "serve", "--port", str(self.port)]
        self.command = [*command, *options]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            env=os.environ | {"TMPDIR": str(self.temporary)},
            cwd=self.log.parent,
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
        )

    def restart(self) -> None:
        """Stop without a word, and start again at the same place."""
        self.process.kill()
        self.process.wait(20)
        self.start()

    def wait_until_ready(self) -> Server:
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(self.url + "/ready").status_code == 200:
                    return self
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        raise RuntimeError(self.log.read_text())

    def pending(self) -> int:
        return httpx.get(self.url + "/ready").json()["pending"]

    def megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """Starts servers with options of their own."""
    started: list[Server] = []

    def start(*options: str) -> Server:
        started.append(Server(tmp_path_factory.mktemp("server"), *options))
        return started[-1].wait_until_ready()

    yield start
    for server in started:
        server.process.terminate()
        server.process.wait(20)


@pytest.fixture(scope="session")
def server(serve):
    return serve("--per-minute", "100000", "--megabytes", "20", "--megapixels", "2")


@pytest.fixture(scope="session")
def lemur_file() -> bytes:
    return (SAMPLES / "lemur.png").read_bytes()


@pytest.fixture(scope="session")
def trimap_file() -> bytes:
    return (SAMPLES / "lemur_trimap.png").read_bytes()
