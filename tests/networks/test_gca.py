from __future__ import annotations

import pytest
import torch

from matting_nodes.networks.gca import GuidedContextualAttention


@pytest.fixture
def attention():
    torch.manual_seed(0)
    attention = GuidedContextualAttention(8, 6).eval()
    torch.nn.init.dirac_(attention.W[0].weight)
    torch.nn.init.ones_(attention.W[1].weight)
    return attention


def test_attention_in_pieces_gives_the_same(attention):
    guidance, features = torch.rand(2, 6, 16, 24), torch.rand(2, 8, 16, 24)
    unknown = (torch.rand(2, 1, 16, 24) > 0.5).float()
    with torch.no_grad():
        whole = attention(guidance, features, unknown)
        attention.at_a_time = 7
        pieces = attention(guidance, features, unknown)
    torch.testing.assert_close(pieces, whole, rtol=1e-5, atol=1e-5)


def test_features_come_from_where_the_picture_looks_alike(attention):
    """Two looks, left and right; the features of the known right are carried to the unknown."""
    torch.nn.init.dirac_(attention.guidance_conv.weight)
    torch.nn.init.zeros_(attention.guidance_conv.bias)
    guidance = torch.zeros(1, 6, 16, 32)
    guidance[:, 0, :, :16], guidance[:, 1, :, 16:] = 10, 10
    features = torch.zeros(1, 8, 16, 32)
    features[..., 16:24] = 1
    unknown = torch.zeros(1, 1, 16, 32)
    unknown[..., 24:] = 1
    with torch.no_grad():
        gained = (attention(guidance, features, unknown) - features)[0].mean(dim=(0, 1))
    assert gained[26:30].min() > 10 * gained[2:12].max()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_trimap_of_one_kind_only_is_no_trouble(attention, share):
    with torch.no_grad():
        found = attention(
            torch.rand(1, 6, 8, 8), torch.rand(1, 8, 8, 8), torch.full((1, 1, 8, 8), share)
        )
    assert torch.isfinite(found).all()
