"""A real ComfyUI, headless on loopback, for the tests that drive one."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from matting_nodes import read_image, sample_data

ROOT = Path(__file__).parents[3]
COMFYUI = os.environ.get("COMFYUI_PATH", "")
# Nodes for ComfyUI to load, no tests.
PACKAGES = ("boxes.py", "watch.py")
collect_ignore = [*PACKAGES]


class Server:
    """A running ComfyUI with this repository in its custom_nodes."""

    def __init__(self, base: Path) -> None:
        self.base = base
        (base / "custom_nodes").mkdir()
        (base / "input").mkdir()
        (base / "custom_nodes/matting-nodes").symlink_to(ROOT)
        for name in PACKAGES:
            shutil.copy(Path(__file__).parent / name, base / "custom_nodes")
        for name in ("lemur.png", "beach.png"):
            shutil.copy(sample_data.FOLDER / name, base / "input")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        python = os.environ.get("COMFYUI_PYTHON", sys.executable)
        flags = f"--cpu --listen 127.0.0.1 --port {port} --base-directory {base} "
        flags += f"--database-url sqlite:///{base}/db.sqlite --disable-auto-launch "
        flags += "--disable-api-nodes"
        self.log = (base / "log").open("w")
        self.process = subprocess.Popen(
            [python, "main.py", *flags.split()], cwd=COMFYUI, stdout=self.log, stderr=self.log
        )
        for _ in range(120):
            try:
                self.get("/queue")
                return
            except (urllib.error.URLError, ConnectionError):
                assert self.process.poll() is None, (base / "log").read_text()
                time.sleep(1)
        raise TimeoutError((base / "log").read_text())

    def get(self, path: str):
        with urllib.request.urlopen(self.url + path) as answer:
            return json.load(answer)

    def post(self, path: str, data: object):
        request = urllib.request.Request(
            self.url + path, json.dumps(data).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def queue(self, graph: dict) -> str:
        return self.post("/prompt", {"prompt": graph})["prompt_id"]

    def wait(self, prompt_id: str) -> dict:
        while not (history := self.get(f"/history/{prompt_id}")):
            time.sleep(0.2)
        return history[prompt_id]

    def run(self, graph: dict) -> dict:
        return self.wait(self.queue(graph))

    def picture(self, saved: dict):
        folder = {"output": "output", "temp": "temp"}[saved["type"]]
        return read_image(self.base / folder / saved["subfolder"] / saved["filename"])


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    if not COMFYUI:
        pytest.skip("COMFYUI_PATH names no ComfyUI checkout")
    server = Server(tmp_path_factory.mktemp("comfyui"))
    yield server
    server.process.terminate()
    server.process.wait()
    server.log.close()


def message(history: dict, kind: str) -> dict:
    return next(content for name, content in history["status"]["messages"] if name == kind)
