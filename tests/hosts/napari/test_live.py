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


# the default method follows strokes with what it knows from the last run


@pytest.fixture
def followed(dock, painted, viewer, qtbot):
    """Alpha Matte with its default method, auto on, its first matte shown."""
    widget = dock("Alpha Matte")
    widget.live.switch.value = True
    qtbot.waitUntil(lambda: "fur alpha" in viewer.layers and not widget.running)
    return widget


@pytest.fixture
def shown(viewer):
    return lambda: viewer.layers["fur alpha"].data


@pytest.fixture
def stroke(followed, painted, viewer, qtbot):
    """Paints and waits until the matte has followed."""

    def paint(place, label):
        painted.paint(place, label)
        # Of the removed matte there is none until it is back.
        qtbot.waitUntil(
            lambda: "fur alpha" in viewer.layers and shown_at(viewer, place) == label - 1,
            timeout=20_000,
        )

    return paint


def shown_at(viewer, place):
    return viewer.layers["fur alpha"].data[place]


def test_a_stroke_is_followed_where_it_is(followed, stroke, shown, fur, painted):
    np.testing.assert_array_equal(shown(), alpha_matte(*fur))
    array, before = shown(), shown().copy()
    stroke((32, 66), 1)
    changed = np.argwhere(shown() != before)
    assert shown() is array
    assert len(changed)
    fresh = alpha_matte(fur[0], labels_to_trimap(painted.data))
    assert np.abs(shown() - fresh).mean() < 0.002


def test_a_followed_matte_says_how_it_was_made_like_any_other(
    followed, stroke, viewer, finish, painted
):
    stroke((32, 66), 1)
    metadata = viewer.layers["fur alpha"].metadata
    followed.live.switch.value = False
    finish(followed)
    assert viewer.layers["fur alpha"].metadata == metadata
    assert metadata["matting_nodes"]["parameters"]["method"] == "sampled_propagation"


def test_run_solves_afresh_what_was_followed(followed, stroke, shown, finish, fur, painted):
    stroke((32, 66), 1)
    stroke((60, 80), 2)
    finish(followed)
    fresh = alpha_matte(fur[0], labels_to_trimap(painted.data))
    np.testing.assert_array_equal(shown(), fresh)


def test_undo_is_followed_as_well(followed, stroke, shown, painted, fur, qtbot):
    stroke((32, 66), 1)
    painted.undo()
    assert (painted.data == trimap_to_labels(fur[1])).all()
    qtbot.waitUntil(lambda: np.abs(shown() - alpha_matte(*fur)).mean() < 0.002)


def test_another_picture_is_solved_afresh(followed, stroke, viewer, shown, fur, painted, qtbot):
    stroke((32, 66), 1)
    viewer.layers["fur"].data = 1 - fur[0]
    fresh = alpha_matte(1 - fur[0], labels_to_trimap(painted.data))
    qtbot.waitUntil(lambda: np.array_equal(shown(), fresh))


def test_a_trimap_that_becomes_a_stack_makes_a_stack(followed, viewer, painted, fur, qtbot):
    trimaps = np.stack([fur[1], fur[1][:, ::-1]])
    painted.data = trimap_to_labels(trimaps)

    def stacked():
        return [layer for layer in viewer.layers if layer.data.shape == trimaps.shape][1:]

    qtbot.waitUntil(lambda: bool(stacked()) and not followed.running)
    (result,) = stacked()
    for alpha, trimap in zip(result.data, trimaps, strict=True):
        np.testing.assert_array_equal(alpha, alpha_matte(fur[0], trimap))


def test_a_removed_matte_comes_back_whole(followed, stroke, viewer, shown, fur, painted):
    viewer.layers.remove("fur alpha")
    stroke((32, 66), 1)
    fresh = alpha_matte(fur[0], labels_to_trimap(painted.data))
    assert np.abs(shown() - fresh).mean() < 0.002


def test_a_cancel_in_the_middle_keeps_the_last_matte(followed, painted, shown, fur, qtbot):
    before = shown().copy()
    painted.paint((32, 66), 1)
    qtbot.waitUntil(lambda: followed.running)
    followed.cancel()
    qtbot.waitUntil(lambda: not followed.running)
    np.testing.assert_array_equal(shown(), before)
    # Nor does it go on to settle.
    assert followed.message.value == "Cancelled; no layer was changed."
    painted.paint((60, 80), 2)
    fresh = alpha_matte(fur[0], labels_to_trimap(painted.data))
    qtbot.waitUntil(lambda: np.abs(shown() - fresh).mean() < 0.002)


def test_of_a_stack_the_plane_that_was_painted_on_is_followed(viewer, dock, qtbot, fur):
    image, trimap = (np.stack([part, part[::-1]]) for part in fur)
    viewer.add_image(image, name="fur", rgb=True)
    layer = viewer.add_labels(trimap_to_labels(trimap), name="painted", **trimap_options())
    matte = dock("Alpha Matte")
    matte.live.switch.value = True
    qtbot.waitUntil(lambda: "fur alpha" in viewer.layers and not matte.running)
    before = viewer.layers["fur alpha"].data.copy()
    viewer.dims.set_point(0, 1)
    layer.brush_size = 15
    layer.paint((1, 67, 66), 1)
    qtbot.waitUntil(lambda: shown_at(viewer, (1, 67, 66)) == 0)
    after = viewer.layers["fur alpha"].data
    np.testing.assert_array_equal(after[0], before[0])
    expected = alpha_matte(image[1], labels_to_trimap(layer.data[1]))
    assert np.abs(after[1] - expected).mean() < 0.002


def test_strokes_in_the_middle_of_the_first_solve_do_not_stop_it(
    viewer, dock, qtbot, lemur, lemur_trimap
):
    """At many megapixels one would else never see a matte before the brush rests."""
    viewer.add_image(lemur, name="lemur", rgb=True)
    labels = trimap_to_labels(lemur_trimap)
    layer = viewer.add_labels(labels, name="painted", **trimap_options())
    matte, button = dock("Alpha Matte"), set()
    matte.live.switch.value = True
    qtbot.waitUntil(lambda: matte.running)
    layer.paint((92, 324), 1)
    layer.paint((95, 324), 1)

    def shown():
        button.add(matte.run_button.text)
        return "lemur alpha" in viewer.layers and viewer.layers["lemur alpha"].data[95, 324] == 0

    qtbot.waitUntil(shown, timeout=60_000)
    assert "Cancelling…" not in button
