from __future__ import annotations

import numpy as np
import pytest

from matting_nodes.errors import ShapeError
from matting_nodes.graph.types import images


@pytest.fixture
def photo(lemur):
    return lemur[None, :44, :68]


def test_empty_images_have_the_color_that_is_asked_for():
    picture = images.empty_image(width=3, height=2, batch_size=4, color=0xFF8000)
    assert picture.shape == (4, 2, 3, 3)
    np.testing.assert_allclose(picture[2, 1, 1], [1, 128 / 255, 0])


@pytest.mark.parametrize(
    ("width", "height", "size"), [(0, 0, (44, 68)), (34, 0, (22, 34)), (0, 88, (88, 136))]
)
def test_a_missing_side_keeps_the_proportions(photo, width, height, size):
    scaled = images.image_scale(photo, upscale_method="area", width=width, height=height)
    assert scaled.shape == (1, *size, 3)


@pytest.mark.parametrize("kernel", ["nearest-exact", "bilinear", "area", "bicubic"])
def test_scaling_by_one_changes_nothing(photo, kernel):
    np.testing.assert_array_equal(
        images.image_scale_by(photo, upscale_method=kernel, scale_by=1.0), photo
    )


@pytest.mark.parametrize("kernel", ["nearest-exact", "area", "lanczos"])
def test_no_picture_is_scaled_to_nothing(photo, kernel):
    with pytest.raises(ShapeError, match="68 × 44 pixels are to become 1 × 0"):
        images.image_scale_by(photo, upscale_method=kernel, scale_by=0.01)


def test_cutting_to_a_square_keeps_the_middle(photo):
    square = images.image_scale(
        photo, upscale_method="nearest-exact", width=44, height=44, crop="center"
    )
    np.testing.assert_array_equal(square, photo[:, :, 12:56])


def test_joined_and_split_again_nothing_is_lost(photo):
    alpha = photo[..., 0]
    joined = images.join_image_with_alpha(photo, alpha)
    np.testing.assert_array_equal(joined[..., 3], 1 - alpha)
    image, mask = images.split_image_with_alpha(joined)
    np.testing.assert_array_equal(image, photo)
    np.testing.assert_allclose(mask, alpha, atol=1e-7)
    assert not images.split_image_with_alpha(photo).mask.any()


def test_a_batch_takes_the_size_of_its_first_picture(photo):
    both = images.image_batch(photo, photo[:, ::2, ::2])
    assert both.shape == (2, 44, 68, 3)
    np.testing.assert_array_equal(both[0], photo[0])
    np.testing.assert_array_equal(images.image_from_batch(both, batch_index=-1, length=5), both[1:])
