"""Every network loads the published state dict and gives what the published code gave."""

from __future__ import annotations

import copy

import torch


def outputs(network, x):
    with torch.no_grad():
        found = network(x)
    return found if isinstance(found, tuple) else (found,)


def test_keys_and_shapes_are_the_published_ones(published):
    with torch.device("meta"):
        state = published.build().state_dict()
    found = {key: list(tensor.shape) for key, tensor in state.items()}
    assert found == published.shapes()


def test_output_is_the_published_one(published, network, relative_error):
    x = published.input()
    exact_outputs = outputs(copy.deepcopy(network).double(), x.double())
    found_outputs = outputs(network, x)
    for found, exact, expected in zip(
        found_outputs, exact_outputs, published.outputs(), strict=True
    ):
        # IndexNet's made-up weights amplify rounding a thousandfold: 32 bits are 2e-4 from 64
        # there, and as far from each other on processors that add up in another order.
        rounding = relative_error(found, exact)
        assert rounding < 5e-4
        assert relative_error(found.reshape(expected.shape), expected) <= max(1e-4, 2 * rounding)


def test_in_a_batch_each_picture_fares_as_alone(published, network, relative_error):
    pictures = [published.input(96, 64, seed) for seed in (0, 1)]
    together = outputs(network, torch.cat(pictures))
    for number, picture in enumerate(pictures):
        for found, alone in zip(together, outputs(network, picture), strict=True):
            assert found.shape[2:] == (96, 64)
            assert relative_error(found[number : number + 1], alone) < 1e-3


def test_order_in_memory_changes_nothing(published, network, relative_error):
    x = published.input()
    expected = outputs(network, x)
    reordered = copy.deepcopy(network).to(memory_format=torch.channels_last)
    found = outputs(reordered, x.to(memory_format=torch.channels_last))
    assert all(relative_error(*pair) < 1e-3 for pair in zip(found, expected, strict=True))


def test_half_precision_is_close(published, network, relative_error):
    # Small, since processors compute halves slowly.
    x = published.input(32, 64)
    expected = outputs(network, x)
    with torch.autocast("cpu", torch.bfloat16):
        found = outputs(network, x)
    limit = published.half_precision
    assert all(relative_error(*pair) < limit for pair in zip(found, expected, strict=True))


def test_gradients_reach_every_parameter_and_the_input_is_left_alone(published, network):
    x = published.input(64, 64)
    before = x.clone()
    found = network(x)
    found = torch.cat(found, dim=1) if isinstance(found, tuple) else found
    gradients = torch.autograd.grad(found.square().sum(), list(network.parameters()))
    assert all(torch.isfinite(g).all() and g.abs().max() > 0 for g in gradients)
    assert torch.equal(x, before)


def test_it_learns(published, network):
    """A few steps of plain gradient descent in training mode lower the loss."""
    pupil = copy.deepcopy(network).train()
    for layer in pupil.modules():
        if isinstance(layer, (torch.nn.Dropout, torch.nn.Dropout2d)):
            layer.eval()
    x = torch.cat([published.input(64, 64, seed) for seed in (0, 1)])
    optimizer = torch.optim.SGD(pupil.parameters(), lr=1e-3)
    losses = []
    for _ in range(3):
        found = pupil(x)
        loss = (found[-1] if isinstance(found, tuple) else found).sub(0.8).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
