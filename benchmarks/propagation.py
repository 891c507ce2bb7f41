"""Alpha Matte's methods beside PyMatting's: errors and times, then time and memory against size.

python benchmarks/propagation.py table FOLDER [--methods …] [--images GT01 …]
python benchmarks/propagation.py sizes IMAGE TRIMAP [--megapixels 0.5 1 2 4 16 64] [--plot FILE]
python benchmarks/propagation.py strokes IMAGE TRIMAP [--alpha FILE] [--megapixels 4]
python benchmarks/propagation.py validate FOLDER PHOTOGRAPHS [--settings]
python benchmarks/propagation.py busy IMAGE TRIMAP [--megapixels 0.45] [--repeats 3]

FOLDER is laid out as `input/ trimap*/ gt/`, with files of the same names, as the training images of
alphamatting.com are. Errors are means over the images, measured in the unknown region. A name that
begins with "pymatting:" is PyMatting's own estimator; times are the least of several runs, and
their ratios are to PyMatting's closed form in the same run. For sizes, every cell is a process of
its own; its memory is the peak of the first run beyond what it held before, its time that of the
second. Strokes are 60 pixels long, of random places, directions, widths and labels; what a session
makes of them is compared to solving afresh, within 200 pixels of the stroke, and once it has
settled everywhere. With an alpha, strokes say what it says: foreground or background where it is
all of that under the stroke, otherwise unknown. Validation measures on composites (`composites.py`)
of the folder's objects and of photographs that share neither with those that settings are chosen
on; with --settings it halves and doubles the settings of sampled propagation, one by one, on the
latter. Busy measures everything of ours that runs on several threads on a quiet machine, and beside
one and two processes that keep a core busy each: medians after warm-up, in one process.
"""

from __future__ import annotations

import argparse
import contextlib
import io as streams
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from busy import medians, print_busy, works
from composites import Composite, composites
from numpy.typing import NDArray

from matting_nodes import MattingSession, alpha_matte, compare
from matting_nodes.arrays import Kind, as_alpha, as_image, as_trimap, unknown
from matting_nodes.io import images
from matting_nodes.solvers.boxes import bounds
from matting_nodes.training import DataFolders, find_samples

COLUMNS = ("SAD", "MSE", "Grad", "Conn")
REFERENCE = "pymatting:cf"
LARGE = 4.0
"""Megapixels up to which all methods are measured; beyond, the first one alone."""
METHODS = ("sampled_propagation", "closed_form", REFERENCE, "pymatting:sm")
Array = NDArray[np.generic]


def main() -> None:
    """Print what was asked for as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    table = commands.add_parser("table")
    table.add_argument("folder", type=Path)
    table.add_argument("--methods", nargs="*", default=METHODS)
    table.add_argument("--images", nargs="*")
    table.add_argument("--repeats", type=int, default=3)
    sizes = commands.add_parser("sizes")
    sizes.add_argument("image", type=Path)
    sizes.add_argument("trimap", type=Path)
    sizes.add_argument("--methods", nargs="*", default=METHODS[:3])
    sizes.add_argument("--megapixels", nargs="*", type=float, default=[0.5, 1, 2, 4, 16, 64])
    sizes.add_argument("--plot", type=Path)
    strokes = commands.add_parser("strokes")
    strokes.add_argument("image", type=Path)
    strokes.add_argument("trimap", type=Path)
    strokes.add_argument("--alpha", type=Path)
    strokes.add_argument("--megapixels", type=float, default=4)
    strokes.add_argument("--strokes", type=int, default=100)
    strokes.add_argument("--every", type=int, default=10, help="compare after so many")
    validate = commands.add_parser("validate")
    validate.add_argument("folder", type=Path)
    validate.add_argument("photographs", type=Path, help="a folder of .jpg files")
    validate.add_argument(
        "--methods", nargs="*", default=(METHODS[0], *METHODS[2:], "pymatting:lbdm")
    )
    validate.add_argument("--settings", action="store_true")
    busy = commands.add_parser("busy")
    busy.add_argument("image")
    busy.add_argument("trimap")
    busy.add_argument("--megapixels", type=float, default=0.45)
    busy.add_argument("--repeats", type=int, default=3)
    cell = commands.add_parser("cell")
    for name in ("image", "trimap", "method", "megapixels"):
        cell.add_argument(name)
    options = parser.parse_args()
    commands_by_name = {
        "table": print_table,
        "sizes": print_sizes,
        "strokes": print_strokes,
        "validate": print_validation,
        "busy": print_beside,
        "cell": print_cell,
    }
    commands_by_name[options.command](options)


def estimator(method: str) -> Callable[[Array, Array], Array]:
    """Return the function of an image and a trimap that has this name."""
    if not method.startswith("pymatting:"):
        return lambda image, trimap: alpha_matte(image, trimap, method=method)
    import pymatting

    function = getattr(pymatting, f"estimate_alpha_{method.partition(':')[2]}")

    def estimate(image: Array, trimap: Array) -> Array:
        values = np.where(unknown(trimap), 0.5, trimap / 255)
        with contextlib.redirect_stdout(streams.StringIO()):
            alpha: Array = function(image.astype(np.float64), values).astype(np.float32)
        return alpha

    return estimate


def warm_up(estimate: Callable[[Array, Array], Array]) -> None:
    """Let what compiles on first use do so."""
    image = np.random.default_rng(0).random((60, 60, 3)).astype(np.float32)
    trimap = np.full((60, 60), 128, np.uint8)
    trimap[:, :20], trimap[:, 40:] = 0, 255
    estimate(image, trimap)


def print_table(options: argparse.Namespace) -> None:
    """Print errors, seconds and ratios of every method on every set of trimaps."""
    estimators = {method: estimator(method) for method in options.methods}
    for estimate in estimators.values():
        warm_up(estimate)
    for trimaps in sorted(path.name for path in options.folder.glob("trimap*")):
        found = find_samples(options.folder, "alphamatting", DataFolders(trimaps=trimaps)).samples
        chosen = [s for s in found if not options.images or s.name in options.images]
        rows: dict[str, list[list[float]]] = {method: [] for method in estimators}
        for sample in chosen:
            image, trimap = sample.read_image(), sample.read_trimap()
            for method, estimate in estimators.items():
                alpha, seconds = timed(estimate, image, trimap, options.repeats)
                errors = compare(alpha, sample.read_alpha(), trimap=trimap).table
                rows[method].append([*(errors[column] for column in COLUMNS), seconds])
        print(f"\n{trimaps}, means over {len(chosen)} images\n")
        print("| method | " + " | ".join(COLUMNS) + " | seconds | times as fast |")
        print("|---|" + "---|" * (len(COLUMNS) + 2))
        means = {method: np.mean(values, axis=0) for method, values in rows.items()}
        for method, (sad, mse, grad, conn, seconds) in means.items():
            ratio = f"{means[REFERENCE][4] / seconds:.1f}" if REFERENCE in means else ""
            errors_shown = f"{sad:.2f} | {mse:.4f} | {grad:.2f} | {conn:.2f}"
            print(f"| {method} | {errors_shown} | {seconds:.2f} | {ratio} |", flush=True)


def timed(
    estimate: Callable[[Array, Array], Array], image: Array, trimap: Array, repeats: int
) -> tuple[Array, float]:
    """Return the alpha and the least seconds of several runs."""
    least = np.inf
    for _ in range(repeats):
        began = time.perf_counter()
        alpha = estimate(image, trimap)
        least = min(least, time.perf_counter() - began)
    return alpha, least


def print_sizes(options: argparse.Namespace) -> None:
    """Print and draw seconds and peak memory of every method at every size."""
    curves: dict[str, list[dict[str, float]]] = {method: [] for method in options.methods}
    print("| megapixels | unknown | method | seconds | MB |\n|---|---|---|---|---|")
    for megapixels in options.megapixels:
        for method in options.methods if megapixels <= LARGE else options.methods[:1]:
            arguments = [options.image, options.trimap, method, megapixels]
            command = [sys.executable, __file__, "cell", *map(str, arguments)]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if run.returncode:
                print(f"| {megapixels:g} | | {method} | failed | |", flush=True)
                continue
            cell = json.loads(run.stdout.splitlines()[-1])
            curves[method].append(cell)
            print(
                f"| {cell['megapixels']:.2f} | {cell['unknown']} | {method} | "
                f"{cell['seconds']:.2f} | {cell['megabytes']:.0f} |",
                flush=True,
            )
    if options.plot:
        draw(curves, options.plot)


def print_cell(options: argparse.Namespace) -> None:
    """Solve the picture at one size and print what it took as JSON."""
    image, trimap = enlarged(options.image, options.trimap, float(options.megapixels))
    estimate = estimator(options.method)
    warm_up(estimate)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    estimate(image, trimap)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Once more: only now all that large pictures need is compiled, or read from where it is kept.
    _, seconds = timed(estimate, image, trimap, 1)
    cell = {"megapixels": trimap.size / 1e6, "unknown": int(unknown(trimap).sum())}
    print(json.dumps(cell | {"seconds": seconds, "megabytes": (after - before) / 1024}))


def enlarged(image_file: str, trimap_file: str, megapixels: float) -> tuple[Array, Array]:
    """Return a picture and its trimap at a size."""
    import cv2

    image = as_image(images.read(Path(image_file), Kind.IMAGE))
    trimap = as_trimap(images.read(Path(trimap_file), Kind.TRIMAP))
    factor = (megapixels * 1e6 / trimap.size) ** 0.5
    size = (round(trimap.shape[1] * factor), round(trimap.shape[0] * factor))
    image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    trimap = cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)
    return image.reshape(*trimap.shape, -1), trimap


def print_strokes(options: argparse.Namespace) -> None:
    """Print what an update costs, of a full solve, and how far it is from solving afresh."""
    image, trimap = enlarged(options.image, options.trimap, options.megapixels)
    truth = options.alpha and resized(
        as_alpha(images.read(options.alpha, Kind.ALPHA)), trimap.shape
    )
    session = MattingSession.begin(image, trimap)
    session.update(stroke(trimap, np.random.default_rng(1), truth)[0], settle=False)
    session.settle()
    session = MattingSession.begin(image, trimap)
    fulls, updates, settles, errors, drifts = [], [], [], [], []
    everywhere = np.ones(trimap.shape, bool)

    def afresh() -> MattingSession:
        began = time.perf_counter()
        result = MattingSession.begin(image, trimap)
        fulls.append(time.perf_counter() - began)
        return result

    random = np.random.default_rng(0)
    for number in range(1, options.strokes + 1):
        trimap, drawn = stroke(trimap, random, truth)
        region = bounds(drawn)
        began = time.perf_counter()
        session.update(trimap, region, settle=False)
        updates.append(time.perf_counter() - began)
        # Between the strokes, so that a machine that others share slows down both alike.
        if number % options.every == 0:
            fresh = afresh()
            errors.append(deviation(session, fresh, trimap, drawn))
            began = time.perf_counter()
            session.settle()
            settles.append(time.perf_counter() - began)
            drifts.append(deviation(session, fresh, trimap, everywhere))
    full, share = np.median(fulls), np.quantile(updates, [0.5, 0.95]) / np.median(fulls)
    mean, most = np.max(errors, axis=0)
    drift = np.max(drifts, axis=0)
    print(f"{trimap.size / 1e6:.1f} MP, {unknown(trimap).sum()} unknown, full solve {full:.2f} s")
    print(f"update: median {share[0]:.1%} of it, 95th percentile {share[1]:.1%}")
    print(f"settling: median {np.median(settles) / full:.1%} of it, most {max(settles) / full:.1%}")
    print(f"before it, within 200 px of a stroke: mean at most {mean:.5f}, largest {most:.4f}")
    print(f"after it, everywhere: mean at most {drift[0]:.5f}, largest {drift[1]:.4f}")


def resized(alpha: Array, shape: tuple[int, ...]) -> Array:
    """Return an alpha at another size."""
    import cv2

    result: Array = cv2.resize(alpha, (shape[1], shape[0]))
    return result


def stroke(
    trimap: Array, random: np.random.Generator, truth: Array | None = None
) -> tuple[Array, Array]:
    """Return a trimap with one more stroke of 60 pixels, and where that is."""
    import cv2

    y, x = random.choice(np.argwhere(unknown(trimap)))
    angle = random.uniform(0, 2 * np.pi)
    end = int(x + 60 * np.cos(angle)), int(y + 60 * np.sin(angle))
    drawn = cv2.line(np.zeros_like(trimap), (int(x), int(y)), end, 1, int(random.integers(5, 25)))
    label = random.choice([0, 128, 255])
    if truth is not None:
        under = truth[drawn > 0]
        label = 255 if under.min() > 0.95 else 0 if under.max() < 0.05 else 128
    return np.where(drawn > 0, label, trimap).astype(np.uint8), drawn > 0


def deviation(
    session: MattingSession, fresh: MattingSession, trimap: Array, drawn: Array
) -> tuple[float, float]:
    """Return the mean and the largest difference on unknown pixels near a stroke."""
    import cv2

    away = cv2.distanceTransform(1 - drawn.astype(np.uint8), cv2.DIST_L2, 5)
    difference = abs(session.alpha - fresh.alpha)[(away < 200) & unknown(trimap)]
    return float(difference.mean()), float(difference.max())


def print_validation(options: argparse.Namespace) -> None:
    """Print errors of every method on the pictures to report, or of settings on those to choose."""
    part = "choose" if options.settings else "report"
    pictures = list(composites(options.folder, options.photographs, part))
    if options.settings:
        print_settings(pictures)
        return
    errors = {
        method: np.array([errors_of(estimator(method), picture) for picture in pictures])
        for method in options.methods
    }
    ours, *others = options.methods
    print("| method | " + " | ".join(COLUMNS) + " |\n|---|" + "---|" * len(COLUMNS))
    for method, found in errors.items():
        print(f"| {method} | {row(found)} |")
    best = np.min([errors[other].mean(axis=0) for other in others], axis=0)
    ratios = errors[ours].mean(axis=0) / best
    print("| to the best of the others | " + " | ".join(f"{r:.2f}" for r in ratios) + " |\n")
    print("| trimaps | to the best of the others: " + " | ".join(COLUMNS) + " |")
    print("|---|" + "---|" * len(COLUMNS))
    kinds = np.array([picture.kind for picture in pictures])
    for kind in dict.fromkeys(kinds):
        some = {method: found[kinds == kind].mean(axis=0) for method, found in errors.items()}
        ratios = some[ours] / np.min([some[other] for other in others], axis=0)
        print(f"| {kind} | " + " | ".join(f"{r:.2f}" for r in ratios) + " |")
    print()
    worst = errors[ours] / np.min([errors[other] for other in others], axis=0)
    for column, ratio, most in zip(COLUMNS[:2], worst.T, (1.15, 1.3), strict=False):
        far = np.argsort(-ratio)[:5]
        shown = ", ".join(f"{pictures[i].name} ({pictures[i].kind}) {ratio[i]:.2f}" for i in far)
        print(
            f"{column}: {(ratio > most).sum()} of {len(ratio)} above {most} times the best: {shown}"
        )


def print_beside(options: argparse.Namespace) -> None:
    """Print seconds alone and beside busy processes."""
    image, trimap = enlarged(options.image, options.trimap, options.megapixels)
    seconds = medians(works(image, trimap, estimator(REFERENCE)), options.repeats)
    print_busy(seconds, METHODS[0], "PyMatting's closed form")


def print_settings(pictures: list[Composite]) -> None:
    """Print errors with the settings as they are, and with each one halved and doubled."""
    from matting_nodes.alpha.propagation import color_links, color_samples, data_term

    ours = estimator(METHODS[0])
    print("| setting | " + " | ".join(COLUMNS) + " |\n|---|" + "---|" * len(COLUMNS))

    def show(setting: str) -> None:
        found = np.array([errors_of(ours, picture) for picture in pictures])
        print(f"| {setting} | {row(found)} |", flush=True)

    show("as they are")
    here = {
        color_links: ("LINK_WEIGHT",),
        color_samples: ("EXPANSION_REACH", "PAIR_REACH", "PROXIMITY_RADIUS", "SPATIAL_WEIGHT"),
        data_term: ("EXPANDED_WEIGHT", "PAIR_WEIGHT", "BASE_WEIGHT"),
    }
    for module, names in here.items():
        for name in names:
            value = getattr(module, name)
            for factor in (0.5, 2):
                setattr(module, name, value * factor)
                show(f"{name} × {factor}")
            setattr(module, name, value)


def errors_of(estimate: Callable[[Array, Array], Array], picture: Composite) -> list[float]:
    """Return the errors of one picture's matte."""
    alpha = estimate(picture.image, picture.trimap)
    table = compare(alpha, picture.alpha, trimap=picture.trimap).table
    return [table[column] for column in COLUMNS]


def row(errors: Array) -> str:
    """Return the means of SAD, MSE, Grad and Conn, as cells of a table."""
    sad, mse, grad, conn = errors.mean(axis=0)
    return f"{sad:.2f} | {mse:.4f} | {grad:.2f} | {conn:.2f}"


def draw(curves: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Draw seconds and memory against megapixels, on logarithmic scales."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, quantity in zip(figure.subplots(1, 2), ("seconds", "megabytes"), strict=True):
        for method, cells in curves.items():
            axes.loglog(
                [cell["megapixels"] for cell in cells],
                [cell[quantity] for cell in cells],
                marker="o",
                label=method,
            )
        axes.set(xlabel="megapixels", ylabel=quantity)
        axes.grid(which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
