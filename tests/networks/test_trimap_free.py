"""BiRefNet and MODNet give what their authors' modules gave with the same made-up weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from matting_nodes.networks import BiRefNet, MODNet
from matting_nodes.networks.birefnet import reorder_columns

from .conftest import GOLDEN, fill, image_and_trimap, rgb

SHARED = "lr_branch."
"""MODNet's files hold its backbone a second time, under this."""


def keys(name):
    return json.loads((GOLDEN / f"{name}_keys.json").read_text())


def golden(name, array):
    with np.load(GOLDEN / f"{name}_seed0.npz") as arrays:
        return torch.from_numpy(arrays[array])


@pytest.fixture(scope="module")
def birefnet():
    """The lite network and its weights; the index of relative positions is the module's own."""
    network = BiRefNet("tiny").eval()
    index = {k: v for k, v in network.state_dict().items() if k.endswith("position_index")}
    return network, fill(keys("birefnet_lite"), bn=(0.7, 1.3)) | index


@pytest.mark.parametrize(
    ("array", "reorder"), [("logits", dict), ("logits_columns", reorder_columns)]
)
def test_birefnet_gives_the_published_logits_in_either_order_of_patches(
    birefnet, array, reorder, relative_error
):
    network, state = birefnet
    network.load_state_dict(reorder(state), strict=True)
    with torch.no_grad():
        logits = network(rgb(*image_and_trimap(128, 160))[None])
    assert relative_error(logits, golden("birefnet_lite", array)) < 1e-4


def test_the_large_birefnet_has_the_published_tensors():
    with torch.device("meta"):
        shapes = {k: list(v.shape) for k, v in BiRefNet("large").state_dict().items()}
    assert shapes == keys("birefnet")


def test_modnet_gives_the_published_matte(relative_error):
    shapes = keys("modnet")
    state = fill({k: v for k, v in shapes.items() if not k.startswith(f"{SHARED}backbone.")})
    state |= {k: state[k.removeprefix(SHARED)] for k in shapes if k not in state}
    network = MODNet().eval()
    network.load_state_dict(state, strict=True)
    image = image_and_trimap(128, 160)[0]
    with torch.no_grad():
        matte = network(torch.from_numpy((image - 0.5) / 0.5).permute(2, 0, 1)[None])
    assert relative_error(matte, golden("modnet", "raw")) < 1e-4
