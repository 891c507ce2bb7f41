"""One user, from the sample to files and back, in a real window."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import alpha_matte, compare, composite, estimate_foreground, sample_data
from matting_nodes.hosts.napari._trimap import is_trimap, labels_to_trimap


@pytest.fixture
def wait_for_matte(viewer, qtbot):
    """Waits until the matte is, but for thousandths, the one of the trimap as it is painted."""

    def wait(image, trimap_layer, widget):
        expected = alpha_matte(image, labels_to_trimap(trimap_layer.data))

        def same():
            shown = "lemur alpha" in viewer.layers and viewer.layers["lemur alpha"].data
            near = shown is not False and np.abs(shown - expected).mean() < 0.001
            return near and not widget.running

        qtbot.waitUntil(same, timeout=60_000)

    return wait


def test_a_user_from_the_sample_to_files_and_back(viewer, dock, finish, wait_for_matte, tmp_path):
    # Opens the photo, looks at it without the trimap that comes with it.
    viewer.open_sample("matting-nodes", "lemur")
    viewer.layers.remove("lemur trimap")
    photo = sample_data.lemur()

    # Finds the object, marks what is to be solved.
    assert finish(dock("Segment")) == ""
    make = dock("Make Trimap")
    make.fields["band", "inner"].value, make.fields["band", "outer"].value = 15, 25
    assert finish(make) == ""
    trimap = viewer.layers["lemur trimap"]

    # Sees the matte follow a stroke, and its undo.
    matte = dock("Alpha Matte")
    assert matte.layer_choices["trimap"].value == trimap
    matte.live.switch.value = True
    wait_for_matte(photo, trimap, matte)
    before, alpha = trimap.data.copy(), viewer.layers["lemur alpha"]
    place = tuple(np.argwhere(trimap.data == 0)[500])
    solved = alpha.data[place]
    trimap.brush_size = 12
    trimap.paint(place, 2)
    wait_for_matte(photo, trimap, matte)
    assert alpha.data[place] == 1
    trimap.undo()
    np.testing.assert_array_equal(trimap.data, before)
    wait_for_matte(photo, trimap, matte)
    assert alpha.data[place] == pytest.approx(solved, abs=0.1)

    # Lays the object over another color, with colors of its own.
    matte.live.switch.value = False
    assert finish(dock("Estimate Foreground")) == ""
    over = dock("Composite")
    over.fields["", "color"].value = "#204060"
    assert finish(over) == ""

    # Compares with the reference that came with the sample.
    against = dock("Compare")
    assert against.layer_choices["reference"].value == viewer.layers["lemur reference alpha"]
    message = finish(against)
    unknown_only = labels_to_trimap(trimap.data)
    table = compare(alpha.data, sample_data.lemur_alpha(), trimap=unknown_only).table
    assert f"SAD: {table['SAD']:.5g}" in message

    # Saves, and finds everything again the next day.
    kept = {name: viewer.layers[name].data.copy() for name in ("lemur alpha", "lemur trimap")}
    files = {
        name: viewer.layers[name].save(str(tmp_path / f"{name}.tif"), plugin="matting-nodes")[0]
        for name in ("lemur alpha", "lemur trimap", "lemur composite")
    }
    viewer.layers.clear()
    (trimap,) = viewer.open(files["lemur trimap"], plugin="matting-nodes")
    (alpha,) = viewer.open(files["lemur alpha"], plugin="napari")
    (cutout,) = viewer.open(files["lemur composite"], plugin="napari")
    assert is_trimap(trimap)
    np.testing.assert_array_equal(trimap.data, kept["lemur trimap"])
    np.testing.assert_array_equal(alpha.data, kept["lemur alpha"])
    foreground, _ = estimate_foreground(photo, alpha.data)
    expected = composite(photo, alpha.data, foreground=foreground, color="#204060")
    np.testing.assert_array_equal(cutout.data, expected)
