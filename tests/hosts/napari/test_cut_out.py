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
