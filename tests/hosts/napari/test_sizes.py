"""Widgets fit a small dock, with every row in reach."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QApplication

from matting_nodes import all_nodes


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
