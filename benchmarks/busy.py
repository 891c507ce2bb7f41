"""Work beside other programs: what takes its time, and processes that take a core each."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from matting_nodes import (
    MattingSession,
    alpha_matte,
    estimate_foreground,
    make_trimap,
    segment,
)
from matting_nodes.arrays import unknown
from matting_nodes.framework.register import METHODS

OTHERS = (0, 1, 2)
"""Numbers of busy processes."""
NETWORK = "indexnet"
SIDES = (256, 640)
"""Sides of what the network looks at, in pixels."""

Array = NDArray[Any]
Work = Callable[[], Any]


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Let so many other processes keep a core busy each."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        if count:
            time.sleep(0.5)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def works(image: Array, trimap: Array, reference: Callable[[Array, Array], Any]) -> dict[str, Work]:
    """Return what is measured, by name; the reference is PyMatting's closed form."""
    alpha = alpha_matte(image, trimap)
    mask = alpha > 0.5
    result: dict[str, Work] = {
        method: lambda method=method: alpha_matte(image, trimap, method=method)
        for method in weightless("alpha_matte")
    }
    result["a session's stroke"] = _stroke(image, trimap)
    for method in weightless("estimate_foreground"):
        result[f"foreground, {method}"] = lambda method=method: estimate_foreground(
            image, alpha, method=method
        )
    result["Make Trimap, band"] = lambda: make_trimap(mask, image)
    result["Segment, GrabCut"] = lambda: segment(image)
    for side in SIDES:
        result[f"{NETWORK}, {side} × {side}, CPU"] = _network(side)
    result["PyMatting's closed form"] = lambda: reference(image, trimap)
    return result


def weightless(node: str) -> list[str]:
    """Return the methods of a node that need no network."""
    return [name for name, method in METHODS[node].items() if not method.networks]


def medians(work: dict[str, Work], repeats: int) -> dict[str, list[float]]:
    """Return the median seconds of all work beside each number of busy processes."""
    for run in work.values():
        run()
    result: dict[str, list[float]] = {name: [] for name in work}
    for count in OTHERS:
        with busy(count):
            for name, run in work.items():
                result[name].append(statistics.median(_seconds(run) for _ in range(repeats)))
    return result


def print_busy(seconds: dict[str, Sequence[float]], ours: str, theirs: str) -> None:
    """Print medians, their ratios to quiet, and how much faster ours is than theirs."""
    print("| seconds beside so many busy processes | 0 | 1 | 2 | 1 : 0 | 2 : 0 |")
    print("|---|---|---|---|---|---|")
    for name, (quiet, one, two) in seconds.items():
        print(
            f"| {name} | {quiet:.3f} | {one:.3f} | {two:.3f} | {one / quiet:.1f} | "
            f"{two / quiet:.1f} |"
        )
    ratios = (b / a for a, b in zip(seconds[ours], seconds[theirs], strict=True))
    print(f"\n{ours} is " + ", ".join(f"{r:.1f}" for r in ratios) + f" times as fast as {theirs}")


def _seconds(run: Work) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _stroke(image: Array, trimap: Array) -> Work:
    """Return the work of a stroke and of taking it back."""
    session = MattingSession.begin(image, trimap)
    y, x = np.random.default_rng(0).choice(np.argwhere(unknown(trimap)))
    stroked = cv2.line(trimap.copy(), (int(x), int(y)), (int(x) + 30, int(y) + 30), 255, 9)

    def run() -> None:
        session.update(stroked)
        session.update(trimap)

    return run


def _network(side: int) -> Work:
    import torch

    from matting_nodes.models import catalog

    network = catalog.model(NETWORK).build().eval()
    planes = torch.rand(1, 4, side, side)

    def run() -> None:
        with torch.inference_mode():
            network(planes)

    return run
