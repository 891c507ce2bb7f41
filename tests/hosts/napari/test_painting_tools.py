"""Where to paint next, and the hair brush, by the mouse and keys of a real window."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.alpha.propagation.confidence import (
    confidence,
    least_certain_places,
    refined_confidence,
)
from matting_nodes.arrays import unknown
from matting_nodes.hosts.napari._trimap import trimap_options, trimap_to_labels
from matting_nodes.trimap.painting import Stroke, painted


@pytest.fixture
def panel(viewer, dock):
    viewer.open_sample("matting-nodes", "lemur")
    return dock("Image matting")


@pytest.fixture
def drag(viewer):
    """Drags the mouse over places in the world, as napari hears of it."""
    from napari.utils._test_utils import read_only_mouse_event
    from napari.utils.interactions import (
        mouse_move_callbacks,
        mouse_press_callbacks,
        mouse_release_callbacks,
    )

    def move(layer, places):
        itself = layer.__wrapped__
        kinds = ["mouse_press", *["mouse_move"] * (len(places) - 1), "mouse_release"]
        calls = {
            "mouse_press": mouse_press_callbacks,
            "mouse_move": mouse_move_callbacks,
            "mouse_release": mouse_release_callbacks,
        }
        for kind, place in zip(kinds, [*places, places[-1]], strict=True):
            event = read_only_mouse_event(
                type=kind, is_dragging=True, position=place, dims_displayed=[0, 1]
            )
            calls[kind](itself, event)

    return move


def center(viewer):
    # Before napari 0.9 the camera was the viewer's own.
    return getattr(viewer, "scene", viewer).camera.center[-2:]


def test_a_key_goes_to_the_least_certain_place_and_on_to_the_next(
    viewer, panel, finish, press, qtbot
):
    assert finish(panel.nodes["alpha_matte"]) == ""
    press("J")
    qtbot.waitUntil(lambda: "lemur confidence" in viewer.layers)
    alpha = viewer.layers["lemur alpha"].data
    sure = confidence(sample_data.lemur(), sample_data.lemur_trimap(), alpha)
    np.testing.assert_allclose(viewer.layers["lemur confidence"].data, sure)
    places = least_certain_places(sure, 0.02 * max(sure.shape))
    np.testing.assert_allclose(center(viewer), places[0])
    press("J")
    np.testing.assert_allclose(center(viewer), places[1])
    # A new matte begins again with its own.
    viewer.layers["lemur alpha"].data = sample_data.lemur_alpha()
    press("J")
    newer = confidence(sample_data.lemur(), sample_data.lemur_trimap(), sample_data.lemur_alpha())
    first = least_certain_places(newer, 0.02 * max(sure.shape))[0]
    qtbot.waitUntil(lambda: np.allclose(center(viewer), first))
    assert [layer.name for layer in viewer.layers].count("lemur confidence") == 1


def test_of_a_refined_matte_it_is_the_error_that_the_network_predicts(
    viewer, panel, finish, press, qtbot
):
    step = panel.nodes["alpha_matte"]
    step.method.value = "refined_propagation"
    assert finish(step) == ""
    press("J")
    qtbot.waitUntil(lambda: "lemur confidence" in viewer.layers)
    image, trimap = sample_data.lemur(), sample_data.lemur_trimap()
    found = viewer.layers["lemur confidence"].data
    np.testing.assert_allclose(found, refined_confidence(image, trimap), atol=1e-5)
    assert (found[~unknown(trimap)] == 1).all()
    # Where it is sure, the matte is true to 0.05 for nine pixels in ten.
    off = abs(viewer.layers["lemur alpha"].data - sample_data.lemur_alpha())
    assert (off[unknown(trimap) & (found > 0.95)] < 0.05).mean() >= 0.9


def test_without_a_matte_of_the_method_nothing_is_done(viewer, panel, capsys):
    panel.least_certain.native.click()
    assert "lemur confidence" not in viewer.layers


def test_a_stroke_of_the_hair_brush_moves_to_the_edge(viewer, panel, drag, qtbot):
    """The edge of a disk, beside which the stroke is drawn."""
    y, x = np.mgrid[:100, :100]
    disk = (np.hypot(x - 50, y - 50) < 30).astype(np.float32)
    viewer.layers.clear()
    viewer.add_image(disk, name="disk")
    labels = np.where(disk > 0, 2, 1).astype(np.uint8)
    trimap = viewer.add_labels(labels.copy(), name="t", **trimap_options(base="disk"))
    viewer.layers.selection.active = trimap
    panel.nodes["alpha_matte"].layer_choices["trimap"].value = trimap.__wrapped__
    panel.hair_button.native.click()
    trimap.brush_size = 12
    assert (trimap.mode, trimap.selected_label) == ("paint", 0)
    angles = np.linspace(0.2, 1.4, 20)
    track = [(50 + 33 * np.sin(a), 50 + 33 * np.cos(a)) for a in angles]
    drag(trimap, track)
    stroke = Stroke("hair", "unknown", 6, tuple((b, a) for a, b in track))
    expected = trimap_to_labels(
        painted(np.where(disk > 0, 255, 0).astype(np.uint8), [stroke], disk[..., None])
    )
    qtbot.waitUntil(lambda: (trimap.data != expected).mean() < 0.005)
    distance = np.hypot(x - 50, y - 50)
    middle = (np.arctan2(y - 50, x - 50) > 0.4) & (np.arctan2(y - 50, x - 50) < 1.2)
    unknown = trimap.data == 0
    # The band lies around the edge at radius 30, not around the stroke at 33.
    assert abs(distance[unknown & middle].mean() - 30) < 1
    trimap.undo()
    np.testing.assert_array_equal(trimap.data, labels)


def test_the_key_puts_it_away_and_other_labels_paint_as_ever(viewer, panel, drag, press, qtbot):
    trimap = viewer.layers["lemur trimap"]
    trimap.visible, viewer.layers.selection.active = True, trimap
    press("H", shift=True)
    assert panel.hair_brush.is_in_hand(trimap)
    press("F", shift=True)
    assert not panel.hair_brush.is_in_hand(trimap)
    before = trimap.data.copy()
    trimap.brush_size = 4
    drag(trimap, [(5, 5), (5, 15)])
    qtbot.wait(50)
    assert (trimap.data[5, 5:16] == 2).all()
    trimap.undo()
    np.testing.assert_array_equal(trimap.data, before)
    press("H", shift=True)
    press("H", shift=True)
    assert not panel.hair_brush.is_in_hand(trimap)
