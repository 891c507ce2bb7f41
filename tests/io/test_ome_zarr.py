"""OME-Zarr in and out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from matting_nodes.arrays import Kind
from matting_nodes.errors import FileError, ShapeError
from matting_nodes.io import images
from matting_nodes.io.ome_zarr import create, fill_pyramid, open_planes

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
