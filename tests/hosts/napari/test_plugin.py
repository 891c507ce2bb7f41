"""What npe2 and napari's menus make of the manifest."""

from __future__ import annotations

import numpy as np
import pytest
from npe2 import PluginManager, PluginManifest

from matting_nodes import all_nodes, sample_data
from matting_nodes.hosts import napari as host
from matting_nodes.hosts.napari._manifest import AGAIN
from matting_nodes.hosts.napari._trimap import TAG, alpha_options, is_trimap

TITLES = [
    "Image matting",
    *(spec.title for spec in all_nodes()),
    "Carry",
    "Matte in blocks",
    "Inspect",
    "Matting graph",
]


@pytest.fixture
def plugin(viewer):
    """The installed plugin, as the running napari knows it."""
    return PluginManager.instance().get_manifest("matting-nodes")


def test_the_manifest_is_valid_and_its_commands_exist():
    manifest = PluginManifest.from_distribution("matting-nodes")
    manifest.validate_imports()
    assert [w.display_name for w in manifest.contributions.widgets] == TITLES


def test_the_layers_menu_leads_to_every_node(plugin):
    menus = plugin.contributions.menus
    assert [item.submenu for item in menus["napari/layers/segment"]] == ["matting_nodes"]
    assert [item.command for item in menus["matting_nodes"]] == [
        "matting-nodes.panel",
        "matting-nodes.cut_out",
        *(f"matting-nodes.{spec.name}" for spec in all_nodes()),
        "matting-nodes.carry",
        "matting-nodes.blocks",
        "matting-nodes.inspect",
        "matting-nodes.graph",
        *(f"matting-nodes.{name}" for name in AGAIN),
    ]


def test_napari_shows_the_submenu_with_every_node(viewer, plugin):
    from napari._app_model import get_app_model

    def titles(menu):
        items = [item for group in menus.iter_menu_groups(menu) for item in group]
        return [getattr(item, "title", None) or item.command.title for item in items]

    menus = get_app_model().menus
    assert "Image matting" in titles("napari/layers/segment")
    assert "New trimap (Image matting)" in titles("napari/layers/annotate")
    shown = [title.split(" (")[0] for title in titles("matting_nodes")]
    assert shown == [TITLES[0], "Cut out the object", *TITLES[1:], *AGAIN.values()]


def test_the_menu_makes_a_new_trimap(viewer, plugin):
    from napari._app_model import get_app_model

    viewer.add_image(sample_data.cell(), name="cell")
    get_app_model().commands.execute_command("matting-nodes.new_trimap").result()
    assert is_trimap(viewer.layers["cell trimap"])


def test_a_menu_entry_opens_its_widget(viewer, plugin):
    from napari._app_model import get_app_model

    get_app_model().commands.execute_command("matting-nodes.make_trimap").result()
    (title,) = viewer.window.dock_widgets
    assert title.startswith("Make Trimap")


def test_the_photo_sample_opens_with_its_trimap(viewer, plugin):
    viewer.open_sample("matting-nodes", "lemur")
    assert [layer.name for layer in viewer.layers] == [
        "lemur",
        "lemur reference alpha",
        "lemur trimap",
    ]
    assert is_trimap(viewer.layers["lemur trimap"])
    assert viewer.layers["lemur"].rgb


def test_the_microscopy_sample_opens_with_its_pixel_size(viewer, plugin):
    (cell,) = viewer.open_sample("matting-nodes", "cell")
    np.testing.assert_allclose(cell.scale, (0.107, 0.107))
    assert [str(unit) for unit in cell.units] == ["micrometer", "micrometer"]


def test_a_new_trimap_over_a_result_is_for_its_picture(viewer, fur):
    image, _ = fur
    viewer.add_image(image, name="fur", rgb=True)
    viewer.add_image(image[..., 0], name="fur alpha", **alpha_options(base="fur"))
    host.new_trimap(viewer)
    assert viewer.layers[-1].name == "fur trimap"
    assert viewer.layers[-1].metadata[TAG]["base"] == "fur"


def test_a_new_trimap_is_all_unknown_and_ready_to_be_painted(viewer):
    viewer.add_image(sample_data.cell(), name="cell", scale=(0.1, 0.1))
    host.new_trimap(viewer)
    layer = viewer.layers["cell trimap"]
    assert is_trimap(layer)
    assert layer.data.shape == sample_data.cell().shape
    assert not layer.data.any()
    assert (layer.mode, layer.selected_label) == ("paint", 2)
    np.testing.assert_allclose(layer.scale, (0.1, 0.1))


def test_a_new_trimap_without_an_image_says_so(viewer, capsys):
    host.new_trimap(viewer)
    assert len(viewer.layers) == 0
