"""Real runs of the smallest network, in few and small steps."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from matting_nodes import alpha_matte
from matting_nodes.errors import ParameterError, TrainingError
from matting_nodes.job import Cancelled, Job
from matting_nodes.models import user_models
from matting_nodes.models.catalog import model
from matting_nodes.training.parameters import checked
from matting_nodes.training.specs import TRAINING_SPECS
from matting_nodes.training.trainer import train

pytestmark = pytest.mark.slow
pytest.importorskip("lightning")
pytest.importorskip("tensorboard")

STEPS = 8


def given(folder, **changes):
    tables = {
        "data": {"layout": "composition1k", "folder": str(folder), "validation_share": 0.1},
        "augmentation": {"size": 64, "widest": 6},
        "optimizer": {"learning_rate": 1e-3},
        "loss": {},
        "run": {
            "steps": STEPS,
            "batch": 2,
            "workers": 0,
            "device": "cpu",
            "encoder": "none",
            "validate_every": 4,
            "save_every": 3,
        },
    }
    return {name: table | changes.get(name, {}) for name, table in tables.items()}


def parameters_of(folder, network="indexnet", **changes):
    return checked(given(folder, **changes), TRAINING_SPECS[network].defaults, "test")


def state(path):
    return torch.load(path, map_location="cpu", weights_only=True)["state_dict"]


def same(one, other):
    return set(one) == set(other) and all(torch.equal(one[key], other[key]) for key in one)


@pytest.fixture(scope="module")
def finished(stars, tmp_path_factory):
    """A run from beginning to end without interruption."""
    folder = tmp_path_factory.mktemp("finished")
    torch.set_num_threads(1)
    return folder, train("indexnet", parameters_of(stars), folder)


KILLED = """
import json, os, sys, torch
from matting_nodes.job import Job
from matting_nodes.training.parameters import checked
from matting_nodes.training.trainer import train

def die(fraction, message):
    if message.startswith("step 5:"):
        os._exit(9)

torch.set_num_threads(1)
train("indexnet", checked(json.loads(sys.argv[1]), {}, "test"), sys.argv[2], Job(report=die))
"""


def test_a_killed_run_goes_on_to_the_same_weights(stars, finished, tmp_path):
    """Killed outright at step 5, then by a cancel at step 7: no bit differs in the end."""
    parameters = parameters_of(stars)
    tables = given(stars, loss={"alpha": 0.5, "composition": 0.5})
    killed = subprocess.run([sys.executable, "-c", KILLED, json.dumps(tables), str(tmp_path)])
    assert killed.returncode == 9
    assert not list(tmp_path.glob(".*.part"))

    told = []

    def cancelled():
        return any(message.startswith("step 7:") for message in told)

    with pytest.raises(Cancelled):
        train("indexnet", parameters, tmp_path, Job(lambda _, text: told.append(text), cancelled))
    # The validation after step 4 was the last time that the state was kept before the kill.
    assert told[0].startswith("step 5:")
    trained = train("indexnet", parameters, tmp_path)
    folder, uninterrupted = finished
    assert trained.error == uninterrupted.error
    for name in ("last.ckpt", "best.ckpt", "indexnet.pth"):
        assert same(state(tmp_path / name), state(folder / name)), name


def test_going_on_with_other_settings_is_refused(stars, finished, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "run")
    with pytest.raises(ParameterError, match="learning_rate, batch changed since"):
        train(
            "indexnet",
            parameters_of(stars, optimizer={"learning_rate": 1e-2}, run={"batch": 3}),
            folder,
        )


def test_a_longer_run_goes_on_from_the_end(stars, finished, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "run")
    told = []
    job = Job(report=lambda _, message: told.append(message))
    train("indexnet", parameters_of(stars, run={"steps": STEPS + 1}), folder, job)
    assert [message.partition(":")[0] for message in told] == [f"step {STEPS + 1}"]


def test_the_board_shows_losses_errors_and_pictures(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished[0] / "board"))
    events.Reload()
    assert {"error", "train/alpha", "train/composition"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Images("samples")] == [4, 8]
    # Four pictures of 64 pixels in a row, a frame of 2 around each.
    assert events.Images("samples")[0].width == 4 * 64 + 5 * 2


def test_the_weights_are_at_hand_by_name(finished, fur, tmp_path, monkeypatch):
    monkeypatch.setenv("MATTING_NODES_CACHE", str(tmp_path))
    folder, trained = finished
    user_models.keep(model("indexnet"), trained.weights, "stars")
    assert list(user_models.all_own()) == [(model("indexnet"), "stars")]
    image, trimap = fur
    by_name = alpha_matte(image, trimap, method="indexnet", weights="stars")
    by_file = alpha_matte(image, trimap, method="indexnet", weights=str(folder / "indexnet.pth"))
    np.testing.assert_array_equal(by_name, by_file)
    network = model("indexnet").build().eval()
    network.load_state_dict(state(folder / "indexnet.pth"), strict=True)


def test_a_loss_that_is_no_number_ends_the_run_and_names_the_samples(stars, tmp_path):
    parameters = parameters_of(
        stars, optimizer={"learning_rate": 10, "clip": 0}, run={"steps": 200}
    )
    with pytest.raises(TrainingError, match=r"The loss is (nan|inf) at step \d+, on star"):
        train("dim_vgg16", parameters, tmp_path)
    kept = state(tmp_path / "last.ckpt") if (tmp_path / "last.ckpt").exists() else {}
    assert all(tensor.isfinite().all() for tensor in kept.values())


def test_too_many_broken_files_end_the_run(stars, tmp_path, capsys):
    data = shutil.copytree(stars, tmp_path / "data")
    for number in range(0, 24, 3):
        path = data / "fg" / f"star{number:02}.png"
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    parameters = parameters_of(data, run={"unreadable": 2})
    with pytest.raises(TrainingError, match=r"3 samples could not be read, the last: star\d+"):
        train("indexnet", parameters, tmp_path / "run")
    assert capsys.readouterr().out.count("left out: star") == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"layout": "folders"}}, "composition is 0.5. It needs foregrounds"),
        ({"augmentation": {"given_trimaps": True}}, "given_trimaps is true, and star.* no trimap"),
        ({"augmentation": {"size": 70}}, "size is 70. .*multiples of 32. Choose 64"),
        (
            {"data": {"validation_share": 0.0}},
            "24 samples are left for training and 0 for validation",
        ),
        ({"loss": {"stage": "joint"}}, "This network has no refinement"),
    ],
)
def test_what_the_data_cannot_serve_is_refused_before_anything_is_trained(
    stars, tmp_path, changes, message
):
    with pytest.raises(ParameterError, match=message):
        train("indexnet", parameters_of(stars, **changes), tmp_path)
    assert not list(tmp_path.glob("*.ckpt"))


def test_the_refinement_is_trained_on_a_first_stage_that_stays(stars, fur, tmp_path):
    run = {"steps": 2, "validate_every": 2}
    crop = {"size": 32}
    first = train(
        "dim_vgg16", parameters_of(stars, "dim_vgg16", run=run, augmentation=crop), tmp_path / "1"
    )
    second = train(
        "dim_vgg16",
        parameters_of(
            stars,
            "dim_vgg16",
            run=run | {"start": str(first.weights)},
            augmentation=crop,
            loss={"stage": "refinement"},
        ),
        tmp_path / "2",
    )
    before, after = state(first.weights), state(second.weights)
    # Nobody is to ask a refinement that was never trained.
    assert not any(name.startswith("refine_") for name in before)
    assert same(before, {n: t for n, t in after.items() if not n.startswith("refine_")})
    image, trimap = fur
    alphas = [
        alpha_matte(image, trimap, method="deep_image_matting", weights=str(t.weights))
        for t in (first, second)
    ]
    assert (alphas[0] != alphas[1]).any()


def test_halves_train_with_weights_in_full(stars, finished, tmp_path):
    run = {"steps": 2, "validate_every": 2, "precision": "bf16"}
    trained = train("indexnet", parameters_of(stars, run=run), tmp_path)
    weights = state(trained.weights)
    assert {t.dtype for t in weights.values() if t.is_floating_point()} == {torch.float32}
    assert all(tensor.isfinite().all() for tensor in weights.values())


def test_an_interrupt_is_passed_on_and_torch_is_left_as_it_was(stars, tmp_path):
    def interrupt(fraction, message):
        raise KeyboardInterrupt

    before = torch.are_deterministic_algorithms_enabled()
    with pytest.raises(KeyboardInterrupt):
        train("indexnet", parameters_of(stars), tmp_path, Job(report=interrupt))
    assert torch.are_deterministic_algorithms_enabled() == before
