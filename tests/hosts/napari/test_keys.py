"""Keys choose what is painted on a trimap; all of napari's own keep their meaning."""

from __future__ import annotations

import numpy as np
import pytest
from napari.settings import get_settings

from matting_nodes.hosts.napari._trimap import _KEYS, trimap_options


@pytest.fixture
def trimap(viewer):
    layer = viewer.add_labels(np.zeros((9, 9), np.uint8), name="painted", **trimap_options())
    layer.mode = "paint"
    return layer


def test_keys_choose_unknown_background_and_foreground(trimap, press):
    for letter, label in (("F", 2), ("U", 0), ("B", 1)):
        press(letter, shift=True)
        assert trimap.selected_label == label
    assert trimap.mode == "paint"


def test_n_goes_round(trimap, press):
    trimap.selected_label = 1
    seen = []
    for _ in range(4):
        press("N")
        seen.append(trimap.selected_label)
    assert seen == [2, 0, 1, 2]


def test_a_copy_has_them_too(viewer, press, trimap):
    data, options, _ = trimap.as_layer_data_tuple()
    copy = viewer.add_labels(data, **options)
    press("F", shift=True)
    assert (copy.selected_label, trimap.selected_label) == (2, 1)


def test_of_other_labels_they_change_nothing(viewer, trimap, press):
    labels = viewer.add_labels(np.zeros((9, 9), int), name="cells")
    labels.selected_label = 7
    for letter, shift in (("F", True), ("U", True), ("B", True), ("N", False)):
        press(letter, shift)
    assert labels.selected_label == 7
    assert trimap.selected_label != 7


def test_none_is_a_key_of_naparis_own():
    napari_keys = {
        str(key) for taken in get_settings().shortcuts.shortcuts.values() for key in taken
    }
    assert not napari_keys & set(_KEYS)


def test_the_tooltip_tells_them(dock):
    assert "Shift+F" in dock("Alpha Matte").layer_choices["trimap"].tooltip
    assert "Shift+F" not in dock("Alpha Matte").layer_choices["image"].tooltip
