"""Training the refiner: it starts as the solver, learns, and continues where it stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

from matting_nodes.metrics import grad
from matting_nodes.networks.refiner import ALPHA, UNKNOWN, Refiner
from matting_nodes.training import refiner_training
from matting_nodes.training.refiner_training import (
    RefinerTraining,
    augmented,
    drawn_path,
    gradient_error,
    random_crop,
    refiner_loss,
    tensors,
)
from matting_nodes.training.synthesis import scene
from matting_nodes.training.synthesis.solved import ALPHA as TRUTH
from matting_nodes.training.synthesis.solved import SAMPLES, SOLVED, TRIMAP, solved_planes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three solved scenes; one thread, as small convolutions want."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("scenes")
    for number in range(3):
        drawn = scene([8, number], [data.coffee()], (176, 176), kind="fur")
        np.save(path / f"{number}.npy", solved_planes(drawn))
    return path


@pytest.fixture
def crop(folder):
    return np.load(folder / "0.npy")[:160, :160]


def test_with_its_initial_weights_it_returns_the_solvers_alpha(crop):
    planes, _ = tensors(crop[None])
    with torch.inference_mode():
        answer = Refiner()(planes)
    torch.testing.assert_close(answer[:, :1], planes[:, ALPHA : ALPHA + 1])


def test_known_pixels_stay_exact_whatever_the_weights(crop):
    planes, _ = tensors(crop[None])
    network = Refiner()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    with torch.inference_mode():
        answer = network(planes)[0].numpy()
    known = crop[..., TRIMAP] != 128
    np.testing.assert_array_equal(answer[0][known], planes[0, ALPHA].numpy()[known])
    assert (answer[1][known] == 0).all()
    assert abs(answer[0] - planes[0, ALPHA].numpy())[~known].max() > 0.01


def test_a_few_steps_lower_the_error(folder):
    training = RefinerTraining(folder, minutes=1, batch=4, rate=5e-3, half=False)
    before = training.held_out(folder)["SAD"]
    training.run(40)
    assert before == pytest.approx(1, abs=1e-3)
    assert training.held_out(folder)["SAD"] < 0.97


def test_it_can_be_judged_on_some_of_its_scenes(folder, tmp_path):
    training = RefinerTraining(folder, minutes=1, batch=4, rate=5e-3, half=False)
    training.run(5)
    for name in ("0.npy", "2.npy"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    assert training.held_out(folder, most=2) == training.held_out(tmp_path)
    assert training.held_out(folder, most=9) == training.held_out(folder)


def test_squares_count_to_the_end(folder, monkeypatch):
    """Without them the mean squared error rises again."""
    losses = []
    for share in (refiner_training.LEAST_SQUARES, 0):
        monkeypatch.setattr(refiner_training, "LEAST_SQUARES", share)
        training = RefinerTraining(folder, minutes=1, batch=2, half=False)
        training.seconds = 60
        losses.append(training.run(1))
    assert losses[0] > 1.01 * losses[1]


def test_a_seed_repeats_its_training(folder):
    losses = [RefinerTraining(folder, minutes=10, batch=2, half=False).run(3) for _ in range(2)]
    # The learning rate falls with time, by next to nothing in three steps.
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_a_checkpoint_continues_where_it_stopped(folder, tmp_path):
    training = RefinerTraining(folder, minutes=10, batch=2, half=False)
    training.run(2)
    training.save(tmp_path / "a.pt")
    other = RefinerTraining(folder, minutes=10, batch=2, half=False, seed=5)
    other.resume(tmp_path / "a.pt")
    assert (other.step, other.seconds) == (training.step, training.seconds)
    for name, value in other.network.state_dict().items():
        torch.testing.assert_close(value, training.network.state_dict()[name])


def test_training_begins_again_from_averaged_weights(folder, tmp_path):
    training = RefinerTraining(folder, minutes=10, batch=2, rate=1e-2, half=False)
    training.run(2)
    training.save(tmp_path / "a.pt")
    other = RefinerTraining(folder, minutes=10, batch=2, half=False)
    other.start(tmp_path / "a.pt")
    assert (other.step, other.seconds) == (2, 0)
    assert other.held_out(folder) == training.held_out(folder)
    other.run(1)
    other.save(tmp_path / "b.pt")
    again = RefinerTraining(folder, minutes=10, batch=2, half=False)
    again.resume(tmp_path / "b.pt")
    assert again.began == other.began == 2


def test_new_scenes_are_drawn_more_often(folder):
    paths = RefinerTraining(folder, minutes=1).scenes()
    assert paths == [folder / f"{number}.npy" for number in range(3)]
    (folder / "0.npy").touch()
    paths = RefinerTraining(folder, minutes=1).scenes()
    assert paths[-1] == folder / "0.npy"
    chance = np.random.default_rng(0)
    shares = [sum(drawn_path(chance, paths) == path for _ in range(900)) / 900 for path in paths]
    assert shares == pytest.approx([1 / 6, 1 / 6, 2 / 3], abs=0.05)


def test_inverted_crops_stay_consistent(crop):
    """Whatever is turned or inverted, known pixels are as true as before."""
    chance = np.random.default_rng(0)
    for _ in range(30):
        now = augmented(chance, random_crop(chance, crop, 96))
        known = now[..., TRIMAP] != 128
        assert set(np.unique(now[..., TRIMAP])) <= {0, 128, 255}
        assert abs(now[..., TRIMAP].astype(int) - now[..., TRUTH])[known].max(initial=0) <= 2
        for plane in (SOLVED, SAMPLES.start):
            assert (now[..., plane] == now[..., TRIMAP])[known].all()


def test_the_loss_is_least_at_the_truth(crop):
    planes, truth = tensors(crop[None])
    right = truth - planes[:, ALPHA : ALPHA + 1]
    none = torch.zeros_like(truth)
    assert float(refiner_loss(planes, right, none, truth)) == pytest.approx(0, abs=1e-6)
    assert float(refiner_loss(planes, right + 0.1, none, truth)) > 0.1


def test_the_loss_knows_the_gradient_error(crop):
    planes, truth = tensors(crop[None])
    solved = planes[:, ALPHA : ALPHA + 1]
    unknown = (planes[:, UNKNOWN : UNKNOWN + 1] > 0)[0, 0].numpy()
    inside = np.zeros_like(unknown)
    inside[8:-8, 8:-8] = unknown[8:-8, 8:-8]
    measured = 1000 * grad(solved[0, 0].numpy(), truth[0, 0].numpy(), inside) / inside.sum()
    learned = gradient_error(solved, truth, torch.from_numpy(inside)[None, None].float())
    assert float(learned) == pytest.approx(measured, rel=0.02)
    assert measured > 0.001


def test_the_predicted_error_is_a_quantile():
    """The loss is least where nine errors in ten are smaller."""
    planes = torch.zeros(1, 8, 32, 32)
    planes[:, 4] = 1
    truth = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    correction = torch.zeros_like(truth)
    losses = {
        claimed: float(refiner_loss(planes, correction, torch.full_like(truth, claimed), truth))
        for claimed in (0.5, 0.8, 0.9, 0.95, 1.0)
    }
    assert min(losses, key=losses.get) == 0.9
