"""Widgets fit a small dock, with every row in reach."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from matting_nodes import all_nodes
from matting_nodes.hosts.napari._trimap import trimap_options


@pytest.mark.parametrize("title", [spec.title for spec in all_nodes()])
def test_a_widget_fits_380_by_600_pixels_with_every_method(viewer, dock, title):
    widget = dock(title)
    # The reason why it cannot run is long, and wraps.
    assert not widget.obstacle.native.isHidden()
    widget.advanced.value = True
    widget.native.setParent(None)
    widget.native.show()
    for method in widget.spec.methods:
        if widget.spec.default_method:
            widget.method.value = method
        widget.native.resize(380, 600)
        QApplication.processEvents()
        assert (widget.native.width(), widget.native.height()) == (380, 600)
        assert widget._scroll.horizontalScrollBar().maximum() == 0, method
        widget._scroll.ensureWidgetVisible(widget.run_button.native)
        assert not widget.run_button.native.visibleRegion().isEmpty(), method
    widget.native.close()


def test_inputs_are_named_as_a_person_writes_them(dock):
    labels = [choice.label for choice in dock("Segment").layer_choices.values()]
    assert "foreground points (optional)" in labels


@pytest.fixture
def busy_viewer(viewer):
    """Layers with which every row is there: readings of channels and labels, planes."""
    stack = np.zeros((3, 40, 60))
    viewer.add_image(stack, name="a stack with a long name, raw", axis_labels=("c", "y", "x"))
    labels = (np.arange(40 * 60) // 800).reshape(1, 40, 60)
    viewer.add_labels(np.repeat(labels, 3, axis=0), name="labels with a name as long as that")
    viewer.add_labels(labels[0], name="painted", **trimap_options())
    viewer.open_sample("matting-nodes", "lemur")
    return viewer


@pytest.mark.parametrize("title", ["Image matting", *(spec.title for spec in all_nodes())])
def test_in_a_small_window_nothing_scrolls_sideways(busy_viewer, dock, title, qtbot):
    window = busy_viewer.__wrapped__.window._qt_window
    window.show()
    window.resize(900, 600)
    widget = dock(title)
    for fold in getattr(widget, "folds", {}).values():
        fold.expand(animate=False)
    area = widget._scroll

    def fits():
        return area.horizontalScrollBar().maximum() == 0 and area.width() <= 380

    qtbot.waitUntil(fits, timeout=5000)
    for choice in getattr(widget, "layer_choices", {}).values():
        for layer in choice.candidates():
            choice.value = layer
            qtbot.waitUntil(fits, timeout=5000)
