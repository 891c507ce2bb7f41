from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import matte_zarr, sample_data
from matting_nodes.hosts.napari._places import pixels
from matting_nodes.hosts.napari._trimap import trimap_options, trimap_to_labels
from matting_nodes.io.ome_zarr import open_planes

zarr = pytest.importorskip("zarr")
PLUGIN = "matting-nodes"
TRIMAP = sample_data.lemur_trimap()


@pytest.fixture
def path(tmp_path):
    """The lemur as an OME-Zarr pyramid of pixels of half a micrometer."""
    picture = np.round(sample_data.lemur() * 255).astype(np.uint8)
    picture = np.moveaxis(picture, -1, 0)
    store = tmp_path / "picture.ome.zarr"
    group = zarr.create_group(str(store))
    array = group.create_array("0", shape=picture.shape, dtype="uint8", chunks=(3, 256, 256))
    array[:] = picture
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    scale = [{"type": "scale", "scale": [1.0, 0.5, 0.5]}]
    image = {
        "axes": [{"name": "c", "type": "channel"}, *axes],
        "datasets": [{"path": "0", "coordinateTransformations": scale}],
    }
    group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}
    return store


@pytest.fixture
def widget(viewer, dock, path):
    """The dock, for the picture in its file and a painted trimap."""
    picture = viewer.open(str(path), plugin=PLUGIN)[0]
    place = {"scale": picture.scale, "units": picture.units}
    viewer.add_labels(trimap_to_labels(TRIMAP), name="trimap", **place, **trimap_options())
    found = dock("Matte in blocks")
    found.block.value = 256
    found.bits.value = 32
    return found


def test_a_picture_is_matted_into_a_file_that_opens(viewer, widget, path, tmp_path, finish):
    assert (widget.picture.value.name, widget.trimap.value.name) == ("picture", "trimap")
    widget.target.value = tmp_path / "alpha.ome.zarr"
    assert finish(widget).endswith("alpha.ome.zarr")
    layer = viewer.layers["alpha"]
    assert layer.metadata["matting_nodes"]["kind"] == "alpha"
    np.testing.assert_array_equal(layer.scale, (0.5, 0.5))
    assert str(layer.units[0]) == "micrometer"
    other = matte_zarr(path, TRIMAP, tmp_path / "other.ome.zarr", block=256)
    np.testing.assert_array_equal(np.asarray(pixels(layer)), open_planes(other).array[:])


def test_what_was_cancelled_goes_on(viewer, widget, tmp_path, qtbot, finish):
    widget.target.value = tmp_path / "alpha.ome.zarr"
    widget.run()
    qtbot.waitUntil(lambda: widget.progress_bar.value > 300)
    widget.run_button.native.click()
    qtbot.waitUntil(lambda: not widget.running)
    assert widget.message.value.startswith("Cancelled")
    assert not widget.target.value.exists()
    parts = [*tmp_path.glob("alpha.ome.zarr.parts/**/*.npy")]
    assert parts
    assert finish(widget).endswith("alpha.ome.zarr")
    assert "alpha" in viewer.layers


def test_what_it_refuses(viewer, widget, tmp_path, finish):
    assert "The matte has no file" in finish(widget)
    widget.target.value = tmp_path / "alpha.png"
    assert "written as .zarr" in finish(widget)
    (tmp_path / "there.ome.zarr").mkdir()
    widget.target.value = tmp_path / "there.ome.zarr"
    assert "exists" in finish(widget)
    viewer.layers["trimap"].data[3, 3] = 7
    widget.target.value = tmp_path / "alpha.ome.zarr"
    assert "holds the label 7" in finish(widget)
    del viewer.layers["trimap"]
    assert "no trimap of the size of picture" in finish(widget)


def test_a_stack_of_the_sessions_own_arrays(viewer, dock, tmp_path, finish):
    stack = np.stack([sample_data.lemur()[:160, :200]] * 3)
    labels = trimap_to_labels(sample_data.lemur_trimap()[:160, :200])
    viewer.add_image(stack, name="stack", rgb=True)
    viewer.add_labels(labels, name="trimap", **trimap_options())
    widget = dock("Matte in blocks")
    widget.target.value = tmp_path / "alpha.ome.zarr"
    assert finish(widget).endswith("alpha.ome.zarr")
    assert open_planes(widget.target.value).stack_shape == (3,)


def test_on_the_cluster_of_the_session(viewer, widget, tmp_path, finish):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        widget.reset_choices()
        widget.work_on.value = f"Dask: {client.scheduler.address}"
        widget.target.value = tmp_path / "alpha.ome.zarr"
        assert finish(widget).endswith("alpha.ome.zarr")
    assert "alpha" in viewer.layers
