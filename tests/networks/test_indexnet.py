from __future__ import annotations

import torch

from matting_nodes.networks.indexnet import IndexBlock


def test_weights_of_pooling_sum_to_one_in_each_window():
    torch.manual_seed(0)
    with torch.no_grad():
        pooling, upsampling = IndexBlock(3).eval()(torch.randn(2, 3, 8, 12))
    sums = 4 * torch.nn.functional.avg_pool2d(pooling, 2)
    torch.testing.assert_close(sums, torch.ones(2, 3, 4, 6))
    assert upsampling.shape == (2, 3, 8, 12)
    assert 0 < upsampling.min() < upsampling.max() < 1
