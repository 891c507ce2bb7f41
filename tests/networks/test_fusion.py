"""Fused batch norms: the same answers from fewer layers, for networks of every kind."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from matting_nodes.models._fusion import fuse_norms
from matting_nodes.models.catalog import model

# How many batch norms remain: those that follow a rectifier.
REMAINING = {"indexnet": 0, "dim_segnet": 0, "gca": 13, "lraspp_mobilenet_v3_large": 0}


def last(answer):
    answer = answer["out"] if isinstance(answer, dict) else answer
    return answer[-1] if isinstance(answer, tuple) else answer


@pytest.mark.parametrize("name", REMAINING)
def test_the_answer_stays_and_the_norms_go(made_up, relative_error, name):
    network = made_up(model(name).build(), bn=(1.0, 2.0) if name == "indexnet" else (0.3, 0.9))
    fused = copy.deepcopy(network)
    fuse_norms(fused)
    norms = [layer for layer in fused.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(norms) == REMAINING[name]
    x = torch.rand(1, model(name).channels, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected, found = last(network(x)), last(fused(x))
    assert expected.std() > 1e-4, "a constant answer would prove nothing"
    assert relative_error(found, expected) < 1e-3
