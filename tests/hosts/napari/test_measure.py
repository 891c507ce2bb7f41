"""Measure and Difference Matte in a real window."""

from __future__ import annotations

import csv
import re

import cv2
import numpy as np
import pytest
from qtpy.QtCore import Qt

from matting_nodes import difference_matte, measure


@pytest.fixture
def soft():
    """Two discs by number, and their matte."""
    labels = np.zeros((60, 90), np.uint8)
    cv2.circle(labels, (25, 30), 12, 2, -1)
    cv2.circle(labels, (65, 30), 15, 5, -1)
    return labels, cv2.GaussianBlur(np.float32(labels > 0), (0, 0), 1.5)


def choose(widget, **layers):
    for name, layer in layers.items():
        choices = widget.layer_choices[name].choices
        widget.layer_choices[name].value = next(c for c in choices if c and c.name == layer)


def test_measure_shows_a_row_for_each_object_and_fills_the_features(
    viewer, dock, finish, soft, tmp_path
):
    labels, alpha = soft
    layer = viewer.add_labels(labels, name="discs")
    viewer.add_image(alpha, name="matte")
    viewer.add_image(100 + 900 * alpha, name="counts")
    widget = dock("Measure")
    choose(widget, labels="discs", alpha="matte", image="counts")
    assert finish(widget) == "2 objects"
    expected = measure(labels, alpha, (100 + 900 * alpha))
    assert expected["mean"] == pytest.approx([1000, 1000], rel=1e-3)
    assert list(layer.features["index"]) == [2, 5]
    np.testing.assert_array_equal(layer.features["area"], expected["area"])
    np.testing.assert_array_equal(layer.features["mean"], expected["mean"])
    widget.table.save(tmp_path / "discs.csv")
    with (tmp_path / "discs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["area"]) for row in rows] == list(expected["area"])


def test_measure_on_a_stack_is_one_table(viewer, dock, finish, soft):
    labels, alpha = soft
    layer = viewer.add_labels(np.stack([labels, labels * (labels == 2)]), name="discs")
    viewer.add_image(np.stack([alpha, alpha]), name="matte")
    widget = dock("Measure")
    choose(widget, labels="discs", alpha="matte")
    assert finish(widget) == "3 objects"
    assert [row[:2] for row in widget.table.rows()] == [["0", "2.0"], ["0", "5.0"], ["1", "2.0"]]
    assert "area" not in layer.features


def test_a_row_of_the_table_selects_its_object_and_moves_to_it(viewer, dock, finish, soft):
    labels, alpha = soft
    layer = viewer.add_labels(np.stack([labels, labels]), name="discs", scale=(1, 0.5, 0.5))
    viewer.add_image(np.stack([alpha, alpha]), name="matte", scale=(1, 0.5, 0.5))
    widget = dock("Measure")
    choose(widget, labels="discs", alpha="matte")
    finish(widget)
    # The rows in another order: by label, downwards.
    widget.table.view.sortItems(1, Qt.SortOrder.DescendingOrder)
    widget.table.view.selectRow(1)
    plane, label = (float(cell) for cell in widget.table.rows()[1][:2])
    assert (layer.selected_label, viewer.dims.current_step[0]) == (label, plane) == (5, plane)
    # Before napari 0.9 the camera was the viewer's own.
    camera = getattr(viewer, "scene", viewer).camera
    assert camera.center[-2:] == pytest.approx((15, 32.5))
    widget.table.view.selectRow(3)
    assert layer.selected_label == 2
    viewer.layers.remove(layer)
    widget.table.view.selectRow(0)


def test_measurements_of_a_stack_are_plotted_over_its_axis(viewer, dock, finish, soft):
    labels, alpha = soft
    labels, alpha = np.stack([labels] * 3), np.stack([alpha, alpha * 0.5, alpha])
    place = {"scale": (20, 1, 1), "units": ("s", "um", "um"), "axis_labels": ("t", "y", "x")}
    viewer.add_labels(labels, name="discs", **place)
    viewer.add_image(alpha, name="matte", **place)
    widget = dock("Measure")
    choose(widget, labels="discs", alpha="matte")
    finish(widget)
    plot = widget.measurements.plot
    assert not plot.isHidden()
    plot.column.setCurrentText("area")
    lines = plot.axes.get_lines()
    assert plot.axes.get_xlabel() == "t (s)"
    assert [line.get_label() for line in lines] == ["2", "5"]
    expected = measure(labels[0], alpha[0])["area"]
    for line, area in zip(lines, expected, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [0, 20, 40])
        np.testing.assert_allclose(line.get_ydata(), [area, area / 2, area], rtol=1e-6)


def test_a_table_is_saved_as_parquet_with_every_digit(viewer, dock, finish, soft, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    labels, alpha = soft
    viewer.add_labels(labels, name="discs")
    viewer.add_image(alpha, name="matte")
    widget = dock("Measure")
    choose(widget, labels="discs", alpha="matte")
    finish(widget)
    widget.table.save(tmp_path / "discs.parquet")
    found = parquet.read_table(tmp_path / "discs.parquet").to_pydict()
    for name, column in measure(labels, alpha).items():
        np.testing.assert_array_equal(found[name], column)


def test_difference_matte_of_two_layers(viewer, dock, finish, fur):
    _, trimap = fur
    alpha = cv2.GaussianBlur(np.float32(trimap > 200), (0, 0), 3)[..., None]
    white, black = (alpha * fur[0] + (1 - alpha) * np.float32(behind) for behind in (1, 0))
    viewer.add_image(white, name="white", rgb=True)
    viewer.add_image(black, name="black", rgb=True)
    widget = dock("Difference Matte")
    choose(widget, image="white", second_image="black")
    assert finish(widget) == ""
    expected = difference_matte(white, black)
    np.testing.assert_array_equal(viewer.layers["white alpha"].data, expected.alpha)
    np.testing.assert_array_equal(viewer.layers["white foreground"].data, expected.foreground)
    np.testing.assert_allclose(viewer.layers["white residual"].data, 0, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"units": ("second", "second")}, "measures an axis in second"),
        ({"data": np.zeros((20, 30), np.int32)}, "does not cover|must have one width"),
        ({"data": 0}, "0 everywhere"),
    ],
    ids=["units that do not convert", "another size", "no object"],
)
def test_measure_refuses_what_cannot_be_measured(viewer, dock, finish, change, told):
    alpha = np.zeros((40, 60), np.float32)
    alpha[10:20, 10:30] = 1
    labels = np.int32(alpha)
    if "data" in change:
        labels = change["data"] if np.ndim(change["data"]) else np.zeros_like(labels)
    place = {"scale": (0.5, 0.5), "units": ("micrometer", "micrometer")}
    viewer.add_image(alpha, name="alpha", **place)
    place["units"] = change.get("units", place["units"])
    viewer.add_labels(labels, name="cells", **place)
    widget = dock("Measure")
    choose(widget, alpha="alpha", labels="cells")
    if widget.run_button.enabled:
        finish(widget)
    assert re.search(told, widget.obstacle.value or widget.message.value)
    assert not viewer.layers["cells"].features.shape[1]
