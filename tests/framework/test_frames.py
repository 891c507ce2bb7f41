from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.errors import EmptyRegionError, SizeMismatchError
from matting_nodes.framework.frames import map_frames
from matting_nodes.job import Cancelled, Job
from matting_nodes.nodes.alpha_matte import alpha_matte
from matting_nodes.nodes.make_trimap import make_trimap

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
    trimaps[2, -1] = 128
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
