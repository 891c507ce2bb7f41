"""A refined matte that follows strokes, with the weights that come with the package."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import alpha_matte
from matting_nodes.alpha.propagation.follower import Follower
from matting_nodes.alpha.propagation.refined_session import RefinedSession
from matting_nodes.errors import MattingError
from matting_nodes.job import Cancelled, Job

STROKE = np.s_[89:95, 321:327]


@pytest.fixture(scope="module")
def fresh(lemur, lemur_trimap):
    return alpha_matte(lemur, lemur_trimap, method="refined_propagation")


@pytest.fixture
def session(lemur, lemur_trimap):
    return RefinedSession.begin(lemur, lemur_trimap)


@pytest.fixture
def painted(lemur_trimap):
    trimap = lemur_trimap.copy()
    trimap[STROKE] = 255
    return trimap


def test_it_begins_with_the_ordinary_matte(session, fresh):
    np.testing.assert_allclose(session.alpha, fresh, atol=1e-4)
    assert session.settled


def test_a_stroke_changes_what_is_near_it_and_settles_to_a_fresh_matte(session, lemur, painted):
    before = session.alpha.copy()
    box = session.update(painted, settle=False)
    assert not session.settled
    assert session.alpha[box].size < 0.8 * before.size
    beyond = np.ones(before.shape, bool)
    beyond[box] = False
    np.testing.assert_array_equal(session.alpha[beyond], before[beyond])
    assert (session.alpha[STROKE] == 1).all()
    assert (session.alpha != before).any()
    session.settle()
    assert session.settled
    # The same as if all was refined again; and as a fresh matte, but for the solvers' tolerances.
    again = RefinedSession(session._session, Job(), **session._options)
    np.testing.assert_allclose(session.alpha, again.alpha, atol=1e-4)
    np.testing.assert_allclose(session.error, again.error, atol=1e-4)
    off = abs(session.alpha - alpha_matte(lemur, painted, method="refined_propagation"))
    assert off.mean() < 5e-4
    assert (off > 0.02).mean() < 1e-3


def test_what_was_cancelled_or_refused_leaves_the_matte_and_is_done_later(session, painted):
    before = session.alpha.copy()
    with pytest.raises(Cancelled):
        session.update(painted, job=Job(cancelled=lambda: True))
    with pytest.raises(MattingError):
        session.update(np.full_like(painted, 128))
    np.testing.assert_array_equal(session.alpha, before)
    session.update(painted)
    assert (session.alpha[STROKE] == 1).all()
    assert session.settled


def test_nothing_is_refined_without_a_change(session, lemur_trimap):
    rows, columns = session.update(lemur_trimap)
    assert (rows.stop - rows.start) * (columns.stop - columns.start) == 0


def test_napari_follows_it(lemur, painted, lemur_trimap, fresh):
    parameters = {"method": "refined_propagation"}
    assert Follower.can_follow(alpha_matte, parameters)
    follower = Follower(alpha_matte, parameters)
    follower.follow({"image": [lemur], "trimap": [lemur_trimap]})
    (whole,) = follower.pop_patches()
    np.testing.assert_allclose(whole.values, fresh, atol=1e-4)
    assert follower.provenance["model"] == "refiner"
    follower.follow({"image": [lemur], "trimap": [painted]}, settle=False)
    (patch,) = follower.pop_patches()
    assert patch.values.size < whole.values.size
