"""The networks: what there is, fetching and checking their files, exporting them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from ...io.images import check_target
from ...models import catalog, user_models, weights
from ...models.catalog import Model
from ._commands import Commands
from ._progress import progress_bar

EPILOG = """\
MATTING_NODES_CACHE=DIR puts the files elsewhere, MATTING_NODES_OFFLINE=1 forbids to fetch any.
"""


def add_command(commands: Commands) -> None:
    """Add `models` and its commands to the parser."""
    parser = commands.add_parser(
        "models",
        help="List the networks; fetch, check and export their weights.",
        description="List the networks; fetch, check and export their weights.",
        epilog=EPILOG,
    )
    actions = parser.add_subparsers(metavar="action", required=True)
    _action(actions, "list", _list, "Show task, size, licence, and what is on disk.")
    fetch = _action(actions, "fetch", _fetch, "Download files, unless they are there.", "+")
    fetch.add_argument("--quiet", action="store_true", help="show no progress bar")
    fetch.add_argument(
        "--force", action="store_true", help="download again what is there, such as a damaged file"
    )
    verify = _action(actions, "verify", _verify, "Compare files with their checksums.", "*")
    verify.add_argument(
        "--accept",
        action="store_true",
        help="take changed files as they are now; never against a published checksum",
    )
    _action(actions, "path", _path, "Print where a file is, or would be.", None)
    _add_export(_action(actions, "export", _export, "Write a network as ONNX.", None))


def _action(
    actions: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
    count: str | None = "",
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    if count != "":
        parser.add_argument("names" if count else "name", nargs=count, metavar="MODEL")
    return parser


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="an .onnx file")
    parser.add_argument(
        "--size",
        nargs=2,
        type=int,
        default=(512, 512),
        metavar=("HEIGHT", "WIDTH"),
        help="of its input in pixels, multiples of 32 (default: 512 512)",
    )
    parser.add_argument("--weights", default="", metavar="FILE", help="a file of your own")
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")


def _list(options: argparse.Namespace) -> int:
    for task in ("segment", "make_trimap", "alpha_matte"):
        print(f"{task}:")
        for model in catalog.MODELS.values():
            if model.task == task:
                print(f"  {model.name:30}{_size(model):>9}  {_state(model):12}{model.title}")
                print(f"  {'':30}{'':>9}  {model.terms}")
    mine = [f"  {name:30}{model.name}" for model, name in user_models.all_own()]
    print("\n".join(["your own, for --weights:", *mine]) if mine else "your own: none")
    return 0


def _size(model: Model) -> str:
    path = weights.find(model)
    size = path.stat().st_size if path else model.size
    return f"{size / 2**20:.0f} MiB" if size else "-"


def _state(model: Model) -> str:
    if weights.find(model):
        return "present"
    return "to fetch" if model.source.url() else "by hand"


def _fetch(options: argparse.Namespace) -> int:
    for model in [catalog.model(name) for name in options.names]:
        print(f"{model.title}. {model.terms}")
        with progress_bar(model.title, options.quiet) as job:
            print(weights.fetch(model, job=job, force=options.force))
    return 0


def _verify(options: argparse.Namespace) -> int:
    chosen = [catalog.model(name) for name in options.names]
    for model in chosen or [m for m in catalog.MODELS.values() if weights.find(m)]:
        digest = weights.verify(model, accept=options.accept)
        basis = "published" if model.sha256 or model.git_sha1 else "as first used"
        print(f"{model.name:30}{digest}  {basis}")
    return 0


def _path(options: argparse.Namespace) -> int:
    model = catalog.model(options.name)
    print(weights.find(model) or weights.target(model))
    return 0


def _export(options: argparse.Namespace) -> int:
    from ...models.export import export_onnx

    model, path = catalog.model(options.name), check_target(Path(options.output), options.force)
    error = export_onnx(model, path, size=tuple(options.size), weights=options.weights)
    print(f"{path}: agrees with PyTorch to {error:.2g} (relative)")
    return 0
