"""The demo: a bundled photo, from mask to composite, every step as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ... import sample_data
from ...arrays import Image, Pixels, Prompts, as_rgb
from ...io import images
from ...nodes.alpha_matte import alpha_matte
from ...nodes.compare import compare
from ...nodes.composite import composite
from ...nodes.estimate_foreground import estimate_foreground
from ...nodes.make_trimap import make_trimap
from ...nodes.segment import segment
from ._commands import Commands
from ._progress import progress_bar


def add_command(commands: Commands) -> None:
    """Add `demo` to the parser."""
    parser = commands.add_parser(
        "demo",
        help="Matte a bundled photo and write every step as a picture.",
        description="Matte a bundled photo of a lemur and write every step as a picture.",
    )
    parser.add_argument("--output", default="demo-output", metavar="DIR", help="where to write")
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    folder = Path(options.output)
    names = ("image", "mask", "trimap", "alpha", "foreground", "cutout", "composite")
    paths = {name: folder / f"{step}_{name}.png" for step, name in enumerate(names, 1)}
    paths["contact sheet"] = folder / "contact_sheet.png"
    for path in paths.values():
        images.check_writable(images.make_folder_for(path), options.force)
    pictures, table = _pipeline(options.quiet)
    pictures["contact sheet"] = _contact_sheet(pictures)
    for name, path in paths.items():
        images.write_image(path, pictures[name], force=options.force)
        print(path)
    measured = ", ".join(f"{name} {number:.4g}" for name, number in table.items())
    print(f"against the reference alpha, in the unknown region: {measured}")
    return 0


def _pipeline(quiet: bool) -> tuple[dict[str, Pixels], dict[str, float]]:
    image, beach = sample_data.lemur(), sample_data.beach()
    box = Prompts(box=(150, 50, 540, 440))
    with progress_bar("Demo", quiet) as job:
        # The eyes are as yellow as the leaves: filled, they are the lemur's.
        mask = segment(image, prompts=box, largest_hole=500, job=job.part(0, 0.3))
        trimap = make_trimap(mask, inner=15, outer=25, job=job.part(0.3, 0.35))
        alpha = alpha_matte(image, trimap, job=job.part(0.35, 0.9))
        foreground, _ = estimate_foreground(image, alpha, job=job.part(0.9, 1))
    table = compare(alpha, sample_data.lemur_alpha(), trimap=trimap).table
    return {
        "image": image,
        "mask": (mask * 255).astype(np.uint8),
        "trimap": trimap,
        "alpha": alpha,
        "foreground": foreground,
        "cutout": composite(image, alpha, foreground=foreground, color="transparent"),
        "composite": composite(
            image, alpha, foreground=foreground, background=beach, linear_light=True
        ),
    }, table


def _contact_sheet(pictures: dict[str, Pixels]) -> NDArray[np.uint8]:
    """Return the pictures side by side under their names."""
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    tiles = [(name, _opaque(picture)) for name, picture in pictures.items()]
    height, width = tiles[0][1].shape[:2]
    columns, caption = 4, 40
    rows = -(-len(tiles) // columns)
    sheet = Pillow.new("RGB", (columns * width, rows * (height + caption)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (name, tile) in enumerate(tiles):
        x, y = index % columns * width, index // columns * (height + caption)
        draw.text((x + 12, y + 4), name, fill="black", font=ImageFont.load_default(26))
        sheet.paste(Pillow.fromarray(np.round(tile * 255).astype(np.uint8)), (x, y + caption))
    return np.asarray(sheet)


def _opaque(picture: Pixels) -> Image:
    """Return the picture as RGB, laid over a checkerboard if it is transparent."""
    if picture.dtype == np.uint8:
        picture = picture.astype(np.float32) / 255
    if picture.ndim == 2:
        picture = picture[..., None]
    if picture.shape[2] != 4:
        return as_rgb(picture)
    return composite(picture[..., :3], picture[..., 3], backdrop="checkerboard", checker_size=20)
