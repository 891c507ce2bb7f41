"""`train`: a network learns from a data set, and is at hand in the nodes afterwards."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ...errors import printable
from ...framework.spec import NODES
from ...job import Cancelled
from ...models import user_models
from ...models.catalog import model
from ...training import TRAINING_SPECS, load_parameters, train, training_spec
from ._commands import Commands
from ._progress import progress_bar

EPILOG = """\
A training that was stopped goes on when the command is run again: to the same result as if it
had not been stopped. Watch it with: tensorboard --logdir DIR

networks: """


def add_command(commands: Commands) -> None:
    """Add `train` to the parser."""
    text = "Train a network on your own data."
    parser = commands.add_parser(
        "train",
        help=text,
        description=text,
        epilog=EPILOG + ", ".join(TRAINING_SPECS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("network", metavar="NETWORK", help="see below")
    parser.add_argument("--config", required=True, metavar="FILE", help="see docs/training.md")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="(default: runs/NETWORK)")
    parser.add_argument("--name", default="", help="keep the weights among your own models")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    chosen = training_spec(options.network)
    parameters = load_parameters(options.config, chosen.defaults)
    trained_model = model(options.network)
    if options.name:
        user_models.check_name(options.name)
    folder = options.output or Path("runs") / options.network
    try:
        with progress_bar(options.network, options.quiet) as job:
            trained = train(options.network, parameters, folder, job, tqdm.write)
    except (KeyboardInterrupt, Cancelled):
        print("matting-nodes: stopped; run the command again to go on", file=sys.stderr)
        return 130
    weights = str(trained.weights)
    if options.name:
        user_models.keep(trained_model, trained.weights, options.name)
        weights = options.name
    print(printable(f"{trained.weights}: error {trained.error:.4f}"))
    print(printable(f"use it: matting-nodes {_command(options.network)} --weights {weights}"))
    return 0


def _command(network: str) -> str:
    """Return the command line that uses a network, with the files that it needs."""
    name = model(network).task
    for method in NODES[name].methods.values():
        if network in method.networks:
            chosen = f"--method {method.name}"
            if len(method.networks) > 1:
                chosen += f" --network {network.removeprefix('dim_')}"
            files = {"make_trimap": "--image photo.png -o trimap.png"}
            given = files.get(name, "photo.png trimap.png -o alpha.png")
            return f"{NODES[name].command} {given} {chosen}"
    return NODES[name].command
