"""The doctor: what is installed, what it runs on, and what does not fit together."""

from __future__ import annotations

import argparse
import importlib
import platform
import sys
from collections.abc import Iterator
from importlib import metadata

from ...models import available_devices, costs, model_folder
from ...models.catalog import FOR_VIDEO, MODELS, model
from ...solvers.parallel import core_count, thread_count
from ...version import __version__
from ._commands import Commands
from ._progress import progress_bar

REQUIRED = (
    "torch",
    "torchvision",
    "numpy",
    "opencv-python",
    "numba",
    "scikit-image",
    "filelock",
    "safetensors",
)
OPTIONAL = (
    "pymatting",
    "transformers",
    "onnx",
    "onnxruntime",
    "napari",
    "magicgui",
    "av",
    "distributed",
    "lightning",
    "tensorboard",
)
# All of these write to one folder, cv2: the last one installed wins.
CV2_WHEELS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)


def add_command(commands: Commands) -> None:
    """Add `doctor` to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="Show versions, devices and the model folder, and what does not fit together.",
        description="Show what is installed and what does not fit. Exit code 1 if something "
        "does not work.",
    )
    parser.add_argument(
        "--networks",
        nargs="*",
        metavar="MODEL",
        help="measure what these networks cost on this machine, without their weights, and show "
        "it where a method is chosen; all of them if none is named, which takes minutes",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.networks is not None:
        return _measure([model(name).name for name in options.networks] or [*MODELS, *FOR_VIDEO])
    print(f"{'matting-nodes':16}{__version__}")
    print(f"{'python':16}{platform.python_version()} at {sys.executable}")
    for package in (*REQUIRED, *OPTIONAL):
        print(f"{package:16}{_version(package) or 'not installed'}")
    problems = list(find_problems())
    devices = "unknown" if any("torch" in p for p in problems) else ", ".join(available_devices())
    print(f"{'devices':16}{devices}")
    print(f"{'threads':16}{_threads()}")
    print(f"{'model folder':16}{model_folder()}")
    _print_costs()
    for problem in problems:
        print(f"PROBLEM: {problem}", file=sys.stderr)
    print("no problems found" if not problems else f"{len(problems)} problem(s)")
    return 1 if problems else 0


def _threads() -> str:
    """Return how many threads compute in this process, and whose they are."""
    ours = f"{thread_count()} of {core_count()} cores, our own threads, asleep while idle"
    return f"{ours} (OMP_NUM_THREADS or NUMBA_NUM_THREADS limits them); networks: torch's own"


def _measure(names: list[str]) -> int:
    """Measure networks one by one; what was measured stays if the user cancels."""
    failed = 0
    for name in names:
        try:
            with progress_bar(name) as job:
                print(_line(name, costs.measure(name, job=job)), flush=True)
        except ImportError as error:
            print(f'{name:30}{error}: pip install "matting-nodes[networks]"', file=sys.stderr)
            failed += 1
    return 1 if failed else 0


def _print_costs() -> None:
    known = costs.known()
    if not known:
        print(f"{'networks':16}cost unknown: run `matting-nodes doctor --networks`")
    for device, measured in known.items():
        print(f"networks on {device}:")
        for name, cost in measured.items():
            print(f"  {_line(name, cost)}")


def _line(name: str, cost: costs.Cost) -> str:
    memory = "" if cost.gibibytes is None else f", {cost.gibibytes:.1f} GiB"
    return f"{name:30}{cost.seconds:.2f} s{memory} {costs.unit(model(name))}"


def find_problems() -> Iterator[str]:
    """Yield what does not work, and how to mend it."""
    for package in REQUIRED:
        if not _version(package) and package != "opencv-python":
            yield f"{package} is not installed: pip install {package}"
    wheels = [wheel for wheel in CV2_WHEELS if _version(wheel)]
    if len(wheels) > 1:
        yield (
            f"{' and '.join(wheels)} share one folder and overwrite each other: "
            f"pip uninstall -y {' '.join(wheels)}, then pip install opencv-python"
        )
    if not wheels:
        yield "opencv-python is not installed: pip install opencv-python"
    for module in ("cv2", "torch", "torchvision"):
        yield from _import_problem(module)


def _import_problem(module: str) -> Iterator[str]:
    package = "opencv-python" if module == "cv2" else module
    if not _version(package):
        return
    try:
        importlib.import_module(module)
    # A torchvision built for another torch fails in many ways when it is imported.
    except Exception as error:
        yield f"{module} {_version(package)} cannot be imported: {error}. {_remedy(module)}"


def _remedy(module: str) -> str:
    if module == "cv2":
        return "On Debian: apt-get install libgl1 libglib2.0-0"
    return (
        f"torch is {_version('torch')} and torchvision {_version('torchvision')}: install a pair "
        "that belongs together: pip install --upgrade torch torchvision"
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
