"""Run can be pressed when it would run; else the widget says what is missing."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QShortcut

from matting_nodes.hosts.napari._trimap import trimap_options, trimap_to_labels


@pytest.fixture
def matte(dock):
    return dock("Alpha Matte")


@pytest.fixture
def photo(viewer, fur):
    return viewer.add_image(fur[0], name="fur", rgb=True)


@pytest.fixture
def painted(viewer, photo, fur):
    return viewer.add_labels(trimap_to_labels(fur[1]), name="painted", **trimap_options())


def reason(widget):
    """Return why Run cannot be pressed, or nothing."""
    button = widget.run_button
    assert widget.obstacle.native.isHidden() == button.native.isEnabled()
    return widget.obstacle.value


def test_layers_come_one_by_one(viewer, matte, fur):
    assert "Alpha Matte has no image yet" in reason(matte)
    viewer.add_image(fur[0], name="fur", rgb=True)
    assert "Alpha Matte has no trimap yet" in reason(matte)
    layer = viewer.add_labels(trimap_to_labels(fur[1]), **trimap_options())
    assert reason(matte) == ""
    viewer.layers.remove(layer)
    assert "has no trimap" in reason(matte)


def test_a_plain_labels_layer_is_no_trimap(viewer, matte, photo, fur):
    labels = viewer.add_labels((fur[1] > 200).astype(int), name="a mask")
    matte.layer_choices["trimap"].value = labels
    assert "a mask is a Labels layer without the trimap tag" in reason(matte)


def test_a_trimap_of_another_size(viewer, matte, photo):
    viewer.add_labels(np.zeros((9, 9), np.uint8), name="small", **trimap_options())
    assert "9 × 9" in reason(matte)


def test_what_the_chosen_method_needs(viewer, dock, photo):
    make = dock("Make Trimap")
    assert "has no mask yet" in reason(make)
    make.method.value = "tnet"
    assert reason(make) == ""
    make.layer_choices["image"].value = None
    assert "has no image yet" in reason(make)


def test_run_is_ready_again_after_a_run(matte, painted, finish):
    finish(matte)
    assert reason(matte) == ""


def test_the_button_of_a_run_whose_layers_go_still_cancels(viewer, matte, painted, qtbot):
    matte.run()
    viewer.layers.clear()
    assert matte.run_button.native.isEnabled() == matte.running
    qtbot.waitUntil(lambda: not matte.running, timeout=60_000)
    assert "has no image yet" in reason(matte)


def test_keys_run_the_widget(viewer, matte, painted, qtbot):
    """Without a window manager no window is active, and no key gets to its shortcut by itself."""
    (shortcut,) = matte.native.findChildren(QShortcut)
    assert shortcut.key().toString() == "Ctrl+Return"
    shortcut.activated.emit()
    qtbot.waitUntil(lambda: "fur alpha" in viewer.layers, timeout=60_000)


def test_a_background_alone_is_nothing_to_work_on(viewer, dock, photo):
    widget = dock("Composite")
    widget.layer_choices["background"].value = photo.__wrapped__
    widget.layer_choices["image"].value = None
    assert "Composite has no alpha yet" in reason(widget)
