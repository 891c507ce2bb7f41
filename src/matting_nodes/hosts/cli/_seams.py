"""`seams`: whether the borders of blocks can be seen in a result."""

from __future__ import annotations

import argparse

from ...blocks.seams import seams
from ...io.ome_zarr import needs_zarr
from ._commands import Commands

LIMIT = 1.1
"""Steps across borders may be so many times those beside them."""


def add_command(commands: Commands) -> None:
    """Add `seams` to the parser."""
    text = "Measure the steps of a blockwise matte across the borders of its blocks."
    parser = commands.add_parser(
        "seams",
        help=text,
        description=f"{text} They are compared with the steps beside them: the ratio is 1 where "
        "borders cannot be seen.",
        epilog="exit codes: 0 the ratio is within the limit, 1 it is not",
    )
    parser.add_argument("result", metavar="RESULT", help="a matte in a .zarr")
    parser.add_argument(
        "--block", type=int, metavar="N", help="side of the blocks, if the result does not tell it"
    )
    parser.add_argument(
        "--limit", type=float, default=LIMIT, metavar="X", help=f"(default: {LIMIT})"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    needs_zarr()
    found = seams(options.result, options.block)
    print(f"across  {found.across:.6g}\nbeside  {found.beside:.6g}\nratio   {found.ratio:.4g}")
    print(f"pixels  {found.count}")
    return int(found.ratio > options.limit)
