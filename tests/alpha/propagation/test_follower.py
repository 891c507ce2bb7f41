"""Mattes that follow their trimaps, frame by frame, on real fur."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import Cancelled, Job, alpha_matte, map_frames
from matting_nodes.alpha.propagation.follower import Follower
from matting_nodes.arrays import unknown
from matting_nodes.errors import EmptyRegionError, MissingInputError

STROKE = np.s_[28:36, 62:70]


@pytest.fixture
def painted(fur):
    """The fur's trimap as it is after a stroke."""
    trimap = fur[1].copy()
    assert unknown(trimap[STROKE]).all()
    trimap[STROKE] = 0
    return trimap


@pytest.fixture
def follower():
    return Follower(alpha_matte, {})


def show(patches, stack):
    """Write patches into a stack, as a host does."""
    for patch in patches:
        stack[patch.frame][patch.region] = patch.values


def test_the_first_run_is_the_ordinary_one(follower, fur):
    inputs = {"image": [fur[0]], "trimap": [fur[1]]}
    follower.follow(inputs)
    (patch,) = follower.pop_patches()
    np.testing.assert_array_equal(patch.values, alpha_matte(*fur))
    (ordinary,) = map_frames(alpha_matte, inputs)
    assert follower.provenance == ordinary.provenance


def test_after_a_stroke_only_what_is_near_it_is_new(follower, lemur, lemur_trimap):
    painted = lemur_trimap.copy()
    painted[89:95, 321:327] = 0
    follower.follow({"image": [lemur], "trimap": [lemur_trimap]})
    shown = np.zeros((1, *painted.shape), np.float32)
    show(follower.pop_patches(), shown)
    before = shown.copy()
    follower.follow({"image": [lemur], "trimap": [painted]})
    (patch,) = follower.pop_patches()
    show([patch], shown)
    # Links reach far: the patch may be large, but fewer than half of the unknown pixels are new.
    assert (shown != before).mean() < unknown(painted).mean() / 2
    part = np.s_[60:120, 290:360]
    fresh = alpha_matte(lemur, painted)[part]
    error, error_before = (np.abs(s[0][part] - fresh).mean() for s in (shown, before))
    assert error < error_before / 5


def test_nothing_is_new_without_a_stroke(follower, fur):
    inputs = {"image": [fur[0]], "trimap": [fur[1]]}
    follower.follow(inputs)
    follower.pop_patches()
    follower.follow(inputs)
    assert follower.pop_patches() == []


def test_of_a_stack_only_the_frame_that_was_painted_on_is_solved(follower, fur, painted):
    image, trimap = fur
    inputs = {"image": [image, image[::-1]], "trimap": [trimap, trimap[::-1]]}
    follower.follow(inputs)
    assert [patch.frame for patch in follower.pop_patches()] == [0, 1]
    follower.follow(inputs | {"trimap": [painted, trimap[::-1]]})
    (whole,) = follower.pop_patches()
    assert whole.frame == 0
    np.testing.assert_array_equal(whole.values, alpha_matte(image, painted))


def test_what_a_cancelled_run_left_undone_the_next_one_does(follower, fur, painted):
    image, trimap = fur
    follower.follow({"image": [image], "trimap": [trimap]})
    shown = np.zeros((1, *trimap.shape), np.float32)
    show(follower.pop_patches(), shown)
    before = shown.copy()
    asked = iter([False, False, True, True, True])
    with pytest.raises(Cancelled):
        follower.follow({"image": [image], "trimap": [painted]}, Job(cancelled=lambda: next(asked)))
    show(follower.pop_patches(), shown)
    np.testing.assert_array_equal(shown, before)
    follower.follow({"image": [image], "trimap": [painted]})
    show(follower.pop_patches(), shown)
    assert np.abs(shown[0] - alpha_matte(image, painted)).mean() < 0.002


def test_patches_that_nobody_took_are_kept(follower, fur, painted):
    follower.follow({"image": [fur[0]], "trimap": [fur[1]]})
    follower.follow({"image": [fur[0]], "trimap": [painted]})
    assert len(follower.pop_patches()) == 2


def test_a_missing_trimap_is_named(follower, fur):
    with pytest.raises(MissingInputError, match="got no trimap"):
        follower.follow({"image": [fur[0]]})


def test_a_trimap_that_is_painted_over_is_refused_and_named(follower, fur):
    image, trimap = fur
    follower.follow({"image": [image], "trimap": [trimap, trimap]})
    with pytest.raises(EmptyRegionError, match="Frame 1"):
        follower.follow({"image": [image], "trimap": [trimap, np.full_like(trimap, 128)]})


@pytest.mark.parametrize(
    ("method", "follows"), [("default", True), ("sampled_propagation", True), ("knn", False)]
)
def test_who_can_follow(method, follows):
    assert Follower.can_follow(alpha_matte, {"method": method}) == follows


@pytest.mark.parametrize(
    ("device", "follows"), [("auto", True), ("cpu", True), ("cuda", False), ("mps", False)]
)
def test_only_what_is_to_be_solved_on_the_cpu_is_followed(device, follows):
    """Else a matte of the CPU's would be recorded as a GPU's."""
    assert Follower.can_follow(alpha_matte, {"device": device}) == follows


def test_frames_without_the_object_are_told_until_it_is_painted(follower, fur):
    image, trimap = fur
    empty = np.zeros_like(trimap)
    follower.follow({"image": [image], "trimap": [trimap, empty]})
    shown = np.ones((2, *trimap.shape), np.float32)
    show(follower.pop_patches(), shown)
    np.testing.assert_array_equal(shown, [alpha_matte(image, trimap), empty])
    assert follower.remarks == ["Frame 1 shows no object: the trimap has no definite foreground"]
    follower.follow({"image": [image], "trimap": [trimap, trimap]})
    show(follower.pop_patches(), shown)
    np.testing.assert_array_equal(shown[1], shown[0])
    assert follower.remarks == []


def test_counts_follow_as_map_frames_takes_them(fur):
    counts = np.round(fur[0] * 300 + 100).astype(np.uint16)
    inputs = {"image": [counts], "trimap": [fur[1]]}
    for mode in ("auto", "percentiles", "none"):
        follower = Follower(alpha_matte, {"normalization": mode})
        follower.follow(inputs)
        (patch,) = follower.pop_patches()
        (ordinary,) = map_frames(alpha_matte, inputs, {"normalization": mode})
        np.testing.assert_array_equal(patch.values, ordinary.values["alpha"])
        assert follower.provenance == ordinary.provenance
