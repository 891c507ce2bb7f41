from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.compositing.adjust import choked, despilled, levels


def test_plain_levels_change_nothing():
    alpha = sample_data.lemur_alpha()
    np.testing.assert_array_equal(levels(alpha, 0, 1, 1), alpha)


@pytest.mark.parametrize("radius", [1, 2, 5])
def test_choke_moves_an_edge_by_its_radius_and_keeps_its_ramp(radius):
    """A soft vertical edge, 0 … 0, 0.25, 0.5, 0.75, 1 … 1, moves to the right."""
    edge = np.concatenate([np.zeros(10), [0.25, 0.5, 0.75], np.ones(10)])
    alpha = np.tile(edge, (21, 1)).astype(np.float32)
    middle = slice(5, -5)
    inwards = choked(alpha, radius)[:, middle]
    np.testing.assert_array_equal(inwards, np.roll(alpha, radius, 1)[:, middle])
    outwards = choked(alpha, -radius)[:, middle]
    np.testing.assert_array_equal(outwards, np.roll(alpha, -radius, 1)[:, middle])


def test_choke_is_round():
    """The disk of radius 3 around one clear pixel, counted by hand: 29 pixels."""
    alpha = np.ones((15, 15), np.float32)
    alpha[7, 7] = 0
    assert (choked(alpha, 3) == 0).sum() == 29


def test_despill_leaves_other_colors_and_the_picture_alone():
    colors = np.float32([[[0.2, 0.9, 0.4], [0.9, 0.4, 0.2]]])
    before = colors.copy()
    np.testing.assert_allclose(despilled(colors, "green", 1)[0, 0], [0.2, 0.3, 0.4], atol=1e-6)
    np.testing.assert_array_equal(despilled(colors, "green", 1)[0, 1], before[0, 1])
    np.testing.assert_array_equal(colors, before)
