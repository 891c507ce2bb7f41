"""Foreground colors: time and composite error against PyMatting's multilevel, side by side.

`python benchmarks/foreground_methods.py [megapixels …]`, by default 1 and 4. The picture is the
bundled lemur, enlarged, before the bundled beach, so that the true colors are known; the error
is that of a composite over green, in the soft pixels.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from pymatting import estimate_foreground_ml

from matting_nodes import estimate_foreground, sample_data

ROUNDS = 5
PYMATTING = "PyMatting multilevel"


def scene(megapixels: float) -> tuple[Any, Any, Any]:
    """Return a picture of so many megapixels, its alpha, and its true foreground."""
    lemur, alpha, beach = sample_data.lemur(), sample_data.lemur_alpha(), sample_data.beach()
    true = estimate_foreground_ml(lemur, alpha)
    scale = math.sqrt(megapixels * 1e6 / alpha.size)
    sized = [cv2.resize(p, None, fx=scale, fy=scale) for p in (true, alpha, beach)]
    true, alpha, beach = (p.clip(0, 1) for p in sized)
    part = alpha[..., None]
    return part * true + (1 - part) * beach, alpha, true


def best_of(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the shortest time of several calls, in seconds, and the result."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - began)
    return min(times), result


def main(sizes: list[float]) -> None:
    """Print the table."""
    print(f"{'MP':>4} {'soft':>5}  {'method':<28}{'seconds':>8} {'ratio':>6}  composite error")
    for megapixels in sizes:
        image, alpha, true = scene(megapixels)
        soft = (alpha > 0) & (alpha < 1)
        rows = {PYMATTING: partial(estimate_foreground_ml, image, alpha)}
        for name in ("multilevel", "blur_fusion"):
            rows[name] = partial(estimate_foreground, image, alpha, method=name)
        seconds = {}
        for name, call in rows.items():
            call()  # compiles
            seconds[name], result = best_of(call)
            foreground = result if name == PYMATTING else result.foreground
            error = np.abs(alpha[soft][:, None] * (foreground[soft] - true[soft])).mean()
            ratio = seconds[PYMATTING] / seconds[name]
            print(
                f"{megapixels:4g} {soft.mean():5.0%}  {name:<28}{seconds[name]:8.3f} "
                f"{ratio:5.1f}×  {error:.5f}"
            )


if __name__ == "__main__":
    main([float(size) for size in sys.argv[1:]] or [1, 4])
