"""`run`: a workflow without ComfyUI, on its own pictures or over folders of them."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from ...errors import FileError, GraphError, printable
from ...graph import Folders, Graph, check, evaluate
from ...graph.batches import Batch, Done, Task, check_all, loaders, plan, run_here
from ...graph.parameters import find_input, with_parameter
from ...graph.registry import current
from ...graph.workers import run_in_processes, run_on_dask
from ...job import Cancelled, Job
from ._commands import Commands
from ._progress import progress_bar

EPILOG = """\
examples:
  matting-nodes run portrait.json --input photos --output results
  matting-nodes run portrait.json --set 4.method.inner=20 --set "Load Picture.image=me.jpg"
  matting-nodes run portrait.json --each photos --output results --workers 4
  matting-nodes run compare.json --each 1.image=alphas --each 2.image=references
"""


def add_command(commands: Commands) -> None:
    """Add `run` to the parser."""
    parser = commands.add_parser(
        "run",
        help="Run a ComfyUI workflow (API format) without ComfyUI.",
        description="Run a workflow in ComfyUI's API format (JSON, or a PNG that it saved), "
        "without ComfyUI and with the same pixels.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("workflow", help="the workflow: Workflow > Export (API) in ComfyUI")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="parameters",
        metavar="NODE.INPUT=VALUE",
        help="change a parameter; NODE is an id or a title (repeatable)",
    )
    for flag, default, text in (
        ("--input", Path(), "where the workflow's pictures are (default: here)"),
        ("--output", Path("output"), "where to save (default: output)"),
    ):
        parser.add_argument(flag, type=Path, default=default, metavar="DIR", help=text)
    parser.add_argument(
        "--each",
        action="append",
        default=[],
        metavar="[NODE.INPUT=]DIR",
        help="run once for each picture of this folder; finished ones are skipped (repeatable: "
        "pictures of the same name belong together)",
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="so many processes for --each"
    )
    parser.add_argument("--dask", metavar="ADDRESS", help="a Dask scheduler for --each")
    parser.add_argument("--dry-run", action="store_true", help="list what would be done")
    parser.add_argument("--force", action="store_true", help="do all again; overwrite")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    graph = current(Graph.read(options.workflow))
    named: set[str] = set()
    for given in options.parameters:
        name, equals, text = given.partition("=")
        if not equals:
            raise GraphError(
                f"--set got {given!r}", "It takes NODE.INPUT=VALUE", "Write the = and a value"
            )
        graph = with_parameter(graph, name, text)
        named |= _as_own_file(graph, name, text, options.input)
    folders = Folders(options.input, options.output, named=frozenset(named), force=options.force)
    if not options.each:
        return _run_once(graph, folders, options)
    tasks = plan(graph, dict(_folder(graph, text) for text in options.each))
    return _run_batch(Batch(folders), tasks, options)


def _as_own_file(graph: Graph, name: str, text: str, folder: Path) -> set[str]:
    """Return the path that a --set gives to a loader, unless the input folder has it."""
    is_loader = find_input(graph, name) in loaders(graph)
    return {text} if is_loader and not (folder / text).exists() and Path(text).exists() else set()


def _folder(graph: Graph, text: str) -> tuple[tuple[str, str], Path]:
    """Return where the pictures of a folder go, and the folder."""
    name, equals, path = text.rpartition("=")
    found = loaders(graph)
    at = find_input(graph, name) if equals else found[0] if len(found) == 1 else None
    if at not in found:
        listed = ", ".join(f"{graph.nodes[node].id}.{name}" for node, name in found) or "none"
        raise GraphError(
            f"--each got {text!r}, and the workflow loads {len(found)} pictures",
            f"They are {listed}",
            "Name the one that is meant: --each NODE.INPUT=DIR",
        )
    if not Path(path).is_dir():
        raise FileError(f"{path} is not a folder", "--each takes one", "Check the path")
    return at, Path(path)


def _run_once(graph: Graph, folders: Folders, options: argparse.Namespace) -> int:
    check(graph, folders)
    if options.dry_run:
        _print_order(graph)
        return 0
    try:
        with progress_bar("run", options.quiet) as job:
            outcomes = evaluate(graph, folders, job)
    except (KeyboardInterrupt, Cancelled):
        print("matting-nodes: cancelled; what was saved before is whole", file=sys.stderr)
        return 130
    for outcome in outcomes:
        for path in outcome.files:
            print(printable(str(path)))
        for text in outcome.texts:
            print(printable(f"{outcome.node.label}:\n{text}"))
    return 0


def _print_order(graph: Graph) -> None:
    for key in graph.order():
        print(graph.nodes[key].label)


def _run_batch(batch: Batch, tasks: list[Task], options: argparse.Namespace) -> int:
    todo = [task for task in tasks if options.force or not batch.is_finished(task)]
    check_all(batch, todo)
    if options.dry_run:
        for task in tasks:
            print(f"{'to do' if task in todo else 'done ':6} {printable(task.name)}")
        print(f"{len(todo)} of {len(tasks)} to do")
        return 0
    counts: Counter[str] = Counter(skipped=len(tasks) - len(todo))
    try:
        with progress_bar(f"{len(todo)} pictures", options.quiet) as job:
            _run_tasks(batch, todo, options, job, counts)
    except (KeyboardInterrupt, Cancelled):
        print(
            f"matting-nodes: cancelled after {counts['done']} of {len(todo)}; "
            "run again to go on from there",
            file=sys.stderr,
        )
        return 130
    print(", ".join(f"{counts[name]} {name}" for name in ("done", "skipped", "failed")))
    return 1 if counts["failed"] else 0


def _run_tasks(
    batch: Batch, todo: list[Task], options: argparse.Namespace, job: Job, counts: Counter[str]
) -> None:
    def finished(done: Done) -> None:
        counts["failed" if done.error else "done"] += 1
        _report(done)
        if advance:
            job.step(counts["done"] + counts["failed"], len(todo), done.task.name)

    advance = bool(options.dask) or options.workers > 1
    if options.dask:
        run_on_dask(batch, todo, finished, options.dask)
    elif options.workers > 1:
        run_in_processes(batch, todo, finished, options.workers)
    else:
        run_here(batch, todo, finished, job)


def _report(done: Done) -> None:
    """Print a task's files and words above the progress bar."""
    from tqdm import tqdm

    for line in (*done.files, *done.texts):
        tqdm.write(printable(str(line)), file=sys.stdout)
    if done.error:
        name = printable(done.task.name)
        tqdm.write(f"matting-nodes: {name}: {done.error}", file=sys.stderr)
