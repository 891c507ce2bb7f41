"""From a photo to its object: what finding it costs by each method, and what comes out at the end.

python benchmarks/cutouts.py costs [MODEL …]
python benchmarks/cutouts.py quality FOLDER [--before SRC]

`costs` measures Segment's networks with made-up weights, which cost what trained ones do, each in a
process of its own, and the methods without weights: seconds and peak memory beyond the weights, for
a megapixel, or for a picture where a network looks at every picture in one size.

`quality` measures the pipelines without weights on a folder laid out as `input/ gt/`: overlap is
the intersection of the mask and of alpha > 0.5 over their union; the errors are those of the matte
that Segment → Make Trimap → Alpha Matte gives, over the whole picture. --before names the `src` of
another commit, whose GrabCut is timed in turn with this one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from composites import PARTS
from numpy.typing import NDArray

NETWORKS = (
    *("birefnet", "birefnet_lite", "birefnet_hr", "ben2", "modnet", "unet_resnext50"),
    *("deeplabv3_resnet101", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"),
    *("sam2_tiny", "sam2_base_plus", "sam2_large"),
    "sam2_tiny_video",
)
"""One of each architecture and size. BiRefNet has other files of the same networks."""
MEGAPIXELS = (1, 4)
"""Sizes of the pictures that methods without weights are measured on."""
FAILED = 0.6
"""An overlap below this is a failure."""

Array = NDArray[Any]


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    actions = parser.add_subparsers(required=True)
    action = actions.add_parser("costs")
    action.add_argument("models", nargs="*", default=NETWORKS)
    action.set_defaults(run=costs)
    action = actions.add_parser("quality")
    action.add_argument("folder", type=Path)
    action.add_argument("--before", type=Path)
    action.set_defaults(run=quality)
    for name, child in (("network", network), ("method", method), ("grabcut", grabcut)):
        action = actions.add_parser(name)
        action.add_argument("given", nargs="+")
        action.set_defaults(run=child)
    options = parser.parse_args()
    options.run(options)


def in_a_process(*words: object, src: Path | None = None) -> Any:
    """Return what a command of this script says in a process of its own."""
    environment = dict(os.environ) | ({"PYTHONPATH": str(src)} if src else {})
    command = [sys.executable, __file__, *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def costs(options: argparse.Namespace) -> None:
    """Print what each method of Segment takes."""
    print("| method | seconds | peak memory, GiB | for |\n|---|---|---|---|")
    for name in ("grabcut", "threshold"):
        for megapixels in MEGAPIXELS:
            told = in_a_process("method", name, megapixels)
            size = "a megapixel" if megapixels == 1 else f"{megapixels} megapixels"
            print(f"| {name} | {told['seconds']:.2f} | {told['gibibytes']:.2f} | {size} |")
    for name in options.models:
        told = in_a_process("network", name)
        if "failed" in told:
            print(f"| {name} | {told['failed']} | | |")
        else:
            peak = f"{told['gibibytes']:.1f}"
            print(f"| {name} | {told['seconds']:.2f} | {peak} | {told['unit']} |", flush=True)


def network(options: argparse.Namespace) -> None:
    """Measure one network, and keep nothing."""
    from matting_nodes.models import costs as measured
    from matting_nodes.models.catalog import model

    name = options.given[0]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MATTING_NODES_CACHE"] = folder
        cost = measured.measure(name, "cpu")
    told = {"seconds": cost.seconds, "gibibytes": cost.gibibytes or 0}
    print(json.dumps(told | {"unit": measured.unit(model(name))}))


def method(options: argparse.Namespace) -> None:
    """Measure a method without weights on the sample photo, enlarged."""
    import cv2

    from matting_nodes import sample_data, segment

    name, megapixels = options.given[0], float(options.given[1])
    lemur = sample_data.lemur()
    segment(lemur, method=name)
    scale = (1e6 * megapixels / lemur[..., 0].size) ** 0.5
    image = cv2.resize(lemur, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    before = resident()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    seconds = min(timed(lambda: segment(image, method=name)) for _ in range(2))
    print(json.dumps({"seconds": seconds, "gibibytes": (resident("VmHWM") - before) / 2**20}))


def resident(entry: str = "VmRSS") -> int:
    """Return this process's memory, or its peak, in KiB (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(entry)).split()[1])


def timed(work: Callable[[], object]) -> float:
    """Return how long something takes, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def read(folder: Path, name: str) -> tuple[Array, Array]:
    """Return a picture and its true matte."""
    from matting_nodes.arrays import Kind, as_alpha, as_image
    from matting_nodes.io import images

    alpha = as_alpha(images.read(folder / "gt" / name, Kind.ALPHA))
    return as_image(images.read(folder / "input" / name, Kind.IMAGE)), alpha


def names_in(folder: Path) -> list[str]:
    """Return the names of a folder's pictures, in order."""
    return sorted(path.name for path in (folder / "gt").glob("*.png"))


def overlap(mask: Array, alpha: Array) -> float:
    """Return intersection over union of a mask and a matte."""
    found, true = mask > 0.5, alpha > 0.5
    return float((found & true).sum() / max((found | true).sum(), 1))


def grabcut(options: argparse.Namespace) -> None:
    """Tell overlap and seconds of GrabCut without a prompt, by picture."""
    from matting_nodes import segment

    folder = Path(options.given[0])
    told = []
    for name in names_in(folder):
        image, alpha = read(folder, name)
        masks: list[Array] = []
        seconds = timed(lambda image=image, masks=masks: masks.append(segment(image)))
        told.append((overlap(masks[0], alpha), seconds))
    print(json.dumps(told))


def quality(options: argparse.Namespace) -> None:
    """Print errors of the pipelines, on the pictures that settings were chosen on and on others."""
    from matting_nodes import segment

    starts: dict[str, Callable[[Array, Array], Array]] = {
        "GrabCut, what stands out": lambda image, _: segment(image),
        "GrabCut, from a box": lambda image, _: segment(image, start="box"),
        "the true mask": lambda _, alpha: (alpha > 0.5).astype(np.float32),
    }
    # The first use compiles loops.
    measured(*read(options.folder, names_in(options.folder)[0]), starts["the true mask"])
    rows: dict[tuple[str, str], list[list[float]]] = {}
    for number, name in enumerate(names_in(options.folder)):
        image, alpha = read(options.folder, name)
        for start, find in starts.items():
            rows.setdefault((start, PARTS[number % 2]), []).append(measured(image, alpha, find))
    print("| mask by | pictures | overlap | below 0.6 | MSE | MAD | SAD | Grad | Conn | seconds |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (start, part), values in rows.items():
        means = np.mean(values, axis=0)
        failed = sum(row[0] < FAILED for row in values)
        errors = " | ".join(f"{mean:.3f}" for mean in means[1:3])
        amounts = " | ".join(f"{mean:.1f}" for mean in means[3:])
        print(f"| {start} | {part} | {means[0]:.3f} | {failed} | {errors} | {amounts} |")
    if options.before:
        print_times(options.folder, options.before)


def measured(image: Array, alpha: Array, find: Callable[[Array, Array], Array]) -> list[float]:
    """Return overlap, MSE, MAD, SAD, Grad and Conn (in thousands), and seconds of one picture."""
    from matting_nodes import compare
    from matting_nodes.nodes._cutout import cutout

    began = time.perf_counter()
    mask = find(image, alpha)
    found = cutout(image, mask=mask).alpha
    seconds = time.perf_counter() - began
    table = compare(found, alpha).table
    errors = [table[name] for name in ("MSE", "MAD", "SAD", "Grad", "Conn")]
    return [overlap(mask, alpha), *errors, seconds]


def print_times(folder: Path, before: Path) -> None:
    """Print GrabCut's overlap and seconds now and before, each the least of two runs in turn."""
    runs: dict[str, list[Array]] = {"now": [], "before": []}
    for _ in range(2):
        for when, src in (("now", None), ("before", before)):
            runs[when].append(np.array(in_a_process("grabcut", folder, src=src)))
    print("\n| GrabCut without a prompt | overlap | below 0.6 | seconds a picture |")
    print("|---|---|---|---|")
    for when, (first, second) in runs.items():
        overlaps, seconds = first[:, 0], np.minimum(first[:, 1], second[:, 1])
        failed = int((overlaps < FAILED).sum())
        print(f"| {when} | {overlaps.mean():.3f} | {failed} | {seconds.mean():.2f} |")


if __name__ == "__main__":
    main()
