from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from matting_nodes import Prompts, sample_data
from matting_nodes.errors import EmptyRegionError, ShapeError, ValueRangeError
from matting_nodes.job import Cancelled, Job
from matting_nodes.nodes.segment import segment

SMALL = np.s_[::4, ::4]


@pytest.fixture(scope="module")
def small():
    """The lemur at a quarter of its size, and its true mask."""
    return sample_data.lemur()[SMALL], sample_data.lemur_alpha()[SMALL] > 0.5


def overlap(mask, truth):
    return (mask.astype(bool) & truth).sum() / (mask.astype(bool) | truth).sum()


@pytest.mark.parametrize(
    "prompt", ["none", "box", "scribbles", "mask", "points", "points on both sides"]
)
def test_it_finds_the_lemur_from_any_prompt(small, prompt):
    image, truth = small
    scribbles = np.full(truth.shape, 128, np.uint8)
    scribbles[30:90, 70:100], scribbles[:, :20], scribbles[:10], scribbles[:, -25:] = 255, 0, 0, 0
    rough = np.zeros(truth.shape, np.float32)
    rough[25:105, 50:125] = 1
    prompts = {
        "none": None,
        "box": Prompts(box=(37, 12, 135, 110)),
        "scribbles": Prompts(scribbles=scribbles),
        "mask": Prompts(mask=rough),
        "points": Prompts(foreground_points=[(85, 50), (70, 90), (100, 90)]),
        "points on both sides": Prompts(
            foreground_points=[(85, 50), (70, 95), (105, 95), (85, 25), (50, 90), (125, 95)],
            background_points=[(20, 20), (85, 8), (150, 20), (20, 90), (150, 90), (35, 50)],
        ),
    }[prompt]
    mask = segment(image, prompts=prompts)
    assert set(np.unique(mask)) == {0, 1}
    assert overlap(mask, truth) > 0.9


def test_a_large_picture_is_cut_at_the_working_size():
    image, truth = sample_data.lemur(), sample_data.lemur_alpha() > 0.5
    whole, small = (segment(image, iterations=2, working_size=size) for size in (680, 340))
    assert small.shape == truth.shape
    assert set(np.unique(small)) == {0, 1}
    assert overlap(small, whole.astype(bool)) > 0.97
    assert overlap(small, truth) > 0.95


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1)])
def test_a_picture_without_room_for_a_margin_is_not_blamed_on_a_box(shape):
    with pytest.raises(ShapeError, match=rf"picture is {shape[1]} × {shape[0]} pixels.*2 × 2"):
        segment(np.zeros((*shape, 3), np.float32))


def test_outside_the_box_is_background(small):
    image, _ = small
    mask = segment(image, prompts=Prompts(box=(60, 20, 110, 80)))
    mask[20:80, 60:110] = 0
    assert not mask.any()


def test_definite_scribbles_are_kept(small):
    image, truth = small
    scribbles = np.full(truth.shape, 128, np.uint8)
    scribbles[50:60, 80:90], scribbles[5:15, 5:15] = 0, 255
    mask = segment(image, prompts=Prompts(box=(37, 12, 135, 110), scribbles=scribbles))
    assert not mask[50:60, 80:90].any()
    # Outside the box nothing is foreground, whatever was scribbled there.
    assert not mask[5:15, 5:15].any()


def test_the_same_input_gives_the_same_mask(small):
    np.testing.assert_array_equal(segment(small[0]), segment(small[0]))


def test_the_prompt_may_be_given_by_its_own_name(small):
    box = (37, 12, 135, 110)
    np.testing.assert_array_equal(
        segment(small[0], box=box), segment(small[0], prompts=Prompts(box=box))
    )


def test_a_point_beside_the_picture_is_refused(small):
    with pytest.raises(ValueRangeError, match=r"point \(200, 5\) lies outside .* 170 × 110"):
        segment(small[0], background_points=[(200, 5)])


def test_a_box_around_everything_leaves_no_background(small):
    with pytest.raises(EmptyRegionError, match=r"no pixel for the background.*smaller box"):
        segment(small[0], prompts=Prompts(box=(0, 0, 170, 110)))


def test_a_box_beside_the_picture_is_refused(small):
    with pytest.raises(ValueRangeError, match=r"\(200, 0, 210, 10\).*170 × 110"):
        segment(small[0], prompts=Prompts(box=(200, 0, 210, 10)))


def test_it_stops_between_rounds(small):
    reports = []
    job = Job(lambda fraction, message: reports.append(fraction), lambda: len(reports) > 2)
    with pytest.raises(Cancelled):
        segment(small[0], box=(37, 12, 135, 110), iterations=20, job=job)
    assert reports == [0.0, 0.0, 0.05]


def test_without_a_prompt_it_finds_what_stands_out():
    """The lemur before a rocket at night: a box over most of the picture takes the sky too."""
    image = cv2.resize(data.rocket()[:200, :250] / np.float32(255), (200, 140))
    lemur, alpha = (
        cv2.resize(picture, (120, 80), interpolation=cv2.INTER_AREA)
        for picture in (sample_data.lemur(), sample_data.lemur_alpha())
    )
    there = np.zeros((140, 200), bool)
    there[60:, 40:160] = alpha > 0.5
    image[60:, 40:160] += alpha[..., None] * (lemur - image[60:, 40:160])
    assert overlap(segment(image), there) > 0.9
    assert overlap(segment(image, start="box"), there) < 0.7


@pytest.mark.parametrize("shape", [(12, 12, 3), (200, 5, 1), (40, 60, 3)])
def test_where_nothing_stands_out_it_begins_with_the_box(shape):
    image = np.random.default_rng(0).random(shape, np.float32)
    image[3:] *= 0.5
    if shape[0] == 40:
        image[:] = 0.5
    np.testing.assert_array_equal(segment(image), segment(image, start="box"))


def test_it_stops_while_it_looks_for_the_object(small):
    reports = []
    job = Job(lambda fraction, message: reports.append(message), lambda: len(reports) > 1)
    with pytest.raises(Cancelled):
        segment(small[0], job=job)
    assert reports[-1] == "look for the object"
    assert "GrabCut" not in reports


def test_holes_are_filled_and_specks_dropped(lemur):
    """The lemur's eyes are as yellow as the leaves behind it."""
    box = Prompts(box=(150, 50, 540, 440))
    plain = segment(lemur, prompts=box)
    cleaned = segment(lemur, prompts=box, largest_hole=500, smallest_object=500)
    inside = np.s_[200:280, 260:390]
    assert plain[inside].min() == 0
    assert cleaned[inside].min() == 1
    assert np.abs(cleaned - plain).sum() < 2000
