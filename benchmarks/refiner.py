"""The refiner beside sampled propagation, whose matte it corrects.

python benchmarks/refiner.py table FOLDER CHECKPOINT … [--images GT01 …] [--each]
python benchmarks/refiner.py composites FOLDER PHOTOGRAPHS CHECKPOINT … [--every 4]

FOLDER is laid out as `input/ trimap*/ gt/`, as the training images of alphamatting.com are; a
CHECKPOINT is what `scripts/train_refiner.py` writes, or weights as safetensors. Errors are means
over the pictures, in the unknown region; ratios are of these means, to the solver's.
"Claims" are the pixels with a predicted error below 0.05: their share of the unknown ones, and the
share of them that is off by less. Composites are those to choose settings on (`composites.py`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from composites import composites
from numpy.typing import NDArray

from matting_nodes import compare
from matting_nodes.alpha._checks import full_contrast
from matting_nodes.alpha.propagation.refinement import corrected, refiner_input, solver_planes
from matting_nodes.arrays import unknown
from matting_nodes.job import Job
from matting_nodes.networks.refiner import Refiner
from matting_nodes.training import DataFolders, find_samples

COLUMNS = ("SAD", "MSE", "Grad", "Conn")
CLAIMED = 0.05
Array = NDArray[np.generic]
Picture = tuple[str, Array, Array, Array]


def main() -> None:
    """Print what was asked for as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    table = commands.add_parser("table")
    table.add_argument("folder", type=Path)
    table.add_argument("checkpoints", type=Path, nargs="+")
    table.add_argument("--images", nargs="*")
    table.add_argument("--each", action="store_true", help="a line for each picture")
    choose = commands.add_parser("composites")
    choose.add_argument("folder", type=Path)
    choose.add_argument("photographs", type=Path, help="a folder of .jpg files")
    choose.add_argument("checkpoints", type=Path, nargs="+")
    choose.add_argument("--every", type=int, default=1, help="take each so manyth")
    options = parser.parse_args()
    networks = {path.stem: refiner(path) for path in options.checkpoints}
    if options.command == "composites":
        pictures = (
            (f"{c.kind} {c.name}", c.image, c.trimap, c.alpha)
            for i, c in enumerate(composites(options.folder, options.photographs, "choose"))
            if i % options.every == 0
        )
        show("composites", pictures, networks, each=False)
        return
    for trimaps in sorted(path.name for path in options.folder.glob("trimap*")):
        show(trimaps, _samples(options, trimaps), networks, each=options.each)


def _samples(options: argparse.Namespace, trimaps: str) -> Iterator[Picture]:
    found = find_samples(options.folder, "alphamatting", DataFolders(trimaps=trimaps)).samples
    for sample in found:
        if not options.images or sample.name in options.images:
            yield sample.name, sample.read_image(), sample.read_trimap(), sample.read_alpha()


def refiner(path: Path) -> Refiner:
    """Return the network of a checkpoint, or of safetensors."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        state = load_file(path)
    else:
        state = torch.load(path, map_location="cpu", weights_only=True)["average"]
    network = Refiner()
    network.load_state_dict(state)
    return network.eval()


def show(
    title: str, pictures: Iterator[Picture], networks: dict[str, Refiner], *, each: bool
) -> None:
    """Print the errors of the solver and of each network."""
    errors: dict[str, list[list[float]]] = {"solver": [], **{name: [] for name in networks}}
    claims = {name: np.zeros(3) for name in networks}
    names = []
    for name, image, trimap, truth in pictures:
        names.append(name)
        picture, solved = full_contrast(image[..., :3]), unknown(trimap)
        alpha, samples = solver_planes(picture, trimap, Job())
        errors["solver"].append(_errors(alpha, truth, trimap))
        planes = refiner_input(picture, trimap, alpha, samples)
        for key, network in networks.items():
            answer, claimed = _run(network, planes)
            better = corrected(alpha, answer, trimap)
            errors[key].append(_errors(better, truth, trimap))
            sure = solved & (claimed < CLAIMED)
            off = abs(better - truth)[sure] < CLAIMED
            claims[key] += [off.sum(), sure.sum(), solved.sum()]
    count = len(names)
    print(f"\n{title}, means over {count} pictures; ratios to the solver's\n")
    print("| network | SAD | MSE | Grad | Conn | ratios | worst SAD | claims, true |")
    print("|---|---|---|---|---|---|---|---|")
    base = np.array(errors["solver"])
    for key, rows in errors.items():
        values = np.array(rows)
        sad, mse, grad, conn = values.mean(axis=0)
        line = f"| {key} | {sad:.3f} | {mse:.5f} | {grad:.3f} | {conn:.3f} |"
        if key != "solver":
            ratios = values / base
            of_means = ", ".join(f"{v:.3f}" for v in values.mean(0) / base.mean(0))
            worst = int(ratios[:, 0].argmax())
            right, sure, all_ = claims[key]
            line += (
                f" {of_means} | {ratios[worst, 0]:.2f} {names[worst]} |"
                f" {sure / all_:.2f}, {right / max(sure, 1):.3f} |"
            )
        print(line, flush=True)
    if each:
        for i, name in enumerate(names):
            cells = (
                f"{key} " + " ".join(f"{v:.2f}" for v in np.array(errors[key])[i] / base[i])
                for key in networks
            )
            print(f"{name} SAD {base[i, 0]:.2f}: {'; '.join(cells)}")


def _errors(alpha: Array, truth: Array, trimap: Array) -> list[float]:
    table = compare(alpha.astype(np.float32), truth, trimap=trimap).table
    return [table[column] for column in COLUMNS]


def _run(network: Refiner, planes: Array) -> tuple[Array, Array]:
    height, width = planes.shape[1:]
    padded = np.pad(planes, ((0, 0), (0, -height % 16), (0, -width % 16)), mode="reflect")
    with torch.inference_mode():
        alpha, error = network(torch.from_numpy(padded)[None])[0, :, :height, :width].numpy()
    return alpha, error


if __name__ == "__main__":
    main()
