"""Networks against their plain recipe (the whole picture, padded, in one pass): time and memory.

`python benchmarks/networks.py [--networks dim_segnet …] [--megapixels 1 4] [--unknown 5 15 40]`

Seconds are without loading, and of all cores together, so that other programs disturb them
little. One process a cell, so that its peak memory is its own; weights are random, which costs
the same. The picture is the bundled lemur, enlarged; the unknown region is a band along its
edge, as wide as the share of unknown pixels asks for.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import transformers

from matting_nodes import alpha_matte, sample_data
from matting_nodes.arrays import trimap_from, unknown
from matting_nodes.models import catalog
from matting_nodes.models.fba import fba_planes
from matting_nodes.models.inputs import grey_trimap, normalized, one_hot_trimap
from matting_nodes.models.pool import POOL
from matting_nodes.trimap.band import distance_to

NETWORKS = ("indexnet", "gca", "dim_vgg16", "dim_segnet", "fba", "vitmatte_small")


def settings(name: str) -> dict[str, Any]:
    """Return what Alpha Matte is told to use a network of the catalog."""
    if name.startswith("dim_"):
        return {"method": "deep_image_matting", "network": name.removeprefix("dim_")}
    if name.startswith("vitmatte_"):
        return {"method": "vitmatte", "size": name.removeprefix("vitmatte_")}
    return {"method": name}


def scene(megapixels: float, share: float) -> tuple[Any, Any]:
    """Return a picture of so many megapixels and a trimap with so much of it unknown."""
    scale = math.sqrt(megapixels * 1e6 / sample_data.lemur_alpha().size)
    image = cv2.resize(sample_data.lemur(), None, fx=scale, fy=scale).clip(0, 1)
    inside = cv2.resize(sample_data.lemur_alpha(), None, fx=scale, fy=scale) > 0.5
    away = np.maximum(distance_to(inside), distance_to(~inside))
    width = np.quantile(away, share)
    return image, trimap_from(inside & (away > width), ~inside & (away > width))


def planes(name: str, image: Any, trimap: Any) -> Any:
    """Return what a network looks at."""
    if name == "fba":
        return fba_planes(image, trimap)
    if name == "gca":
        return np.concatenate([normalized(image), one_hot_trimap(trimap)])
    return np.concatenate([normalized(image), grey_trimap(trimap)])


def loaded(name: str, weights: str) -> Any:
    """Return a network with its weights, as its authors load it."""
    network = catalog.model(name).build().eval()
    if name.startswith("vitmatte_"):
        network = transformers.VitMatteForImageMatting(network.config).eval()
    network.load_state_dict(torch.load(weights, weights_only=True), strict=False)
    return network


def plain(name: str, network: Any, image: Any, trimap: Any) -> Any:
    """Run a network as its authors do: padded, whole, in one pass."""
    x = torch.from_numpy(planes(name, image, trimap))[None]
    down, right = (-side % 32 for side in x.shape[2:])
    x = torch.nn.functional.pad(x, (0, right, 0, down), mode="replicate")
    with torch.inference_mode():
        answer = network(x)
    answer = getattr(answer, "alphas", answer)
    return answer[-1] if isinstance(answer, tuple) else answer


def cell(name: str, weights: str, way: str, megapixels: float, share: float) -> dict[str, float]:
    """Run one cell in this process: CPU seconds without loading, and the peak beyond the start."""
    image, trimap = scene(megapixels, share)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if way == "plain":
        network = loaded(name, weights)
        began = time.process_time()
        plain(name, network, image, trimap)
    else:
        with POOL.lease(name, weights=weights):
            pass
        began = time.process_time()
        precision = "bf16" if way == "bf16" else "auto"
        alpha_matte(image, trimap, weights=weights, precision=precision, **settings(name))
    seconds = time.process_time() - began
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": seconds,
        "gigabytes": (after - before) / 2**20,
        "unknown": unknown(trimap).mean(),
    }


def apart(*arguments: object) -> dict[str, float] | None:
    """Run a cell in a process of its own; None if it does not come to an end."""
    command = [sys.executable, __file__, "--cell", *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def row(name: str, weights: str, megapixels: float, share: float) -> str:
    """Return a line of the table: all ways, and how much faster ours are."""
    results = [apart(name, weights, way, megapixels, share) for way in ("plain", "ours", "bf16")]
    cells = [
        f"{r['seconds']:.1f} s, {r['gigabytes']:.1f} GB" if r else "out of time or memory"
        for r in results
    ]
    faster = [
        f"{results[0]['seconds'] / ours['seconds']:.1f}×" if results[0] and ours else ""
        for ours in results[1:]
    ]
    return f"| {name} | {megapixels:g} | {share:.0%} | {' | '.join([*cells, *faster])} |"


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--megapixels", nargs="+", type=float, default=[1, 4])
    parser.add_argument("--unknown", nargs="+", type=float, default=[5, 15, 40], help="percent")
    options = parser.parse_args()
    print("| network | MP | unknown | plain recipe | matting-nodes | in bf16 | faster | in bf16 |")
    print("|---|---|---|---|---|---|---|---|")
    for name in options.networks:
        with tempfile.TemporaryDirectory() as folder:
            weights = Path(folder) / "weights.pth"
            torch.manual_seed(0)
            torch.save(catalog.model(name).build().state_dict(), weights)
            for megapixels in options.megapixels:
                for percent in options.unknown:
                    print(row(name, str(weights), megapixels, percent / 100), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--cell"]:
        name, weights, way, megapixels, share = sys.argv[2:]
        print(json.dumps(cell(name, weights, way, float(megapixels), float(share))))
    else:
        main()
