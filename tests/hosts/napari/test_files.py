"""Layers saved by napari and opened again: real files, nothing lost on the way."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.errors import MattingError
from matting_nodes.hosts.napari._trimap import is_trimap, trimap_options, trimap_to_labels
from matting_nodes.io.images import read_image

PLUGIN = "matting-nodes"


@pytest.fixture
def save(viewer, tmp_path):
    """Saves one layer and returns its file."""

    def write(layer, name):
        (path,) = layer.save(str(tmp_path / name), plugin=PLUGIN)
        return path

    return write


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_a_trimap_is_a_grey_picture_and_comes_back_as_a_trimap(viewer, save, fur, ending):
    labels = trimap_to_labels(fur[1])
    layer = viewer.add_labels(labels, name="fur trimap", **trimap_options())
    path = save(layer, f"fur trimap.{ending}")
    assert set(np.unique(read_image(path))) == {0, 128, 255}
    viewer.layers.clear()
    (again,) = viewer.open(path, plugin=PLUGIN)
    assert is_trimap(again)
    assert again.name == "fur trimap"
    np.testing.assert_array_equal(again.data, labels)


def test_a_stack_of_trimaps_comes_back_whole(viewer, save, fur):
    labels = trimap_to_labels(np.stack([fur[1], fur[1][::-1], fur[1][:, ::-1]]))
    path = save(viewer.add_labels(labels, **trimap_options()), "trimaps.tif")
    viewer.layers.clear()
    (again,) = viewer.open(path, plugin=PLUGIN)
    np.testing.assert_array_equal(again.data, labels)


@pytest.mark.parametrize(("ending", "step"), [("png", 2**-16), ("tif", 0)])
def test_an_alpha_keeps_more_than_eight_bits(viewer, save, ending, step):
    alpha = sample_data.lemur_alpha()[:60, :80] * np.float32(0.999)
    path = save(viewer.add_image(alpha, name="alpha"), f"alpha.{ending}")
    saved = read_image(path)
    values = saved / np.iinfo(saved.dtype).max if saved.dtype.kind == "u" else saved
    assert np.abs(values - alpha).max() <= step


def test_an_eight_bit_photo_in_tiff_stays_as_it_is(viewer, save, lemur):
    photo = (lemur * 255).astype(np.uint8)
    path = save(viewer.add_image(photo, name="photo", rgb=True), "photo.tif")
    np.testing.assert_array_equal(read_image(path), photo)


def test_a_mask_is_black_and_white(viewer, save):
    mask = np.zeros((30, 40), int)
    mask[5:20, 5:20] = 7
    path = save(viewer.add_labels(mask, name="mask"), "mask.png")
    np.testing.assert_array_equal(read_image(path), np.where(mask == 7, 255, 0))


def test_several_labels_are_no_mask(viewer, tmp_path):
    layer = viewer.add_labels(np.arange(12).reshape(3, 4), name="many")
    with pytest.raises(MattingError, match="many holds several labels"):
        layer.save(str(tmp_path / "many.png"), plugin=PLUGIN)
    assert not list(tmp_path.iterdir())


def test_a_stack_is_no_png(viewer, tmp_path):
    layer = viewer.add_image(np.zeros((3, 9, 9), np.float32), name="stack")
    with pytest.raises(MattingError, match=r"3 frames for stack\.png"):
        layer.save(str(tmp_path / "stack.png"), plugin=PLUGIN)
    assert not list(tmp_path.iterdir())
