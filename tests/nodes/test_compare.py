from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.errors import EmptyRegionError
from matting_nodes.nodes.compare import compare


def test_red_is_too_high_and_blue_too_low():
    alpha, reference = np.float32([[0, 1.0, 0.5]]), np.float32([[1.0, 0, 0.5]])
    picture, _ = compare(alpha, reference)
    np.testing.assert_array_equal(picture, [[[0, 0, 1], [1, 0, 0], [1, 1, 1]]])


def test_with_a_trimap_only_the_unknown_pixels_count():
    alpha, reference = np.float32([[0.0, 0.5]]), np.float32([[1.0, 0.5]])
    trimap = np.uint8([[0, 128]])
    picture, table = compare(alpha, reference, trimap=trimap)
    assert (table["SAD"], table["pixels"]) == (0, 1)
    np.testing.assert_array_equal(picture, np.ones((1, 2, 3)))


def test_a_trimap_without_unknown_pixels_leaves_nothing_to_measure():
    with pytest.raises(EmptyRegionError, match="no unknown pixels"):
        compare(np.zeros((2, 2)), np.zeros((2, 2)), trimap=np.uint8([[0, 0], [255, 255]]))
