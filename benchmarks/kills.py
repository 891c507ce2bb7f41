"""What `kill -9` at random moments leaves: whole files or none. On Linux and macOS.

`python benchmarks/kills.py [--kills 40] [--seed 1] [--jobs each workers train download blocks]`

`run --each` in one process and with two workers, `train`, a download from a server on loopback, and
a matte in blocks are started again and again, and killed with all their processes after a random
time. After each kill every file under its final name is read and compared with that of a run that
nobody killed; when a job has come to its end it begins again from nothing. Printed are how many
kills came while the job ran, how many files were read after them, and which were not whole.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

PICTURES = 60
SIZE = 8 << 20  # bytes of the download
FLOW = {
    "1": {"class_type": "MattingNodesLoadPicture", "inputs": {"image": "0.png"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {
        "class_type": "MattingNodesSavePicture",
        "inputs": {"image": ["2", 0], "filename_prefix": "a", "file_type": "tiff"},
    },
    "4": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "b"}},
}
TRAIN = """
[data]
folder = "prepared"
validation_share = 0.4
[augmentation]
size = 32
[loss]
composition = 0
[run]
steps = 40
batch = 2
workers = 0
device = "cpu"
encoder = "none"
validate_every = 1
"""


class Job(NamedTuple):
    """What is killed, the folder of its files, and how one of them is known to be whole."""

    work: Callable[[], int]
    folder: Path
    whole: Callable[[Path], bool]
    longest: float


def command(text: str) -> Callable[[], int]:
    """Return a command of ours as a function, whose words are parted by spaces."""

    def work() -> int:
        from matting_nodes.hosts.cli import main

        return main(text.split())

    return work


def each(folder: Path, workers: int) -> Job:
    """Return the job of a workflow over a folder of pictures."""
    import numpy as np

    from matting_nodes import sample_data
    from matting_nodes.io.images import read_image, write_image

    (folder / "in").mkdir()
    lemur = sample_data.lemur()
    for number in range(PICTURES):
        write_image(folder / "in" / f"{number}.png", np.roll(lemur, number, 1)[:200, :300])
    (folder / "flow.json").write_text(json.dumps(FLOW))
    out = folder / "out"
    run = f"run {folder}/flow.json --each {folder}/in --quiet --output {out} --workers {workers}"

    def whole(path: Path) -> bool:
        if path.suffix == ".json":
            record = json.loads(path.read_text())
            return all((out / name).is_file() for name in record["files"])
        source = read_image(folder / "in" / f"{path.stem.rpartition('_')[2]}.png")
        inverted = 1 - source.astype(np.float32) / np.float32(255)
        kept = inverted if path.suffix == ".tif" else (255 * inverted).astype(np.uint8)
        return bool((read_image(path) == kept).all())

    return Job(command(run), out, whole, 2.0 if workers == 1 else 12.0)


def train(folder: Path) -> Job:
    """Return the job of training a small network."""
    import numpy as np
    import torch

    from matting_nodes import sample_data
    from matting_nodes.io.images import write_image

    image, alpha = sample_data.lemur(), sample_data.lemur_alpha()
    for number, where in enumerate((np.s_[60:160, 220:340], np.s_[250:350, 120:240])):
        for part in ("clip_img/1/clip_0", "matting/1/matting_0"):
            (folder / "data" / part).mkdir(parents=True, exist_ok=True)
        write_image(folder / "data/clip_img/1/clip_0" / f"{number}.png", image[where])
        cutout = np.dstack([image[where], alpha[where]])
        write_image(folder / "data/matting/1/matting_0" / f"{number}.png", cutout)
    (folder / "train.toml").write_text(TRAIN)
    os.chdir(folder)
    assert command("data prepare data --layout aifenge -o prepared --width 21 --quiet")() == 0
    models = folder / "models"
    os.environ["MATTING_NODES_CACHE"] = str(models)

    def whole(path: Path) -> bool:
        if path.suffix in (".pth", ".ckpt", ".pt"):
            torch.load(path, map_location="cpu", weights_only=False)
        elif path.suffix == ".json":
            json.loads(path.read_text())
        return True

    work = command("train indexnet --config train.toml --name lemurs --quiet")
    return Job(work, models, whole, 12.0)


def download(folder: Path) -> Job:
    """Return the job of fetching a file whose server is slow."""
    data = random.Random(0).randbytes(SIZE)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            begin = 0
            if self.headers.get("If-Range"):
                begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if begin else 200)
            self.send_header("ETag", '"v1"')
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{SIZE - 1}/{SIZE}")
            self.send_header("Content-Length", str(SIZE - begin))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                for at in range(begin, SIZE, SIZE // 16):
                    self.wfile.write(data[at : at + SIZE // 16])
                    time.sleep(0.02)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/a.pth"
    os.environ["MATTING_NODES_CACHE"] = str(folder / "models")
    os.environ["MATTING_NODES_OFFLINE"] = ""

    def work() -> int:
        from matting_nodes.models import weights
        from matting_nodes.models._source import Address
        from matting_nodes.models.catalog import Model

        digest = hashlib.sha256(data).hexdigest()
        names = ("name", "title", "task", "builder", "licence", "paper")
        model = Model(**dict.fromkeys(names, "a"), file="a.pth", source=Address(url), sha256=digest)
        weights.fetch(model)
        return 0

    def whole(path: Path) -> bool:
        return path.suffix != ".pth" or path.read_bytes() == data

    return Job(work, folder / "models", whole, 0.6)


def blocks(folder: Path) -> Job:
    """Return the job of a matte in 2 × 4 blocks, which goes on where it was killed."""
    import numpy as np
    import zarr

    from matting_nodes import matte_zarr, sample_data

    image, trimap = sample_data.lemur(), sample_data.lemur_trimap()
    stores = [folder / "image.zarr", folder / "trimap.zarr"]
    for path, array in zip(stores, (image, trimap), strict=True):
        wide = np.concatenate([array, array[:, ::-1]], axis=1)[:400, :1000]
        zarr.create_array(str(path), data=wide, chunks=(128, 128, 3)[: wide.ndim])
    out = folder / "out"
    out.mkdir()
    target, options = out / "alpha.ome.zarr", {"block": 256, "halo": 96}
    expected = matte_zarr(*stores, folder / "expected.ome.zarr", **options)
    os.environ["OMP_NUM_THREADS"] = "2"  # a forked process would do one block at a time

    def work() -> int:
        out.mkdir(exist_ok=True)
        matte_zarr(*stores, target, **options)
        return 0

    def whole(path: Path) -> bool:
        if target in path.parents:
            like = expected / path.relative_to(target)
            return path.name == "zarr.json" or path.read_bytes() == like.read_bytes()
        if path.suffix == ".npy":
            found = np.load(path)  # several arrays together are read when they are asked for
            if not isinstance(found, np.ndarray):
                dict(found)
        return True

    return Job(work, out, whole, 4.0)


def final(folder: Path) -> Iterator[Path]:
    """Yield the files under their final names; hidden ones and parts are none."""
    for path in sorted(folder.rglob("*")):
        hidden = any(p.startswith(".") and p != ".matting-nodes" for p in path.parts)
        if path.is_file() and not hidden and ".part" not in path.name:
            yield path


def killed(work: Callable[[], int], seconds: float) -> bool:
    """Run in a process of its own, kill it and its children; return whether it had not ended."""
    child = os.fork()
    if child == 0:
        os.setsid()
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        code = 1
        with contextlib.suppress(BaseException):
            code = work()
        os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def measure(name: str, kills: int, dice: random.Random) -> bool:
    """Kill a job so many times and print what was left; return whether all of it was whole."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        makers = {"each": lambda: each(folder, 1), "workers": lambda: each(folder, 2)}
        makers |= {"train": lambda: train(folder), "download": lambda: download(folder)}
        makers["blocks"] = lambda: blocks(folder)
        job = makers[name]()
        done = read = ended = 0
        broken: list[str] = []
        while done < kills:
            was_killed = killed(job.work, dice.uniform(0, job.longest))
            done, ended = done + was_killed, ended + (not was_killed)
            for path in final(job.folder) if job.folder.exists() else ():
                read += 1
                try:
                    good = job.whole(path)
                except Exception as error:
                    good, path = False, Path(f"{path} ({error})")
                if not good:
                    broken.append(str(path))
            if not was_killed or dice.random() < 0.1:  # begin again from nothing
                shutil.rmtree(job.folder, ignore_errors=True)
        print(f"{name:10}{done:4} kills, {ended:3} ended before, {read:5} files read, ", end="")
        print(f"{len(broken)} not whole", *broken[:5], flush=True)
        os.chdir("/")
        return not broken


def main() -> int:
    """Measure the jobs that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40, help="of each job (default: 40)")
    parser.add_argument("--seed", type=int, default=1)
    jobs = ["each", "workers", "train", "download", "blocks"]
    parser.add_argument("--jobs", nargs="+", default=jobs, choices=jobs)
    options = parser.parse_args()
    import torch

    # Processes that are forked have no threads of this one.
    torch.set_num_threads(1)
    dice = random.Random(options.seed)
    good = [measure(name, options.kills, dice) for name in options.jobs]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
