"""How long napari takes from a stroke's end to the matte that follows it, in a real window.

xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/live.py strokes [--busy 0 1 2]
xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/live.py graph
xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/live.py threads

"strokes" paints on the trimap of the lemur at each size, as a mouse does: dabs along a line, one
undo step. Solved counts until the data of the matte's layer holds all of the stroke, drawn until
the window's events are through as well, settled until it is up to date far from the stroke too;
with --busy, beside so many processes that keep a core busy each.
"graph" edits a parameter in the dock Matting graph, with "auto" on, and waits for the last
thumbnail: until it is there, and until the window has drawn it.
"threads" runs the same work in the window's own thread, in napari's
worker with and without its busy bar, and in a plain thread, in turn: the ratios say what working
off the UI thread costs.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import napari
import numpy as np
import torch
from busy import busy
from napari.qt.threading import create_worker
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from matting_nodes import alpha_matte, sample_data
from matting_nodes.arrays import unknown
from matting_nodes.graph import Link
from matting_nodes.hosts.napari._trimap import trimap_options, trimap_to_labels
from matting_nodes.models import catalog

DABS = 8
BRUSH = 16


def main() -> None:
    """Print what was asked for as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    strokes = commands.add_parser("strokes")
    strokes.add_argument("--megapixels", nargs="*", type=float, default=[1, 4])
    strokes.add_argument("--strokes", type=int, default=100)
    strokes.add_argument("--busy", nargs="*", type=int, default=[0])
    graph = commands.add_parser("graph")
    graph.add_argument("--megapixels", nargs="*", type=float, default=[1])
    graph.add_argument("--edits", type=int, default=30)
    threads = commands.add_parser("threads")
    threads.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    prints = {"strokes": print_strokes, "graph": print_graph, "threads": print_threads}
    prints[options.command](options)


def wait_for(condition: Callable[[], bool], seconds: float = 300) -> None:
    """Let the window live as it does for a user until something is so."""
    until, loop, timer = time.perf_counter() + seconds, QEventLoop(), QTimer()

    def look() -> None:
        if condition() or time.perf_counter() > until:
            loop.quit()

    # To look without a pause would take the time of the thread that is waited for.
    timer.timeout.connect(look)
    timer.start(5)
    loop.exec()
    timer.stop()
    if not condition():
        raise TimeoutError(f"Not done within {seconds} seconds")


def print_strokes(options: argparse.Namespace) -> None:
    """Print the median and the 95th percentile over many strokes, in milliseconds."""
    print(
        "| megapixels | busy | unknown | strokes | solved, median | 95 % | drawn, median | 95 % "
        "| settled, median | 95 % |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for megapixels in options.megapixels:
        window = Window(megapixels)
        for label in (1, 2):
            window.stroke(label)  # what compiles on first use does so
        share, size = f"{window.unknown_share:.0%}", window.trimap.data.size / 1e6
        for others in options.busy:
            with busy(others):
                times = np.array([window.stroke(1 + n % 2) for n in range(options.strokes)]) * 1000
            solved, drawn, settled = (
                f"{np.median(column):.0f} | {np.percentile(column, 95):.0f}" for column in times.T
            )
            print(
                f"| {size:.2f} | {others} | {share} | {len(times)} | {solved} | {drawn} "
                f"| {settled} |",
                flush=True,
            )
        window.viewer.close()


class Window:
    """The lemur in napari at some size, with a matte that follows its trimap."""

    def __init__(self, megapixels: float) -> None:
        image, trimap = scaled(megapixels)
        self.random = np.random.default_rng(1)
        self.unknown_share = unknown(trimap).mean()
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1500, 900)
        self.viewer.add_image(image, name="lemur", rgb=True)
        self.trimap = self.viewer.add_labels(
            trimap_to_labels(trimap), name="trimap", **trimap_options()
        )
        self.trimap.brush_size = BRUSH
        _, self.widget = self.viewer.window.add_plugin_dock_widget("matting-nodes", "Alpha Matte")
        self.widget.live.switch.value = True
        wait_for(lambda: "lemur alpha" in self.viewer.layers and not self.widget.running)

    def stroke(self, label: int) -> tuple[float, float, float]:
        """Paint a stroke over unknown pixels; return the seconds from its end."""
        layer, matte = self.trimap, self.viewer.layers["lemur alpha"]
        places = np.argwhere(layer.data[40:-40, 40:-40] == 0) + 40
        start, step = places[self.random.integers(len(places))], self.random.integers(-3, 4, 2)
        before, solved = layer.data.copy(), list[float]()

        def look(_event: object) -> None:
            # A run that began at the first dabs shows a part of the stroke.
            if ended and (matte.data[painted] == label - 1).all():
                solved.append(time.perf_counter())

        ended = 0.0
        # An event like the one that other widgets follow.
        listen = matte.events.data.connect(look)
        with layer.block_history():
            for dab in range(DABS):
                layer.paint(tuple(start + dab * step), label)
                QApplication.processEvents()
        painted = layer.data != before
        ended = time.perf_counter()
        look(None)
        wait_for(lambda: bool(solved))
        QApplication.processEvents()
        drawn = time.perf_counter()
        wait_for(lambda: not self.widget.running)
        matte.events.data.disconnect(listen)
        return solved[0] - ended, drawn - ended, time.perf_counter() - ended


# What is edited, over which values, in which chain on a picture and its mask: {title: (node,
# parameter, values)}.
EDITS = {
    "Make Trimap, inner": ("trimap", "method.inner", range(4, 24)),
    "Grow Mask, expand, 3 steps from the end": ("grow", "expand", range(2, 22)),
}


def print_graph(options: argparse.Namespace) -> None:
    """Print the median and the 95th percentile over many edits, in milliseconds."""
    print("| megapixels | edit | edits | thumbnail, median | 95 % | drawn, median | 95 % |")
    print("|---|---|---|---|---|---|---|")
    for megapixels in options.megapixels:
        dock = Dock(megapixels)
        for title, (node, name, values) in EDITS.items():
            dock.edit(node, name, values[-1])
            given = [values[n % (len(values) - 1)] for n in range(options.edits)]
            times = np.array([dock.edit(node, name, value) for value in given]) * 1000
            thumbnail, drawn = (
                f"{np.median(column):.0f} | {np.percentile(column, 95):.0f}" for column in times.T
            )
            size = f"{dock.mask.size / 1e6:.2f}"
            print(f"| {size} | {title} | {len(times)} | {thumbnail} | {drawn} |", flush=True)
        dock.viewer.close()


class Dock:
    """The lemur and its mask in napari, wired to a trimap and a composite in the graph dock."""

    def __init__(self, megapixels: float) -> None:
        image, trimap = scaled(megapixels)
        self.mask = (trimap == 255).astype(np.uint8)
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1500, 900)
        self.viewer.add_image(image, name="lemur", rgb=True)
        self.viewer.add_labels(self.mask, name="mask")
        _, self.widget = self.viewer.window.add_plugin_dock_widget("matting-nodes", "Matting graph")
        document = self.widget.document
        photo, mask = (
            document.add("MattingNodesLoadPicture", inputs={"image": f"{name} [layer]"})
            for name in ("lemur", "mask")
        )
        grow = document.add("GrowMask", inputs={"mask": Link(mask, 1)})
        inverse = document.add("InvertMask", inputs={"mask": Link(grow)})
        over = {"image": Link(photo), "alpha": Link(inverse)}
        composite = document.add("MattingNodesComposite", inputs=over)
        made = document.add("MattingNodesMakeTrimap", inputs={"mask": Link(mask, 1)})
        self.nodes = {"grow": (grow, composite), "trimap": (made, made)}
        document.lay_out(self.widget.canvas.sizes)
        self.widget.canvas.fit()
        self.widget.auto.setChecked(True)
        items = self.widget.canvas.nodes
        wait_for(lambda: all(item.told.thumbnail is not None for item in items.values()))

    def edit(self, name: str, parameter: str, value: float) -> tuple[float, float]:
        """Change a field of the form; return the seconds until the last thumbnail shows it."""
        wait_for(lambda: not self.widget.runs.running)
        node, last = self.nodes[name]
        self.widget.canvas.select([node])
        QApplication.processEvents()
        item = self.widget.canvas.nodes[last]
        before, began = item.told.thumbnail, time.perf_counter()
        self.widget.form.fields[parameter].value = value
        wait_for(lambda: item.told.thumbnail is not before)
        shown = time.perf_counter()
        QApplication.processEvents()
        return shown - began, time.perf_counter() - began


def scaled(megapixels: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the lemur and its trimap with so many pixels."""
    image, trimap = sample_data.lemur(), sample_data.lemur_trimap()
    factor = (megapixels * 1e6 / trimap.size) ** 0.5
    size = round(trimap.shape[1] * factor), round(trimap.shape[0] * factor)
    image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    return image, cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)


@dataclass
class Threads:
    """The threads that work could be done in; each returns the seconds that it took there."""

    work: Callable[[], Any]

    def here(self) -> float:
        """Work in the window's own thread, which stands still meanwhile."""
        began = time.perf_counter()
        self.work()
        return time.perf_counter() - began

    def worker(self) -> float:
        """Work in napari's worker, as the widgets do."""
        return self._in_worker()

    def busy(self) -> float:
        """Work in napari's worker, with napari's own busy bar."""
        return self._in_worker(_progress={"desc": "work"})

    def _in_worker(self, **options: Any) -> float:
        seconds: list[float] = []
        job = create_worker(lambda: seconds.append(self.here()), _start_thread=False, **options)
        job.start()
        wait_for(lambda: bool(seconds))
        return seconds[0]

    def plain(self) -> float:
        """Work in a thread of Python's own."""
        seconds: list[float] = []
        threading.Thread(target=lambda: seconds.append(self.here())).start()
        wait_for(lambda: bool(seconds))
        return seconds[0]


def print_threads(options: argparse.Namespace) -> None:
    """Print the median seconds of the same work in each thread."""
    image, trimap = sample_data.lemur(), sample_data.lemur_trimap()
    network = catalog.model("indexnet").build().eval()
    planes = torch.rand(1, 4, 256, 256)

    def infer() -> None:
        with torch.inference_mode():
            network(planes)

    works = {
        "Numba: sampled propagation, 0.3 MP": lambda: alpha_matte(image, trimap),
        "Numba: closed form, 0.3 MP": lambda: alpha_matte(image, trimap, method="closed_form"),
        "torch: IndexNet, 256 × 256": infer,
    }
    viewer = napari.Viewer()
    viewer.add_image(image, rgb=True)
    print("| work | UI thread | worker | worker with bar | plain thread | worker : UI | bar : UI |")
    print("|---|---|---|---|---|---|---|")
    for name, work in works.items():
        threads = Threads(work)
        places = (threads.here, threads.worker, threads.busy, threads.plain)
        for place in places:
            place()
        rows = [[place() for place in places] for _ in range(options.repeats)]
        here, worker, busy, plain = (
            statistics.median(seconds) for seconds in zip(*rows, strict=True)
        )
        shown = " | ".join(f"{seconds:.3f}" for seconds in (here, worker, busy, plain))
        print(f"| {name} | {shown} | {worker / here:.2f} | {busy / here:.2f} |", flush=True)
    viewer.close()


if __name__ == "__main__":
    main()
