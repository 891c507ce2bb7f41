"""What shortcuts cost in exactness: tiles for networks that see everything, and half precision.

`python benchmarks/deviations.py [tiles] [halves] [--networks indexnet …]`

The weights are made up, each tensor from its name: answers vary like mattes, but are none, so
that the numbers compare ways, and do not say how exact a trained network would be. For tiles,
the lemur is enlarged to 0.6 megapixels, and a quarter of that would run whole, as with a
picture of 16 megapixels by default.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from networks import planes, scene

from matting_nodes.arrays import unknown
from matting_nodes.models import catalog
from matting_nodes.models._precision import in_precision
from matting_nodes.models.tiles import run_tiled

sys.path.append(str(Path(__file__).parents[1] / "tests/networks"))
from conftest import fill

GLOBAL = ("indexnet", "gca", "fba", "vitmatte_small")
MATTING = (*GLOBAL, "dim_vgg16", "dim_segnet")
MEGAPIXELS, SHARE, TILE = 0.6, 0.15, 320


class Alpha(torch.nn.Module):
    """A network of the catalog with made-up weights, and alpha alone as its answer."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.network = catalog.model(name).build().eval()
        shapes = {key: tensor.shape for key, tensor in self.network.state_dict().items()}
        # Norms of this strength let IndexNet's answer vary at all.
        bn = (1.0, 2.0) if name == "indexnet" else (0.3, 0.9)
        self.network.load_state_dict(fill(shapes, bn=bn))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, 1, H, W), 0..1."""
        answer = self.network(x)
        answer = getattr(answer, "alphas", answer)
        answer = answer[-1] if isinstance(answer, tuple) else answer
        return answer[:, :1].clamp(0, 1)


def tiles(name: str) -> str:
    """Return a line: how far tiles are from the whole, without context and with it."""
    image, trimap = scene(MEGAPIXELS, SHARE)
    inputs, where, network = planes(name, image, trimap), unknown(trimap), Alpha(name)

    def run(**options: Any) -> Any:
        given = run_tiled(network, inputs, where, stride=32, field_of_view=None, **options)
        return given.values[0][where]

    whole = run()
    small = int(MEGAPIXELS * 1e6 / 4)
    ways = [run(tile=TILE, whole=small, context=context) for context in (False, True)]
    return f"| {name} | {whole.std():.3f} | " + " | ".join(map(apart(whole), ways)) + " |"


def halves(name: str) -> str:
    """Return a line: how far bfloat16 and float16 are from float32 on the lemur."""
    image, trimap = scene(0.05, SHARE)
    where, network = unknown(trimap), Alpha(name)
    inputs, cpu = planes(name, image, trimap), torch.device("cpu")
    full, *rough = [
        run_tiled(
            in_precision(network, cpu, precision, print),
            inputs,
            where,
            stride=32,
            field_of_view=None,
        ).values[0][where]
        for precision in ("fp32", "bf16", "fp16")
    ]
    return f"| {name} | {full.std():.3f} | " + " | ".join(map(apart(full), rough)) + " |"


def apart(exact: Any) -> Any:
    """Return what writes how far a result is from the exact one: mean, and 99 of 100 pixels."""

    def written(found: Any) -> str:
        off = np.abs(found - exact)
        return f"{off.mean():.4f}, {np.quantile(off, 0.99):.4f}"

    return written


TABLES = {
    "tiles": (tiles, GLOBAL, "without context | with context"),
    "halves": (halves, MATTING, "bf16 | fp16"),
}


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", help="tiles, halves, or both")
    parser.add_argument("--networks", nargs="+")
    options = parser.parse_args()
    for table in options.tables or TABLES:
        line, names, columns = TABLES[table]
        print(f"\n| network | spread of alpha | {columns} |\n|---|---|---|---|")
        for name in options.networks or names:
            print(line(name), flush=True)


if __name__ == "__main__":
    main()
