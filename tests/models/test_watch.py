"""A watched network gives the same, can be stopped within an operation, and tells of its work."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from matting_nodes.job import Cancelled
from matting_nodes.models import _watch
from matting_nodes.models._watch import Overflow, Watch, work_of


@pytest.fixture
def done(monkeypatch):
    """The pieces of work that were told of; operations are done a few rows at a time."""
    monkeypatch.setattr(_watch, "AT_ONCE", 3000)
    monkeypatch.setattr(_watch, "PAUSE", -1)
    return []


def check_same(layer, x, done):
    with torch.inference_mode():
        expected = layer(x)
        with Watch(done.append):
            found = layer(x)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert found.stride() == expected.stride()
    assert len([work for work in done if work]) > 1


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    ("size", "stride", "padding", "dilation"),
    [(3, 1, 1, 1), (7, 2, 3, 1), (4, 2, 1, 1), (3, 1, 4, 4), (1, 1, 0, 1), (1, 2, 0, 1)],
)
def test_a_convolution_in_parts(done, size, stride, padding, dilation, batch, groups):
    layer = nn.Conv2d(4, 8, size, stride, padding, dilation, groups)
    x = torch.rand(batch, 4, 37, 29).to(memory_format=torch.channels_last)
    check_same(layer, x, done)


def test_a_convolution_with_keywords_in_parts(done):
    weight = torch.rand(8, 4, 3, 3)
    x = torch.rand(1, 4, 37, 29)
    check_same(lambda x: nn.functional.conv2d(x, weight, stride=1, padding=1), x, done)


@pytest.mark.parametrize("keywords", [{}, {"attn_mask": torch.zeros(1, 1, 5, 7)}])
def test_the_work_of_an_attention_is_counted(done, keywords):
    queries, keys = torch.rand(1, 2, 5, 4), torch.rand(1, 2, 7, 4)
    with torch.inference_mode(), Watch(done.append):
        nn.functional.scaled_dot_product_attention(queries, keys, keys, **keywords)
    assert sum(done) == 2 * (2 * 5 * 4) * 7


@pytest.mark.parametrize(("size", "output_padding", "padding"), [(5, 1, 2), (4, 0, 1)])
def test_a_transposed_convolution_in_parts(done, size, output_padding, padding):
    layer = nn.ConvTranspose2d(4, 8, size, 2, padding, output_padding)
    check_same(layer, torch.rand(2, 4, 9, 11), done)


@pytest.mark.parametrize("shape", [(300, 7), (2, 3, 70, 7)])
def test_a_linear_layer_in_parts(done, shape):
    check_same(nn.Linear(7, 5), torch.rand(shape), done)


@pytest.mark.parametrize("shapes", [((30, 40), (40, 50)), ((2, 300, 4), (2, 4, 5))])
def test_a_product_of_matrices_in_parts(done, shapes):
    other = torch.rand(shapes[1])
    check_same(lambda x: x @ other, torch.rand(shapes[0]), done)


def test_it_stops_within_a_single_operation(done):
    def stop(work):
        done.append(work)
        if len(done) == 5:
            raise Cancelled

    with pytest.raises(Cancelled), Watch(stop), torch.inference_mode():
        nn.Conv2d(4, 8, 3)(torch.rand(1, 4, 64, 64))
    assert len(done) == 5


class Halves(nn.Module):
    """Convolutions, and a product that grows with the square of the pixels."""

    stride, near = 4, 4

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 6, 3, padding=1)
        self.last = nn.Conv2d(6, 1, 3, padding=1)

    def begin(self, x):
        x = self.layer(x)
        places = x[..., ::8, ::8].flatten(2)
        return (x + (places.transpose(1, 2) @ places).mean(),)

    def finish(self, x):
        return self.last(x)


def test_the_work_of_a_larger_picture_is_foreseen():
    network = Halves()
    expected = work_of(network, 3)
    for side in (64, 128, 320):
        done, x = [], torch.rand(1, 3, side, side)
        with torch.inference_mode(), Watch(done.append) as watch:
            network.finish(*network.begin(x))
        assert expected.of(side**2, side**2) == pytest.approx(sum(done) + watch.work, rel=0.01)


def test_infinity_is_found_that_later_operations_would_hide():
    layer = nn.Conv2d(1, 1, 1).half()
    nn.init.constant_(layer.weight, 1e4)
    x = torch.full((1, 1, 8, 8), 100.0).half()
    with torch.inference_mode():
        for picture, overflows in ((x, True), (x / 100, False)):
            with Overflow() as overflow:
                answer = layer(picture).sigmoid()
            assert answer.isfinite().all()
            assert overflow.seen([answer]) == overflows
