"""Pictures of any size: seconds, memory, agreement with one solve, seams, clusters, painted planes.

    python benchmarks/blocks.py big DATA FOLDER --side 20000
    python benchmarks/blocks.py agree DATA FOLDER --side 8000
    python benchmarks/blocks.py dask DATA FOLDER --side 6144
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
from pathlib import Path

import numpy as np

from matting_nodes import Job, alpha_matte, matte_zarr, sample_data
from matting_nodes.blocks.seams import seams
from matting_nodes.trimap.planes import carry_between

TILE, ENLARGED, CHUNK = (2400, 3200), 4, 1024
UNKNOWN = 0.1


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
    import cv2
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


def timed(stores: tuple[Path, Path], target: Path, **options: object) -> float:
    """Return the seconds that a matte takes, from nothing."""
    shutil.rmtree(f"{target}.parts", ignore_errors=True)
    begin, told = time.perf_counter(), ""

    def report(fraction: float, message: str) -> None:
        nonlocal told
        kind = message if message in ("Measuring", "Sampling colors", "Writing") else ""
        if kind and kind != told:
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
    """Print the blocks a second over one and two workers."""
    from distributed import Client, LocalCluster

    side = 1024
    blocks = 7 * (-(-int(target.stem.split("-")[1].split(".")[0]) // side)) ** 2
    for workers in (1, 2):
        with (
            LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            Client(cluster) as client,
        ):
            seconds = timed(stores, target, block=side, dask=client)
        print(f"{workers} workers: {seconds:.1f} s, {blocks / seconds:.2f} block solves a second")


def planes() -> None:
    """Print the SAD of carried planes beside that of painted ones, on a stack that is made here."""
    import cv2

    count, painted = 50, (0, 12, 24, 36, 49)
    alpha, image = sample_data.lemur_alpha(), sample_data.lemur()
    alpha = np.asarray(alpha, np.float32)
    # Room around the object: one that is cut by the picture's border would change its shape.
    alpha = np.pad(alpha / alpha.max(), 100)
    image = np.pad(np.asarray(image), ((100, 100), (100, 100), (0, 0)))
    height, width = alpha.shape
    trimaps, truths, pictures = [], [], []
    for plane in range(count):
        share = plane / (count - 1)
        # The object moves, turns and grows; the background stays.
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 12 * share, 0.85 + 0.2 * share)
        matrix[:, 2] += 60 * share - 30, 20 * np.sin(3 * share)
        moved = cv2.warpAffine(alpha, matrix, (width, height), flags=cv2.INTER_AREA).clip(0, 1)
        color = cv2.warpAffine(np.asarray(image), matrix, (width, height))
        behind = np.full_like(color, (0.35, 0.5, 0.4))
        behind += 0.15 * np.sin(np.arange(width) / 23)[None, :, None].astype(np.float32)
        pictures.append(moved[..., None] * color + (1 - moved[..., None]) * behind)
        truths.append(moved)
        sides = [cv2.erode((moved == v).astype(np.uint8), np.ones((9, 9))) for v in (0, 1)]
        trimaps.append(np.where(sides[0], 0, np.where(sides[1], 255, 128)).astype(np.uint8))
    carried = carry_between({plane: trimaps[plane] for plane in painted}, count)
    sad = [
        abs(alpha_matte(picture.clip(0, 1), trimap) - truth).sum() / 1000
        for picture, trimap, truth in zip(pictures, carried.trimaps, truths, strict=True)
    ]
    own = np.mean([sad[plane] for plane in painted])
    others = np.mean([sad[plane] for plane in range(count) if plane not in painted])
    print(f"SAD of painted planes {own:.2f}, of carried ones {others:.2f}: × {others / own:.2f}")


if __name__ == "__main__":
    main()
