"""Results are seen: the preview of the cutout, and what lies below and above each result."""

from __future__ import annotations

import numpy as np
import pytest

from matting_nodes import alpha_matte, composite, sample_data


@pytest.fixture
def panel(viewer, dock):
    """The lemur with its reference alpha, ready to be composited."""
    viewer.open_sample("matting-nodes", "lemur")
    return dock("Image matting")


def shown(layer):
    return np.asarray(layer.data)[..., :3] / 255


@pytest.fixture
def preview(viewer, panel, qtbot):
    """Waits for the preview, and returns its layer."""

    def wait(name="lemur preview"):
        qtbot.waitUntil(lambda: name in viewer.layers)
        qtbot.waitUntil(lambda: not panel.preview.running)
        return viewer.layers[name]

    return wait


def test_a_key_shows_the_cutout_over_one_backdrop_after_another(viewer, panel, press, preview):
    photo, alpha = sample_data.lemur(), sample_data.lemur_alpha()
    backdrops = (
        {"backdrop": "checkerboard"},
        {"color": "white"},
        {"color": "black"},
        {"color": "red"},
    )
    for parameters in backdrops:
        press("G")
        layer = preview()
        assert viewer.layers[-1] == layer
        expected = composite(photo, alpha, **parameters)
        np.testing.assert_allclose(shown(layer), expected, atol=0.51 / 255)
    other = np.full((50, 40, 3), (0.1, 0.5, 0.9), np.float32)
    viewer.add_image(other, name="sea", rgb=True)
    press("G")
    expected = composite(photo, alpha, background=other)
    np.testing.assert_allclose(shown(preview()), expected, atol=0.51 / 255)
    press("G")
    assert "lemur preview" not in viewer.layers


def test_it_follows_the_matte_and_composites_parameters(viewer, panel, preview, qtbot):
    photo, reference = sample_data.lemur(), viewer.layers["lemur reference alpha"]
    panel.preview.backdrop.value = "black"
    layer = preview()
    halved = sample_data.lemur_alpha() / 2
    reference.data = halved
    qtbot.waitUntil(lambda: np.allclose(shown(layer), halved[..., None] * photo, atol=0.01))
    panel.nodes["composite"].fields["", "white_point"].value = 0.5
    expected = composite(photo, halved, color="black", white_point=0.5)
    qtbot.waitUntil(lambda: np.allclose(shown(layer), expected, atol=0.01))
    viewer.layers.remove(layer)
    assert panel.preview.backdrop.value == "off"


def test_without_a_matte_it_says_so_and_stays_off(viewer, dock, capsys):
    panel = dock("Image matting")
    panel.preview.backdrop.value = "white"
    assert panel.preview.backdrop.value == "off"
    assert not viewer.layers


@pytest.fixture
def lemurs(viewer, dock):
    """A panel with a stack of pictures and mattes, and the mattes."""
    photo, alpha = sample_data.lemur(), sample_data.lemur_alpha()
    viewer.add_image(np.stack([photo] * 3), name="lemurs", rgb=True)
    alphas = np.stack([alpha, alpha**2, alpha**3])
    viewer.add_image(alphas, name="alphas")
    panel = dock("Image matting")
    panel.nodes["composite"].layer_choices["alpha"].value = viewer.layers["alphas"].__wrapped__
    return panel, alphas


def test_of_a_stack_only_the_plane_on_show_is_composed(viewer, lemurs, monkeypatch, qtbot):
    from matting_nodes.hosts.napari import _preview

    planes = []
    run = _preview.run
    monkeypatch.setattr(_preview, "run", lambda *a: planes.append(a) or run(*a))
    (panel, alphas), photo = lemurs, sample_data.lemur()
    viewer.dims.set_current_step(0, 1)
    panel.preview.backdrop.value = "black"
    qtbot.waitUntil(lambda: "lemurs preview" in viewer.layers)
    assert len(planes) == 1
    view = viewer.layers["lemurs preview"].data
    assert view.shape == (3, *photo.shape[:2], 4)
    np.testing.assert_allclose(view[1][..., :3] / 255, alphas[1][..., None] * photo, atol=0.01)
    assert len(planes) == 1
    assert view[1:, 10:12, 5].shape == (2, 2, 4)


def test_another_plane_of_a_stack_is_composed_while_the_window_lives(viewer, lemurs, qtbot):
    (panel, alphas), photo = lemurs, sample_data.lemur()
    viewer.dims.set_current_step(0, 0)
    panel.preview.backdrop.value = "black"
    qtbot.waitUntil(lambda: "lemurs preview" in viewer.layers)
    layer = viewer.layers["lemurs preview"]

    def seen():
        return layer.__wrapped__._slice.image.raw[..., :3] / 255

    def expected(plane):
        return alphas[plane][..., None] * photo

    np.testing.assert_allclose(seen(), expected(0), atol=0.01)
    for plane in (1, 2):
        viewer.dims.set_current_step(0, plane)
        # Until it is composed, what lies below is seen.
        assert not layer.data[plane].any()
        qtbot.waitUntil(lambda plane=plane: np.allclose(seen(), expected(plane), atol=0.01))
    viewer.dims.set_current_step(0, 1)
    viewer.dims.set_current_step(0, 0)
    qtbot.waitUntil(lambda: np.allclose(seen(), expected(0), atol=0.01))
    for plane in range(3):
        np.testing.assert_allclose(shown(layer)[plane], expected(plane), atol=0.01)


def test_it_is_composed_in_another_thread(viewer, panel, preview, monkeypatch):
    import threading

    from matting_nodes.hosts.napari import _preview

    threads, run = [], _preview.run
    monkeypatch.setattr(
        _preview, "run", lambda *a: threads.append(threading.current_thread()) or run(*a)
    )
    panel.preview.backdrop.value = "white"
    preview()
    panel.preview.backdrop.value = "black"
    preview()
    assert threads
    assert threading.main_thread() not in threads


def test_off_forgets_what_is_being_composed(viewer, panel, qtbot):
    panel.preview.backdrop.value = "white"
    assert panel.preview.running
    panel.preview.backdrop.value = "off"
    qtbot.waitUntil(lambda: not panel.preview.running)
    assert "lemur preview" not in viewer.layers


def test_it_is_no_picture_to_work_on(viewer, panel, preview):
    panel.preview.backdrop.value = "white"
    layer = preview()
    for node in panel.nodes.values():
        assert all(layer not in c.candidates() for c in node.layer_choices.values())


def test_the_mask_is_hidden_once_a_trimap_is_made_of_it(viewer, dock, finish):
    viewer.add_image(sample_data.lemur(), name="lemur", rgb=True)
    assert finish(dock("Segment")) == ""
    make_trimap = dock("Make Trimap")
    assert finish(make_trimap) == ""
    mask = viewer.layers["lemur mask"]
    assert not mask.visible
    assert viewer.layers["lemur trimap"].visible
    # Whoever looks at it again keeps it in sight.
    mask.visible = True
    assert finish(make_trimap) == ""
    assert mask.visible


def test_the_foreground_lies_on_its_background(viewer, panel, finish):
    assert finish(panel.nodes["estimate_foreground"]) == ""
    assert [layer.name for layer in viewer.layers[-2:]] == ["lemur background", "lemur foreground"]


@pytest.mark.parametrize("angle", [0, 20])
def test_a_transparent_composite_lies_on_a_checkerboard(viewer, dock, finish, angle):
    place = {"scale": (2, 2), "translate": (30, 70), "rotate": angle}
    viewer.add_image(sample_data.lemur(), name="lemur", rgb=True, **place)
    viewer.add_image(sample_data.lemur_alpha(), name="alpha", **place)
    widget = dock("Composite")
    widget.layer_choices["alpha"].value = viewer.layers["alpha"].__wrapped__
    widget.fields["", "color"].value = "transparent"
    assert finish(widget) == ""
    result, board = viewer.layers["lemur composite"], viewer.layers["lemur composite checkerboard"]
    assert viewer.layers.index(board) == viewer.layers.index(result) - 1
    height, width = result.data.shape[:2]
    rows, columns = board.data.shape[:2]
    for corner in ((-0.5, -0.5), (height - 0.5, width - 0.5), (-0.5, width - 0.5)):
        on_board = (np.array(corner) + 0.5) * (rows / height, columns / width) - 0.5
        np.testing.assert_allclose(board.data_to_world(on_board), result.data_to_world(corner))
    result.visible = False
    assert not board.visible
    assert finish(widget) == ""
    viewer.layers.remove(result)
    assert board not in viewer.layers


def test_side_by_side_the_unknown_part_of_a_trimap_is_seen(viewer, panel):
    trimap, grid = viewer.layers["lemur trimap"], getattr(viewer, "canvas", viewer).grid
    assert tuple(trimap.colormap.color_dict[0]) == (0, 0, 0, 0)
    grid.enabled = True
    assert tuple(trimap.colormap.color_dict[0]) == (1, 1, 1, 1)
    grid.enabled = False
    assert tuple(trimap.colormap.color_dict[0]) == (0, 0, 0, 0)


def test_the_preview_takes_the_foreground_when_there_is_one(viewer, panel, finish, preview):
    photo = sample_data.lemur()
    alpha = alpha_matte(photo, sample_data.lemur_trimap())
    viewer.layers["lemur reference alpha"].data = alpha
    assert finish(panel.nodes["estimate_foreground"]) == ""
    panel.preview.backdrop.value = "white"
    foreground = viewer.layers["lemur foreground"].data
    expected = composite(photo, alpha, foreground=foreground)
    np.testing.assert_allclose(shown(preview()), expected, atol=0.01)
