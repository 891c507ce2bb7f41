"""The auto switch in a real window: paint, undo, slide, and what lies downstream follows."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import alpha_matte, composite, make_trimap
from matting_nodes.hosts.napari._trimap import labels_to_trimap, trimap_options, trimap_to_labels

METHOD = "guided_filter"


@pytest.fixture
def painted(viewer, fur):
    image, trimap = fur
    viewer.add_image(image, name="fur", rgb=True)
    layer = viewer.add_labels(trimap_to_labels(trimap), name="painted", **trimap_options())
    layer.brush_size = 15
    return layer


@pytest.fixture
def matte(dock, painted):
    widget = dock("Alpha Matte")
    widget.method.value = METHOD
    return widget


@pytest.fixture
def follows(qtbot, viewer, fur):
    """Waits until the matte is the one of the trimap as it is painted now."""

    def wait(trimap_layer, **settings):
        expected = alpha_matte(
            fur[0], labels_to_trimap(trimap_layer.data), **({"method": METHOD} | settings)
        )

        def same():
            return "fur alpha" in viewer.layers and np.array_equal(
                viewer.layers["fur alpha"].data, expected
            )

        qtbot.waitUntil(same, timeout=60_000)

    return wait


def test_the_matte_follows_paint_undo_and_redo(matte, painted, follows):
    matte.live.switch.value = True
    follows(painted)
    painted.paint((50, 60), 1)
    follows(painted)
    painted.undo()
    follows(painted)
    painted.redo()
    follows(painted)


def test_the_matte_follows_a_setting(matte, painted, follows):
    matte.live.switch.value = True
    follows(painted)
    matte.fields[METHOD, "radius"].value = 7
    follows(painted, radius=7)


def test_what_lies_downstream_follows(viewer, dock, matte, painted, follows, qtbot, fur):
    matte.live.switch.value = True
    follows(painted)
    over = dock("Composite")
    over.live.switch.value = True
    painted.paint((50, 60), 1)
    follows(painted)
    expected = composite(fur[0], viewer.layers["fur alpha"].data)
    qtbot.waitUntil(
        lambda: (
            "fur composite" in viewer.layers
            and np.array_equal(viewer.layers["fur composite"].data, expected)
        )
    )


def test_without_the_switch_nothing_runs(viewer, matte, painted, qtbot):
    matte.live.switch.value = True
    qtbot.waitUntil(lambda: "fur alpha" in viewer.layers and not matte.running)
    matte.live.switch.value = False
    before = viewer.layers["fur alpha"].data
    painted.paint((50, 60), 1)
    qtbot.wait(300)
    assert not matte.running
    assert viewer.layers["fur alpha"].data is before


def test_looking_at_another_plane_runs_nothing(viewer, dock, qtbot, fur):
    """napari emits the same event for a new plane as for an undo."""
    image, trimap = (np.stack([part, part]) for part in fur)
    viewer.add_image(image, name="fur", rgb=True)
    viewer.add_labels(trimap_to_labels(trimap), name="painted", **trimap_options())
    matte = dock("Alpha Matte")
    matte.method.value = METHOD
    matte.live.switch.value = True
    qtbot.waitUntil(lambda: "fur alpha" in viewer.layers and not matte.running, timeout=60_000)
    before = viewer.layers["fur alpha"].data
    viewer.dims.set_point(0, 1 - viewer.dims.point[0])
    qtbot.wait(300)
    assert viewer.layers["fur alpha"].data is before


def test_the_newest_of_many_strokes_wins(matte, painted, follows):
    matte.live.switch.value = True
    for place in range(40, 70, 3):
        painted.paint((50, place), 1)
    follows(painted)


def test_a_run_under_way_makes_way_for_a_newer_one(viewer, matte, painted, follows, qtbot):
    """A slow solver is stopped in the middle; nobody is told that it was cancelled."""
    matte.method.value = "large_kernel"
    matte.live.switch.value = True
    qtbot.waitUntil(lambda: matte.running, timeout=60_000)
    matte.method.value = METHOD
    follows(painted)
    assert "Cancelled" not in matte.message.value


def test_a_trimap_that_cannot_be_solved_says_so_and_keeps_the_last_matte(
    viewer, matte, painted, follows, qtbot
):
    matte.live.switch.value = True
    follows(painted)
    before = viewer.layers["fur alpha"].data
    painted.data = np.ones_like(painted.data)
    qtbot.waitUntil(lambda: "no definite foreground" in matte.message.value)
    assert viewer.layers["fur alpha"].data is before


def test_a_removed_layer_leaves_nothing_to_follow(viewer, matte, painted, follows, qtbot):
    matte.live.switch.value = True
    follows(painted)
    viewer.layers.remove(painted)
    qtbot.waitUntil(lambda: "got no trimap" in matte.message.value)


def test_a_slider_of_the_trimap_is_followed_through(viewer, dock, qtbot, finish):
    mask = np.zeros((60, 60), int)
    mask[20:40, 20:40] = 1
    viewer.add_labels(mask, name="square")
    make = dock("Make Trimap")
    make.live.switch.value = True
    for inner in (9, 3, 6):
        make.fields["band", "inner"].value = inner
    expected = make_trimap(mask > 0, inner=6)
    qtbot.waitUntil(
        lambda: (
            "square trimap" in viewer.layers
            and np.array_equal(labels_to_trimap(viewer.layers["square trimap"].data), expected)
        )
    )
