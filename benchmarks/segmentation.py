"""Segment without a prompt: what GrabCut finds in pictures whose objects are known.

python benchmarks/segmentation.py FOLDER PHOTOGRAPHS [--part PART] [--set NAME=VALUE …]

FOLDER is laid out as `input/ gt/`, as the training images of alphamatting.com are; PHOTOGRAPHS
holds .jpg files. A part has half of the folder's pictures, and its objects laid over half of the
photographs: at their own size, and smaller, at the lower edge. Settings are chosen on the part
"choose" and reported on "report", which shares neither objects nor photographs with it. Overlap is
the intersection of the mask and of alpha > 0.5 over their union.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from composites import PARTS, background
from numpy.typing import NDArray

from matting_nodes import estimate_foreground, segment
from matting_nodes.arrays import Kind, as_alpha, as_image
from matting_nodes.io import images

SCALES = (1.0, 1.0, 0.75, 0.5)
"""How large an object is laid over photographs, in its own size."""
FAILED = 0.6
"""An overlap below this is a failure."""

Array = NDArray[Any]


class Picture(NamedTuple):
    """A picture and the true matte of its object."""

    name: str
    image: Array
    alpha: Array


def main() -> None:
    """Print the overlap on each picture, and their mean, failures and seconds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--part", choices=PARTS, default="report")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--sheet", type=Path, help="a picture of all masks")
    options = parser.parse_args()
    parameters = dict(setting.split("=", 1) for setting in options.set)
    groups: dict[str, list[tuple[float, float]]] = {}
    shown = []
    for group, picture in pictures(options.folder, options.photographs, options.part):
        began = time.perf_counter()
        mask = segment(picture.image, **parameters)
        seconds = time.perf_counter() - began
        found = overlap(mask, picture.alpha)
        groups.setdefault(group, []).append((found, seconds))
        print(f"{found:.2f} {seconds:5.2f} s  {group}  {picture.name}", flush=True)
        shown.append(drawn(picture, mask, f"{found:.2f}"))
    print("\n| pictures | number | mean overlap | below 0.6 | seconds |\n|---|---|---|---|---|")
    every = [row for rows in groups.values() for row in rows]
    for group, rows in (*groups.items(), ("all", every)):
        overlaps, seconds = np.array(rows).T
        failed = int((overlaps < FAILED).sum())
        print(
            f"| {group} | {len(rows)} | {overlaps.mean():.3f} | {failed} | {seconds.mean():.2f} |"
        )
    if options.sheet:
        cv2.imwrite(str(options.sheet), sheet(shown))


def pictures(folder: Path, photographs: Path, part: str) -> Iterator[tuple[str, Picture]]:
    """Yield each picture of a part and the name of its group."""
    half = PARTS.index(part)
    names = sorted(path.name for path in (folder / "gt").glob("*.png"))[half::2]
    behind = sorted(photographs.glob("*.jpg"))[half::2]
    for number, name in enumerate(names):
        alpha = as_alpha(images.read(folder / "gt" / name, Kind.ALPHA))
        image = as_image(images.read(folder / "input" / name, Kind.IMAGE))
        yield "photographs", Picture(Path(name).stem, image, alpha)
        foreground, _ = estimate_foreground(image, alpha)
        for i, scale in enumerate(SCALES):
            chance = np.random.default_rng([half, number, i])
            path = behind[(number + i * 2) % len(behind)]
            over = background(path, alpha.shape, chance)
            yield "composites", laid_over(foreground, alpha, over, scale, chance, path.stem, name)


def laid_over(
    foreground: Array,
    alpha: Array,
    over: Array,
    scale: float,
    chance: np.random.Generator,
    *names: str,
) -> Picture:
    """Return an object at a scale, at a random place of a photograph's lower edge."""
    height, width = alpha.shape
    size = round(scale * width), round(scale * height)
    left, top = int(chance.integers(0, width - size[0] + 1)), height - size[1]
    place = np.s_[top:, left : left + size[0]]
    image, placed = over.copy(), np.zeros_like(alpha)
    placed[place] = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    colors = cv2.resize(foreground, size, interpolation=cv2.INTER_AREA)
    share = placed[place][..., None]
    image[place] = share * colors + (1 - share) * image[place]
    return Picture(f"{' '.join(names)} × {scale:g}", image, placed)


def overlap(mask: Array, alpha: Array) -> float:
    """Return intersection over union of a mask and a matte."""
    found, true = mask > 0.5, alpha > 0.5
    return float((found & true).sum() / max((found | true).sum(), 1))


def drawn(picture: Picture, mask: Array, text: str) -> NDArray[np.uint8]:
    """Return a small picture with the mask's edge in red and the true one in green."""
    size = (240, 180)
    small = cv2.resize(picture.image, size, interpolation=cv2.INTER_AREA)[..., ::-1]
    result = np.ascontiguousarray(small * 255).astype(np.uint8)
    for region, color in ((picture.alpha > 0.5, (0, 255, 0)), (mask > 0.5, (0, 0, 255))):
        there = cv2.resize(region.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        contours, _ = cv2.findContours(there, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(result, contours, -1, color, 1)
    cv2.putText(result, text, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return result


def sheet(shown: list[NDArray[np.uint8]], columns: int = 5) -> NDArray[np.uint8]:
    """Return small pictures side by side."""
    blank = [np.zeros_like(shown[0])] * (-len(shown) % columns)
    rows = [(shown + blank)[i : i + columns] for i in range(0, len(shown), columns)]
    return np.vstack([np.hstack(row) for row in rows])


if __name__ == "__main__":
    main()
