"""Generate solved scenes, and train the refiner on them; both on the CPU, and both may be stopped.

python scripts/train_refiner.py photographs FOLDER UNPACKED …
python scripts/train_refiner.py scenes PHOTOGRAPHS FOLDER [--seed 1] [--kept 1300] [--count 0]
python scripts/train_refiner.py sheet PHOTOGRAPHS PICTURE [--seed 1]
python scripts/train_refiner.py train FOLDER CHECKPOINT [--minutes 70] [--held FOLDER]
python scripts/train_refiner.py write CHECKPOINT WEIGHTS

`photographs` takes those that `refiner_photographs.tsv` lists, of Debian's packages, unpacked into
one or more folders by `dpkg-deb -x`, and of scikit-image, at 1500 pixels at most, into FOLDER/train
and FOLDER/held. `scenes` keeps the newest scenes: when there are as many as are to be kept, the
oldest is replaced. `sheet` draws scenes of every kind beside their alphas and trimaps. `train`
takes random crops of those that are there, continues a checkpoint that exists, and prints the
errors on held-out scenes and on its own, relative to the solver's. A thousand scenes are soon known
by heart: let `scenes` run beside it, which draws one in a second or two.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

from matting_nodes.training.synthesis import KINDS, scene
from matting_nodes.training.synthesis.solved import read_photographs, solved_scene

LIST = Path(__file__).with_name("refiner_photographs.tsv")
LARGEST = 1500
"""Longer side of the photographs, in pixels."""
OWN = 30
"""Scenes that it is trained on, whose errors are printed beside those of the held-out ones."""


def main() -> None:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    photographs = commands.add_parser("photographs")
    photographs.add_argument("folder", type=Path)
    photographs.add_argument("unpacked", type=Path, nargs="+")
    scenes = commands.add_parser("scenes")
    scenes.add_argument("photographs", type=Path)
    scenes.add_argument("folder", type=Path)
    scenes.add_argument("--seed", type=int, default=1)
    scenes.add_argument("--kept", type=int, default=1300, help="1.8 MB each")
    scenes.add_argument("--count", type=int, default=0, help="0: until it is stopped")
    sheet = commands.add_parser("sheet")
    sheet.add_argument("photographs", type=Path)
    sheet.add_argument("picture", type=Path)
    sheet.add_argument("--seed", type=int, default=1)
    train = commands.add_parser("train")
    train.add_argument("folder", type=Path)
    train.add_argument("checkpoint", type=Path)
    train.add_argument("--minutes", type=float, default=70)
    train.add_argument("--batch", type=int, default=8)
    train.add_argument("--rate", type=float, default=8e-4)
    train.add_argument("--held", type=Path)
    train.add_argument("--start", type=Path, help="a checkpoint whose weights it begins with")
    train.add_argument("--seed", type=int, default=0)
    write = commands.add_parser("write")
    write.add_argument("checkpoint", type=Path)
    write.add_argument("weights", type=Path)
    write.add_argument("--share", type=float, default=0.7, help="of its corrections")
    options = parser.parse_args()
    does = {
        "photographs": collect_photographs,
        "scenes": draw_scenes,
        "sheet": draw_sheet,
        "train": train_refiner,
        "write": write_weights,
    }
    does[options.command](options)


def collect_photographs(options: argparse.Namespace) -> None:
    """Write the photographs that are listed."""
    with LIST.open(encoding="utf-8") as file:
        listed = list(csv.DictReader(file, delimiter="\t"))
    for row in listed:
        if row["package"] == "scikit-image":
            from skimage import data

            picture = getattr(data, row["file"])()
            picture = picture[..., 2::-1] if picture.ndim == 3 else cv2.merge([picture] * 3)
        else:
            paths = (folder / "usr/share" / row["file"] for folder in options.unpacked)
            path = next((path for path in paths if path.is_file()), None)
            if path is None:
                raise SystemExit(
                    f"{row['file']} is in none of the folders: unpack {row['package']}"
                )
            picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        factor = min(1, LARGEST / max(picture.shape[:2]))
        picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        name = row["file"].removesuffix(Path(row["file"]).suffix).replace("/", "_")
        target = options.folder / row["part"] / f"{name}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])


def draw_scenes(options: argparse.Namespace) -> None:
    """Write solved scenes, each one whole or not at all."""
    photographs = read_photographs(options.photographs)
    options.folder.mkdir(parents=True, exist_ok=True)
    counter = options.folder / "count.txt"
    number = int(counter.read_text()) if counter.exists() else 0
    while not options.count or number < options.count:
        planes = solved_scene([options.seed, number], photographs)
        part = options.folder / "scene.part"
        with part.open("wb") as file:
            np.save(file, planes)
        part.replace(options.folder / f"{number % options.kept:05d}.npy")
        number += 1
        counter.write_text(str(number))


def draw_sheet(options: argparse.Namespace) -> None:
    """Draw three scenes of every kind: the picture, its alpha, and its trimap."""
    photographs, rows = read_photographs(options.photographs), []
    for kind in KINDS:
        cells = []
        for number in range(3):
            drawn = scene([options.seed, number, len(rows)], photographs, kind=kind)
            planes = drawn.alpha, drawn.trimap / np.float32(255)
            cells += [drawn.image, *(np.repeat(plane[..., None], 3, 2) for plane in planes)]
        strip = np.concatenate(cells, axis=1)
        rows.append(cv2.resize(strip, None, fx=0.26, fy=0.26, interpolation=cv2.INTER_AREA))
    levels = np.round(255 * np.concatenate(rows)).clip(0, 255).astype(np.uint8)
    cv2.imwrite(str(options.picture), levels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])


def train_refiner(options: argparse.Namespace) -> None:
    """Train, with a line of errors now and then."""
    from matting_nodes.training.refiner_training import RefinerTraining

    training = RefinerTraining(
        options.folder, options.minutes, options.batch, options.rate, options.seed
    )
    if options.checkpoint.exists():
        training.resume(options.checkpoint)
    elif options.start:
        training.start(options.start)
    while training.progress < 1:
        loss = training.run(250)
        training.save(options.checkpoint)
        line = f"step {training.step} loss {loss:.5f} seconds {training.seconds:.0f}"
        if options.held and training.step % 1000 == 0:
            ratios = training.held_out(options.held)
            # Much less than these: it learns its scenes by heart, and needs more of them.
            own = training.held_out(options.folder, most=OWN)
            line += " " + " ".join(f"{name} {value:.3f}" for name, value in ratios.items())
            line += f", of its own scenes SAD {own['SAD']:.3f} MSE {own['MSE']:.3f}"
        print(line, flush=True)


def write_weights(options: argparse.Namespace) -> None:
    """Write the averaged weights of a checkpoint as safetensors, convolutions in float16.

    Real pictures are not like generated ones: corrections are made smaller, by a share that was
    chosen on composites of real objects.
    """
    import torch
    from safetensors.torch import save_file

    saved = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    for name in ("last.weight", "last.bias"):
        # The four pixels of α; the other half predicts its error.
        saved["average"][name][:4] *= options.share
    state = {
        name: tensor.half().contiguous() if tensor.ndim == 4 else tensor
        for name, tensor in saved["average"].items()
    }
    save_file(state, options.weights, metadata={"steps": str(saved["step"])})


if __name__ == "__main__":
    main()
