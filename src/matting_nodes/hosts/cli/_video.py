"""`video`: a clip, a camera or a stream in; a clip with its object over something else out."""

from __future__ import annotations

import argparse
import ctypes
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...arrays import Kind, Trimap
from ...errors import ParameterError
from ...io import images
from ...job import Cancelled
from ...nodes._cutout import GRABCUT, NETWORKS
from ...nodes.alpha_matte import alpha_matte
from ._commands import Commands
from ._progress import progress_bar

EPILOG = """\
examples:
  matting-nodes video --sample -o lemur.mp4 --background teal
  matting-nodes video clip.mp4 --trimap first.png -o out.mov
  matting-nodes video clip.mp4 --keyframes clip.keys -o out.mp4 --background beach.jpg
  matting-nodes video clip.mp4 -o frames --content alpha --from 2 --to 1:05.5
  matting-nodes video /dev/video0 -o udp://127.0.0.1:9000 --network modnet --background blue

The trimap of one frame serves the clip: it follows its object. With --keyframes FOLDER the first
one is kept in a folder; correct it there, or add more: each counts up to its neighbors on both
sides. A command that was stopped goes on with --resume.
"""
M_ARENA_MAX = -8
"""Of glibc's malloc.h."""
CODECS = ("auto", "h264", "h265", "prores", "vp9", "ffv1", "png", "tiff")


def add_command(commands: Commands) -> None:
    """Add `video` to the parser."""
    parser = commands.add_parser(
        "video",
        help="Matte a clip, a camera or a stream: one trimap serves all frames.",
        description="Matte a clip, a camera or a stream, one frame at a time in little memory. "
        'It needs PyAV: pip install "matting-nodes[video]".',
        epilog=EPILOG,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument(
        "source", nargs="?", help="a file, /dev/video0, or an address (rtsp://, http://, udp://)"
    )
    parser.add_argument(
        "--sample", action="store_true", help="a generated clip of four seconds instead"
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        help="where to write: .mp4, .mov, .mkv, .webm; a name without an ending is a folder of\n"
        "pictures; an address (udp://, /dev/video9) is sent to",
    )
    parser.add_argument(
        "--background",
        default="transparent",
        help="a color, a picture or a clip (default: transparent)",
    )
    parser.add_argument(
        "--content",
        choices=("auto", "composite", "cutout", "alpha"),
        default="auto",
        help="auto: a composite with a background, else a cutout; alpha: the matte as grey",
    )
    parser.add_argument(
        "--codec",
        choices=CODECS,
        default="auto",
        help="auto: h264 for composites; for cutouts prores (.mov), vp9 (.webm), ffv1 (.mkv), png",
    )
    trimaps = parser.add_argument_group("what the object is (default: found in the first frame)")
    trimaps.add_argument("--trimap", type=Path, metavar="FILE", help="trimap of the first frame")
    trimaps.add_argument(
        "--keyframes",
        type=Path,
        metavar="FOLDER",
        help="trimaps of some frames; made with the first one if it does not exist",
    )
    trimaps.add_argument(
        "--network",
        choices=("auto", GRABCUT, *NETWORKS),
        default="auto",
        metavar="NAME",
        help=f"what finds it, as for cutout: auto, {GRABCUT}, {', '.join(NETWORKS)}",
    )
    trimaps.add_argument(
        "--segment-every",
        type=int,
        default=0,
        metavar="N",
        help="find it again every N frames (default: once)",
    )
    parser.add_argument(
        "--method",
        choices=list(alpha_matte.methods),
        default=alpha_matte.default_method,
        help="how alpha is found; only the default takes earlier frames into account, so that\n"
        f"mattes do not flicker (default: {alpha_matte.default_method})",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    for flag, default, text in (
        ("--from", "0", "in point: seconds, or h:mm:ss.s"),
        ("--to", None, "out point, exclusive"),
    ):
        parser.add_argument(
            flag, dest=flag[2:] + "_", type=_seconds, default=default, metavar="TIME", help=text
        )
    parser.add_argument("--window", action="store_true", help="show frames as they are done")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument(
        "--resume", action="store_true", help="go on after the last whole second of the output"
    )
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    parser.set_defaults(run=_run)


def _seconds(text: str) -> float:
    """Return a time in seconds.

    Examples
    --------
    >>> _seconds("1:05.5")
    65.5
    """
    seconds = 0.0
    for part in text.split(":"):
        seconds = 60 * seconds + float(part)
    if seconds < 0:
        raise ValueError
    return seconds


def _run(options: argparse.Namespace) -> int:
    from ...video.clip import ClipTask, matte_clip, plan
    from ...video.matting import Matting

    _allocate_together()
    source, trimap = _source(options)
    made = plan(
        ClipTask(
            source,
            options.output,
            trimap=trimap,
            keyframes=options.keyframes,
            background=options.background,
            content=options.content,
            codec=options.codec,
            start=options.from_,
            stop=options.to_,
            matting=Matting(
                options.method,
                network=options.network,
                segment_every=options.segment_every,
                device=options.device,
            ),
            resume=options.resume,
            force=options.force,
        )
    )
    if options.dry_run or not options.quiet:
        print(made.described())
    if options.dry_run:
        return 0
    try:
        with progress_bar("video", options.quiet) as job:
            report = matte_clip(made, job, _window() if options.window else None)
    except (KeyboardInterrupt, Cancelled):
        print(
            f"matting-nodes: stopped; {options.output} holds what was done, "
            "and --resume goes on from there",
            file=sys.stderr,
        )
        return 130
    for notice in report.notices:
        print(f"matting-nodes: {notice}", file=sys.stderr)
    speed = report.frames / max(report.seconds, 1e-6)
    print(f"{options.output}: {report.frames} frames, {speed:.1f} a second")
    return 0


def _allocate_together() -> None:
    """Let the stages' threads allocate from one heap.

    Else glibc gives each its own, which keeps the memory of frames that others have freed: 200 MB
    at 1080p.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # other C libraries have no mallopt
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def _source(options: argparse.Namespace) -> tuple[Any, Trimap | None]:
    """Return the clip, and the trimap of its first frame if there is one.

    Raises
    ------
    ParameterError
        If none or two were named.
    """
    if options.sample == bool(options.source):
        raise ParameterError(
            "The clip and --sample were both given" if options.sample else "No clip was given",
            "One of them is the source",
            "Name a file or an address, or --sample",
        )
    trimap = images.read(options.trimap, Kind.TRIMAP) if options.trimap else None
    if options.sample:
        from ...video.sample import sample_clip

        clip, first = sample_clip()
        has_keys = options.keyframes is not None and options.keyframes.exists()
        return clip, trimap if trimap is not None or has_keys else first
    return options.source, trimap


def _window() -> Callable[[Any], None]:
    """Return what shows a frame in a window; q closes it and stops the work."""
    import cv2

    def show(picture: Any) -> None:
        if picture.dtype.itemsize == 2:
            picture = (picture >> 8).astype("uint8")
        order = {2: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGR}
        code = order[picture.ndim if picture.ndim == 2 else picture.shape[2]]
        cv2.imshow("matting-nodes", picture if code is None else cv2.cvtColor(picture, code))
        if cv2.waitKey(1) & 0xFF == ord("q"):
            raise Cancelled

    return show
