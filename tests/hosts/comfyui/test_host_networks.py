"""A network in the real ComfyUI: loaded once, under its memory manager, in bounded memory."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import torch

from matting_nodes import alpha_matte, read_image, sample_data, write_image
from matting_nodes.models import catalog

from .conftest import COMFYUI, message

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not COMFYUI, reason="COMFYUI_PATH names no ComfyUI checkout"),
]

MATTE, SAVED = "3", "6"


@pytest.fixture(scope="module")
def weights(server):
    """A checkpoint like that of IndexNet's authors, in models/matting under a name of its own."""
    torch.manual_seed(0)
    state = catalog.model("indexnet").build().state_dict()
    path = server.base / "models/matting/own/indexnet/made-up.pth"
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, path)
    yield str(path)
    path.unlink()


@pytest.fixture
def graph(server, weights):
    """IndexNet on the lemur at half its size."""
    write_image(server.base / "input/small.png", sample_data.lemur()[::2, ::2], force=True)
    write_image(server.base / "input/trimap.png", sample_data.lemur_trimap()[::2, ::2], force=True)
    server.get("/watch")
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": "small.png"}},
        "2": {"class_type": "LoadImageMask", "inputs": {"image": "trimap.png", "channel": "red"}},
        MATTE: {
            "class_type": "MattingNodesAlphaMatte",
            "inputs": {
                "image": ["1", 0],
                "trimap": ["2", 0],
                "method": "indexnet",
                "method.weights": "made-up",
            },
        },
        "5": {"class_type": "MaskToImage", "inputs": {"mask": [MATTE, 0]}},
        SAVED: {
            "class_type": "SaveImage",
            "inputs": {"images": ["5", 0], "filename_prefix": "matte"},
        },
    }


def batch(graph, amount):
    graph["4"] = {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": amount}}
    graph[MATTE]["inputs"]["image"] = ["4", 0]
    return graph


def finished(history):
    assert history["status"]["status_str"] == "success", history["status"]["messages"]
    return history["outputs"][SAVED]["images"]


def test_the_pixels_are_those_of_python(server, graph, weights):
    (saved,) = finished(server.run(graph))
    image = read_image(server.base / "input/small.png")
    trimap = read_image(server.base / "input/trimap.png")
    expected = alpha_matte(image, trimap, method="indexnet", weights=weights)
    shown = server.picture(saved)[..., 0]
    # Saved in 8 bits, and ComfyUI's PyTorch may be another.
    np.testing.assert_allclose(shown / 255, expected, atol=2 / 255)


def test_a_batch_loads_the_network_once_and_its_memory_does_not_grow(server, graph):
    assert len(finished(server.run(batch(graph, 2)))) == 2
    before = server.get("/watch")
    assert len(finished(server.run(batch(graph, 6)))) == 6
    after = server.get("/watch")
    assert after["loaded"].count("indexnet") <= 1
    assert after["loaded"] == before["loaded"], "a second run loads nothing either"
    # Each frame that stayed would take some 100 MB.
    assert after["peak"] - before["peak"] < 150e6


def test_comfyui_takes_the_network_away_and_brings_it_back_without_loading(server, graph):
    finished(server.run(graph))
    before = server.get("/watch")
    assert before["on_device"] == 1
    server.post("/free", {"unload_models": True})
    until(server, lambda watch: watch["on_device"] == 0)
    # Another picture: the node runs again.
    finished(server.run(batch(graph, 3)))
    after = server.get("/watch")
    assert after["on_device"] == 1
    assert after["loaded"] == before["loaded"]


def until(server, holds):
    """Wait for what the server does in its own time."""
    deadline = time.time() + 60
    while not holds(server.get("/watch")) and time.time() < deadline:
        time.sleep(0.2)
    assert holds(server.get("/watch"))


@pytest.mark.parametrize("path", ["/free", "/api/free"])
def test_whoever_frees_comfyuis_memory_frees_it_of_networks_too(server, graph, path):
    finished(server.run(graph))
    before = server.get("/watch")
    assert "indexnet" in before["held"]
    server.post(path, {"unload_models": True, "free_memory": True})
    until(server, lambda watch: watch["held"] == [] and watch["on_device"] == 0)
    # A network that has left is read again.
    finished(server.run(graph))
    assert server.get("/watch")["loaded"] == [*before["loaded"], "indexnet"]


def test_memory_is_freed_after_the_prompt_that_computes(server, graph):
    """The network at work stays until it is done."""
    batch(graph, 8)
    prompt_id = server.queue(graph)
    until(server, lambda watch: watch["leases"] == 1)
    server.post("/free", {"unload_models": True, "free_memory": True})
    assert len(finished(server.wait(prompt_id))) == 8
    until(server, lambda watch: watch["held"] == [])


def test_an_interrupt_stops_a_network_between_tiles_and_ends_its_lease(server, graph):
    finished(server.run(json.loads(json.dumps(graph))))
    batch(graph, 40)[MATTE]["inputs"]["method.tile"] = 160
    prompt_id = server.queue(graph)
    while server.get("/watch")["leases"] == 0:
        time.sleep(0.1)
    server.post("/interrupt", {})
    assert message(server.wait(prompt_id), "execution_interrupted")["node_id"] == MATTE
    assert server.get("/watch")["leases"] == 0
    del graph[MATTE]["inputs"]["method.tile"]
    graph[MATTE]["inputs"]["image"] = ["1", 0]
    finished(server.run(graph))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"method.weights": "absent.pth"}, "absent.pth is not a file"),
        ({"method.weights": "{input}/small.png"}, "small.png cannot be read as a checkpoint"),
        ({"method": "gca", "method.weights": ""}, "gca-dist.pth, are not in"),
        ({"method": "gca", "method.weights": "{indexnet}"}, "It looks like indexnet"),
        ({"device": "mps"}, "device is mps. This machine has"),
    ],
    ids=["absent", "no checkpoint", "offline", "another network's", "absent device"],
)
def test_weights_that_cannot_be_used_are_a_message_on_the_node(
    server, graph, weights, change, told
):
    places = {"input": server.base / "input", "indexnet": weights}
    graph[MATTE]["inputs"] |= {key: value.format(**places) for key, value in change.items()}
    before = server.get("/watch")["held"]
    error = message(server.run(graph), "execution_error")
    assert error["node_id"] == MATTE
    assert told in error["exception_message"]
    after = server.get("/watch")
    assert (after["held"], after["leases"]) == (before, 0)
