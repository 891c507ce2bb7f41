from __future__ import annotations

import torch

from matting_nodes.networks._spectral import SpectralConv2d, SpectralWeight


def test_training_finds_the_largest_singular_value():
    torch.manual_seed(0)
    weight = SpectralWeight(8, 4, 3, 3)
    for _ in range(200):
        weight()
    largest = torch.linalg.matrix_norm(weight().flatten(1), 2)
    torch.testing.assert_close(largest, torch.tensor(1.0), rtol=1e-4, atol=0)


def test_in_eval_mode_nothing_moves():
    torch.manual_seed(0)
    layer = SpectralConv2d(4, 8, 3, padding=1).eval()
    before = {key: value.clone() for key, value in layer.state_dict().items()}
    layer(torch.rand(1, 4, 8, 8))
    assert all(torch.equal(value, before[key]) for key, value in layer.state_dict().items())


def test_an_older_graph_outlives_a_training_step():
    """Two forward passes before one backward pass, as with accumulated gradients."""
    torch.manual_seed(0)
    layer = SpectralConv2d(4, 8, 3, padding=1)
    x = torch.rand(1, 4, 8, 8)
    (layer(x).sum() + layer(2 * x).sum()).backward()
    assert torch.isfinite(layer.module.weight_bar.grad).all()
