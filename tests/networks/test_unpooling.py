from __future__ import annotations

import torch

from matting_nodes.networks._unpooling import pool, unpool


def test_maxima_return_to_where_they_were():
    x = torch.tensor([[[[1.0, 2.0, 0.0, 0.0], [4.0, 3.0, 0.0, 7.0]]]])
    pooled, places = pool(x)
    assert pooled.tolist() == [[[[4.0, 7.0]]]]
    assert unpool(10 * pooled, places).tolist() == [[[[0, 0, 0, 0], [40, 0, 0, 70]]]]


def test_unpooling_is_that_of_torch():
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 10)
    pooled, places = pool(x)
    expected, indices = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
    assert torch.equal(pooled, expected)
    again = torch.nn.functional.max_unpool2d(expected, indices, 2)
    assert torch.equal(unpool(pooled, places), again)


def test_a_part_is_unpooled_as_in_the_whole():
    x = torch.randn(1, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    pooled, places = pool(x)
    part = unpool(pooled[..., 1:3, 2:6], places[..., 1:3, 2:6])
    assert torch.equal(part, unpool(pooled, places)[..., 2:6, 4:12])
