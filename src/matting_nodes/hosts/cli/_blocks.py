"""`matte` of pictures of any size: .zarr in, .zarr out."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ...blocks.matting import HALO, SIDE, matte_zarr
from ...errors import MissingInputError, ParameterError
from ...io.ome_zarr import is_zarr
from ...job import Cancelled
from ._progress import progress_bar

NODE = "alpha_matte"
"""The node that takes pictures of any size."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that count for .zarr to the command of the node."""
    group = parser.add_argument_group(
        "pictures of any size",
        "An OME-Zarr image (.zarr) and its trimap are matted block by block to an OME-Zarr pyramid."
        "\nAfter an interrupt, the same command goes on where it stopped.",
    )
    group.add_argument("--block", type=int, metavar="PX", help=f"side of blocks (default: {SIDE})")
    group.add_argument(
        "--halo", type=int, metavar="PX", help=f"solved with each block around it (default: {HALO})"
    )
    group.add_argument("--ome-zarr", choices=("0.4", "0.5"), help="version (default: 0.5)")
    group.add_argument("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster to do it")


def is_asked_for(options: argparse.Namespace) -> bool:
    """Return whether the picture or the matte is a .zarr."""
    return is_zarr(options.image) or is_zarr(options.to_alpha)


def run(options: argparse.Namespace, parameters: dict[str, Any]) -> int:
    """Matte a picture of any size."""
    for name, path in (("image", options.image), ("matte", options.to_alpha)):
        if not is_zarr(path):
            raise ParameterError(
                f"The {name} is {path}, and the other a .zarr",
                "Pictures of any size are .zarr, and so are their mattes",
                "Give both as .zarr",
            )
    if options.trimap is None:
        raise MissingInputError(
            "There is no trimap", "Pictures of any size need one", "Give its .zarr"
        )
    given = {
        "block": options.block,
        "halo": options.halo,
        "version": options.ome_zarr,
        "dask": options.dask,
        "bits": options.bits,
    }
    given = {name: value for name, value in given.items() if value is not None}
    trimap = options.trimap
    if not is_zarr(trimap):
        from ...arrays import Kind
        from ...io import images

        trimap = images.read(trimap, Kind.TRIMAP)
    with progress_bar("Alpha Matte", options.quiet) as job:
        try:
            matte_zarr(
                options.image,
                trimap,
                options.to_alpha,
                job,
                force=options.force,
                **given,
                **parameters,
            )
        except (KeyboardInterrupt, Cancelled):
            print(
                f"matting-nodes: stopped; what is done lies in {options.to_alpha}.parts, and the "
                "same command goes on with it",
                file=sys.stderr,
            )
            return 130
    return 0
