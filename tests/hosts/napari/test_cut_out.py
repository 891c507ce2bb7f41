"""Cut out the object: one command from a picture to an RGBA layer, in a real window."""

from __future__ import annotations

import time

import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.hosts import napari as host
from matting_nodes.hosts.napari._trimap import tag
from matting_nodes.nodes._cutout import cutout


@pytest.fixture
def cut(viewer, qtbot):
    """Runs the command to its end."""

    def run():
        panel = host.cut_out(viewer)
        qtbot.waitUntil(lambda: not panel.running, timeout=120_000)
        return panel

    return run


def test_the_menu_cuts_the_selected_picture_out(viewer, qtbot):
    from napari._app_model import get_app_model

    lemur = sample_data.lemur()[::2, ::2]
    viewer.add_image(lemur, name="lemur", rgb=True, scale=(2, 2))
    viewer.add_image(np.zeros((8, 8)), name="other")
    viewer.layers.selection.active = viewer.layers["lemur"]
    panel = get_app_model().commands.execute_command("matting-nodes.cut_out").result()
    assert list(viewer.window.dock_widgets) == ["Cut out the object"]
    qtbot.waitUntil(lambda: not panel.running, timeout=120_000)
    layer = viewer.layers["lemur cutout"]
    assert layer.rgb
    np.testing.assert_array_equal(layer.data, cutout(lemur).picture)
    np.testing.assert_allclose(layer.scale, (2, 2))
    assert tag(layer)["base"] == "lemur"
    assert tag(layer)["network"] == "grabcut"
    assert not viewer.layers["lemur"].visible
    assert not viewer.window.dock_widgets


def test_a_stack_of_counts_is_cut_plane_by_plane(viewer, cut):
    """A plane that shows nothing stays transparent."""
    lemur = sample_data.lemur()[::2, ::2].mean(2)
    stack = np.stack([lemur, np.full_like(lemur, 0.5), lemur[:, ::-1]])
    viewer.add_image((stack * 255 * 3).astype(np.int32), name="counts")
    cut()
    data = viewer.layers["counts cutout"].data
    assert data.shape == (*stack.shape, 4)
    assert 0 <= data.min() <= data.max() <= 1
    assert data[0, ..., 3].mean() > 0.1
    assert (data[1] == 0).all()
    opaque = data[0, ..., 3] == 1
    assert abs(data[0, ..., 0] - stack[0])[opaque].mean() < 0.02


def test_nothing_to_cut_out_is_said_and_no_layer_made(viewer, cut, capsys):
    assert host.cut_out(viewer) is None
    viewer.add_image(np.full((20, 20), 0.5), name="flat")
    cut()
    assert [layer.name for layer in viewer.layers] == ["flat"]
    assert viewer.layers["flat"].visible
    assert not viewer.window.dock_widgets


@pytest.mark.parametrize("closed", [False, True])
def test_cancel_and_closing_the_panel_stop_it_within_a_second(viewer, qtbot, closed):
    lemur = sample_data.lemur()
    viewer.add_image(np.stack([lemur] * 50), name="lemurs", rgb=True)
    panel = host.cut_out(viewer)
    qtbot.waitUntil(lambda: panel.progress_bar.value > 2)
    began = time.monotonic()
    if closed:
        viewer.window.remove_dock_widget(panel.native)
    else:
        panel.cancel()
    qtbot.waitUntil(lambda: not panel.running)
    assert time.monotonic() - began < 10
    assert [layer.name for layer in viewer.layers] == ["lemurs"]
    assert not viewer.window.dock_widgets


def test_the_result_stays_below_what_is_painted_on(viewer, cut):
    viewer.add_image(sample_data.lemur()[::2, ::2], name="lemur", rgb=True)
    labels = viewer.add_labels(np.zeros((10, 10), int), name="painting")
    labels.mode = "paint"
    cut()
    names = [layer.name for layer in viewer.layers]
    assert names == ["lemur", "lemur cutout checkerboard", "lemur cutout", "painting"]
    assert viewer.layers.selection.active == labels


def test_an_unforeseen_error_ends_with_details_to_copy(viewer, qtbot):
    from qtpy.QtWidgets import QApplication

    class Broken:
        """A lazy picture whose file is gone."""

        shape, ndim, dtype, size = (3, 30, 40), 3, np.dtype(np.float32), 3600

        def __init__(self):
            self.lost = False

        def __getitem__(self, index):
            if self.lost:
                raise OSError("the file is gone")
            return np.zeros(self.shape, self.dtype)[index]

    data = Broken()
    viewer.add_image(data, name="lost", contrast_limits=(0, 1))
    data.lost = True
    panel = host.cut_out(viewer)
    qtbot.waitUntil(lambda: not panel.running, timeout=120_000)
    assert "the file is gone" in panel.message.value
    panel.copy_button.native.click()
    told = QApplication.clipboard().text()
    assert "Cut out the object of matting-nodes" in told
    assert "Image layer, float32, 3 × 30 × 40" in told
    assert "OSError: the file is gone" in told
    # It stays until it is closed, so that they can be copied.
    assert list(viewer.window.dock_widgets) == ["Cut out the object"]
    viewer.window.remove_dock_widget(panel.native)
