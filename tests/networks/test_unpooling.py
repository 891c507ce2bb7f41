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
    assert torch.equal(unpool(pooled, places), torch.nn.functional.max_unpool2d(pooled, places, 2))
