from __future__ import annotations

import torch
from torch.nn.functional import batch_norm

from matting_nodes.networks.fba import StandardizedConv2d, fuse


def test_fusion_brings_the_parts_closer_to_the_picture(lemur):
    """Estimates that are off by a little agree better with I = α F + (1 − α) B afterwards."""
    torch.manual_seed(0)
    colors = torch.from_numpy(lemur[:64, :64]).permute(2, 0, 1)[None]
    alpha = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    foreground, background = 0.2 + 0.6 * colors, 0.6 * colors.flip(3)
    image = alpha * foreground + (1 - alpha) * background

    def misfit(alpha, foreground, background):
        return (alpha * foreground + (1 - alpha) * background - image).square().mean()

    estimate = [
        (part + 0.05 * torch.randn_like(part)).clamp(0, 1)
        for part in (alpha, foreground, background)
    ]
    assert misfit(*fuse(image, *estimate)) < 0.3 * misfit(*estimate)


def moments(weight):
    variance, mean = torch.var_mean(weight, dim=(1, 2, 3), correction=0)
    return mean, variance


def test_weights_are_standardized_in_training_and_left_alone_in_eval_mode():
    torch.manual_seed(0)
    layer = StandardizedConv2d(4, 6, 3).eval()
    before = layer.weight.detach().clone()
    layer(torch.rand(1, 4, 8, 8))
    assert torch.equal(layer.weight, before)
    layer.train()(torch.rand(1, 4, 8, 8)).sum().backward()
    mean, variance = moments(layer.weight)
    torch.testing.assert_close(mean, torch.zeros(6), rtol=0, atol=1e-6)
    torch.testing.assert_close(variance, torch.ones(6), rtol=1e-2, atol=0)
    assert layer.weight.grad.abs().max() > 0


def test_weights_are_standardized_when_they_are_loaded():
    """As the published code does after loading: by batch norm over each filter."""
    torch.manual_seed(0)
    raw = {"weight": 3 * torch.randn(6, 4, 3, 3) + 1, "bias": torch.randn(6)}
    layer = StandardizedConv2d(4, 6, 3)
    layer.load_state_dict(raw)
    expected = batch_norm(
        raw["weight"].reshape(1, 6, -1), None, None, training=True, momentum=0, eps=1e-5
    ).reshape_as(raw["weight"])
    torch.testing.assert_close(layer.weight.detach(), expected, rtol=0, atol=1e-5)
    assert torch.equal(layer.bias, raw["bias"])


def test_weights_that_were_trained_standardized_load_as_they_are():
    torch.manual_seed(0)
    trained, layer = StandardizedConv2d(4, 6, 3), StandardizedConv2d(4, 6, 3)
    for _ in range(3):
        trained.train()(torch.rand(1, 4, 8, 8))
    layer.load_state_dict(trained.state_dict())
    torch.testing.assert_close(layer.weight, trained.weight, rtol=0, atol=1e-4)
