"""Loading: the first call of a network against the second, switching between two, and freeing.

`python benchmarks/loading.py [--networks gca fba]`

Weights are random and on disk, as published ones are after their download. What is timed is what
comes before a network computes: finding, checking, reading and placing it. Resident memory (Linux
only) is what came on top when a network had run on 512 × 512 pixels, and when it was freed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import torch

from matting_nodes.models import catalog
from matting_nodes.models.pool import Pool


def seconds(pool: Pool, name: str, weights: Path) -> float:
    """Return how long it takes until a network is there, as wall clock."""
    began = time.perf_counter()
    with pool.lease(name, weights=weights):
        return time.perf_counter() - began


def resident() -> float:
    """Return the memory of this process that is in RAM, in MiB."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE") / 2**20


def memory(pool: Pool, name: str, weights: Path) -> tuple[float, float]:
    """Return how many MiB more are resident after a network ran, and after it was freed."""
    before = resident()
    with pool.lease(name, weights=weights) as network, torch.inference_mode():
        network(torch.rand(1, catalog.model(name).channels, 512, 512))
    del network
    held = resident() - before
    pool.free()
    return held, resident() - before


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs=2, default=("gca", "fba"))
    names = parser.parse_args().networks
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{name}.pth" for name in names}
        for name, path in files.items():
            torch.save(catalog.model(name).build().state_dict(), path)
        pool = Pool()
        first = {name: seconds(pool, name, files[name]) for name in names}
        second = {name: seconds(pool, name, files[name]) for name in names[::-1]}
        switched = {name: seconds(pool, name, files[name]) for _ in range(2) for name in names}
        pool.free()
        resident_beyond = {name: memory(pool, name, files[name]) for name in names}
    print("| network | first call | second | less | after switching | held | freed |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        print(
            f"| {name} | {first[name]:.2f} s | {second[name] * 1000:.2f} ms "
            f"| {first[name] / second[name]:.0f}× | {switched[name] * 1000:.2f} ms "
            "| {:.0f} MiB | {:.0f} MiB |".format(*resident_beyond[name])
        )


if __name__ == "__main__":
    main()
