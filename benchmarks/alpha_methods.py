"""Errors and times of every method of Alpha Matte, side by side in one run.

python benchmarks/alpha_methods.py FOLDER [--trimap trimap1] [--images GT01 GT03 …]

FOLDER is laid out as `input/ trimap1/ gt/`, with files of the same names, as the training
images of alphamatting.com are. Means over the images, measured in the unknown region.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from matting_nodes import MattingError, alpha_matte, compare, io
from matting_nodes.arrays import Kind, as_image

COLUMNS = ("SAD", "MSE", "Grad", "Conn")


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trimap", default="trimap1")
    parser.add_argument("--images", nargs="*")
    options = parser.parse_args()
    names = options.images or sorted(path.stem for path in (options.folder / "gt").glob("*.png"))
    print(f"{len(names)} images, {options.trimap}: {' '.join(names)}\n")
    print("| method | " + " | ".join(COLUMNS) + " | seconds an image |")
    print("|---|" + "---|" * (len(COLUMNS) + 1))
    for method, spec in alpha_matte.methods.items():
        if spec.is_network:
            continue  # its weights may not be there
        rows = [_measure(options.folder, options.trimap, name, method) for name in names]
        means = np.mean([row for row in rows if row is not None], axis=0)
        failed = sum(row is None for row in rows)
        cells = [f"{means[0]:.2f}", f"{means[1]:.4f}", f"{means[2]:.2f}", f"{means[3]:.2f}"]
        note = f" ({failed} without a solution)" if failed else ""
        print(f"| {spec.title}{note} | {' | '.join(cells)} | {means[4]:.2f} |", flush=True)


def _measure(folder: Path, trimaps: str, name: str, method: str) -> list[float] | None:
    image = as_image(io.read(folder / "input" / f"{name}.png", Kind.IMAGE))
    trimap = io.read(folder / trimaps / f"{name}.png", Kind.TRIMAP)
    truth = io.read(folder / "gt" / f"{name}.png", Kind.ALPHA)
    # The first run of a process compiles.
    corner = np.s_[:50, :50]
    warm = np.uint8(np.where(np.arange(50) < 20, 0, np.where(np.arange(50) > 30, 255, 128)))
    alpha_matte(image[corner], np.tile(warm, (50, 1)), method=method)
    began = time.perf_counter()
    try:
        alpha = alpha_matte(image, trimap, method=method)
    except MattingError:
        return None
    seconds = time.perf_counter() - began
    table = compare(alpha, truth, trimap=trimap).table
    return [*(table[column] for column in COLUMNS), seconds]


if __name__ == "__main__":
    main()
