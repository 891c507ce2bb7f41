"""Proof that the networks learn: a minute each on a CPU, on shapes over photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from matting_nodes.models import weights
from matting_nodes.models.catalog import model
from matting_nodes.training.layouts import pictures_in
from matting_nodes.training.material import find_material
from matting_nodes.training.parameters import checked
from matting_nodes.training.specs import TRAINING_SPECS
from matting_nodes.training.trainer import train

pytestmark = pytest.mark.slow
pytest.importorskip("lightning")
pytest.importorskip("tensorboard")


def parameters_of(stars, name, steps, rate, **augmentation):
    given = {
        "data": {"layout": "composition1k", "folder": str(stars), "validation_share": 0.3},
        "augmentation": {"size": 64, "widest": 6} | augmentation,
        "optimizer": {"learning_rate": rate},
        "run": {
            "steps": steps,
            "batch": 4,
            "workers": 0,
            "device": "cpu",
            "encoder": "none",
            "validate_every": steps,
            "save_every": steps,
        },
    }
    return checked(given, TRAINING_SPECS[name].defaults, name)


def validation_batch(parameters, name):
    """All shapes that were set aside, cut as the trainer cuts them."""
    from matting_nodes.training._stream import SampleDataset, loader

    samples = SampleDataset(
        find_material(parameters).validation,
        pictures_in(Path(parameters.data.folder) / "bg"),
        parameters.augmentation,
        TRAINING_SPECS[name],
        7,
    )
    return next(iter(loader(samples, [(0, i) for i in range(len(samples))], len(samples), 0)))


def answers(name, batch, parameters, file=None):
    """What the network says before it has learned, or with the weights of a file."""
    from matting_nodes.training._start import begin

    network = model(name).build()
    begin(network, model(name), TRAINING_SPECS[name], parameters.run)
    if file:
        weights.load_into(network, file, model(name))
    with torch.no_grad():
        answer = network.eval()(batch["planes"])
    return (answer[0] if isinstance(answer, tuple) else answer).numpy()


def test_deep_image_matting_learns_alpha(stars, tmp_path):
    parameters = parameters_of(stars, "dim_vgg16", steps=16, rate=5e-4)
    trained = train("dim_vgg16", parameters, tmp_path)
    batch = validation_batch(parameters, "dim_vgg16")
    truth, unknown = batch["alpha"].numpy(), batch["trimap"].numpy() == 128

    def error(alpha):
        return float(np.abs(alpha - truth)[unknown].mean())

    before = error(answers("dim_vgg16", batch, parameters))
    after = error(answers("dim_vgg16", batch, parameters, trained.weights))
    best_constant = error(np.median(truth[unknown]))
    assert after < 0.6 * before
    assert after < 0.6 * best_constant


def test_t_net_learns_trimaps(stars, tmp_path):
    whole = {"recipe": "square", "size": 48, "widest": 4}
    parameters = parameters_of(stars, "tnet", steps=14, rate=5e-4, **whole)
    trained = train("tnet", parameters, tmp_path)
    batch = validation_batch(parameters, "tnet")
    trimap = batch["trimap"][:, 0].numpy()
    classes = np.select([trimap == 0, trimap == 255], [0, 2], 1)

    def error(logits):
        return float((logits.argmax(1) != classes).mean())

    before = error(answers("tnet", batch, parameters))
    after = error(answers("tnet", batch, parameters, trained.weights))
    most_common = 1 - np.bincount(classes.ravel()).max() / classes.size
    assert after < 0.6 * before
    assert after < 0.6 * most_common
