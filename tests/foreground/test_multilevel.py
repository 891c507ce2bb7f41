from __future__ import annotations

import numpy as np

from matting_nodes import samples
from matting_nodes.nodes.estimate_foreground import estimate_foreground


def test_colors_reproduce_the_image(lemur):
    alpha = samples.lemur_alpha()
    foreground, background = estimate_foreground(lemur, alpha)
    part = alpha[..., None]
    error = np.abs(part * foreground + (1 - part) * background - lemur)
    assert error.mean() < 1e-3
    assert error.max() < 0.1


def test_the_fur_loses_the_green_of_the_leaves(lemur):
    """Half-transparent fur is white or black: no greener than red. The picture there is."""
    alpha = samples.lemur_alpha()
    foreground, _ = estimate_foreground(lemur, alpha)
    edge = (alpha > 0.2) & (alpha < 0.6)

    def greenness(picture):
        return float((picture[edge][:, 1] - picture[edge][:, 0]).mean())

    assert greenness(lemur) > 0.05
    assert abs(greenness(foreground)) < 0.02


def test_grey_images_keep_one_channel():
    cell = samples.cell()
    alpha = (cell > 128).astype(np.float32)
    foreground, background = estimate_foreground(cell, alpha)
    assert foreground.shape == background.shape == (*cell.shape, 1)
    assert foreground.dtype == np.float32
