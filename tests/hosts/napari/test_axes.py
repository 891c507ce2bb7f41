"""Axes in a real window: channels of one picture, labels each by itself, one plane of a stack."""

from __future__ import annotations

import csv
import hashlib

import numpy as np
import pytest
import tifffile

from matting_nodes import alpha_matte, estimate_foreground, make_trimap, metrics, sample_data
from matting_nodes.hosts import napari as host
from matting_nodes.hosts.napari._axes import APART, choose_reading, reading_of
from matting_nodes.hosts.napari._explain import colors_at
from matting_nodes.hosts.napari._trimap import trimap_options, trimap_to_labels
from matting_nodes.nodes._cutout import cutout

COUNTS = np.float32([300, 4000, 90])


@pytest.fixture
def stains(fur):
    """The fur as a microscope would store it: (C, Y, X), every channel in counts of its own."""
    return np.moveaxis((fur[0] * COUNTS).astype(np.uint16), 2, 0)


@pytest.fixture
def painted(viewer, fur):
    return viewer.add_labels(trimap_to_labels(fur[1]), name="trimap", **trimap_options())


def choose(widget, **layers):
    for name, layer in layers.items():
        widget.layer_choices[name].value = next(
            c for c in widget.layer_choices[name].choices if c and c.name == layer
        )


@pytest.mark.parametrize("method", ["closed_form", "sampled_propagation"])
def test_channels_are_solved_at_once_as_in_python(
    viewer, dock, finish, stains, painted, fur, method
):
    viewer.add_image(stains, name="stains", axis_labels=("c", "y", "x"))
    matte = dock("Alpha Matte")
    choose(matte, image="stains", trimap="trimap")
    reading = matte.layer_choices["image"].reading
    assert reading.value == 0
    assert "guessed: its axis is called c" in reading.current_choice
    matte.method.value = method
    finish(matte)
    expected = alpha_matte(np.moveaxis(stains, 0, 2), fur[1], method=method)
    result = viewer.layers["stains alpha"]
    np.testing.assert_array_equal(result.data, expected)
    assert result.metadata["matting_nodes"]["axes"] == {"image": {"axis": 0, "name": "c"}}
    # Each plane by itself is a choice of the layer's, which other widgets see.
    reading.value = APART
    other = dock("Estimate Foreground")
    choose(other, image="stains")
    assert other.layer_choices["image"].reading.value == APART
    finish(matte)
    planes = next(one for one in viewer.layers if one.name.startswith("stains alpha ["))
    expected = [alpha_matte(channel, fur[1], method=method) for channel in stains]
    np.testing.assert_array_equal(planes.data, expected)


def test_pictures_come_out_with_their_channels_and_in_their_counts(
    viewer, dock, finish, stains, fur
):
    """Time and channels: the result lies on the stack, in every channel of it."""
    stack = np.stack([stains, stains[:, ::-1]])
    viewer.add_image(stack, name="stains", axis_labels=("t", "ch", "y", "x"), scale=(9, 1, 2, 2))
    trimaps = np.stack([fur[1], fur[1][::-1]])[:, None]
    place = {"scale": (9, 3, 2, 2), "translate": (0, 1, 0, 0)}
    viewer.add_labels(trimap_to_labels(trimaps), name="trimap", **trimap_options(), **place)
    matte = dock("Alpha Matte")
    choose(matte, image="stains", trimap="trimap")
    matte.method.value = "closed_form"
    assert not finish(matte)
    alpha = viewer.layers["stains alpha"]
    assert alpha.data.shape == (2, 1, *fur[1].shape)
    for channel in range(3):
        viewer.dims.set_point([0, 1], [9, channel])
        assert alpha.get_value((9, channel, 40, 40), world=True) is not None
        np.testing.assert_array_equal(alpha._slice.image.raw, alpha.data[1, 0])
    foreground = dock("Estimate Foreground")
    choose(foreground, image="stains", alpha="stains alpha")
    finish(foreground)
    result = viewer.layers["stains foreground"]
    assert result.data.shape == stack.shape
    assert not result.rgb
    np.testing.assert_array_equal(result.scale, (9, 1, 2, 2))
    known = trimaps[0, 0] == 255
    np.testing.assert_allclose(result.data[0][:, known], stains[:, known], rtol=0.01, atol=1)
    assert reading_of(result) == 1


def test_two_and_four_channels_are_all_used_or_refused(viewer, dock, finish, stains, painted, fur):
    for count in (2, 4):
        several = np.concatenate([stains, stains[:1, :, ::-1]])[:count]
        viewer.add_image(several, name=f"{count} stains", axis_labels=("c", "y", "x"))
        matte = dock("Alpha Matte")
        choose(matte, image=f"{count} stains", trimap="trimap")
        matte.method.value = "closed_form"
        finish(matte)
        result = viewer.layers[f"{count} stains alpha"].data
        without = alpha_matte(np.moveaxis(several[:-1], 0, 2), fur[1], method="closed_form")
        assert np.abs(result - without).max() > 0.05
        matte.method.value = "guided_filter"
        assert not matte.run_button.enabled
        assert f"{count} stains has {count} channels that make one picture" in matte.obstacle.value
        assert "each channel by itself" in matte.obstacle.value
        assert "Closed" in matte.obstacle.value


@pytest.fixture
def three(viewer, stains):
    """The channels as layers, as napari splits a file."""
    return [
        viewer.add_image(channel, name=name, scale=(2, 2))
        for channel, name in zip(stains, ("dapi", "gfp", "rfp"), strict=True)
    ]


def texts(reading):
    box = reading.native
    return [box.itemText(number) for number in range(box.count())]


def test_several_layers_make_one_picture(viewer, dock, finish, three, stains, fur):
    viewer.add_labels(trimap_to_labels(fur[1]), name="trimap", scale=(2, 2), **trimap_options())
    viewer.add_image(stains[0][:50], name="of another size")
    matte = dock("Alpha Matte")
    choose(matte, image="gfp", trimap="trimap")
    reading = matte.layer_choices["image"].reading
    assert texts(reading) == ["by itself", "channels: dapi, gfp, rfp"]
    assert reading.value == APART
    matte.method.value = "closed_form"
    finish(matte)
    alone = alpha_matte(stains[1], fur[1], method="closed_form")
    np.testing.assert_array_equal(viewer.layers["gfp alpha"].data, alone)
    reading.value = reading.choices[1]
    assert not finish(matte)
    result = viewer.layers["gfp alpha"]
    expected = alpha_matte(np.moveaxis(stains, 0, 2), fur[1], method="closed_form")
    np.testing.assert_array_equal(result.data, expected)
    made = result.metadata["matting_nodes"]
    assert made["axes"] == {"image": {"layers": ["dapi", "gfp", "rfp"]}}
    foreground = dock("Estimate Foreground")
    choose(foreground, image="gfp", alpha="gfp alpha")
    finish(foreground)
    colors = viewer.layers["gfp foreground"]
    assert colors.data.shape == stains.shape
    assert not colors.rgb
    assert reading_of(colors) == 0
    np.testing.assert_array_equal(colors.scale[-2:], (2, 2))
    known = fur[1] == 255
    np.testing.assert_allclose(colors.data[:, known], stains[:, known], rtol=0.01, atol=1)


def test_only_the_selected_layers_are_taken(viewer, dock, finish, three, stains, fur):
    viewer.add_labels(trimap_to_labels(fur[1]), name="trimap", scale=(2, 2), **trimap_options())
    matte = dock("Alpha Matte")
    choose(matte, image="dapi", trimap="trimap")
    reading = matte.layer_choices["image"].reading
    viewer.layers.selection = {three[0], three[2]}
    both, alone = "channels: dapi, rfp", "by itself"
    assert set(texts(reading)) == {alone, both, "channels: dapi, gfp, rfp"}
    reading.value = reading.choices[texts(reading).index(both)]
    # What is chosen stays, whatever is selected then.
    viewer.layers.selection.active = viewer.layers["trimap"]
    assert reading.current_choice == both
    matte.method.value = "closed_form"
    finish(matte)
    expected = alpha_matte(np.moveaxis(stains[::2], 0, 2), fur[1], method="closed_form")
    np.testing.assert_array_equal(viewer.layers["dapi alpha"].data, expected)
    viewer.layers.remove("rfp")
    assert reading.value == APART
    assert set(texts(reading)) == {alone, "channels: dapi, gfp"}


def test_a_matte_follows_all_of_its_channels(viewer, dock, three, stains, fur, qtbot):
    viewer.add_labels(trimap_to_labels(fur[1]), name="trimap", scale=(2, 2), **trimap_options())
    matte = dock("Alpha Matte")
    choose(matte, image="dapi", trimap="trimap")
    reading = matte.layer_choices["image"].reading
    reading.value = reading.choices[1]
    matte.live.switch.value = True
    three[2].data = flipped = stains[2][:, ::-1].copy()
    expected = alpha_matte(np.dstack([stains[0], stains[1], flipped]), fur[1])
    qtbot.waitUntil(
        lambda: (
            not matte.running
            and "dapi alpha" in viewer.layers
            and np.array_equal(viewer.layers["dapi alpha"].data, expected)
        )
    )


def test_a_file_tells_which_axis_holds_the_channels(viewer, dock, tmp_path, stains):
    tifffile.imwrite(tmp_path / "stains.ome.tif", stains, metadata={"axes": "CYX"})
    tifffile.imwrite(tmp_path / "planes.ome.tif", stains, metadata={"axes": "ZYX"})
    for name in ("stains", "planes"):
        viewer.open(str(tmp_path / f"{name}.ome.tif"), plugin="napari")
    read = {layer.name.partition(".")[0]: reading_of(layer) for layer in viewer.layers}
    assert read == {"stains": 0, "planes": APART}
    widget = dock("Segment")
    choose(widget, image=next(n.name for n in viewer.layers if n.name.startswith("stains")))
    assert "guessed: its file calls the axes CYX" in (
        widget.layer_choices["image"].reading.current_choice
    )


def test_every_label_gets_a_matte_of_its_own(viewer, dock, finish, fur):
    labels = np.zeros(fur[1].shape, np.uint8)
    labels[20:40, 20:50], labels[60:80, 70:100] = 2, 5
    viewer.add_labels(labels, name="cells", scale=(0.5, 0.5))
    trimaps = dock("Make Trimap")
    reading = trimaps.layer_choices["mask"].reading
    for name in ("inner", "outer"):
        trimaps.fields["band", name].value = 3
    finish(trimaps)
    union = viewer.layers["cells trimap"]
    np.testing.assert_array_equal(
        union.data, trimap_to_labels(make_trimap(labels > 0, inner=3, outer=3))
    )
    reading.value = APART
    finish(trimaps)
    each = next(layer for layer in viewer.layers if layer.name.startswith("cells trimap ["))
    expected = [trimap_to_labels(make_trimap(labels == n, inner=3, outer=3)) for n in (2, 5)]
    np.testing.assert_array_equal(each.data, expected)
    np.testing.assert_array_equal(each.scale, (1, 0.5, 0.5))
    assert each.metadata["matting_nodes"]["axes"] == {"mask": {"labels": [2, 5]}}


def test_the_current_plane_alone(viewer, dock, finish, fur):
    stack = np.stack([fur[0], fur[0][::-1], fur[0][:, ::-1]])
    viewer.add_image(stack, name="stack", rgb=True, scale=(4, 1, 1))
    trimaps = trimap_to_labels(np.stack([fur[1], fur[1][::-1], fur[1][:, ::-1]]))
    viewer.add_labels(trimaps, name="trimap", scale=(4, 1, 1), **trimap_options())
    matte = dock("Alpha Matte")
    choose(matte, image="stack", trimap="trimap")
    matte.method.value = "guided_filter"
    assert not matte.planes.native.isHidden()
    matte.planes.value = "current plane"
    expected = np.zeros(trimaps.shape, np.float32)
    for plane in (1, 2):
        viewer.dims.set_point(0, 4.0 * plane)
        finish(matte)
        trimap = [fur[1], fur[1][::-1], fur[1][:, ::-1]][plane]
        expected[plane] = alpha_matte(stack[plane], trimap, method="guided_filter")
        np.testing.assert_array_equal(viewer.layers["stack alpha"].data, expected)
    for name in ("stack", "trimap", "stack alpha"):
        viewer.layers.remove(name)
    assert matte.planes.native.isHidden()


def test_compare_on_a_stack_is_a_table_that_grows_no_window(viewer, dock, finish, fur, tmp_path):
    reference = fur[1].astype(np.float32) / 255
    mattes = np.stack([reference * share for share in np.linspace(0, 1, 12, dtype=np.float32)])
    for name, data in (("matte", mattes), ("truth", np.stack([reference] * 12))):
        viewer.add_image(data, name=name)
    widget = dock("Compare")
    choose(widget, alpha="matte", reference="truth")
    before = widget.native.minimumSizeHint()
    told = finish(widget)
    assert told.startswith("mean of 12 planes\nSAD: ")
    assert widget.native.minimumSizeHint().width() <= before.width()
    assert widget.native.minimumSizeHint().height() <= before.height()
    widget.table.view.sortItems(1)
    widget.table.save(tmp_path / "planes.csv")
    with (tmp_path / "planes.csv").open() as file:
        title, *rows = csv.reader(file)
    assert title[:2] == ["axis 0", "SAD"]
    assert [int(row[0]) for row in rows] == list(range(11, -1, -1))
    everywhere = np.ones(reference.shape, bool)
    expected = [metrics.sad(matte, reference, everywhere) for matte in mattes[::-1]]
    np.testing.assert_allclose([float(row[1]) for row in rows], expected)


def test_a_matte_of_a_painted_over_trimap_says_so(viewer, dock, finish, fur):
    mask = np.zeros(fur[1].shape, np.uint8)
    mask[30:70, 30:90] = 1
    viewer.add_image(fur[0], name="fur", rgb=True)
    viewer.add_labels(mask, name="mask")
    trimaps, matte = dock("Make Trimap"), dock("Alpha Matte")
    finish(trimaps)
    matte.method.value = "guided_filter"
    choose(matte, image="fur", trimap="mask trimap")
    finish(matte)
    made = viewer.layers["fur alpha"].metadata["matting_nodes"]
    assert "edited" not in made
    viewer.layers["mask trimap"].data_setitem((np.array([50]), np.array([60])), 0)
    finish(matte)
    made = viewer.layers["fur alpha"].metadata["matting_nodes"]
    for name, data in (("image", fur[0]), ("trimap", viewer.layers["mask trimap"].data)):
        digest = hashlib.sha256(np.ascontiguousarray(data).tobytes()).hexdigest()
        assert made["inputs_sha256"][name] == digest
    assert made["edited"] == {"trimap": "painted over after Make Trimap"}


def test_units_that_measure_different_things_are_refused(viewer, dock, fur):
    stack = np.stack([fur[0][..., 0]] * 3)
    trimaps = np.stack([trimap_to_labels(fur[1])] * 3)
    viewer.add_image(stack, name="time", units=("s", "um", "um"))
    viewer.add_labels(trimaps, name="depth", units=("um", "um", "um"), **trimap_options())
    matte = dock("Alpha Matte")
    choose(matte, image="time", trimap="depth")
    assert not matte.run_button.enabled
    assert "measures an axis in second, and" in matte.obstacle.value


def test_what_is_missing_is_told_in_the_labels_of_this_host(viewer, dock, fur):
    viewer.add_image(fur[0], name="fur", rgb=True)
    matte = dock("Alpha Matte")
    assert "0 unknown, 1 background, 2 foreground" in matte.obstacle.value
    assert "255" not in matte.obstacle.value


def test_a_new_trimap_over_channels_is_one_for_all_of_them(viewer, dock, stains):
    layer = viewer.add_image(stains, name="stains", axis_labels=("c", "y", "x"), scale=(1, 2, 3))
    host.new_trimap(viewer)
    trimap = viewer.layers["stains trimap"]
    assert trimap.data.shape == stains.shape[1:]
    assert tuple(trimap.scale) == (2, 3)
    # Whoever reads each channel by itself paints on each.
    viewer.layers.remove(trimap)
    choose_reading(layer, APART)
    viewer.layers.selection.active = layer
    host.new_trimap(viewer)
    assert viewer.layers["stains trimap"].data.shape == stains.shape


def test_in_time_a_new_trimap_lies_on_every_channel(viewer, stains):
    stack = np.stack([stains, stains])
    layer = viewer.add_image(stack, name="stains", axis_labels=("t", "ch", "y", "x"))
    host.new_trimap(viewer)
    trimap = viewer.layers["stains trimap"]
    assert trimap.data.shape == (2, 1, *stains.shape[1:])
    for place in ((0, 0, 3, 5), (1, 2, 7, 4)):
        at = np.round(trimap.world_to_data(layer.data_to_world(place))).astype(int)
        assert tuple(at) == (place[0], 0, *place[2:])


def test_the_object_is_cut_out_of_all_channels_at_once(viewer, qtbot, capsys):
    lemur = sample_data.lemur()[::2, ::2]
    planes = np.moveaxis((lemur * 255).astype(np.uint8), 2, 0)
    viewer.add_image(planes, name="lemur", axis_labels=("c", "y", "x"))
    panel = host.cut_out(viewer)
    qtbot.waitUntil(lambda: not panel.running, timeout=120_000)
    layer = viewer.layers["lemur cutout"]
    expected = cutout(np.moveaxis(planes, 0, 2)).picture
    np.testing.assert_array_equal(layer.data, expected)
    assert layer.metadata["matting_nodes"]["axes"] == {"image": {"axis": 0, "name": "c"}}
    # Two channels are no colors.
    viewer.add_image(planes[:2], name="two", axis_labels=("c", "y", "x"))
    viewer.layers.selection.active = viewer.layers["two"]
    assert host.cut_out(viewer) is None


def test_inspect_tells_the_colors_of_all_channels(viewer, dock, finish, stains, painted):
    viewer.add_image(stains, name="stains", axis_labels=("c", "y", "x"))
    matte = dock("Alpha Matte")
    choose(matte, image="stains", trimap="trimap")
    matte.method.value = "closed_form"
    assert not finish(matte)
    alpha = viewer.layers["stains alpha"]
    row, column = np.argwhere((alpha.data > 0.4) & (alpha.data < 0.6))[0].tolist()
    at = (alpha, alpha.data, (row, column), [0, row, column], True)
    estimated = colors_at(list(viewer.layers), *at)
    foreground, _ = estimate_foreground(np.moveaxis(stains, 0, 2), alpha.data)
    assert len(estimated.foreground) == 3
    # From the layers, once they are there.
    step = dock("Estimate Foreground")
    choose(step, image="stains", alpha="stains alpha")
    assert not finish(step)
    both = colors_at(list(viewer.layers), *at)
    np.testing.assert_allclose(both.foreground, foreground[row, column], rtol=0.01)
    assert len(both.background) == 3
