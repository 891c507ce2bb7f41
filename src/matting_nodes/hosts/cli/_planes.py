"""`planes`: trimaps painted on some planes of a stack, carried to the others."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays import Kind, Trimap, as_trimap, unknown
from ...errors import MissingInputError, SizeMismatchError
from ...io.images import check_target
from ...io.ome_zarr import is_zarr, open_planes
from ...io.stacks import read_stack, write_stack
from ...video.keyed import By, Span, carried_in, spans
from ._commands import Commands
from ._progress import progress_bar


def add_command(commands: Commands) -> None:
    """Add `planes` to the parser."""
    text = "Carry trimaps that are painted on some planes of a stack to the others."
    parser = commands.add_parser("planes", help=text, description=text)
    parser.add_argument(
        "trimaps",
        metavar="TRIMAPS",
        help="a TIFF, .zarr or folder; planes that are unknown throughout are filled",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="TIFF")
    parser.add_argument("--image", metavar="STACK", help="the pictures, for motion and both")
    parser.add_argument(
        "--by",
        choices=("shape", "motion", "both"),
        help="the trimaps' shape, the pictures' motion, or what both agree on (default: motion "
        "with --image, else shape)",
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    by: By = options.by or ("motion" if options.image else "shape")
    if by != "shape" and not options.image:
        raise MissingInputError(
            f"--by {by} has no pictures",
            "Motion is that of pictures",
            "Give --image, or --by shape",
        )
    target = check_target(options.output, force=options.force)
    trimaps = [as_trimap(frame) for frame in _frames(options.trimaps, Kind.TRIMAP)]
    pictures: Any = _pictures(options.image) if options.image else trimaps
    if len(pictures) != len(trimaps) or pictures[0].shape[:2] != trimaps[0].shape:
        raise SizeMismatchError(
            f"There are {len(pictures)} pictures of {pictures[0].shape[:2]} pixels and "
            f"{len(trimaps)} trimaps of {trimaps[0].shape}",
            "A stack has a trimap for each picture, of its size",
            "Give those that belong together",
        )
    painted = {n: trimap for n, trimap in enumerate(trimaps) if not unknown(trimap).all()}
    if not painted:
        raise MissingInputError(
            "No plane has a painted trimap",
            "Trimaps are carried from painted planes to the others",
            "Paint the trimap of one plane at least",
        )
    carried = [n for n in range(len(trimaps)) if n not in painted]
    todo: list[Span] = spans(carried, painted, len(trimaps))
    with progress_bar("Carrying trimaps", options.quiet) as job:
        for at, span in enumerate(todo):
            part = job.part(at / len(todo), (at + 1) / len(todo))
            for number, trimap in carried_in(pictures, painted, span, part, by):
                trimaps[number] = trimap
    write_stack(target, trimaps, bits=8)
    told = ", ".join(map(str, carried)) or "none"
    print(f"{target}\ncarried: {told}")
    return 0


def _frames(path: str, kind: Kind) -> list[Any]:
    if not is_zarr(path):
        return read_stack(path, kind=kind)
    planes = open_planes(path, colors=kind is Kind.IMAGE)
    whole = tuple(slice(0, side) for side in planes.shape)
    return [planes.read(place, *whole) for place in np.ndindex(*planes.stack_shape)]


def _pictures(path: str) -> list[Trimap]:
    """Return pictures as motion is looked for in them: (H, W, 3) uint8, of the stack's range."""
    frames = [np.asarray(frame) for frame in _frames(path, Kind.IMAGE)]
    if all(frame.dtype == np.uint8 for frame in frames):
        low, high = 0.0, 255.0
    else:
        low, high = (float(f(g(x) for x in frames)) for f, g in ((min, np.min), (max, np.max)))
    found = []
    for frame in frames:
        color = (frame if frame.ndim == 3 else frame[..., None])[..., :3]
        scaled = 255 * (color.astype(np.float32) - low) / max(high - low, 1e-12)
        three = np.broadcast_to(scaled.clip(0, 255).astype(np.uint8), (*color.shape[:2], 3))
        found.append(np.ascontiguousarray(three))
    return found
