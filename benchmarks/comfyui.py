"""What ComfyUI itself adds to our nodes: time of example workflows, memory of a long batch.

`COMFYUI_PATH=… COMFYUI_PYTHON=… python benchmarks/comfyui.py [--frames 10 100]`

A real ComfyUI runs on the CPU, on loopback. Each workflow runs twice, with nothing cached; the
second time counts, when loops are compiled. The batch is of 1920 × 1080 pixels, from a folder.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from matting_nodes import composite, estimate_foreground, sample_data, write_image

ROOT = Path(__file__).parent.parent
WORKFLOWS = ("cutout", "portrait", "product", "microscopy", "video", "comparison")
WIDTH, HEIGHT = 1920, 1080
OURS = "MattingNodes"


class Host:
    """A running ComfyUI with this repository in its custom_nodes."""

    def __init__(self, base: Path, url: str) -> None:
        self.base, self.url = base, url

    def ask(self, path: str, data: object = None) -> Any:
        """Get what a path answers, or post data to it."""
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(
            self.url + path, body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def free(self) -> None:
        """Empty the caches, and wait until that is done."""
        self.ask("/free", {"unload_models": True, "free_memory": True})
        while self.ask("/clock")["asked"]:
            time.sleep(0.5)
        time.sleep(2)

    def run(self, graph: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """Run a workflow with nothing cached; return its seconds, and what the clock tells."""
        self.free()
        self.ask("/clock")
        key = self.ask("/prompt", {"prompt": graph})["prompt_id"]
        while not (history := self.ask(f"/history/{key}")):
            time.sleep(0.2)
        status = history[key]["status"]
        if status["status_str"] != "success":
            raise SystemExit(str(status["messages"]))
        times = {name: told["timestamp"] for name, told in status["messages"]}
        seconds = (times["execution_success"] - times["execution_start"]) / 1000
        return seconds, self.ask("/clock")


@contextmanager
def comfyui(base: Path) -> Iterator[Host]:
    """Start ComfyUI with a folder of its own, and stop it again."""
    for name in ("custom_nodes", "input"):
        (base / name).mkdir()
    (base / "custom_nodes/matting-nodes").symlink_to(ROOT)
    shutil.copy(Path(__file__).parent / "comfyui_clock.py", base / "custom_nodes")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = f"--cpu --listen 127.0.0.1 --port {port} --base-directory {base} --disable-api-nodes "
    flags += f"--database-url sqlite:///{base}/db.sqlite --disable-auto-launch"
    python = os.environ.get("COMFYUI_PYTHON", sys.executable)
    with (base / "log").open("w") as log:
        process = subprocess.Popen(
            [python, "main.py", *flags.split()],
            cwd=os.environ["COMFYUI_PATH"],
            stdout=log,
            stderr=log,
        )
        try:
            host = Host(base, f"http://127.0.0.1:{port}")
            _wait_for(host, process)
            yield host
        finally:
            process.terminate()
            process.wait()


def _wait_for(host: Host, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            host.ask("/queue")
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(1)
    raise SystemExit((host.base / "log").read_text())


def write_frames(folder: Path, count: int) -> None:
    """Write a lemur that keeps still before a beach that passes by, and its mask."""
    lemur, alpha = (_enlarged(a) for a in (sample_data.lemur(), sample_data.lemur_alpha()))
    foreground, _ = estimate_foreground(lemur, alpha)
    beach = _enlarged(sample_data.beach())
    (folder / f"frames_{count}").mkdir()
    for index in range(count):
        behind = np.roll(beach, 19 * index, axis=1)
        frame = composite(lemur, alpha, foreground=foreground, background=behind)
        write_image(folder / f"frames_{count}/{index:03}.jpg", frame, force=True)
    write_image(folder / "mask.png", (alpha > 0.5).astype(np.float32), force=True)


def _enlarged(picture: np.ndarray) -> np.ndarray:
    width = round(picture.shape[1] * HEIGHT / picture.shape[0])
    larger = cv2.resize(picture, (width, HEIGHT)).clip(0, 1)
    return np.ascontiguousarray(cv2.resize(larger, (WIDTH, HEIGHT)).clip(0, 1))


def batch(count: int) -> dict[str, Any]:
    """Return the workflow: frames and one mask → band → guided filter → a color → JPEG."""

    def node(name: str, **inputs: Any) -> dict[str, Any]:
        return {"class_type": name, "inputs": inputs}

    return {
        "1": node(OURS + "LoadPicture", file=f"frames_{count}"),
        "2": node("LoadImageMask", image="mask.png", channel="red"),
        "3": node(OURS + "MakeTrimap", mask=["2", 0], method="band"),
        "4": node(OURS + "AlphaMatte", image=["1", 0], trimap=["3", 0], method="guided_filter"),
        "5": node(OURS + "Composite", image=["1", 0], alpha=["4", 0], color="#438edb"),
        "6": node(OURS + "SavePicture", image=["5", 0], filename_prefix="batch", file_type="jpeg"),
    }


def show_shares(host: Host) -> None:
    """Print how long workflows take, and where."""
    print("| workflow | seconds | in our nodes | of it computing |\n|---|---|---|---|")
    for name in WORKFLOWS:
        graph = json.loads((ROOT / f"examples/api/{name}.json").read_text(encoding="utf-8"))
        host.run(graph)
        _show(name, *host.run(graph))


def _show(name: str, seconds: float, told: dict[str, Any]) -> None:
    share, computing = ours(told) / seconds, told["spent"]["computing"] / ours(told)
    print(f"| {name} | {seconds:.2f} | {share:.1%} | {computing:.0%} |", flush=True)


def ours(told: dict[str, Any]) -> float:
    """Return the seconds that were spent in our nodes."""
    return sum(value for node, value in told["spent"].items() if node.startswith(OURS))


def show_memory(host: Host, counts: list[int]) -> None:
    """Print the peak of memory of batches of some lengths, and what each frame adds."""
    print("\n| frames | seconds a frame | in our nodes | peak | above before |\n|" + "---|" * 5)
    peaks = []
    for count in counts:
        write_frames(host.base / "input", count)
        if not peaks:
            host.run(batch(count))
        host.free()
        time.sleep(12)  # its garbage is collected every ten seconds
        before = host.ask("/clock")["now"]
        seconds, told = host.run(batch(count))
        peaks.append(told["peak"] - before)
        row = f"| {count} | {seconds / count:.2f} | {ours(told) / seconds:.1%} "
        row += f"| {told['peak'] / 2**30:.2f} GiB | {peaks[-1] / 2**30:.2f} GiB |"
        print(row, flush=True)
    each = (peaks[-1] - peaks[0]) / (counts[-1] - counts[0])
    # In float32: image and alpha of the loader, alpha, composite.
    held = (3 + 1 + 1 + 3) * 4 * WIDTH * HEIGHT
    print(
        f"\nEach frame adds {each / 2**20:.1f} MiB; what is passed on takes {held / 2**20:.1f} MiB"
    )


def main() -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", nargs="*", type=int, default=[10, 100])
    parser.add_argument("--no-workflows", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, comfyui(Path(folder)) as host:
        if not options.no_workflows:
            show_shares(host)
        if options.frames:
            show_memory(host, options.frames)


if __name__ == "__main__":
    main()
