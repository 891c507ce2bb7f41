"""Pictures of any size: seconds, memory, agreement with one solve, seams, clusters, painted planes.

    python benchmarks/blocks.py big DATA FOLDER --side 20000
    python benchmarks/blocks.py agree DATA FOLDER --side 8000
    python benchmarks/blocks.py dask DATA FOLDER --side 8000 --block 1024
    python benchmarks/blocks.py planes

DATA has the pictures of alphamatting.com (input/*.png) and their trimaps (trimap1/*.png): they are
enlarged four times and laid out side by side, those with the least unknown pixels, until 10 % are
unknown. FOLDER takes the stores and the results.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from matting_nodes import Job, alpha_matte, matte_zarr, sample_data
from matting_nodes.blocks.seams import seams
from matting_nodes.video.keyed import Span, carried_in

TILE, ENLARGED, CHUNK = (2400, 3200), 4, 1024
UNKNOWN = 0.1
Stack = Iterator[tuple[np.ndarray, np.ndarray]]
"""Planes, each a picture and its true alpha."""


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("big", "agree", "dask", "planes"))
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--side", type=int, default=20000)
    parser.add_argument("--block", type=int, default=2048)
    options = parser.parse_args()
    if options.what == "planes":
        planes()
        return
    stores = made(options.data, options.folder, options.side)
    target = options.folder / f"alpha-{options.side}.ome.zarr"
    globals()[options.what](stores, target, options.block)


def made(data: Path, folder: Path, side: int) -> tuple[Path, Path]:
    """Return the stores of a picture and its trimap, made where they are missing."""
    import zarr

    paths = folder / f"image-{side}.zarr", folder / f"trimap-{side}.zarr"
    if paths[1].exists():
        return paths
    pairs = []
    for path in sorted((data / "input").glob("*.png")):
        trimap = cv2.imread(str(data / "trimap1" / path.name), 0)
        pairs.append((((trimap > 0) & (trimap < 255)).mean(), path, trimap))
    pairs.sort(key=lambda pair: pair[0])
    means = np.cumsum([pair[0] for pair in pairs]) / np.arange(1, len(pairs) + 1)
    pairs = pairs[: max(4, int(np.searchsorted(means, UNKNOWN)))]
    chunks = (CHUNK, CHUNK)
    image = zarr.create_array(
        str(paths[0]), shape=(side, side, 3), chunks=(*chunks, 3), dtype="uint8"
    )
    known = zarr.create_array(str(paths[1]), shape=(side, side), chunks=chunks, dtype="uint8")
    count, total = 0, 0
    for top in range(0, side, TILE[0]):
        height = min(TILE[0], side - top)
        # A row of tiles at a time: chunks are written whole.
        strips = np.empty((height, side, 3), np.uint8), np.empty((height, side), np.uint8)
        for left in range(0, side, TILE[1]):
            _, path, trimap = pairs[count % len(pairs)]
            color = cv2.imread(str(path))[..., ::-1]
            size = TILE[::-1]
            color = cv2.resize(color, size, interpolation=cv2.INTER_CUBIC)
            trimap = cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)
            if count // len(pairs) % 2:
                color, trimap = color[:, ::-1], trimap[:, ::-1]
            for strip, tile in zip(strips, (color, trimap), strict=True):
                width = min(TILE[1], side - left)
                strip[:, left : left + width] = tile[:height, :width]
            count += 1
        image[top : top + height], known[top : top + height] = strips
        total += np.count_nonzero((strips[1] > 0) & (strips[1] < 255))
    print(f"{side} × {side}, {total / side**2:.1%} unknown")
    return paths


def timed(stores: tuple[Path, Path], target: Path, quiet: bool = False, **options: object) -> float:
    """Return the seconds that a matte takes, from nothing."""
    shutil.rmtree(f"{target}.parts", ignore_errors=True)
    begin, told = time.perf_counter(), ""

    def report(fraction: float, message: str) -> None:
        nonlocal told
        kind = message if message in ("Measuring", "Sampling colors", "Writing") else ""
        if kind and kind != told and not quiet:
            told = kind
            print(f"{time.perf_counter() - begin:7.1f} s {fraction:4.0%} {kind}", flush=True)

    matte_zarr(*stores, target, Job(report), force=True, **options)
    return time.perf_counter() - begin


def big(stores: tuple[Path, Path], target: Path, block: int) -> None:
    """Print seconds, peak memory and seams."""
    seconds = timed(stores, target, block=block)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{seconds:.1f} s ({time.process_time():.0f} s of a core), peak {peak:.2f} GB, "
        f"seams {seams(target).ratio:.4f}",
        flush=True,
    )


def agree(stores: tuple[Path, Path], target: Path, block: int) -> None:
    """Print how far the blocks are from one solve."""
    import zarr

    seconds = timed(stores, target, block=block)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    image, trimap = (zarr.open(str(path))[:] for path in stores)
    begin = time.perf_counter()
    one = alpha_matte(image, trimap)
    whole = time.perf_counter() - begin
    difference = abs(zarr.open(str(target))["0"][:] - one)
    inside = difference[(trimap > 0) & (trimap < 255)]
    print(f"blocks {seconds:.1f} s and {peak:.2f} GB, one solve {whole:.1f} s")
    print(
        f"max {inside.max():.4f}, mean of the unknown {inside.mean():.6f}, of all "
        f"{difference.mean():.6f}; more than 0.02: {(inside > 0.02).mean():.4%} of the unknown"
    )
    print(f"seams {seams(target).ratio:.4f}, of one solve {seams(one, block).ratio:.4f}")


def dask(stores: tuple[Path, Path], target: Path, block: int) -> None:
    """Print a table of the blocks a second over 1, 2 and 4 workers, from first to last stage."""
    import os

    from distributed import Client, LocalCluster

    blocks = int(np.prod([-(-side // block) for side in zarr_shape(stores[1])]))
    print(f"{blocks} blocks of {block} on {len(os.sched_getaffinity(0))} cores\n")
    print("| workers | seconds | blocks a second |\n|---|---|---|")
    for workers in (1, 2, 4):
        with (
            LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            Client(cluster) as client,
        ):
            seconds = timed(stores, target, block=block, dask=client, quiet=True)
        print(f"| {workers} | {seconds:.1f} | {blocks / seconds:.2f} |", flush=True)


def zarr_shape(path: Path) -> tuple[int, ...]:
    """Return the shape of a stored array."""
    import zarr

    shape: tuple[int, ...] = zarr.open(str(path)).shape
    return shape


COUNT, PAINTED = 50, (0, 12, 24, 36, 49)


def planes() -> None:
    """Print the SAD of carried planes beside that of painted ones, on stacks that are made here."""
    for name, stack in {
        "moves, turns by 12°, grows": turned(12, 0.2, 30, 10, 3),
        "turns by 60° on a curve": turned(60, 0.3, 60, 30, 5),
        "bends slowly": bent(12, 1),
        "bends faster than it is painted": bent(12, 2),
        "sections of balls that merge": balls(),
    }.items():
        pictures, truths = zip(*stack, strict=True)
        painted = {plane: trimap_of(truths[plane]) for plane in PAINTED}
        own = np.mean([sad(pictures[n], painted[n], truths[n]) for n in PAINTED])
        told = []
        for by in ("shape", "motion", "both"):
            found = []
            for span in (Span(*ends) for ends in pairwise(PAINTED)):
                seen = [np.round(255 * picture).astype(np.uint8) for picture in pictures]
                found += list(carried_in(seen, painted, span, by=by))
            others = np.mean([sad(pictures[n], trimap, truths[n]) for n, trimap in found])
            told.append(f"{by} × {others / own:.2f}")
        print(f"{name}: painted {own:.2f}; {', '.join(told)}", flush=True)


def sad(picture: np.ndarray, trimap: np.ndarray, truth: np.ndarray) -> float:
    """Return the sum of absolute differences of a plane's matte, in thousands."""
    return float(abs(alpha_matte(picture, trimap) - truth).sum() / 1000)


def trimap_of(alpha: np.ndarray) -> np.ndarray:
    """Return a trimap as one paints it: some pixels of unknown on each side of what is soft."""
    sure = (alpha < 0.02, alpha > 0.98)
    sides = [cv2.erode(side.astype(np.uint8), np.ones((5, 5))) for side in sure]
    return np.where(sides[0], 0, np.where(sides[1], 255, 128)).astype(np.uint8)


def lemur() -> tuple[np.ndarray, np.ndarray]:
    """Return alpha and picture, half as large, with room around the object."""
    alpha = np.asarray(sample_data.lemur_alpha(), np.float32)
    alpha = np.pad(alpha / alpha.max(), 100)
    image = np.pad(np.asarray(sample_data.lemur()), ((100, 100), (100, 100), (0, 0)))
    size = alpha.shape[1] // 2, alpha.shape[0] // 2
    return tuple(cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (alpha, image))


def over(alpha: np.ndarray, color: np.ndarray) -> np.ndarray:
    """Return an object over a background that stays where it is."""
    behind = np.full_like(color, (0.35, 0.5, 0.4))
    behind += 0.15 * np.sin(np.arange(alpha.shape[1]) / 12)[None, :, None].astype(np.float32)
    return (alpha[..., None] * color + (1 - alpha[..., None]) * behind).clip(0, 1)


def turned(turn: float, grow: float, across: float, up: float, wave: float) -> Stack:
    """Yield planes in which the lemur turns, grows and moves on a curve."""
    alpha, image = lemur()
    height, width = alpha.shape
    for share in np.linspace(0, 1, COUNT):
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn * share, 0.85 + grow * share)
        matrix[:, 2] += across * (2 * share - 1), up * np.sin(wave * share)
        size = (width, height)
        moved = cv2.warpAffine(alpha, matrix, size, flags=cv2.INTER_AREA).clip(0, 1)
        yield over(moved, cv2.warpAffine(image, matrix, size)), moved


def bent(amplitude: float, times: float) -> Stack:
    """Yield planes in which the lemur bends to and fro so many times."""
    alpha, image = lemur()
    y, x = np.indices(alpha.shape, np.float32)
    height, width = alpha.shape
    for share in np.linspace(0, 2 * np.pi * times, COUNT):
        across = amplitude * np.sin(share) * np.sin(2 * np.pi * y / height)
        down = 0.6 * amplitude * np.cos(share) * np.sin(2 * np.pi * x / width)
        where = np.float32(x + across), np.float32(y + down)
        moved = cv2.remap(alpha, *where, cv2.INTER_LINEAR).clip(0, 1)
        yield over(moved, cv2.remap(image, *where, cv2.INTER_LINEAR)), moved


def balls() -> Stack:
    """Yield sections of balls, soft at their edges, which appear, merge, part and vanish."""
    rng = np.random.default_rng(0)
    height, width = lemur()[0].shape
    y, x = np.indices((height, width), np.float32)
    low, high = (0.3 * width, 0.3 * height, 5, 40), (0.7 * width, 0.7 * height, 45, 75)
    places = rng.uniform(low, high, (9, 4))
    texture = cv2.resize(np.asarray(sample_data.beach(), np.float32), (width, height))
    for plane in range(COUNT):
        inside = [
            r - np.sqrt((x - u) ** 2 + (y - v) ** 2 + (2.2 * (plane - w)) ** 2)
            for u, v, w, r in (*places, (width / 2, height / 2, COUNT / 2, 70))
        ]
        alpha = (np.max(inside, axis=0) / 6 + 0.5).clip(0, 1).astype(np.float32)
        yield over(alpha, texture * np.float32([1, 0.5, 0.5])), alpha


if __name__ == "__main__":
    main()
