"""`evaluate`: methods of Alpha Matte over a data set, as tables, CSV and a report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ...errors import printable
from ...evaluation import WorstCases, as_csv, as_html, as_text, evaluate
from ...io import images
from ._commands import Commands
from ._data import add_layout, found
from ._progress import progress_bar

EPILOG = """\
examples:
  matting-nodes evaluate --data alphamatting --layout alphamatting --method closed_form
  matting-nodes evaluate --data test --method gca --method gca:weights=portraits \\
    --csv errors.csv --report worst.html

METHOD is a method of `matting-nodes matte`, its parameters after a colon: NAME:PARAMETER=VALUE,…
"""


def add_command(commands: Commands) -> None:
    """Add `evaluate` to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="Measure methods of Alpha Matte over a data set.",
        description="Measure methods of Alpha Matte over a data set, as Compare measures: SAD, "
        "MSE, MAD, Grad and Conn, in the unknown region and in the whole picture.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_layout(parser, "--data")
    parser.add_argument("--method", action="append", metavar="METHOD", help="(repeatable)")
    parser.add_argument("--first", type=int, metavar="N", help="only so many samples")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write every number")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write tables and pictures")
    parser.add_argument(
        "--worst", type=int, default=5, metavar="N", help="so many pictures a method (default: 5)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    for path in filter(None, (options.csv, options.report)):
        images.check_target(path, options.force)
    samples = found(options).samples[: options.first]
    methods, worst = options.method or ["sampled_propagation"], WorstCases(options.worst)
    with progress_bar("evaluate", options.quiet) as job:
        result = evaluate(samples, methods, device=options.device, job=job, seen=worst)
    for problem in result.problems:
        print(printable(f"matting-nodes: left out: {problem}"), file=sys.stderr)
    if not result.rows:
        return 1
    print(printable(as_text(result.rows)))
    if options.csv:
        images.write_whole(options.csv, as_csv(result.rows).encode())
    if options.report:
        page = as_html(result.rows, result.problems, worst)
        images.write_whole(options.report, page.encode())
    return 1 if result.problems else 0
