"""`cutout`: photos in, their objects on a transparent background out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...arrays import Kind
from ...errors import FileError, MattingError, printable
from ...io import images, layered
from ...models.catalog import MODELS
from ...models.costs import told
from ...nodes._cutout import GRABCUT, NETWORKS, cutout, proposed
from ._progress import progress_bar

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
EPILOG = """\
examples:
  matting-nodes cutout photo.png
  matting-nodes cutout photos --output cutouts
  matting-nodes cutout photo.jpg --network birefnet
  matting-nodes cutout photo.jpg --output photo.ora

Without --network it takes a network that is on disk already, and else GrabCut: it never fetches
unasked.
"""


def add_command(commands: Any) -> None:
    """Add `cutout` to the parser."""
    parser = commands.add_parser(
        "cutout",
        help="Cut the object of a photo, or of each in a folder, out of its background.",
        description="Cut the object of a photo, or of each in a folder, out of its background: "
        "Segment, Make Trimap, Alpha Matte, Estimate Foreground and Composite in one go.",
        epilog=EPILOG,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("photo", type=Path, help="a picture, or a folder of pictures")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        help="where to write: a .png or .tif file; .ora or .psd for an image editor, with\n"
        "background, foreground and alpha as layers; or a folder for a folder\n"
        "(default: beside the photo, with -cutout at the end of its name)",
    )
    described = "\n".join(f"{name}: {_described(name)}" for name in NETWORKS)
    parser.add_argument(
        "--network",
        choices=("auto", GRABCUT, *NETWORKS),
        default="auto",
        metavar="NAME",
        help="what finds the object; weights that are not there are fetched if you name a network\n"
        "auto: the first of these that is on disk and not for portraits alone, else grabcut\n"
        f"{GRABCUT}: by color, no download\n{described}".replace("%", "%%"),
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    parser.set_defaults(run=_run)


def _described(name: str) -> str:
    """Return what a network is, how large its file is, its licence, and what it costs here."""
    model = MODELS[name]
    words = f"{model.title}, {model.size / 1e6:.0f} MB, {model.terms}. {told((name,))}"
    return words.strip()


def _run(options: argparse.Namespace) -> int:
    pairs = list(_pairs(options.photo, options.output))
    one = not options.photo.is_dir()
    network = proposed() if options.network == "auto" else options.network
    print(f"The object is found by {_described(network) if network in MODELS else 'GrabCut.'}")
    failed = 0
    for photo, target in pairs:
        if target.exists() and not options.force and not one:
            print(printable(f"{target} is there already"))
            continue
        try:
            check = layered.check_layered if _is_layered(target) else images.check_writable
            check(images.make_folder_for(target), options.force)
            _cut(photo, target, network, options)
        except MattingError as error:
            if one:
                raise
            failed += 1
            print(printable(f"matting-nodes: {photo}: {error}"), file=sys.stderr)
    return 1 if failed else 0


def _cut(photo: Path, target: Path, network: str, options: argparse.Namespace) -> None:
    image = images.read(photo, Kind.IMAGE)
    with progress_bar(photo.name, options.quiet) as job:
        found = cutout(image, network=network, device=options.device, job=job)
    if _is_layered(target):
        layers = layered.cutout_layers(found.foreground, found.alpha, found.background)
        layered.write_layers(target, layers, force=True)
    else:
        images.write(target, found.picture, Kind.IMAGE, force=True)
    print(printable(str(target)))


def _is_layered(target: Path) -> bool:
    return target.suffix.lower() in layered.LAYERED


def _pairs(photo: Path, output: Path | None) -> Iterator[tuple[Path, Path]]:
    """Yield each photo and the file that its cutout goes to.

    Raises
    ------
    FileError
        If there is no such file, or no picture in the folder.
    """
    if not photo.is_dir():
        yield photo, output or photo.with_name(f"{photo.stem}-cutout.png")
        return
    folder = output or photo.with_name(f"{photo.resolve().name}-cutouts")
    found = sorted(p for p in photo.iterdir() if p.suffix.lower() in SUFFIXES)
    if not found:
        raise FileError(
            f"{photo} holds no pictures",
            f"They end in {', '.join(SUFFIXES)}",
            "Name a picture, or another folder",
        )
    for path in found:
        yield path, folder / f"{path.stem}-cutout.png"
