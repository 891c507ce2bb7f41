"""`serve`: the page with two uploads, and the HTTP API."""

from __future__ import annotations

import argparse
import os
from dataclasses import fields

from ...errors import DependencyError
from ._commands import Commands

EPILOG = """\
Pictures live in the server's memory while a page is open, and nothing is written to disk. Only this
machine can reach it unless --host says otherwise. It fetches no weights: run
`matting-nodes models fetch NAME` before.
"""
LIMITS = {
    "megabytes": "of one request or file",
    "megapixels": "of one picture",
    "workers": "pieces of work at once",
    "waiting": "pieces of work that may wait",
    "seconds": "that one piece of work may take",
    "per_minute": "requests of one address",
    "sessions": "open pages",
    "idle_minutes": "until a silent page's pictures are dropped",
}


def add_command(commands: Commands) -> None:
    """Add `serve` to the parser."""
    text = "Serve a page for mattes in the browser, and an HTTP API."
    parser = commands.add_parser("serve", help=text, description=text, epilog=EPILOG)
    parser.add_argument(
        "--host", default="127.0.0.1", help="where to listen (default: this machine)"
    )
    parser.add_argument("--port", type=int, default=8000, help="(default: 8000)")
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="NAME",
        help="a host name by which it is reached, besides localhost and addresses (repeatable)",
    )
    parser.add_argument("--prefix", default="", help="where a proxy puts it, such as /matting")
    for name, meaning in LIMITS.items():
        kind = int if name in ("workers", "waiting", "per_minute", "sessions") else float
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(
            flag, type=kind, default=argparse.SUPPRESS, metavar="N", help=f"limit: {meaning}"
        )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        from ..web import Limits, application, serve
    except ImportError as error:
        raise DependencyError(
            f"A package cannot be imported: {error}",
            "The page is served by starlette and uvicorn",
            'Run: pip install "matting-nodes[web]"',
        ) from error
    # A stranger's request must not begin a download.
    os.environ["MATTING_NODES_OFFLINE"] = "1"
    given = {f.name: getattr(options, f.name) for f in fields(Limits) if f.name in vars(options)}
    limits = Limits(**given)
    app = application(limits, names=options.name, prefix=options.prefix)
    serve(app, options.host, options.port, limits)
    return 0
