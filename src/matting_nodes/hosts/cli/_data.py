"""`data`: looking through data sets, and preparing them for training."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ...errors import MattingError, printable
from ...job import Cancelled
from ...training.layouts import LAYOUTS, DataFolders, Found, find_samples, pictures_in
from ...training.preparation import Preparation, prepare
from ._commands import Commands
from ._progress import progress_bar

EPILOG = """\
layouts:
  folders        pictures and alphas of equal names in img/ and alpha/ (or image, input, gt …),
                 perhaps trimap/ and fg/; index.txt may say which count
  alphamatting   input/ trimap*/ gt/, as of alphamatting.com
  composition1k  fg/ alpha/ bg/ and perhaps trimaps/: composited when they are read
  aifenge        clip_img/…/clip_…/ and matting/…/matting_…/, cut-outs with transparency
"""


def add_command(commands: Commands) -> None:
    """Add `data` and its commands to the parser."""
    text = "Look through data sets, and prepare them for training."
    parser = commands.add_parser("data", help=text, description=text)
    actions = parser.add_subparsers(metavar="action", required=True)
    check = _action(actions, "check", "Read every file, and tell what cannot be used.")
    check.set_defaults(run=_check)
    _add_preparation(_action(actions, "prepare", "Write img/, trimap/, alpha/ and an index."))


def _action(actions: Commands, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name,
        help=text,
        description=text,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_layout(parser, "folder")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    return parser


def _add_preparation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    for flag, default, text in (
        ("--threshold", 50, "of 255: what lies above in an alpha is the object, for the trimap"),
        ("--width", 11, "of the ellipse that draws the trimap's band, in pixels; odd"),
        ("--size", 0, "pad to a square and resize to this side, such as 320 or 640; 0 does not"),
        ("--seed", 0, "of the random choices"),
    ):
        parser.add_argument(
            flag, type=int, default=default, metavar="N", help=f"{text} (default: {default})"
        )
    parser.add_argument(
        "--behind",
        type=Path,
        metavar="DIR",
        help="lay each object over a random part of one of these pictures",
    )
    parser.set_defaults(run=_prepare)


def add_layout(parser: argparse.ArgumentParser, folder: str) -> None:
    """Add the options that say where samples are.

    Parameters
    ----------
    parser : ArgumentParser
        The command.
    folder : str
        The name of the argument for the data set's folder.
    """
    place = parser.add_argument(folder, type=Path, metavar="DIR", help="the data set")
    place.required = True
    parser.add_argument("--layout", choices=list(LAYOUTS), default="folders")
    for name in ("images", "alphas", "trimaps", "foregrounds", "backgrounds"):
        parser.add_argument(
            f"--{name}", default="", metavar="DIR", help="its folder, where the name is unusual"
        )
    parser.add_argument(
        "--composites",
        type=int,
        default=20,
        metavar="N",
        help="of composition1k: over so many backgrounds each foreground is laid (default: 20)",
    )


def found(options: argparse.Namespace) -> Found:
    """Return the samples that options name, once what is wrong with others is told."""
    names = ("images", "alphas", "trimaps", "foregrounds", "backgrounds", "composites")
    at = DataFolders(**{name: getattr(options, name) for name in names})
    result = find_samples(getattr(options, "folder", None) or options.data, options.layout, at)
    for problem in result.problems:
        print(printable(f"matting-nodes: left out: {problem}"), file=sys.stderr)
    return result


def _check(options: argparse.Namespace) -> int:
    result = found(options)
    bad = len(result.problems)
    with progress_bar("check", options.quiet) as job:
        for number, sample in enumerate(result.samples):
            job.step(number, len(result.samples), sample.name)
            try:
                sample.read_alpha(), sample.read_image()
                if sample.trimap:
                    sample.read_trimap()
            except MattingError as error:
                bad += 1
                print(printable(f"matting-nodes: {sample.name}: {error}"), file=sys.stderr)
    print(f"{len(result.samples) + len(result.problems) - bad} samples can be used, {bad} cannot")
    return 1 if bad else 0


def _prepare(options: argparse.Namespace) -> int:
    result = found(options)
    preparation = Preparation(
        threshold=options.threshold,
        width=options.width,
        size=options.size,
        backgrounds=pictures_in(options.behind) if options.behind else (),
        seed=options.seed,
    )
    bad = len(result.problems)
    try:
        with progress_bar("prepare", options.quiet) as job:
            for problem in prepare(result.samples, options.output, preparation, job):
                bad += 1
                print(printable(f"matting-nodes: left out: {problem}"), file=sys.stderr)
    except (KeyboardInterrupt, Cancelled):
        print("matting-nodes: stopped; what was written is not indexed yet", file=sys.stderr)
        return 130
    print(
        printable(f"{options.output}: {len(result.samples) + len(result.problems) - bad} samples")
    )
    return 1 if bad else 0
