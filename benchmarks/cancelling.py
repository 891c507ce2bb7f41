"""How long a cancel waits at most, and how honest progress is: on the CPU, for every network.

`python benchmarks/cancelling.py [--networks fba …] [--megapixels 4] [--unknown 15]`

A run asks its job again and again whether to stop. The longest time between two questions, and the
0.4 s that it then has to clean up, are how long a cancel can wait, at whatever moment it comes;
that time is measured while PyTorch is imported and the network is loaded, and while it runs. Then a
second run is cancelled at a random moment: how soon it gives up, and how long its work still goes
on in the background. Progress is honest if the bar stands at half when half of the time is over:
the greatest distance between them while the network runs is given. A last line is of a server that
stops sending in the middle of a file. Weights are random.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

NETWORKS = (
    *("indexnet", "gca", "dim_vgg16", "dim_segnet", "dim_two_vgg16", "dim_two_resnet50", "fba"),
    *("vitmatte_small", "vitmatte_base", "tnet", "unet_resnext50", "deeplabv3_resnet101"),
    *("lraspp_mobilenet_v3_large", "sam2_tiny", "modnet", "birefnet_lite", "ben2"),
    *("onnx", "sam2_tiny_video"),
)
IN_ONNX = "unet_resnext50"
"""What "onnx" measures: this network in an ONNX file, at 1024 × 1024 pixels."""
EXPORT = (
    "torch.onnx.export(network, (torch.rand(1, 3, 1024, 1024),), sys.argv[2], verbose=False, "
    "external_data=False)"
)


class Questions:
    """A job that notes when it was asked and what it was told."""

    def __init__(self) -> None:
        from matting_nodes import Job

        self.asked = [time.perf_counter()]
        self.told: list[tuple[float, float]] = []
        self.job = Job(self._report, self._cancelled)

    def _report(self, fraction: float, message: str) -> None:
        self.told.append((time.perf_counter(), fraction))

    def _cancelled(self) -> bool:
        self.asked.append(time.perf_counter())
        return False

    @property
    def longest(self) -> float:
        """The longest time without a question."""
        return max(b - a for a, b in zip(self.asked, self.asked[1:], strict=False))

    @property
    def dishonest(self) -> float:
        """How far the bar was from the share of the time that was over, at most."""
        begin, end = self.asked[0], self.asked[-1]
        return max(abs(f - (t - begin) / (end - begin)) for t, f in self.told)


def cell(name: str, weights: str, megapixels: float, share: float) -> dict[str, Any]:
    """Measure one network in this process."""
    loading = Questions()
    from matting_nodes.models.onnx_files import open_onnx
    from matting_nodes.models.pool import POOL

    if name == "onnx":
        open_onnx(weights, loading.job)
    else:
        with POOL.lease(name, weights=weights, device="cpu", job=loading.job):
            pass
    loading.asked.append(time.perf_counter())
    # Only now: it imports PyTorch itself.
    from networks import scene, settings

    image, trimap = scene(megapixels, share)
    given = {"image": image, "trimap": trimap, "weights": weights}
    running = Questions()
    run(name, given, running.job, settings)
    running.asked.append(time.perf_counter())
    fractions = [fraction for _, fraction in running.told]
    seconds = running.asked[-1] - running.asked[0]
    return {
        "loading": loading.longest,
        "running": running.longest,
        "seconds": seconds,
        "dishonest": running.dishonest,
        "monotone": fractions == sorted(fractions),
        **cancelled(name, given, random.uniform(0.1, 0.9) * seconds, settings),
    }


def run(name: str, given: dict[str, Any], job: Any, settings: Any) -> None:
    """Run a network of the catalog by its method."""
    from matting_nodes import Prompts, alpha_matte, make_trimap, segment
    from matting_nodes.errors import MattingError
    from matting_nodes.framework.frames import map_frames

    image, trimap, weights = given["image"], given["trimap"], given["weights"]
    told = {"weights": weights, "job": job}
    if name == "tnet":
        # Random weights may find no person, which the method says at its end.
        with contextlib.suppress(MattingError):
            make_trimap(image=image, method="tnet", cleanup=0, **told)
    elif name.endswith("_video"):
        clip = {"image": [image] * 3, "foreground_points": [np.array([[100.0, 100.0]]), None, None]}
        list(map_frames(segment, clip, {"method": "sam2_video", "weights": weights}, job))
    elif name == "onnx":
        segment(image, method="onnx", file=weights, preset="custom", side=1024, job=job)
    elif name.startswith("sam2"):
        prompts = Prompts(foreground_points=[[100.0, 100.0]])
        segment(image, prompts=prompts, method="sam2", **told)
    elif name.startswith("birefnet"):
        segment(image, method="birefnet", network=name.removeprefix("birefnet_"), **told)
    elif name in ("modnet", "ben2"):
        segment(image, method=name, **told)
    elif name == "unet_resnext50":
        segment(image, method="portrait", **told)
    elif name.startswith(("deeplab", "lraspp")):
        segment(image, method="semantic", network=name, soft=True, **told)
    else:
        alpha_matte(image, trimap, **settings(name), **told)


def cancelled(name: str, given: dict[str, Any], after: float, settings: Any) -> dict[str, float]:
    """Cancel a run after some seconds; return how soon it gave up, and its work ended."""
    from matting_nodes import Cancelled, Job

    at = time.perf_counter() + after
    threads = set(threading.enumerate())
    with contextlib.suppress(Cancelled):
        run(name, given, Job(cancelled=lambda: time.perf_counter() > at), settings)
    gave_up = time.perf_counter()
    for thread in set(threading.enumerate()) - threads:
        thread.join()
    return {"gave up": max(0, gave_up - at), "ended": max(0, time.perf_counter() - at)}


def row(name: str, megapixels: float, share: float) -> str:
    """Return a line of the table, measured in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.pth"
        save = (
            "import sys, torch; from matting_nodes.models import catalog; torch.manual_seed(0); "
            "network = catalog.model(sys.argv[1]).build().eval(); "
        )
        save += EXPORT if name == "onnx" else "torch.save(network.state_dict(), sys.argv[2])"
        model = IN_ONNX if name == "onnx" else name
        subprocess.run([sys.executable, "-c", save, model, weights], check=True)
        command = [sys.executable, __file__, "--cell", name, weights, str(megapixels), str(share)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"| {name} | {done.stderr.splitlines()[-1]} |"
    found = json.loads(done.stdout.splitlines()[-1])
    cells = [f"{found[key]:.2f} s" for key in ("loading", "running", "gave up", "ended")]
    cells += [f"{found['seconds']:.1f} s", f"{found['dishonest']:.0%}"]
    return f"| {name} | {' | '.join(cells)} | {'yes' if found['monotone'] else 'NO'} |"


def stalled() -> str:
    """Return what a cancel does to a download that has stopped in the middle, and how soon."""
    from matting_nodes import Cancelled, Job
    from matting_nodes.models._download import download
    from matting_nodes.models._source import Address
    from matting_nodes.models.catalog import Model
    from matting_nodes.models.weights import _downloaded

    asleep = threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2000000")
            self.end_headers()
            self.wfile.write(bytes(1000000))
            asleep.wait(60)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = Address(f"http://127.0.0.1:{server.server_port}/a.pth")
    model = Model("silent", "Silent", "segment", "", address, "silent-benchmark.pth", "", "")
    began = time.perf_counter()
    try:
        _downloaded(model, Job(cancelled=lambda: time.perf_counter() - began > 2))
    except Cancelled:
        return f"a stalled download: Cancelled after {time.perf_counter() - began - 2:.2f} s"
    finally:
        asleep.set()
        server.shutdown()
    return f"a stalled download: not cancelled ({download})"


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--megapixels", type=float, default=4)
    parser.add_argument("--unknown", type=float, default=15, help="percent")
    options = parser.parse_args()
    print(
        "| network | unasked at most: loading | running | a cancel: gave up after | work ended "
        "after | the run | bar against time | never back |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name in options.networks:
        print(row(name, options.megapixels, options.unknown / 100), flush=True)
    print(f"\n{stalled()}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--cell"]:
        name, weights, megapixels, share = sys.argv[2:]
        print(json.dumps(cell(name, weights, float(megapixels), float(share))))
    else:
        main()
