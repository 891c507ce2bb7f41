"""How many training samples a second one worker makes, and several, beside what takes the time.

python benchmarks/data_loading.py FOLDER [--layout composition1k] [--workers 0 1 2] [--size 320]
python benchmarks/data_loading.py --made 1080 [--workers 0 1 2]

With --made, foregrounds of that height (16:9) are made up, as large as those of Composition-1k.
Every count of workers makes the same samples; the first batches, while workers start, are not
counted. The parts are timed one after the other in this process: reading files, what is done to
pictures, and the rest.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from matting_nodes.arrays import Kind
from matting_nodes.io import images
from matting_nodes.training._stream import SampleDataset, Stream, loader
from matting_nodes.training.layouts import DataFolders, find_samples
from matting_nodes.training.parameters import Augmentation
from matting_nodes.training.samples import read_picture
from matting_nodes.training.specs import training_spec


def main() -> None:
    """Print samples a second as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--layout", default="composition1k")
    parser.add_argument("--made", type=int, metavar="HEIGHT")
    parser.add_argument("--workers", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--batches", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as made:
        folder = make(Path(made), options.made) if options.made else options.folder
        measure(folder, options)


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Print the rates of every number of workers, and the parts of the time."""
    found = find_samples(folder, options.layout, DataFolders(composites=1)).samples
    backgrounds = [sample.background for sample in found if sample.background]
    augmentation = Augmentation(size=options.size)
    samples = SampleDataset(found, backgrounds, augmentation, training_spec("dim_vgg16"), 0)
    print("| workers | samples/s | samples/s a worker |\n|---|---|---|")
    for workers in options.workers:
        rate = samples_a_second(samples, workers, options.batch, options.batches)
        print(f"| {workers} | {rate:.1f} | {rate / max(1, workers):.1f} |", flush=True)
    reading = seconds(lambda i: read_all(found[i % len(found)]), 12)
    whole = seconds(lambda i: samples[0, i % len(found)], 12)
    print(f"\na sample takes {1000 * whole:.0f} ms, {reading / whole:.0%} of it reading files")


def samples_a_second(samples: SampleDataset, workers: int, batch: int, batches: int) -> float:
    """Return the rate once the workers run."""
    stream = iter(loader(samples, Stream(len(samples), 0), batch, workers))
    # What was made ahead must not count, nor the start.
    ahead = 2 * workers + 1
    for _ in islice(stream, ahead):
        pass
    began = time.perf_counter()
    for _ in islice(stream, batches + ahead):
        pass
    return (batches + ahead) * batch / (time.perf_counter() - began)


def read_all(sample: object) -> None:
    """Read the three files of a composite."""
    for path in (sample.foreground, sample.background):  # type: ignore[attr-defined]
        read_picture(path)
    sample.read_alpha()  # type: ignore[attr-defined]


def seconds(work: object, times: int) -> float:
    """Return the mean time of a piece of work."""
    began = time.perf_counter()
    for number in range(times):
        work(number)  # type: ignore[operator]
    return (time.perf_counter() - began) / times


def make(folder: Path, height: int, number: int = 6) -> Path:
    """Write foregrounds with soft edges, and backgrounds, all with noise like that of photos."""
    width, chance = height * 16 // 9, np.random.default_rng(0)
    y, x = np.mgrid[0:height, 0:width] / height
    for part in ("fg", "alpha", "bg"):
        (folder / part).mkdir()
    for n in range(number):
        edge = 0.3 - np.hypot(x - chance.uniform(0.6, 1.1), y - chance.uniform(0.4, 0.6))
        alpha = (edge / 0.05 + 0.5).clip(0, 1)
        ramp = np.stack([x / 2, y, 1 - y], axis=-1)
        images.write(folder / "alpha" / f"{n}.png", alpha, Kind.ALPHA, bits=8)
        for part in ("fg", "bg"):
            noise = chance.normal(0, 0.02, ramp.shape)
            ending = "png" if part == "fg" else "jpg"
            images.write_image(folder / part / f"{n}.{ending}", (ramp + noise).clip(0, 1))
    return folder


if __name__ == "__main__":
    main()
