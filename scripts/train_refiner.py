"""Generate solved scenes, and train the refiner on them; both on the CPU, and both may be stopped.

python scripts/train_refiner.py scenes PHOTOGRAPHS FOLDER [--seed 1] [--kept 1300] [--count 0]
python scripts/train_refiner.py train FOLDER CHECKPOINT [--minutes 70] [--held FOLDER]
python scripts/train_refiner.py write CHECKPOINT WEIGHTS

`scenes` keeps the newest scenes: when there are as many as are to be kept, the oldest is replaced.
`train` takes random crops of those that are there, continues a checkpoint that exists, and prints
the errors on held-out scenes, relative to the solver's.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

from matting_nodes.training.synthesis.solved import read_photographs, solved_scene


def main() -> None:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    scenes = commands.add_parser("scenes")
    scenes.add_argument("photographs", type=Path)
    scenes.add_argument("folder", type=Path)
    scenes.add_argument("--seed", type=int, default=1)
    scenes.add_argument("--kept", type=int, default=1300, help="1.8 MB each")
    scenes.add_argument("--count", type=int, default=0, help="0: until it is stopped")
    train = commands.add_parser("train")
    train.add_argument("folder", type=Path)
    train.add_argument("checkpoint", type=Path)
    train.add_argument("--minutes", type=float, default=70)
    train.add_argument("--batch", type=int, default=8)
    train.add_argument("--rate", type=float, default=1.5e-3)
    train.add_argument("--held", type=Path)
    write = commands.add_parser("write")
    write.add_argument("checkpoint", type=Path)
    write.add_argument("weights", type=Path)
    options = parser.parse_args()
    {"scenes": draw_scenes, "train": train_refiner, "write": write_weights}[options.command](
        options
    )


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
        os.replace(part, options.folder / f"{number % options.kept:05d}.npy")
        number += 1
        counter.write_text(str(number))


def train_refiner(options: argparse.Namespace) -> None:
    """Train, with a line of errors now and then."""
    from matting_nodes.training.refiner_training import RefinerTraining

    training = RefinerTraining(options.folder, options.minutes, options.batch, options.rate)
    if options.checkpoint.exists():
        training.resume(options.checkpoint)
    while training.progress < 1:
        loss = training.run(250)
        training.save(options.checkpoint)
        line = f"step {training.step} loss {loss:.5f} seconds {training.seconds:.0f}"
        if options.held and training.step % 500 == 0:
            ratios = training.held_out(options.held)
            line += " " + " ".join(f"{name} {value:.3f}" for name, value in ratios.items())
        print(line, flush=True)


def write_weights(options: argparse.Namespace) -> None:
    """Write the averaged weights of a checkpoint as float16 safetensors."""
    import torch
    from safetensors.torch import save_file

    saved = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    state = {name: tensor.half().contiguous() for name, tensor in saved["average"].items()}
    save_file(state, options.weights, metadata={"steps": str(saved["step"])})


if __name__ == "__main__":
    main()
