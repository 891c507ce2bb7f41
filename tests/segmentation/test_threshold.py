from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import samples
from matting_nodes.errors import EmptyRegionError
from matting_nodes.nodes.segment import segment


def test_it_finds_the_bright_cell():
    """The cell is a disk of some 64 pixels' radius around (374, 428)."""
    mask = segment(samples.cell(), method="threshold")
    y, x = np.indices(mask.shape)
    disk = np.hypot(y - 374, x - 428) < 64
    assert (mask.astype(bool) & disk).sum() / (mask.astype(bool) | disk).sum() > 0.9


def test_dark_objects_are_the_rest():
    cell = samples.cell()
    bright, dark = (segment(cell, method="threshold", objects=o) for o in ("bright", "dark"))
    np.testing.assert_array_equal(bright + dark, np.ones_like(bright))


def test_bit_depth_and_scale_do_not_matter():
    cell = samples.cell()
    expected = segment(cell, method="threshold")
    as_16_bit = cell.astype(np.uint16) * 257
    np.testing.assert_array_equal(segment(as_16_bit, method="threshold"), expected)


def test_a_constant_image_has_no_threshold():
    with pytest.raises(EmptyRegionError, match=r"Every pixel of the image is 0\.25"):
        segment(np.full((4, 4), 0.25), method="threshold")
