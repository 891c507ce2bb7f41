"""Every network of ours in the catalog: how far it sees, its halves, tiles against the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from matting_nodes.models.catalog import MODELS
from matting_nodes.models.tiles import run_tiled

from .conftest import ALL

# One entry of each module: those of one differ in size alone, and in the order of patches.
OURS = list({m.builder: m for m in MODELS.values() if isinstance(m.builder, str)}.values())
# Of Deep Image Matting's 4096 channels each is like the others: their number changes no reach.
SLIM = {"dim_two_vgg16": {"channels": 32}, "dim_two_resnet50": {"channels": 32}}


@pytest.fixture(scope="module", params=OURS, ids=lambda entry: entry.name)
def entry(request):
    return replace(request.param, arguments=SLIM.get(request.param.name, request.param.arguments))


@pytest.fixture(scope="module")
def network(entry, made_up):
    bn = next((published.bn for published in ALL if published.name == entry.name), (0.3, 0.9))
    return made_up(entry.build(), bn)


@pytest.fixture(scope="module")
def picture(entry, network):
    """A strip, (1, C, 64, 1024), or as high as the network's stride."""
    height = max(64, network.stride)
    return torch.rand(1, entry.channels, height, 1024, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def whole(network, picture):
    """What the network makes of the whole strip, (K, 64, 1024)."""
    return last(network, picture)[0]


def last(network, x):
    with torch.no_grad():
        found = network(x)
    return found[-1] if isinstance(found, tuple) else found


def test_its_reach_is_how_far_an_output_pixel_sees(network, picture, whole, relative_error):
    """Tiles with margins of that width give what the whole gives, and narrower ones do not."""
    if network.reach is None:
        pytest.skip("sees the whole picture")
    wanted = np.zeros((64, 1024), bool)
    wanted[:, 512:544] = True

    def error(reach):
        tiled = run_tiled(
            network, picture[0], wanted, stride=network.stride, field_of_view=2 * reach + 1
        )
        return relative_error(torch.from_numpy(tiled.values[:, wanted]), whole[:, wanted])

    assert error(network.reach) < 1e-5
    assert error(network.reach // 3) > 1e-5


def test_without_a_reach_it_sees_the_whole_picture(network, picture, whole):
    if network.reach is not None:
        pytest.skip("sees a part of the picture")
    changed = picture.clone()
    changed[:, :3, :, :64] += 1
    assert not torch.equal(last(network, changed)[0, ..., 960:], whole[..., 960:])


def test_near_is_how_far_its_second_half_sees(network, picture, finished_apart):
    if not hasattr(network, "near"):
        pytest.skip("is of one piece")
    enough, too_little = finished_apart(network, picture[..., :512])
    assert enough < 1e-5
    assert too_little > 1e-5


def test_any_picture_whose_sides_are_multiples_of_its_stride_keeps_its_size(network, entry):
    height, width = (
        -(-32 // network.stride) * network.stride,
        -(-96 // network.stride) * network.stride,
    )
    assert last(network, torch.rand(2, entry.channels, height, width)).shape[2:] == (height, width)
