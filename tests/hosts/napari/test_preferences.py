"""The page in napari's preferences, and what the widgets make of it."""

from __future__ import annotations

import pytest

from matting_nodes.hosts import napari as host
from matting_nodes.models import weights
from matting_nodes.models._folder import download_folder
from matting_nodes.models.catalog import MODELS

settings = pytest.importorskip("napari.settings")
if not hasattr(settings, "get_plugin_settings"):
    pytest.skip("napari has plugins' preferences since 0.9", allow_module_level=True)


@pytest.fixture
def page(viewer):
    return settings.get_plugin_settings("matting-nodes").computing


def test_napari_shows_the_page_in_the_words_of_the_settings(viewer, page, qtbot):
    from napari._qt.dialogs.preferences_dialog import PreferencesDialog

    dialog = PreferencesDialog()
    qtbot.addWidget(dialog)
    (row,) = [
        i for i in range(dialog._list.count()) if dialog._list.item(i).text() == "Image matting"
    ]
    form = dialog._stack.widget(row).widget().layout().itemAt(0).widget()
    assert set(form.widget.widgets) == {"device", "precision", "tile", "model_folder"}
    form.widget.widgets["tile"].state = 1024
    assert page.tile == 1024


def test_it_is_kept_in_a_file(page, preferences_file):
    page.device = "cpu"
    assert "device: cpu" in preferences_file.read_text()


def test_widgets_begin_with_it(page, dock):
    page.precision, page.tile = "bf16", 512
    matte = dock("Alpha Matte")
    matte.method.value = "gca"
    assert (matte.parameters()["precision"], matte.parameters()["tile"]) == ("bf16", 512)


def test_without_it_all_is_as_by_default(dock):
    matte = dock("Alpha Matte")
    assert all(
        matte.fields[owner, parameter.name].value == parameter.default
        for owner, parameter in matte._parameters()
    )


def test_before_napari_had_such_pages_all_is_as_by_default(page, dock, monkeypatch):
    page.device = "cuda"
    monkeypatch.delattr(settings, "get_plugin_settings")
    assert dock("Alpha Matte").fields["", "device"].value == "auto"


def test_a_widget_of_a_plugin_that_is_not_known_opens(viewer):
    """A script may make one where the plugin is disabled."""
    settings._PLUGIN_SETTINGS["another plugin"] = None
    assert host.AlphaMatteWidget(viewer).fields["", "device"].value == "auto"


def test_the_device_is_chosen_where_the_method_can_use_it(page, dock):
    page.device = "cuda"
    foreground = dock("Estimate Foreground")
    device = foreground.fields["", "device"]
    assert device.value == "cuda"
    foreground.method.value = "closed_form_colors"
    assert device.value == "auto"
    foreground.method.value = "blur_fusion"
    assert device.value == "cuda"


def test_a_device_that_the_user_chose_stays(page, dock):
    page.device = "cuda"
    foreground = dock("Estimate Foreground")
    foreground.fields["", "device"].value = "cpu"
    foreground.method.value = "blur_fusion"
    assert foreground.fields["", "device"].value == "cpu"


def test_weights_are_looked_for_in_the_model_folder(page, dock, tmp_path, monkeypatch):
    monkeypatch.delenv("MATTING_NODES_CACHE", raising=False)
    dock("Segment")
    usual = download_folder()
    page.model_folder = str(tmp_path / "models")
    assert download_folder() == tmp_path / "models"
    model = MODELS["gca"]
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / model.file).write_bytes(b"")
    assert weights.find(model) == tmp_path / "models" / model.file
    monkeypatch.setenv("MATTING_NODES_CACHE", str(tmp_path / "of the environment"))
    assert download_folder() == tmp_path / "of the environment"
    page.model_folder = ""
    monkeypatch.delenv("MATTING_NODES_CACHE")
    assert download_folder() == usual
