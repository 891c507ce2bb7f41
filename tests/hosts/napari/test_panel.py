"""The whole pipeline in one dock, step by step."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication, QPushButton
from superqt import QCollapsible

from matting_nodes import (
    alpha_matte,
    composite,
    estimate_foreground,
    make_trimap,
    sample_data,
    segment,
)


@pytest.fixture
def panel(dock):
    return dock("Image matting")


def unfolded(panel):
    return [name for name, fold in panel.folds.items() if fold.isExpanded()]


def test_the_steps_are_numbered_and_the_first_is_open(panel):
    assert [fold.text() for fold in panel.folds.values()] == [
        "1. Segment",
        "2. Make Trimap",
        "3. Alpha Matte",
        "4. Estimate Foreground",
        "5. Composite",
        "Compare",
        "Difference Matte",
        "ID Photo",
        "Measure",
        "Inspect",
        "Batch",
    ]
    assert unfolded(panel) == ["segment"]


def test_a_run_through_gives_the_pixels_that_python_gives(viewer, panel, finish, qtbot):
    photo = sample_data.lemur()
    viewer.add_image(photo, name="lemur", rgb=True)
    panel.native.window().show()
    for name in ("segment", "make_trimap", "alpha_matte", "estimate_foreground", "composite"):
        assert unfolded(panel) == [name]
        button = panel.nodes[name].run_button.native
        qtbot.waitUntil(lambda b=button: not b.visibleRegion().isEmpty())
        assert finish(panel.nodes[name]) == ""
    trimap = make_trimap(segment(photo))
    alpha = alpha_matte(photo, trimap)
    foreground, _ = estimate_foreground(photo, alpha)
    expected = composite(photo, alpha, foreground=foreground)
    np.testing.assert_array_equal(viewer.layers["lemur alpha"].data, alpha)
    np.testing.assert_array_equal(viewer.layers["lemur composite"].data, expected)


def test_a_step_that_is_refused_stays_open(viewer, panel, finish):
    assert "has no layer to work on" in finish(panel.nodes["segment"])
    assert unfolded(panel) == ["segment"]


def test_opened_again_it_goes_on_after_the_last_result(viewer, panel, dock, finish):
    viewer.add_image(sample_data.lemur(), name="lemur", rgb=True)
    assert finish(panel.nodes["segment"]) == ""
    viewer.window.remove_dock_widget(panel.native)
    assert unfolded(dock("Image matting")) == ["make_trimap"]


def test_it_works_from_the_menu_when_nobody_else_holds_it(viewer, qtbot):
    from napari._app_model import get_app_model

    viewer.add_image(sample_data.lemur(), name="lemur", rgb=True)
    get_app_model().commands.execute_command("matting-nodes.panel").result()
    gc.collect()
    (shown,) = viewer.window.dock_widgets.values()
    native = getattr(shown, "native", shown)
    del shown
    run = next(b for b in native.findChildren(QPushButton) if b.text() == "Run")
    run.click()
    second = next(f for f in native.findChildren(QCollapsible) if f.text().startswith("2"))
    qtbot.waitUntil(second.isExpanded, timeout=60_000)


def test_folding_keeps_what_is_set(panel):
    node = panel.nodes["make_trimap"]
    node.fields["band", "inner"].value = 17
    for _ in range(2):
        panel.folds["make_trimap"].expand(animate=False)
        panel.folds["make_trimap"].collapse(animate=False)
    assert node.parameters()["inner"] == 17


def test_it_fits_380_by_900_pixels_with_everything_unfolded(panel):
    panel.native.setParent(None)
    panel.native.show()
    for fold in panel.folds.values():
        fold.expand(animate=False)
    panel.native.resize(380, 900)
    QApplication.processEvents()
    assert (panel.native.width(), panel.native.height()) == (380, 900)
    assert panel._scroll.horizontalScrollBar().maximum() == 0
    panel.native.close()


def test_a_trimap_that_is_there_makes_the_matte_the_next_step(viewer, panel, dock):
    assert unfolded(panel) == ["segment"]
    viewer.open_sample("matting-nodes", "lemur")
    assert unfolded(panel) == ["alpha_matte"]
    needless = "(not needed: there is lemur trimap)"
    assert panel.folds["segment"].text() == f"1. Segment  {needless}"
    assert panel.folds["make_trimap"].text() == f"2. Make Trimap  {needless}"
    # Whoever wants to make one removes it.
    viewer.layers.remove("lemur trimap")
    assert unfolded(panel) == ["segment"]
    assert panel.folds["segment"].text() == "1. Segment"
    panel.nodes["alpha_matte"].draw_buttons.buttons["trimap"].native.click()
    assert unfolded(panel) == ["alpha_matte"]
    assert unfolded(dock("Image matting")) == ["alpha_matte"]


def test_scribbles_leave_the_steps_as_they_are(viewer, panel):
    viewer.add_image(sample_data.lemur(), name="lemur", rgb=True)
    panel.nodes["segment"].draw_buttons.buttons["scribbles"].native.click()
    assert unfolded(panel) == ["segment"]
