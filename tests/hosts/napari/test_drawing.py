"""Buttons for what is drawn by hand, and fields with a dialog, in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QApplication, QColorDialog, QDialogButtonBox, QFileDialog, QLineEdit

from matting_nodes import sample_data, segment


@pytest.fixture
def photo(viewer):
    return viewer.add_image(sample_data.lemur(), name="lemur", rgb=True, scale=(2, 2))


def test_a_box_and_points_drawn_after_the_buttons_are_what_segment_uses(
    viewer, photo, dock, finish
):
    widget = dock("Segment")
    widget.draw_buttons.buttons["box"].native.click()
    box = viewer.layers["lemur box"]
    assert viewer.layers.selection.active == box
    assert box.mode == "add_rectangle"
    box.add_rectangles([[10, 20], [10, 380], [390, 380], [390, 20]])
    widget.draw_buttons.buttons["foreground_points"].native.click()
    points = viewer.layers.selection.active
    assert (points.name, points.mode) == ("lemur foreground points", "add")
    points.add([200, 250])
    assert finish(widget) == ""
    expected = segment(
        sample_data.lemur(), box=(20.5, 10.5, 380.5, 390.5), foreground_points=[(250, 200)]
    )
    np.testing.assert_array_equal(viewer.layers["lemur mask"].data, expected > 0.5)
    # The result lies below the points, which stay in the hand.
    assert viewer.layers.selection.active == points
    assert viewer.layers[-1] == points


def test_one_key_switches_between_the_signs_of_points(viewer, photo, dock, press):
    widget = dock("Segment")
    widget.draw_buttons.buttons["foreground_points"].native.click()
    plus = viewer.layers.selection.active
    press("N")
    minus = viewer.layers.selection.active
    assert (minus.name, minus.mode) == ("lemur background points", "add")
    assert widget.layer_choices["background_points"].value.name == minus.name
    press("N")
    assert viewer.layers.selection.active == plus


def test_scribbles_are_no_trimap_for_the_matte(viewer, photo, dock):
    widget, matte = dock("Segment"), dock("Alpha Matte")
    widget.draw_buttons.buttons["scribbles"].native.click()
    scribbles = viewer.layers.selection.active
    assert (scribbles.mode, scribbles.selected_label) == ("paint", 2)
    assert widget.layer_choices["scribbles"].value.name == "lemur scribbles"
    assert matte.layer_choices["trimap"].value is None


def test_a_trimap_is_begun_or_taken_into_the_hand_again(viewer, photo, dock):
    widget = dock("Alpha Matte")
    button = widget.draw_buttons.buttons["trimap"].native
    button.click()
    trimap = viewer.layers["lemur trimap"]
    viewer.layers.selection.active, trimap.visible = photo, False
    button.click()
    assert viewer.layers.selection.active == trimap
    assert trimap.visible
    assert len(viewer.layers) == 2


def test_without_a_picture_it_says_so(viewer, dock, capsys):
    dock("Segment").draw_buttons.buttons["box"].native.click()
    assert not viewer.layers


def test_only_what_a_method_uses_is_asked_for(viewer, photo, dock):
    widget = dock("Segment")
    widget.native.show()
    widget.draw_buttons.buttons["box"].native.click()
    widget.method.value = "threshold"
    assert widget.draw_buttons.native.isHidden()
    assert not widget.layer_choices["box"].visible
    # A box that is not shown is not used.
    assert set(widget._layers()) == {"image"}
    widget.method.value = "sam2"
    shown = [n for n, b in widget.draw_buttons.buttons.items() if not b.native.isHidden()]
    assert shown == ["box", "foreground_points", "background_points"]


def test_the_label_says_whether_the_method_needs_a_trimap(dock):
    widget = dock("Alpha Matte")
    assert widget.layer_choices["trimap"].label == "trimap"
    widget.method.value = "modnet"
    assert widget.layer_choices["trimap"].label == "trimap (optional)"


def in_dialog(kind, act):
    """Do something in the next modal dialog, once it is shown."""

    def look():
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, kind):
            try:
                act(dialog)
                buttons = dialog.findChild(QDialogButtonBox)
                accepting = QDialogButtonBox.ButtonRole.AcceptRole
                next(b for b in buttons.buttons() if buttons.buttonRole(b) == accepting).click()
            except BaseException:
                dialog.reject()
                raise
        else:
            QTimer.singleShot(50, look)

    QTimer.singleShot(50, look)


def test_a_color_is_picked(dock):
    field = dock("Composite").fields["", "color"]
    (button,) = field.native.actions()
    assert button.icon().pixmap(8, 8).toImage().pixelColor(4, 4) == QColor("white")
    in_dialog(QColorDialog, lambda dialog: dialog.setCurrentColor(QColor("#7a3b52")))
    button.trigger()
    assert field.value == "#7a3b52"
    assert button.icon().pixmap(8, 8).toImage().pixelColor(4, 4) == QColor("#7a3b52")
    field.value = "transparent"
    assert button.icon().pixmap(8, 8).toImage().pixelColor(4, 4).alpha() == 0


@pytest.mark.parametrize("key", [("onnx", "file"), ("birefnet", "weights")])
def test_a_file_is_browsed_for(dock, tmp_path, key):
    path = tmp_path / ("own.onnx" if key[1] == "file" else "own.safetensors")
    path.write_bytes(b"")
    field = dock("Segment").fields[key]
    (button,) = field.native.actions()
    in_dialog(QFileDialog, lambda dialog: dialog.findChild(QLineEdit).setText(str(path)))
    button.trigger()
    assert field.value == str(path)
