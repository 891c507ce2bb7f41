"""Networks in two halves: the same answer as whole, for less work."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from matting_nodes.job import Cancelled, Job
from matting_nodes.models._finishing import near_of
from matting_nodes.models._precision import in_precision
from matting_nodes.models.tiles import run_tiled


class Halves(nn.Module):
    """Features at 1/4 that know the whole picture, then convolutions; counts what it finishes."""

    stride, near = 4, 4

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.coarse = nn.Conv2d(4, 6, 4, stride=4)
        self.skip = nn.Conv2d(4, 6, 3, padding=1)
        self.last = nn.Conv2d(12, 1, 5, padding=2)
        self.finished: list[tuple[int, ...]] = []

    def forward(self, x):
        return self.finish(*self.begin(x))

    def begin(self, x):
        coarse = self.coarse(x)
        return coarse + coarse.mean((2, 3), keepdim=True), self.skip(x)

    def finish(self, coarse, skip):
        self.finished.append(tuple(skip.shape))
        up = functional.interpolate(coarse, scale_factor=4.0)
        return self.last(torch.cat([up, skip], dim=1).relu())

    @property
    def pixels(self):
        return sum(n * h * w for n, _, h, w in self.finished)


@pytest.fixture
def photo(lemur, lemur_trimap):
    planes = np.concatenate([lemur - 0.5, lemur_trimap[..., None] / np.float32(255)], axis=2)
    height, width = (side // 4 * 4 for side in lemur_trimap.shape)
    unknown = (lemur_trimap > 0) & (lemur_trimap < 255)
    inputs = np.ascontiguousarray(planes.transpose(2, 0, 1)[:, :height, :width])
    return inputs, unknown[:height, :width]


def whole(network, inputs):
    with torch.inference_mode():
        return network(torch.from_numpy(inputs)[None])[0].numpy()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("tile", [0, 256])
def test_the_same_answer_for_less_work(photo, tile, batch):
    inputs, unknown = photo
    network, plain = Halves(), Halves()
    plain.near = 0
    given, expected = (
        run_tiled(n, inputs, unknown, stride=4, field_of_view=None, tile=tile, batch=batch)
        for n in (network, plain)
    )
    np.testing.assert_allclose(given.values[:, unknown], expected.values[:, unknown], atol=1e-5)
    assert network.pixels < 0.7 * plain.pixels


def test_the_edge_of_the_picture_is_that_of_the_whole(photo):
    inputs, _ = photo
    unknown = np.zeros(inputs.shape[1:], bool)
    unknown[:8], unknown[-8:, -8:] = True, True
    network = Halves()
    given = run_tiled(network, inputs, unknown, stride=4, field_of_view=None)
    assert network.pixels < unknown.size / 4
    difference = abs(given.values - whole(network, inputs))
    assert difference[:, unknown].max() <= 1e-5


def test_a_half_precision_answers_in_float32(photo):
    inputs, unknown = photo
    device = torch.device("cpu")
    network = in_precision(Halves(), device, "bf16", pytest.fail)
    assert near_of(network) == 4
    given = run_tiled(network, inputs, unknown, stride=4, field_of_view=None)
    assert given.values.dtype == np.float32
    exact = whole(Halves(), inputs)
    difference = abs(given.values - exact)[:, unknown].max()
    assert 0 < difference < 0.05


@pytest.mark.parametrize("half", ["begin", "finish"])
def test_what_overflows_is_computed_in_float32(photo, half):
    inputs, unknown = photo
    network, told = Halves(), []
    with torch.no_grad():
        layer = network.coarse if half == "begin" else network.last
        layer.weight *= 1e7
    rough = in_precision(network, torch.device("cpu"), "fp16", told.append)
    given = run_tiled(rough, inputs, unknown, stride=4, field_of_view=None)
    exact = whole(network, inputs)[:, unknown]
    # Where only the second half overflows, the first is still in half precision.
    limit = 1e-6 if half == "begin" else 1e-2
    assert np.abs(given.values[:, unknown] - exact).max() <= limit * np.abs(exact).max()
    assert told == ["The network's values overflow float16: computed in float32"]


def test_a_cancel_stops_between_parts(photo):
    inputs, unknown = photo
    network, whole = Halves(), Halves()
    run_tiled(whole, inputs, unknown, stride=4, field_of_view=None)
    # The job is asked a few times a second: parts that take longer are finished one at most.
    finish = network.finish
    network.finish = lambda *features: (time.sleep(0.3), finish(*features))[1]
    job = Job(cancelled=lambda: bool(network.finished))
    with pytest.raises(Cancelled):
        run_tiled(network, inputs, unknown, stride=4, field_of_view=None, job=job)
    assert 1 <= len(network.finished) < len(whole.finished)
