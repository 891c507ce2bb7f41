from __future__ import annotations

import cv2
import numpy as np
import pytest

from matting_nodes import MattingSession, alpha_matte
from matting_nodes.arrays import unknown
from matting_nodes.errors import EmptyRegionError, ParameterError, SizeMismatchError
from matting_nodes.job import Cancelled, Job
from matting_nodes.solvers.boxes import bounds


def stroke(trimap, random, length=60, width=20):
    """Return the trimap with a stroke that begins in its unknown part, and where the stroke is."""
    y, x = random.choice(np.argwhere(unknown(trimap)))
    angle = random.uniform(0, 2 * np.pi)
    end = int(x + length * np.cos(angle)), int(y + length * np.sin(angle))
    drawn = cv2.line(np.zeros_like(trimap), (int(x), int(y)), end, 1, width) > 0
    return np.where(drawn, random.choice([0, 128, 255]), trimap).astype(np.uint8), drawn


def near(drawn, pixels):
    return cv2.distanceTransform(1 - drawn.astype(np.uint8), cv2.DIST_L2, 5) < pixels


@pytest.fixture(scope="module")
def scene(lemur, lemur_trimap):
    return lemur, lemur_trimap


@pytest.fixture(scope="module")
def small(lemur, lemur_trimap):
    """Part of the picture, with fur."""
    return lemur[60:180, 300:420], lemur_trimap[60:180, 300:420]


def test_it_begins_with_what_alpha_matte_gives(scene):
    np.testing.assert_array_equal(MattingSession.begin(*scene).alpha, alpha_matte(*scene))


def test_a_stroke_gives_what_solving_afresh_gives(scene):
    image, trimap = scene
    session, random = MattingSession.begin(image, trimap), np.random.default_rng(1)
    for _ in range(4):
        trimap, drawn = stroke(trimap, random)
        session.update(trimap)
        difference = abs(session.alpha - alpha_matte(image, trimap))
        difference = difference[near(drawn, 200) & unknown(trimap)]
        assert difference.mean() < 2e-3
        assert difference.max() < 0.02
        np.testing.assert_array_equal(session.alpha[trimap == 0], 0)
        np.testing.assert_array_equal(session.alpha[trimap == 255], 1)


def test_it_does_not_drift(scene):
    image, trimap = scene
    session, random = MattingSession.begin(image, trimap), np.random.default_rng(2)
    for _ in range(100):
        trimap, _ = stroke(trimap, random, length=20, width=6)
        session.update(trimap)
    difference = abs(session.alpha - alpha_matte(image, trimap))[unknown(trimap)]
    assert difference.mean() < 2e-3
    assert difference.max() < 0.02


def test_a_wide_part_that_nothing_holds_follows():
    # Between dark and bright lies what looks like neither: it moves as a whole, or not at all.
    image = np.zeros((300, 400, 3), np.float32)
    image[:, :100], image[:, 100:300], image[:, 300:] = 0.1, (0.9, 0.1, 0.5), 0.9
    trimap = np.full(image.shape[:2], 128, np.uint8)
    trimap[:, :60], trimap[:, 340:] = 0, 255
    session = MattingSession.begin(image, trimap)
    for y, label in ((40, 255), (150, 0), (240, 255)):
        before = session.alpha.copy()
        trimap[y : y + 6, 170:230] = label
        session.update(trimap)
        assert abs(session.alpha - before).mean() > 0.01
        assert abs(session.alpha - alpha_matte(image, trimap)).max() < 0.02


@pytest.mark.parametrize("seed", [0, 1])
def test_dabs_on_a_ramp_are_solved_as_far_as_they_reach(seed):
    """Off by 0.0011 at most: what settles by less than 0.001 stays as it is."""
    image = np.broadcast_to(np.linspace(0.1, 0.9, 144)[:, None], (96, 144, 3)).astype(np.float32)
    trimap = np.full(image.shape[:2], 128, np.uint8)
    trimap[:, :20], trimap[:, -20:] = 0, 255
    session, random = MattingSession.begin(image, trimap), np.random.default_rng(seed)
    for _ in range(8):
        y, x = random.integers(4, 88), random.integers(24, 118)
        trimap[y : y + 2, x : x + 2] = random.choice([0, 255])
        session.update(trimap)
    assert abs(session.alpha - alpha_matte(image, trimap)).max() < 2e-3


def test_a_dab_leaves_the_rest_of_the_matte_alone(scene):
    image, trimap = scene
    session = MattingSession.begin(image, trimap)
    before, alpha = session.alpha.copy(), session.alpha
    y, x = np.argwhere(unknown(trimap))[0]
    trimap = trimap.copy()
    trimap[y : y + 3, x : x + 3] = 0
    region = slice(y, y + 3), slice(x, x + 3)
    rows, columns = session.update(trimap, region, settle=False)
    assert session.alpha is alpha
    outside = np.ones(trimap.shape, bool)
    outside[rows, columns] = False
    assert outside.mean() > 0.3
    np.testing.assert_array_equal(alpha[outside], before[outside])
    assert (alpha[rows, columns] != before[rows, columns]).any()


def test_strokes_settle_to_what_solving_afresh_gives(scene):
    image, trimap = scene
    session, random = MattingSession.begin(image, trimap), np.random.default_rng(6)
    for _ in range(10):
        trimap, drawn = stroke(trimap, random)
        session.update(trimap, settle=False)
        fresh = alpha_matte(image, trimap)
        assert abs(session.alpha - fresh)[drawn].max() < 0.02
    assert not session.settled
    unsettled = session.alpha.copy()
    rows, columns = session.settle()
    assert session.settled
    assert abs(session.alpha - fresh).max() < 0.01 < abs(unsettled - fresh).max()
    unsettled[rows, columns] = session.alpha[rows, columns]
    np.testing.assert_array_equal(session.alpha, unsettled)
    rows, _ = session.settle()
    assert rows.start == rows.stop


def test_settling_can_be_cancelled(scene):
    image, trimap = scene
    session = MattingSession.begin(image, trimap)
    trimap, _ = stroke(trimap, np.random.default_rng(7))
    session.update(trimap, settle=False)
    before = session.alpha.copy()
    with pytest.raises(Cancelled):
        session.settle(Job(cancelled=lambda: True))
    np.testing.assert_array_equal(session.alpha, before)
    session.settle()
    assert abs(session.alpha - alpha_matte(image, trimap)).max() < 0.01


def test_what_lies_outside_of_the_region_is_not_looked_at(scene):
    image, trimap = scene
    given, found = MattingSession.begin(image, trimap), MattingSession.begin(image, trimap)
    painted, drawn = stroke(trimap, np.random.default_rng(4))
    region = bounds(drawn)
    found.update(painted)
    nonsense = np.full_like(trimap, 128)
    nonsense[region] = painted[region]
    given.update(nonsense, region)
    np.testing.assert_array_equal(given.alpha, found.alpha)


@pytest.mark.parametrize(
    "region",
    [np.s_[20:26, :], np.s_[-100:-94, -110:-10], np.s_[:, 100:9999], np.s_[:, :]],
    ids=str,
)
def test_a_region_is_read_as_numpy_reads_it(small, region):
    image, trimap = small
    given, found = MattingSession.begin(image, trimap), MattingSession.begin(image, trimap)
    painted = trimap.copy()
    assert unknown(trimap[region]).any()
    painted[region][unknown(trimap[region])] = 255
    given.update(painted, region)
    found.update(painted)
    np.testing.assert_allclose(given.alpha, found.alpha, atol=2e-3)


def test_an_empty_region_changes_nothing(small):
    session = MattingSession.begin(*small)
    rows, _ = session.update(np.full_like(small[1], 255), np.s_[9:5, :])
    assert rows.start == rows.stop


@pytest.mark.parametrize(
    "region",
    [np.s_[20:26:2, :], np.s_[20:26, 7], (slice(20.5, 26), slice(0, 9)), np.s_[20:26,], "here", 7],
    ids=str,
)
def test_it_survives_a_region_that_it_refuses(small, region):
    image, trimap = small
    session = MattingSession.begin(image, trimap)
    painted = trimap.copy()
    painted[20:26][unknown(trimap[20:26])] = 255
    before = session.alpha.copy()
    with pytest.raises(ParameterError, match="two slices, rows and columns"):
        session.update(painted, region)
    np.testing.assert_array_equal(session.alpha, before)
    session.update(painted, np.s_[20:26, :])
    assert (session.alpha[painted == 255] == 1).all()


def test_what_was_known_at_first_becomes_unknown(scene):
    image, trimap = scene
    trimap = np.where(unknown(trimap), 255, trimap).astype(np.uint8)
    session, random = MattingSession.begin(image, trimap), np.random.default_rng(5)
    edge = cv2.Canny(trimap, 100, 200) > 0
    for y, x in random.choice(np.argwhere(edge), 3):
        trimap = cv2.circle(trimap.copy(), (int(x), int(y)), 12, 128, -1)
        session.update(trimap)
        difference = abs(session.alpha - alpha_matte(image, trimap))
        assert difference.max() < 0.02


def test_nothing_new_changes_nothing(scene):
    session = MattingSession.begin(*scene)
    before = session.alpha.copy()
    rows, _ = session.update(scene[1].copy())
    assert rows.start == rows.stop
    np.testing.assert_array_equal(session.alpha, before)


def test_another_trimap_altogether(scene):
    image, trimap = scene
    session = MattingSession.begin(image, trimap)
    other = np.full_like(trimap, 128)
    other[:40], other[-40:] = 0, 255
    session.update(other)
    np.testing.assert_array_equal(session.alpha, alpha_matte(image, other))


def test_what_was_cancelled_is_done_the_next_time(scene):
    image, trimap = scene
    session, random = MattingSession.begin(image, trimap), np.random.default_rng(3)
    before = session.alpha.copy()
    for stop in ("Sampled propagation", "solving"):
        trimap, _ = stroke(trimap, random)
        reports = []
        job = Job(
            lambda _, message, reports=reports: reports.append(message),
            lambda reports=reports, stop=stop: any(stop in message for message in reports),
        )
        with pytest.raises(Cancelled):
            session.update(trimap, job=job)
        np.testing.assert_array_equal(session.alpha, before)
    trimap, _ = stroke(trimap, random)
    session.update(trimap)
    difference = abs(session.alpha - alpha_matte(image, trimap))[unknown(trimap)]
    assert difference.max() < 0.02


@pytest.mark.parametrize("at", ["Sampled propagation", "solving"])
def test_what_was_cancelled_is_done_by_settling(scene, at):
    image, trimap = scene
    session, reports = MattingSession.begin(image, trimap), []
    trimap, drawn = stroke(trimap, np.random.default_rng(8))
    job = Job(lambda _, text: reports.append(text), lambda: any(at in text for text in reports))
    with pytest.raises(Cancelled):
        session.update(trimap, job=job)
    assert not session.settled
    rows, columns = session.settle()
    assert session.settled
    assert drawn[rows, columns].sum() == drawn.sum()
    assert abs(session.alpha - alpha_matte(image, trimap)).max() < 0.01


def test_a_trimap_that_was_refused_is_not_settled_to(scene):
    image, trimap = scene
    session = MattingSession.begin(image, trimap)
    trimap, _ = stroke(trimap, np.random.default_rng(9))
    session.update(trimap, settle=False)
    before = session.alpha.copy()
    with pytest.raises(EmptyRegionError):
        session.update(np.where(trimap == 255, 128, trimap), settle=False)
    with pytest.raises(EmptyRegionError, match="no definite foreground"):
        session.settle()
    np.testing.assert_array_equal(session.alpha, before)
    session.update(trimap)
    assert session.settled


def test_what_was_refused_is_not_painted_again(scene):
    image, trimap = scene
    session = MattingSession.begin(image, trimap)
    y, x = np.argwhere(trimap == 255)[0]
    place = slice(y, y + 4), slice(x, x + 4)
    nowhere = np.where(trimap == 255, 128, trimap).astype(np.uint8)
    with pytest.raises(EmptyRegionError):
        session.update(nowhere, bounds(nowhere != trimap))
    nowhere[place] = 255
    session.update(nowhere, place)
    np.testing.assert_array_equal(session.alpha, alpha_matte(image, nowhere))


def test_what_it_refuses(scene):
    image, trimap = scene
    session = MattingSession.begin(image, trimap)
    before = session.alpha.copy()
    with pytest.raises(SizeMismatchError, match="trimap"):
        session.update(trimap[:-1])
    with pytest.raises(EmptyRegionError, match="no definite foreground"):
        session.update(np.where(trimap == 255, 128, trimap))
    np.testing.assert_array_equal(session.alpha, before)
    with pytest.raises(EmptyRegionError, match="no definite background"):
        MattingSession.begin(image, np.where(trimap == 0, 128, trimap))
