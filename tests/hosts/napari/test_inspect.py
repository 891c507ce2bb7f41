from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import sample_data
from matting_nodes.hosts.napari._trimap import alpha_options


@pytest.fixture
def inspect(viewer, dock):
    alpha = sample_data.lemur_alpha()
    viewer.add_image(alpha, name="alpha", scale=(2, 2))
    viewer.add_image(alpha**2, name="other", scale=(2, 2))
    # In the world, pixels of the mattes are two units wide.
    viewer.add_shapes([[[400, 100], [400, 700]]], shape_type="line", name="cut")
    widget = dock("Inspect")
    widget.alpha.value = viewer.layers["alpha"]
    widget.reference.value = viewer.layers["other"]
    widget.line.value = viewer.layers["cut"]
    return widget


def drawn(widget):
    return [line.get_ydata() for line in widget.profile.lines]


def test_it_draws_both_mattes_along_the_line(inspect, qtbot):
    qtbot.waitUntil(lambda: len(drawn(inspect)) == 2)
    row = sample_data.lemur_alpha()[200, 50:351]
    np.testing.assert_allclose(drawn(inspect)[0], row, atol=1e-5)
    np.testing.assert_allclose(drawn(inspect)[1], row**2, atol=1e-5)


def test_the_histogram_counts_every_pixel(inspect):
    inspect.draw()
    counts, _ = np.histogram(sample_data.lemur_alpha(), 64, (0, 1))
    heights = inspect.histogram.patches[0].get_xy()[:, 1]
    assert set(counts) <= set(heights.astype(int))


def test_it_follows_the_line_and_the_matte(viewer, inspect, qtbot):
    qtbot.waitUntil(lambda: len(drawn(inspect)) == 2)
    viewer.layers["cut"].add_paths(np.array([[100, 100], [100, 300], [200, 300]]))
    qtbot.waitUntil(lambda: len(drawn(inspect)[0]) == 151)
    viewer.layers["alpha"].data = np.ones_like(sample_data.lemur_alpha())
    qtbot.waitUntil(lambda: (drawn(inspect)[0] == 1).all())


def test_side_by_side_moves_all_together(viewer, inspect):
    grid = getattr(viewer, "canvas", viewer).grid
    inspect.side_by_side.value = True
    assert grid.enabled
    inspect.side_by_side.value = False
    assert not grid.enabled


def test_without_a_line_or_a_reference(viewer, inspect):
    del viewer.layers["cut"]
    del viewer.layers["other"]
    inspect.draw()
    assert drawn(inspect) == []
    assert len(inspect.histogram.patches) == 1


def test_it_begins_with_the_newest_matte_and_its_reference(viewer, dock):
    viewer.open_sample("matting-nodes", "lemur")
    viewer.add_image(sample_data.lemur_alpha(), name="again", **alpha_options(base="lemur"))
    widget = dock("Inspect")
    assert widget.alpha.value.name == "again"
    assert widget.reference.value.name == "lemur reference alpha"


def test_of_a_stack_it_draws_the_plane_on_show(viewer, dock, qtbot):
    """The stack's planes lie two apart, and begin at four."""
    ramp = np.linspace(0, 1, 30, dtype=np.float32)
    stack = np.stack([np.tile(ramp, (20, 1)), np.tile(ramp[::-1], (20, 1))])
    viewer.add_image(stack, name="stack", scale=(2, 1, 1), translate=(4, 0, 0))
    viewer.add_shapes([[[5, 0], [5, 29]]], shape_type="line", name="cut")
    widget = dock("Inspect")
    widget.alpha.value, widget.line.value = viewer.layers["stack"], viewer.layers["cut"]
    for world, row in ((4, ramp), (6, ramp[::-1])):
        viewer.dims.set_point(0, world)
        qtbot.waitUntil(
            lambda row=row: len(drawn(widget)) == 1 and np.allclose(drawn(widget)[0], row)
        )


@pytest.mark.parametrize("dtype", [np.int16, np.float64])
def test_what_is_no_alpha_is_drawn_with_its_own_values(viewer, dock, dtype):
    counts = np.linspace(-300, 700, 600).reshape(20, 30).astype(dtype)
    viewer.add_image(counts, name="counts")
    viewer.add_shapes([[[5, 0], [5, 29]]], shape_type="line", name="cut")
    widget = dock("Inspect")
    widget.alpha.value, widget.line.value = viewer.layers["counts"], viewer.layers["cut"]
    widget.draw()
    np.testing.assert_allclose(drawn(widget)[0], counts[5], atol=1e-3)
    assert widget.histogram.get_xlabel() == "value"
    assert widget.profile.get_ylim() == pytest.approx((-350, 750))


def test_nan_is_left_out_and_counted(viewer, dock):
    alpha = np.full((20, 30), 0.25, np.float32)
    alpha[:2, :3] = np.nan
    viewer.add_image(alpha, name="holes", contrast_limits=(0, 1))
    widget = dock("Inspect")
    widget.alpha.value = viewer.layers["holes"]
    widget.draw()
    assert widget.histogram.patches[0].get_xy()[:, 1].max() == 594
    (label,) = (text.get_text() for text in widget.histogram.get_legend().get_texts())
    assert label == "holes (6 NaN or infinite)"
    assert widget.histogram.get_xlabel() == "alpha"


def test_distances_are_in_the_layers_unit(viewer, dock):
    viewer.open_sample("matting-nodes", "cell")
    cell = viewer.layers["cell"]
    micrometers = {"scale": (0.107, 0.107), "units": ("micrometer", "micrometer")}
    alpha = viewer.add_image(np.zeros(cell.data.shape, np.float32), name="alpha", **micrometers)
    viewer.add_shapes([[[10, 5], [10, 25]]], shape_type="line", name="cut", **micrometers)
    widget = dock("Inspect")
    widget.alpha.value, widget.line.value = alpha.__wrapped__, viewer.layers["cut"].__wrapped__
    widget.draw()
    (line,) = widget.profile.lines
    assert line.get_xdata()[-1] == pytest.approx(20 * 0.107)
    assert widget.profile.get_xlabel() == "µm along the line"


def test_it_follows_the_theme(viewer, inspect):
    from matplotlib.colors import to_hex
    from napari.utils.theme import get_theme

    for name in ("light", "dark"):
        viewer.theme = name
        theme = get_theme(name)
        assert to_hex(inspect.figure.get_facecolor()) == to_hex(theme.background.as_hex())
        assert to_hex(inspect.profile.xaxis.label.get_color()) == to_hex(theme.text.as_hex())
    inspect.draw()
    assert to_hex(inspect.profile.xaxis.label.get_color()) == to_hex(theme.text.as_hex())
    assert to_hex(inspect.profile.get_facecolor()) == to_hex(get_theme("dark").background.as_hex())


def hover(viewer, place):
    from napari.utils._test_utils import read_only_mouse_event
    from napari.utils.interactions import mouse_move_callbacks

    event = read_only_mouse_event(type="mouse_move", is_dragging=False, position=place)
    mouse_move_callbacks(viewer.__wrapped__, event)


def test_a_pixel_under_the_mouse_is_explained(viewer, dock, qtbot, finish):
    viewer.open_sample("matting-nodes", "lemur")
    panel = dock("Image matting")
    panel.native.window().show()
    assert finish(panel.nodes["alpha_matte"]) == ""
    panel.folds["inspect"].expand(animate=False)
    widget, alpha = panel.inspect, viewer.layers["lemur alpha"].data
    assert widget.alpha.value.name == "lemur alpha"
    row, column = np.argwhere((alpha > 0.4) & (alpha < 0.6))[0].tolist()
    qtbot.waitUntil(lambda: widget.native.isVisible())
    widget.draw()
    hover(viewer, (row, column))
    qtbot.waitUntil(lambda: f"α {alpha[row, column]:.3f}" in widget.pixel.value)
    # F and B are estimated around the pixel until there are layers of them.
    qtbot.waitUntil(lambda: "F <span" in widget.pixel.value, timeout=60_000)  # may compile
    assert "press J" in widget.pixel.value
    assert finish(panel.nodes["estimate_foreground"]) == ""
    panel.least_certain.native.click()
    qtbot.waitUntil(lambda: "lemur confidence" in viewer.layers)
    foreground = viewer.layers["lemur foreground"].data[row, column]
    sure = viewer.layers["lemur confidence"].data[row, column]
    hover(viewer, (row, column))
    numbers = ", ".join(f"{channel:.3g}" for channel in foreground)
    qtbot.waitUntil(lambda: f"({numbers})" in widget.pixel.value)
    assert f"{sure:.0%} sure" in widget.pixel.value
    hover(viewer, (-50, -50))
    qtbot.waitUntil(lambda: widget.pixel.value == "")


def test_a_line_that_moves_has_no_values_read_again(inspect, qtbot, monkeypatch, viewer):
    from matting_nodes.hosts.napari import _inspect

    qtbot.waitUntil(lambda: len(drawn(inspect)) == 2)
    read = []
    values = _inspect.shown_values
    monkeypatch.setattr(_inspect, "shown_values", lambda plane: read.append(1) or values(plane))
    viewer.layers["cut"].data = [np.array([[100, 100], [100, 300]])]
    qtbot.waitUntil(lambda: len(drawn(inspect)[0]) == 101)
    assert not read
