from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.errors import EmptyRegionError, SizeMismatchError
from matting_nodes.framework.frames import map_frames
from matting_nodes.job import Cancelled, Job
from matting_nodes.nodes.alpha_matte import alpha_matte
from matting_nodes.nodes.make_trimap import make_trimap
from matting_nodes.nodes.segment import segment

THIN = {"inner": 2.0, "outer": 2.0}


def squares(*sizes):
    masks = np.zeros((len(sizes), 30, 30), np.float32)
    for mask, size in zip(masks, sizes, strict=True):
        mask[5 : 5 + size, 5 : 5 + size] = 1
    return masks


def test_every_frame_gives_what_it_gives_alone():
    masks = squares(10, 15, 20)
    trimaps = [r.values["trimap"] for r in map_frames(make_trimap, {"mask": masks}, THIN)]
    for mask, trimap in zip(masks, trimaps, strict=True):
        np.testing.assert_array_equal(trimap, make_trimap(mask, **THIN))


def test_one_frame_serves_all(fur):
    image, trimap = fur
    both = [image, image[::-1]]
    alphas = [
        r.values["alpha"] for r in map_frames(alpha_matte, {"image": both, "trimap": [trimap]})
    ]
    np.testing.assert_array_equal(alphas[1], alpha_matte(image[::-1], trimap))
    assert len(alphas) == 2


def test_different_numbers_of_frames_are_refused_with_the_numbers():
    with pytest.raises(SizeMismatchError, match="mask has 3, image has 2"):
        list(map_frames(make_trimap, {"mask": squares(9, 9, 9), "image": np.zeros((2, 30, 30, 3))}))


def test_a_bad_frame_is_named_and_nothing_is_computed():
    """All frames are checked first: the good first frame is not computed in vain."""
    trimaps = np.full((3, 8, 8), 128, np.uint8)
    trimaps[:, 0], trimaps[:, -1] = 0, 255
    trimaps[2] = 128
    images = np.random.default_rng(0).random((3, 8, 8, 3), np.float32)
    messages = []
    job = Job(lambda fraction, message: messages.append(message))
    with pytest.raises(EmptyRegionError, match=r"Frame 2: .* no definite foreground"):
        list(map_frames(alpha_matte, {"image": images, "trimap": trimaps}, job=job))
    assert messages == []


def test_a_cancel_stops_between_frames():
    done = []
    job = Job(cancelled=lambda: len(done) == 2)
    with pytest.raises(Cancelled):
        for result in map_frames(make_trimap, {"mask": squares(20, 20, 20)}, THIN, job):
            done.append(result)
    assert len(done) == 2


def test_frames_are_read_when_they_are_needed():
    """Bounded memory: no more than one frame is asked for at a time."""

    class Stack:
        asked: list[int] = []

        def __len__(self):
            return 100

        def __getitem__(self, index):
            self.asked.append(index)
            return squares(20)[0]

    results = map_frames(make_trimap, {"mask": Stack()}, THIN)
    next(results)
    assert Stack.asked == [*range(100), 0]


def solved(spec, inputs, parameters=None):
    results = list(map_frames(spec, inputs, parameters))
    (name,) = results[0].values
    return [result.values[name] for result in results], [result.remark for result in results]


def test_frames_without_the_object_or_wholly_it_are_told_and_need_no_solving(fur):
    """A clip in which the object comes, fills the picture and goes."""
    image, trimap = fur
    clip = [np.zeros_like(trimap), trimap, np.full_like(trimap, 255)]
    alphas, remarks = solved(alpha_matte, {"image": [image], "trimap": clip})
    np.testing.assert_array_equal(alphas[0], 0)
    np.testing.assert_array_equal(alphas[1], alpha_matte(image, trimap))
    np.testing.assert_array_equal(alphas[2], 1)
    assert remarks == [
        "Frame 0 shows no object: the trimap has no definite foreground",
        "",
        "Frame 2 shows nothing but the object: the trimap has no definite background",
    ]


def test_masks_of_such_frames_become_trimaps():
    masks = squares(0, 15, 0)
    masks[2] = 1
    trimaps, remarks = solved(make_trimap, {"mask": masks}, THIN)
    np.testing.assert_array_equal(trimaps[0], 0)
    np.testing.assert_array_equal(trimaps[1], make_trimap(masks[1], **THIN))
    np.testing.assert_array_equal(trimaps[2], 255)
    assert [remark[:7] for remark in remarks] == ["Frame 0", "", "Frame 2"]


def test_a_dark_plane_holds_no_object():
    planes = squares(10, 0)
    masks, remarks = solved(segment, {"image": planes}, {"method": "threshold"})
    np.testing.assert_array_equal(masks, planes)
    assert remarks == ["", "Frame 1 shows no object: every pixel of the image is 0"]


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_empty_throughout_is_refused(fur, count):
    image, trimap = fur
    told = "Each of the 3 frames: The" if count == 3 else "^The"
    with pytest.raises(EmptyRegionError, match=f"{told} trimap has no definite foreground"):
        solved(alpha_matte, {"image": [image], "trimap": [np.zeros_like(trimap)] * count})
    with pytest.raises(EmptyRegionError, match=f"{told} mask has no definite foreground"):
        solved(make_trimap, {"mask": squares(*[0] * count)}, THIN)


def test_a_frame_that_nobody_marked_is_refused_by_its_number(fur):
    image, trimap = fur
    with pytest.raises(EmptyRegionError, match="Frame 1: The trimap has no definite foreground"):
        solved(alpha_matte, {"image": [image], "trimap": [trimap, np.full_like(trimap, 128)]})
