"""Trimaps painted on some planes of a stack, carried to those between."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.errors import MissingInputError, ParameterError, SizeMismatchError
from matting_nodes.trimap.planes import carry_between


def disc(radius: float, center: tuple[float, float], shape=(90, 120)) -> np.ndarray:
    """A disc with a band of 6 pixels of unknown around its edge."""
    y, x = np.indices(shape)
    distance = np.hypot(y - center[0], x - center[1]) - radius
    return np.where(distance < -3, 255, np.where(distance > 3, 0, 128)).astype(np.uint8)


def test_a_disc_that_grows_is_halfway_in_between():
    found = carry_between({0: disc(15, (45, 60)), 4: disc(27, (45, 60))}, 5).trimaps[2]
    expected = disc(21, (45, 60))
    assert (found != expected).mean() < 0.01
    assert not ((found == 255) & (expected == 0)).any()


def test_a_disc_that_moves_farther_than_it_is_wide_is_found_in_between():
    painted = {0: disc(10, (45, 25)), 6: disc(10, (45, 85))}
    found = carry_between(painted, 7).trimaps[3]
    assert (found != disc(10, (45, 55))).mean() < 0.01
    # Distances alone lose it.
    assert not (carry_between(painted, 7, moves=False).trimaps[3] == 255).any()


def test_painted_planes_stay_and_the_others_are_marked():
    painted = {2: disc(15, (45, 60)), 5: disc(20, (40, 50))}
    found = carry_between(painted, 8)
    assert found.carried.tolist() == [True, True, False, True, True, False, True, True]
    for plane, trimap in painted.items():
        assert (found.trimaps[plane] == trimap).all()
    assert (found.trimaps[0] == painted[2]).all()
    assert (found.trimaps[7] == painted[5]).all()


def test_a_correction_changes_its_neighbors_only():
    painted = {plane: disc(12 + plane / 2, (45, 50 + plane)) for plane in (0, 5, 10, 15, 20)}
    before = carry_between(painted, 21).trimaps
    after = carry_between(painted | {10: disc(24, (45, 60))}, 21).trimaps
    changed = [plane for plane in range(21) if (before[plane] != after[plane]).any()]
    assert changed == [6, 7, 8, 9, 10, 11, 12, 13, 14]


def test_bad_input_is_told():
    one = disc(15, (45, 60))
    with pytest.raises(MissingInputError, match="No plane"):
        carry_between({}, 5)
    with pytest.raises(ParameterError, match="Plane 5 has a trimap"):
        carry_between({5: one}, 5)
    with pytest.raises(SizeMismatchError, match="plane 3"):
        carry_between({1: one, 3: one[1:]}, 5)
