"""Examples made again in other processes: how many have the same bits.

    python benchmarks/reproduce.py [--only portrait microscopy …]

Every workflow of examples/api is run by `matting-nodes run` in two processes of their own, and as
the script that `as_python` writes in a third; every examples/*.py runs in two. Files of the first
two are compared byte by byte, those of the script pixel by pixel, since it writes no workflow into
a PNG. The networks that some ask have made-up weights (tests/checkpoints.py): the published ones
are not ours.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matting_nodes.graph import as_python
from matting_nodes.io.stacks import read_stack

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from checkpoints import with_weights

ROOT = Path(__file__).parent.parent
CLIPS = (".mp4", ".mov", ".webm", ".mkv")


def main() -> int:
    """Print a line for each example, and how many gave the same bits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", help="names of examples")
    options = parser.parse_args()
    paths = [
        *sorted((ROOT / "examples/api").glob("*.json")),
        *sorted((ROOT / "examples").glob("*.py")),
    ]
    paths = [path for path in paths if not options.only or path.stem in options.only]
    same = 0
    with tempfile.TemporaryDirectory() as weights:
        for path in paths:
            begin = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                told = reproduced(path, Path(folder), Path(weights))
            same += not told
            seconds = time.perf_counter() - begin
            print(f"{path.name:28} {told or 'same bits'} ({seconds:.0f} s)", flush=True)
    print(f"{same} of {len(paths)} the same in every process")
    return 0 if same == len(paths) else 1


def reproduced(path: Path, folder: Path, weights: Path) -> str:
    """Return what differed between the processes; empty if nothing did."""
    for name in ("first", "second", "third"):
        (folder / name).mkdir()
    if path.suffix == ".py":
        for name in ("first", "second"):
            process([str(path)], folder / name)
        return different(folder / "first", folder / "second", exact=True)
    graph = with_weights(path.stem, weights)
    workflow, script = folder / "workflow.json", folder / "script.py"
    workflow.write_text(json.dumps(graph.to_json()), encoding="utf-8")
    script.write_text(as_python(graph), encoding="utf-8")
    for name in ("first", "second"):
        run = ["-m", "matting_nodes", "run", str(workflow), "--input", str(folder)]
        process([*run, "--output", name, "--quiet"], folder)
    told = different(folder / "first", folder / "second", exact=True)
    if told:
        return told
    process([str(script), str(folder), str(folder / "third")], folder)
    return different(folder / "first", folder / "third", exact=False)


def process(code: Sequence[str], folder: Path) -> None:
    """Run Python on something, in a process of its own."""
    command = [sys.executable, *code]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def different(one: Path, other: Path, exact: bool) -> str:
    """Return which file of two folders differs, and how; empty if none does."""
    files, others = (
        sorted(path.relative_to(each) for path in each.rglob("*.*")) for each in (one, other)
    )
    if not files or files != others:
        return f"{other.name} has {', '.join(map(str, others)) or 'no file'}"
    for file in files:
        same = (one / file).read_bytes() == (other / file).read_bytes()
        if not same and not exact and file.suffix not in CLIPS:
            frames = zip(read_stack(one / file), read_stack(other / file), strict=True)
            same = all(np.array_equal(a, b) for a, b in frames)
        if not same:
            return f"{file} differs in the {other.name} process"
    return ""


if __name__ == "__main__":
    sys.exit(main())
