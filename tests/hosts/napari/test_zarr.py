"""OME-Zarr saved by napari and opened again: real stores, nothing lost, nothing replaced."""

from __future__ import annotations

import json

import dask.array as da
import numpy as np
import pytest

from matting_nodes import matte_zarr, sample_data
from matting_nodes.errors import FileError, MattingError, ShapeError
from matting_nodes.hosts.napari._trimap import TAG, alpha_options, is_trimap, trimap_options

zarr = pytest.importorskip("zarr")
yaozarrs = pytest.importorskip("yaozarrs")
PLUGIN = "matting-nodes"
PLACE = {
    "scale": (2.0, 0.25, 0.5),
    "units": ("second", "micrometer", "micrometer"),
    "axis_labels": ("t", "y", "x"),
    "translate": (0.0, 3.0, -7.0),
}


def opened(viewer, path):
    (layer,) = viewer.open(str(path), plugin=PLUGIN)
    return layer


def test_an_alpha_comes_back_lazily_with_scale_units_and_provenance(viewer, tmp_path):
    alpha = np.stack([np.tile(sample_data.lemur_alpha(), (3, 2))] * 2)
    options = alpha_options(node="alpha_matte", base="lemur", parameters={"method": "guided"})
    layer = viewer.add_image(alpha, name="alpha", **options, **PLACE)
    path = tmp_path / "alpha.ome.zarr"
    assert layer.save(str(path), plugin=PLUGIN) == [str(path)]
    yaozarrs.validate_zarr_store(str(path))
    again = opened(viewer, path)
    assert again.multiscale
    assert len(again.data) > 1
    assert isinstance(again.data[0], da.Array)
    np.testing.assert_array_equal(np.asarray(again.data[0]), alpha)
    assert again.metadata[TAG] == layer.metadata[TAG]
    for name in ("scale", "translate"):
        np.testing.assert_array_equal(getattr(again, name), PLACE[name])
    assert [str(unit) for unit in again.units] == list(PLACE["units"])
    assert tuple(again.axis_labels) == PLACE["axis_labels"]
    # Other programs find them where OME-Zarr has them.
    image = json.loads((path / "zarr.json").read_text("utf-8"))["attributes"]["ome"]["multiscales"][
        0
    ]
    assert [axis["unit"] for axis in image["axes"]] == list(PLACE["units"])
    assert image["datasets"][0]["coordinateTransformations"][0]["scale"] == list(PLACE["scale"])


def test_a_trimap_comes_back_as_one_to_paint_on(viewer, tmp_path):
    labels = np.zeros((3, 30, 40), np.uint8)
    labels[:, 5:20, 5:20], labels[:, 25:] = 2, 1
    layer = viewer.add_labels(labels, name="trimap", **trimap_options(), **PLACE)
    path = tmp_path / "fur trimap.ome.zarr"
    layer.save(str(path), plugin=PLUGIN)
    assert set(np.unique(zarr.open(str(path))["0"][:])) == {0, 128, 255}
    again = opened(viewer, path)
    assert is_trimap(again)
    np.testing.assert_array_equal(again.data, labels)
    again.paint((0, 2, 2), 2)
    assert again.data[0, 2, 2] == 2


def test_nothing_is_replaced_and_nothing_is_left_half(viewer, tmp_path):
    layer = viewer.add_image(np.zeros((8, 9), np.float32), name="alpha", **alpha_options())
    path = tmp_path / "alpha.ome.zarr"
    layer.save(str(path), plugin=PLUGIN)
    with pytest.raises(FileError, match="exists"):
        layer.save(str(path), plugin=PLUGIN)
    layer.units = ("volt", "volt")
    with pytest.raises(FileError, match="units are those of OME-Zarr"):
        layer.save(str(tmp_path / "volts.ome.zarr"), plugin=PLUGIN)
    rgb = viewer.add_image(np.zeros((8, 9, 3)), name="colors", rgb=True)
    with pytest.raises(ShapeError, match="has colors"):
        rgb.save(str(tmp_path / "colors.ome.zarr"), plugin=PLUGIN)
    cells = viewer.add_labels(np.arange(72).reshape(8, 9), name="cells")
    with pytest.raises(FileError, match="no trimap or mask"):
        cells.save(str(tmp_path / "cells.ome.zarr"), plugin=PLUGIN)
    assert [each.name for each in tmp_path.iterdir()] == ["alpha.ome.zarr"]


def test_what_matte_zarr_wrote_opens_as_a_matte(viewer, tmp_path):
    image = zarr.create_array(str(tmp_path / "i.zarr"), shape=(40, 50, 3), dtype="uint8")
    trimap = zarr.create_array(str(tmp_path / "t.zarr"), shape=(40, 50), dtype="uint8")
    image[10:30] = 200
    trimap[:] = np.full((40, 50), 128, np.uint8)
    trimap[12:28], trimap[:8], trimap[32:] = 255, 0, 0
    matte_zarr(tmp_path / "i.zarr", tmp_path / "t.zarr", tmp_path / "a.ome.zarr")
    layer = opened(viewer, tmp_path / "a.ome.zarr")
    assert layer.metadata[TAG]["kind"] == "alpha"
    assert tuple(layer.contrast_limits) == (0, 1)


def test_a_broken_store_is_told_and_another_folder_is_napari_s(viewer, tmp_path):
    (tmp_path / "broken.ome.zarr").mkdir()
    with pytest.raises(MattingError, match=r"broken\.ome\.zarr"):
        opened(viewer, tmp_path / "broken.ome.zarr")
    layer = viewer.add_image(np.ones((8, 9), np.float32), name="alpha", **alpha_options())
    layer.save(str(tmp_path / "alpha.ome.zarr"), plugin=PLUGIN)
    store = zarr.open_group(str(tmp_path / "alpha.ome.zarr"), mode="r+")
    told = dict(store.attrs["ome"])
    told["multiscales"][0]["datasets"].append(
        {**told["multiscales"][0]["datasets"][0], "path": "7"}
    )
    store.attrs["ome"] = told
    with pytest.raises(FileError, match="7"):
        opened(viewer, tmp_path / "alpha.ome.zarr")
    (tmp_path / "pictures").mkdir()
    np.save(tmp_path / "pictures/a.npy", np.ones((4, 5)))
    assert opened(viewer, tmp_path / "pictures").data.shape[-2:] == (4, 5)
