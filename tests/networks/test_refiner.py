"""The refiner: how far it sees, and that tiles give what the whole gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from matting_nodes.models.tiles import run_tiled
from matting_nodes.networks.refiner import INPUTS, UNKNOWN, Refiner


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = Refiner().eval()
    for parameter in made.parameters():
        if parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter, 0.1)
        else:
            torch.nn.init.normal_(parameter, std=0.1)
    # A correction of α's order, so that most of it is not clipped.
    torch.nn.init.normal_(made.last.weight, std=1e-3)
    return made


@pytest.fixture(scope="module")
def planes():
    noise = torch.rand(INPUTS, 480, 528, generator=torch.Generator().manual_seed(1))
    noise[UNKNOWN] = 1
    return noise.numpy()


def test_tiles_equal_the_whole(network, planes):
    wanted = np.ones(planes.shape[1:], bool)
    with torch.inference_mode():
        whole = network(torch.from_numpy(planes)[None])[0].numpy()
    field = 2 * network.reach + 1
    tiled = run_tiled(network, planes, wanted, stride=network.stride, field_of_view=field, tile=400)
    assert tiled.tile == 400
    assert abs(tiled.values - whole).max() <= 1e-4
    assert whole[0].std() > 0.1


def test_it_sees_no_farther_than_it_says(network, planes):
    """What changes in a corner changes nothing beyond its reach, and much within."""
    other = planes.copy()
    other[:3, :16, :16] += 0.5
    with torch.inference_mode():
        one, two = (network.corrections(torch.from_numpy(x)[None])[0] for x in (planes, other))
    moved = torch.nonzero((one != two)[0, 0])
    assert 50 < int(moved.max()) < 16 + network.reach


def test_it_is_small(network):
    assert sum(p.numel() for p in network.parameters()) < 1.5e6
