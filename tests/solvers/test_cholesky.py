from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.arrays import unknown
from matting_nodes.job import Cancelled
from matting_nodes.solvers.cholesky import LEAF_SIZE, Cholesky, dissect
from matting_nodes.solvers.laplacian import matting_system


def test_lines_keep_the_parts_apart():
    """Pixels of parts that are not above one another never share a window."""
    y, x = np.nonzero(np.hypot(*np.mgrid[-30:30, -40:40]) > 15)
    parts, order = dissect(y, x)
    assert sorted(order) == list(range(len(y)))
    assert max(part.stop - part.start for part in parts if not part.children) <= LEAF_SIZE
    owner = np.full((60 + 4, 80 + 4), -1)
    above = {}
    for number, part in enumerate(parts):
        own = order[part.start : part.stop]
        owner[y[own] + 2, x[own] + 2] = number
        above |= {id(child): number for child in part.children}
    ancestors = [{number} for number in range(len(parts))]
    for number in reversed(range(len(parts))):
        parent = above.get(id(parts[number]))
        if parent is not None:
            ancestors[number] |= ancestors[parent]
    for dy, dx in np.ndindex(5, 5):
        beside = owner[dy : dy + 60, dx : dx + 80][y, x]
        for a, b in set(zip(owner[y + 2, x + 2], beside, strict=True)):
            assert b < 0 or a in ancestors[b] or b in ancestors[a]


def equations(fur, epsilon):
    image, trimap = fur
    return matting_system(image, unknown(trimap), trimap == 255, epsilon)[0]


def test_it_solves(fur):
    system = equations(fur, 1e-4)
    alpha = np.random.default_rng(0).random(len(system.positions))
    solved = Cholesky(system, lambda done, total: None)(system.operator()(alpha))
    np.testing.assert_allclose(solved, alpha, atol=2e-3)


def test_it_can_be_stopped(fur):
    def stop(done, total):
        assert 0 < done < total
        raise Cancelled

    with pytest.raises(Cancelled):
        Cholesky(equations(fur, 1e-7), stop)
