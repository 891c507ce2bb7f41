"""OME-Zarr in and out."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from matting_nodes.arrays import Kind
from matting_nodes.errors import FileError, ShapeError, SizeMismatchError
from matting_nodes.io import images
from matting_nodes.io.ome_zarr import create, fill_pyramid, open_planes, same_scale

zarr = pytest.importorskip("zarr")
yaozarrs = pytest.importorskip("yaozarrs")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_axes_scale_and_units_come_back(version, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (2, 1300, 70), dtype=np.uint8)
    like = open_planes(picture)
    like = type(like)(picture, ("z", "y", "x"), (2.0, 0.5, 0.5), ("micrometer",) * 3, "picture")
    path = tmp_path / "a.ome.zarr"
    levels = create(path, like, np.uint8, 512, version)
    levels[0][:] = picture
    for plane in range(2):
        list(fill_pyramid(levels, (plane,)))
    yaozarrs.validate_zarr_store(str(path))
    found = open_planes(path)
    assert (found.axes, found.scale) == (("z", "y", "x"), (2.0, 0.5, 0.5))
    assert found.units == ("micrometer",) * 3
    assert (found.read((1,), slice(5, 9), slice(60, 70)) == picture[1, 5:9, 60:70]).all()
    small = zarr.open(str(path))["1"][1]
    assert small[3, 4] == np.floor(picture[1, 6:8, 8:10].mean() + 0.5)


def test_channels_come_last_wherever_they_are_stored(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 40, 50), dtype=np.uint8)
    group = zarr.create_group(str(tmp_path / "a.zarr"), zarr_format=2)
    group.create_array("s0", data=pixels, chunks=(1, 20, 20))
    axes = [{"name": "c", "type": "channel"}, *({"name": n, "type": "space"} for n in "yx")]
    steps = [{"type": "scale", "scale": [1, 1, 1]}]
    levels = [{"path": "s0", "coordinateTransformations": steps}]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": levels}]
    found = open_planes(tmp_path / "a.zarr")
    assert found.read((), slice(0, 40), slice(0, 50)).shape == (40, 50, 3)
    # Any node's command reads it as a picture file.
    assert (images.read(tmp_path / "a.zarr", Kind.IMAGE) == pixels.transpose(1, 2, 0)).all()
    with pytest.raises(ShapeError, match="3 channels"):
        open_planes(tmp_path / "a.zarr", "trimap", colors=False)


def test_dask_arrays_are_read_a_box_at_a_time():
    array = pytest.importorskip("dask.array")
    read = []

    def chunk(block_info=None):
        read.append(block_info[None]["chunk-location"])
        return np.zeros((100, 100), np.uint8)

    lazy = array.map_blocks(
        chunk, chunks=((100,) * 4, (100,) * 4), dtype=np.uint8, meta=np.empty(0)
    )
    planes = open_planes(lazy)
    read.clear()
    assert planes.read((), slice(110, 190), slice(10, 90)).shape == (80, 80)
    assert read == [(1, 0)]


def test_what_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(FileError, match="cannot be opened"):
        open_planes(tmp_path / "none.zarr")
    zarr.create_group(str(tmp_path / "empty.zarr"))
    with pytest.raises(FileError, match="no OME-Zarr image"):
        open_planes(tmp_path / "empty.zarr")
    path = tmp_path / "a.zarr"
    create(path, open_planes(np.zeros((1, 40, 50))), np.uint8, 512)
    metadata = json.loads((path / "zarr.json").read_text())
    metadata["attributes"]["ome"]["multiscales"][0]["datasets"][0]["path"] = "9"
    (path / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(FileError, match="no OME-Zarr image"):
        open_planes(path)
    with pytest.raises(ShapeError, match="at most two"):
        open_planes(np.zeros((1, 2, 3, 4, 5)))


def _written(path, axes, scale, units, shapes=((40, 50), (20, 25))):
    group = zarr.create_group(str(path), zarr_format=2)
    levels = []
    for n, shape in enumerate(shapes):
        group.create_array(str(n), data=np.zeros(shape, np.uint8))
        steps = [{"type": "scale", "scale": [s * 2**n for s in scale]}]
        levels.append({"path": str(n), "coordinateTransformations": steps})
    named = [
        {"name": name, "type": "space"} | ({"unit": unit} if unit else {})
        for name, unit in zip(axes, units, strict=True)
    ]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": named, "datasets": levels}]
    return path


def test_wrong_axes_are_told(tmp_path):
    scale, units = (1, 1), (None, None)
    with pytest.raises((FileError, ShapeError), match=r"axes|image that can be read"):
        open_planes(_written(tmp_path / "a.zarr", "zx", scale, units))
    flat = _written(tmp_path / "b.zarr", "zyx", (1, 1, 1), (None,) * 3)
    with pytest.raises(ShapeError, match=r"has the axes z, y, x and shape \(40, 50\)"):
        open_planes(flat)


def test_levels_in_the_wrong_order_are_told(tmp_path):
    path = _written(tmp_path / "a.zarr", "yx", (1, 1), (None,) * 2, ((20, 25), (40, 50)))
    with pytest.raises(FileError, match="The first level is the largest"):
        open_planes(path)


def test_a_smaller_level_that_is_missing_is_not_needed(tmp_path):
    path = _written(tmp_path / "a.zarr", "yx", (1, 1), (None,) * 2)
    shutil.rmtree(path / "1")
    assert open_planes(path).shape == (40, 50)


def test_scales_that_differ_are_told(tmp_path):
    image = open_planes(_written(tmp_path / "a.zarr", "yx", (0.5, 0.5), ("micrometer",) * 2))
    same = open_planes(_written(tmp_path / "b.zarr", "yx", (500, 500), ("nanometer",) * 2))
    other = open_planes(_written(tmp_path / "c.zarr", "yx", (0.5, 1), ("micrometer",) * 2))
    inches = open_planes(_written(tmp_path / "d.zarr", "yx", (0.5, 0.5), ("inch",) * 2))
    untold = open_planes(_written(tmp_path / "e.zarr", "yx", (1, 1), (None,) * 2))
    same_scale(image, same)
    same_scale(image, untold)
    with pytest.raises(SizeMismatchError, match=r"Along x a pixel of .* 0\.5 micrometer.* 1 micro"):
        same_scale(image, other)
    with pytest.raises(SizeMismatchError, match=r"0\.5 inch"):
        same_scale(image, inches)
