from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from ...errors import as_matting_error
from ...job import Cancelled
from ...nodes import all_nodes
from ...version import __version__
from . import (
    _cutout,
    _data,
    _demo,
    _doctor,
    _evaluate,
    _models,
    _node,
    _planes,
    _run,
    _seams,
    _serve,
    _train,
    _video,
)

EPILOG = """\
a cutout in one go, of a photo or of a folder of them:
  matting-nodes cutout photo.png

a whole matte, step by step:
  matting-nodes segment photo.png --box 160 60 530 440 -o mask.png
  matting-nodes trimap mask.png --inner 15 --outer 25 -o trimap.png
  matting-nodes matte photo.png trimap.png -o alpha.png
  matting-nodes foreground photo.png alpha.png -o foreground.png
  matting-nodes composite photo.png alpha.png --foreground foreground.png \\
    --color transparent -o cutout.png

a clip, of which one frame's trimap is enough:
  matting-nodes video clip.mp4 --trimap first.png --background beach.jpg -o out.mp4

a picture or stack of any size, block by block:
  matting-nodes matte big.ome.zarr trimap.ome.zarr -o alpha.ome.zarr

a stack whose trimap is painted on some planes:
  matting-nodes planes trimaps.tif --image stack.tif -o filled.tif

or a whole workflow of ComfyUI's, over a folder:
  matting-nodes run workflow.json --each photos --output results

exit codes: 0 done, 1 an input cannot be used, 2 the command cannot be understood, 130 cancelled
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names in any bytes, on any terminal
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except BrokenPipeError:  # a reader such as head has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, Cancelled):
        print("matting-nodes: cancelled; nothing was written", file=sys.stderr)
        return 130
    except Exception as error:
        print(f"matting-nodes: {as_matting_error(error)}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="matting-nodes",
        description="Image matting: how much of each pixel belongs to the foreground.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"matting-nodes {__version__}")
    commands = parser.add_subparsers(metavar="command", required=True)
    for spec in all_nodes():
        _node.add_command(commands, spec)
    _models.add_command(commands)
    _run.add_command(commands)
    for room in (_data, _train, _evaluate):
        room.add_command(commands)
    _seams.add_command(commands)
    _planes.add_command(commands)
    _cutout.add_command(commands)
    _serve.add_command(commands)
    _video.add_command(commands)
    _demo.add_command(commands)
    _doctor.add_command(commands)
    return parser
