"""Generated training pictures: their truth is exact, their trimaps are right, seeds repeat."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from matting_nodes.training.synthesis import KINDS, scene
from matting_nodes.training.synthesis.solved import ALPHA, SOLVED, TRIMAP, solved_scene

SIZE = 160, 192


@pytest.fixture(scope="module")
def photographs():
    return [data.coffee(), data.chelsea()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_is_a_composite_of_what_it_was_made_of(kind, photographs):
    """I = αF + (1 − α)B, before the camera."""
    drawn = scene([1, 2], photographs, SIZE, kind=kind, camera=False)
    alpha = drawn.alpha.astype(np.float64)[..., None]
    expected = alpha * drawn.foreground + (1 - alpha) * drawn.background
    np.testing.assert_allclose(drawn.image, expected, atol=1e-6)
    assert drawn.image.shape == (*SIZE, 3)
    assert drawn.image.dtype == np.float32
    assert 0 <= drawn.image.min() <= drawn.image.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_trimap_says_is_known_is_right(kind, photographs):
    for number in range(4):
        drawn = scene([3, number], photographs, SIZE, kind=kind)
        assert set(np.unique(drawn.trimap)) == {0, 128, 255}
        assert (drawn.alpha[drawn.trimap == 255] > 0.99).all()
        assert (drawn.alpha[drawn.trimap == 0] < 0.01).all()


def test_a_camera_changes_little(photographs):
    """Noise, sharpening and compression stay small; a response is the same everywhere."""
    seen = scene([5, 1], photographs, SIZE, kind="solid")
    made = scene([5, 1], photographs, SIZE, kind="solid", camera=False)
    np.testing.assert_array_equal(seen.alpha, made.alpha)
    assert np.corrcoef(seen.image.ravel(), made.image.ravel())[0, 1] > 0.97


def test_a_seed_repeats_its_scene_and_others_differ(photographs):
    one, same, other = (scene([7, n], photographs, SIZE) for n in (0, 0, 1))
    for first, second in zip(one, same, strict=True):
        np.testing.assert_array_equal(first, second)
    assert abs(one.image - other.image).mean() > 0.01


def test_without_photographs_all_is_procedural():
    drawn = scene([1, 1], [], SIZE)
    assert drawn.image.std() > 0


def test_hair_has_strands_thinner_than_a_pixel(photographs):
    """Fractions everywhere around the body: neither hard nor a plain blur."""
    drawn = scene([2, 0], photographs, SIZE, kind="hair")
    soft = (drawn.alpha > 0.05) & (drawn.alpha < 0.95)
    assert soft.mean() > 0.01


def test_a_solved_scene_holds_the_matte_of_its_picture():
    """The solver's α is the truth where the trimap is known, and near it elsewhere."""
    photographs = [np.tile(data.chelsea(), (2, 2, 1))]
    planes = solved_scene([4, 4], photographs)
    known = planes[..., TRIMAP] != 128
    assert abs(planes[..., SOLVED].astype(int) - planes[..., ALPHA])[known].max() <= 2
    off = abs(planes[..., SOLVED] / 255 - planes[..., ALPHA] / 255)[~known].mean()
    assert off < 0.25
