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
    return np.asarray(layer.data[...]) / 255


def test_a_key_shows_the_cutout_over_one_backdrop_after_another(viewer, panel, press, qtbot):
    photo, alpha = sample_data.lemur(), sample_data.lemur_alpha()
    backdrops = (
        {"backdrop": "checkerboard"},
        {"color": "white"},
        {"color": "black"},
        {"color": "red"},
    )
    for parameters in backdrops:
        press("G")
        preview = viewer.layers["lemur preview"]
        assert viewer.layers[-1] == preview
        expected = composite(photo, alpha, **parameters)
        np.testing.assert_allclose(shown(preview), expected, atol=0.51 / 255)
    other = np.full((50, 40, 3), (0.1, 0.5, 0.9), np.float32)
    viewer.add_image(other, name="sea", rgb=True)
    press("G")
    expected = composite(photo, alpha, background=other)
    np.testing.assert_allclose(shown(viewer.layers["lemur preview"]), expected, atol=0.51 / 255)
    press("G")
    assert "lemur preview" not in viewer.layers


def test_it_follows_the_matte_and_composites_parameters(viewer, panel, qtbot):
    photo, reference = sample_data.lemur(), viewer.layers["lemur reference alpha"]
    panel.preview.backdrop.value = "black"
    preview = viewer.layers["lemur preview"]
    halved = sample_data.lemur_alpha() / 2
    reference.data = halved
    qtbot.waitUntil(lambda: np.allclose(shown(preview), halved[..., None] * photo, atol=0.01))
    panel.nodes["composite"].fields["", "white_point"].value = 0.5
    expected = composite(photo, halved, color="black", white_point=0.5)
    qtbot.waitUntil(lambda: np.allclose(shown(preview), expected, atol=0.01))
    viewer.layers.remove(preview)
    assert panel.preview.backdrop.value == "off"


def test_without_a_matte_it_says_so_and_stays_off(viewer, dock, capsys):
    panel = dock("Image matting")
    panel.preview.backdrop.value = "white"
    assert panel.preview.backdrop.value == "off"
    assert not viewer.layers


def test_of_a_stack_only_the_plane_on_show_is_composed(viewer, dock, monkeypatch):
    from matting_nodes.hosts.napari import _preview

    planes = []
    run = _preview.run
    monkeypatch.setattr(_preview, "run", lambda *a: planes.append(a) or run(*a))
    photo, alpha = sample_data.lemur(), sample_data.lemur_alpha()
    viewer.add_image(np.stack([photo] * 3), name="lemurs", rgb=True)
    viewer.add_image(np.stack([alpha, alpha**2, alpha]), name="alphas")
    panel = dock("Image matting")
    panel.nodes["composite"].layer_choices["alpha"].value = viewer.layers["alphas"].__wrapped__
    viewer.dims.set_current_step(0, 1)
    panel.preview.backdrop.value = "black"
    assert len(planes) <= 3
    view = viewer.layers["lemurs preview"].data
    assert view.shape == (3, *photo.shape)
    np.testing.assert_allclose(view[1] / 255, alpha[..., None] ** 2 * photo, atol=0.01)
    assert view[1:, 10:12, 5].shape == (2, 2, 3)


def test_it_is_no_picture_to_work_on(viewer, panel):
    panel.preview.backdrop.value = "white"
    preview = viewer.layers["lemur preview"]
    for node in panel.nodes.values():
        assert all(preview not in c.candidates() for c in node.layer_choices.values())


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


def test_the_preview_takes_the_foreground_when_there_is_one(viewer, panel, finish, qtbot):
    photo = sample_data.lemur()
    alpha = alpha_matte(photo, sample_data.lemur_trimap())
    viewer.layers["lemur reference alpha"].data = alpha
    assert finish(panel.nodes["estimate_foreground"]) == ""
    panel.preview.backdrop.value = "white"
    foreground = viewer.layers["lemur foreground"].data
    expected = composite(photo, alpha, foreground=foreground)
    np.testing.assert_allclose(shown(viewer.layers["lemur preview"]), expected, atol=0.01)
