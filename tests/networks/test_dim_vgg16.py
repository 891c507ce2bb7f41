from __future__ import annotations

import pytest
import torch

from matting_nodes.networks import DimVgg16


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return DimVgg16().eval()


def test_weights_of_the_first_stage_alone_load_strictly(network):
    state = network.state_dict()
    first_stage = DimVgg16(refinement=False).eval()
    first_stage.load_state_dict({k: v for k, v in state.items() if not k.startswith("refine")})
    picture = torch.rand(1, 4, 32, 64)
    with torch.no_grad():
        expected, refined = network(picture)
        found = first_stage(picture)
    assert all(torch.equal(alpha, expected) for alpha in found)
    assert not torch.equal(refined, expected)


def test_weights_of_before_september_2019_have_a_narrower_kernel(network):
    older = {**network.state_dict()}
    older["conv6_1.weight"] = older["conv6_1.weight"][:, :, 1:2, 1:2]
    with pytest.raises(RuntimeError, match="conv6_1"):
        network.load_state_dict(older)
    DimVgg16(size_of_conv6=1).load_state_dict(older)
