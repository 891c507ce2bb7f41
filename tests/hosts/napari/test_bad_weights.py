"""Weights that cannot be used, named in a widget: a message, layers untouched, nothing kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from matting_nodes.hosts.napari._trimap import trimap_options, trimap_to_labels
from matting_nodes.models import catalog
from matting_nodes.models.pool import POOL

from ...damaged_weights import FILES


@pytest.fixture(scope="module")
def state():
    return catalog.model("indexnet").build().state_dict()


@pytest.fixture
def matte(viewer, dock, fur, tmp_path, monkeypatch):
    """Alpha Matte with IndexNet on a piece of fur; the folder is empty, and there is no network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATTING_NODES_CACHE", str(tmp_path / "models"))
    viewer.add_image(fur[0], name="fur", rgb=True)
    viewer.add_labels(trimap_to_labels(fur[1]), name="painted", **trimap_options())
    widget = dock("Alpha Matte")
    widget.method.value = "indexnet"
    return widget


@pytest.fixture
def refusal(viewer, finish):
    """Run a widget and return its message, once all else is seen to be as it was."""

    def run(widget):
        layers = {layer.name: (layer, np.array(layer.data)) for layer in viewer.layers}
        held, files = POOL.held(), set(Path().rglob("*"))
        message = finish(widget)
        assert [layer.name for layer in viewer.layers] == list(layers)
        for layer, data in layers.values():
            np.testing.assert_array_equal(layer.data, data)
        assert POOL.held() == held
        assert set(Path().rglob("*")) == files, "no trace of code, nothing in a cache"
        assert "Traceback" not in message
        return message

    return run


@pytest.mark.parametrize("kind", ["cut", "code", "other", "key", "absent"])
def test_a_file_that_cannot_be_used_as_weights(matte, refusal, state, kind):
    write, told = FILES[kind]
    write(dict(state), Path("mine.pth"))
    matte.fields["indexnet", "weights"].value = "mine.pth"
    message = refusal(matte)
    assert told in message
    assert "mine.pth" in message


def test_weights_that_were_never_fetched(matte, refusal):
    message = refusal(matte)
    assert "indexnet_matting.pth.tar, are not in" in message
    assert "MATTING_NODES_OFFLINE" in message


def test_a_file_that_was_mended_runs(viewer, matte, refusal, finish, state):
    """Nothing of the refused one was kept under its name."""
    matte.fields["indexnet", "weights"].value = "mine.pth"
    FILES["key"][0](dict(state), Path("mine.pth"))
    refusal(matte)
    torch.save(state, "mine.pth")
    assert finish(matte) == ""
    assert viewer.layers["fur alpha"].data.shape == viewer.layers["painted"].data.shape
    assert POOL.free() == 1
