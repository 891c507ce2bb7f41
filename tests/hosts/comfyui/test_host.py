"""The real ComfyUI, started headless on loopback, when COMFYUI_PATH names a checkout.

COMFYUI_PYTHON may name the interpreter that has ComfyUI's requirements (and ours).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

from matting_nodes import (
    __version__,
    alpha_matte,
    composite,
    estimate_foreground,
    make_trimap,
    read_image,
    sample_data,
    segment,
    write_image,
)

from .conftest import COMFYUI, ROOT, message

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not COMFYUI, reason="COMFYUI_PATH names no ComfyUI checkout"),
]


@pytest.fixture
def graph():
    return json.loads((ROOT / "examples/api/cutout.json").read_text(encoding="utf-8"))


def test_the_example_workflow_gives_the_pixels_of_python(server, graph):
    history = server.run(graph)
    image = sample_data.lemur()
    mask = segment(image, largest_hole=500)
    trimap = make_trimap(mask, inner=15, outer=25)
    alpha = alpha_matte(image, trimap)
    foreground, _ = estimate_foreground(image, alpha)
    result = composite(
        image, alpha, foreground=foreground, background=sample_data.beach(), linear_light=True
    )
    (saved,) = history["outputs"]["8"]["images"]
    # SaveImage cuts off after multiplying with 255.
    np.testing.assert_array_equal(
        server.picture(saved), (255.0 * result).clip(0, 255).astype(np.uint8)
    )
    (preview,) = history["outputs"]["5"]["images"]
    shown = server.picture(preview)
    np.testing.assert_array_equal(shown[..., 0], (255.0 * alpha).astype(np.uint8))


def test_a_workflow_without_the_newer_parameters_runs_with_their_defaults(server, graph):
    whole = server.run(graph)["outputs"]["8"]["images"][0]
    for node in ("3", "5", "6"):
        # What is not at its default must stay.
        kept = ("method.largest_hole", "image", "trimap", "alpha", "method")
        graph[node]["inputs"] = {k: v for k, v in graph[node]["inputs"].items() if k in kept}
    bare = server.run(graph)["outputs"]["8"]["images"][0]
    np.testing.assert_array_equal(server.picture(bare), server.picture(whole))


def test_previews_survive_a_cached_run(server, graph):
    server.run(graph)
    assert set(server.run(graph)["outputs"]) >= {"3", "4", "5", "6", "7"}


def test_the_nodes_are_described_to_the_page(server):
    info = server.get("/object_info/MattingNodesMakeTrimap")["MattingNodesMakeTrimap"]
    assert info["display_name"] == "Make Trimap"
    assert info["category"] == "image/matting"
    option = info["input"]["required"]["method"][1]["options"][0]
    assert option["key"] == "band"
    inner = option["inputs"]["optional"]["inner"]
    assert inner[0] == "FLOAT"
    assert inner[1]["tooltip"].startswith("How far the band reaches")


def test_help_pages_are_served(server):
    page = "/extensions/matting-nodes/docs/MattingNodesAlphaMatte.md"
    with urllib.request.urlopen(server.url + page) as answer:
        assert answer.read().decode().startswith("# Alpha Matte")


def test_one_trimap_serves_a_batch(server, graph):
    graph["9"] = {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": 2}}
    graph["5"]["inputs"]["image"] = graph["7"]["inputs"]["image"] = ["9", 0]
    graph["6"]["inputs"]["image"] = ["9", 0]
    history = server.run(graph)
    first, second = (server.picture(saved) for saved in history["outputs"]["8"]["images"])
    np.testing.assert_array_equal(first, second)


def test_transparency_is_saved_as_it_is(server, graph):
    del graph["7"]["inputs"]["background"]
    graph["7"]["inputs"] |= {"color": "transparent", "foreground": ["1", 0]}
    history = server.run(graph)
    (saved,) = history["outputs"]["8"]["images"]
    cutout = server.picture(saved)
    assert cutout.shape == (440, 680, 4)
    assert cutout[200, 340, 3] == 255
    assert cutout[5, 5, 3] == 0


HEAD = (60, 20, 160, 140)  # of the lemur at a third of its size, 227 × 147
WITH_BOX = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "third.png"}},
    "2": {
        "class_type": "MattingNodesSegment",
        "inputs": {"image": ["1", 0], "box": ["3", 0], "method": "grabcut"},
    },
    "4": {"class_type": "MaskPreview", "inputs": {"mask": ["2", 0]}},
}


@pytest.fixture
def boxed(server):
    """Runs Segment with a box as another package gives it; see `boxes.py` for their lines."""
    write_image(server.base / "input/third.png", sample_data.lemur()[::3, ::3], force=True)

    def run(kind, box=HEAD):
        graph = json.loads(json.dumps(WITH_BOX))
        graph["2"]["inputs"]["box"] = ["3", 1 if kind == "segs" else 0]
        places = dict(zip(("left", "top", "right", "bottom"), box, strict=True))
        inputs = {"image": ["1", 0], "kind": kind, **places}
        graph["3"] = {"class_type": "BoxesOfPacks", "inputs": inputs}
        return server.run(graph)

    return run


@pytest.mark.parametrize("kind", ["florence", "points_editor", "segs"])
def test_boxes_of_other_packages_are_taken(server, boxed, kind):
    outputs = boxed(kind)["outputs"]
    (shown,) = outputs["4"]["images"]
    picture = read_image(server.base / "input/third.png")
    expected = segment(picture, box=HEAD)
    assert expected.any()
    np.testing.assert_array_equal(server.picture(shown)[..., 0], (255 * expected).astype(np.uint8))


@pytest.mark.parametrize("kind", ["batch_crop", "automatic"])
def test_a_place_and_a_size_on_a_wire_of_corners_is_told(server, boxed, kind):
    """Left, top, width, height go by the same type, and nothing in it says so."""
    error = message(boxed(kind, (120, 90, 200, 140)), "execution_error")
    assert "these can only be left, top, width, height" in error["exception_message"]
    # These could be corners: the node says how it has read them.
    told = boxed(kind, (20, 10, 120, 130))["outputs"]["2"]["text"]
    assert told == ["The box was read as left 20, top 10, right 100, bottom 120"]


@pytest.mark.parametrize(
    ("node", "change", "told"),
    [
        ("4", {"method.inner": 200.0}, "A band of 200 px leaves no definite foreground"),
        ("5", {"trimap": ["10", 1]}, "0 throughout and of 64 × 64 pixels, as Load Image gives it"),
        ("7", {"color": "whiite"}, "color of Composite is 'whiite'"),
        ("7", {"foreground": ["9", 0]}, "foreground is 20 × 10 pixels and image is 680 × 440"),
    ],
)
def test_bad_input_is_a_message_on_the_node(server, graph, node, change, told):
    write_image(server.base / "input/tiny.png", np.zeros((10, 20, 3)), force=True)
    graph["9"] = {"class_type": "LoadImage", "inputs": {"image": "tiny.png"}}
    write_image(server.base / "input/opaque.png", sample_data.lemur(), force=True)
    graph["10"] = {"class_type": "LoadImage", "inputs": {"image": "opaque.png"}}
    graph[node]["inputs"] |= change
    error = message(server.run(graph), "execution_error")
    assert error["node_id"] == node
    assert told in error["exception_message"]
    assert error["exception_type"].startswith("matting_nodes.errors.")


def test_a_number_out_of_range_is_refused_before_anything_runs(server, graph):
    graph["4"]["inputs"]["method.inner"] = -1.0
    with pytest.raises(urllib.error.HTTPError) as caught:
        server.queue(graph)
    assert "smaller than min" in caught.value.read().decode()


def test_an_interrupt_stops_a_solve_and_the_server_goes_on(server, graph):
    """The whole picture but a corner each is unknown: a solve of many seconds."""
    trimap = np.full((440, 680), 128, np.uint8)
    trimap[:20, :20], trimap[200:220, 300:320] = 0, 255
    write_image(server.base / "input/rough.png", trimap)
    graph["9"] = {
        "class_type": "LoadImageMask",
        "inputs": {"image": "rough.png", "channel": "red"},
    }
    graph["5"]["inputs"] |= {"trimap": ["9", 0], "method": "knn"}
    prompt_id = server.queue(graph)
    time.sleep(3)
    server.post("/interrupt", {})
    began = time.time()
    assert message(server.wait(prompt_id), "execution_interrupted")["node_id"] == "5"
    # The promise is one second; a busy machine may need a few to say so.
    assert time.time() - began < 10
    server.run(json.loads((ROOT / "examples/api/cutout.json").read_text(encoding="utf-8")))


@pytest.fixture
def clip_graph(server):
    """A clip through core's own nodes on both sides."""
    from matting_nodes import write_image
    from matting_nodes.sample_data.clips import lemur_clip

    from ...video.conftest import write_clip

    frames = list(lemur_clip(height=90, width=160).frames(12))
    write_clip(server.base / "input/clip.mp4", [f.picture for f in frames], audio=True)
    trimap = np.repeat(frames[0].trimap[..., None], 3, axis=2)
    write_image(server.base / "input/clip-trimap.png", trimap, force=True)
    mask = {"image": "clip-trimap.png", "channel": "red"}
    matte = {"video": ["1", 0], "trimap": ["2", 0], "color": "teal"}
    save = {"format": "auto", "codec": "auto"}
    return {
        "1": {"class_type": "LoadVideo", "inputs": {"file": "clip.mp4"}},
        "2": {"class_type": "LoadImageMask", "inputs": mask},
        "3": {"class_type": "MattingNodesMatteVideo", "inputs": matte},
        "4": {
            "class_type": "SaveVideo",
            "inputs": {"video": ["3", 0], "filename_prefix": "clip", **save},
        },
        "5": {
            "class_type": "SaveVideo",
            "inputs": {"video": ["3", 1], "filename_prefix": "clip-alpha", **save},
        },
    }


def test_a_clip_is_matted_as_without_comfyui(server, clip_graph, tmp_path):
    from matting_nodes.graph import Folders, Graph, evaluate
    from matting_nodes.video.reader import Reader

    history = server.run(clip_graph)
    assert history["status"]["status_str"] == "success", history["status"]
    evaluate(Graph.from_json(clip_graph), Folders(server.base / "input", tmp_path))
    for key, name in (("4", "clip"), ("5", "clip-alpha")):
        (saved,) = history["outputs"][key]["images"]
        found, expected = (
            np.stack([frame.picture for frame in Reader(path).frames()])
            for path in (
                server.base / "output" / saved["subfolder"] / saved["filename"],
                tmp_path / f"{name}_00001_.mp4",
            )
        )
        assert len(found) == 12
        np.testing.assert_array_equal(found, expected)


def test_an_interrupt_stops_a_clip(server, clip_graph):
    from matting_nodes.sample_data.clips import lemur_clip

    from ...video.conftest import write_clip

    frames = [f.picture for f in lemur_clip(height=90, width=160).frames(12)]
    write_clip(server.base / "input/clip.mp4", frames * 100)
    running = server.queue(clip_graph)
    while not list((server.base / "temp").glob("matting-nodes-*")):
        time.sleep(0.1)
    time.sleep(1)
    server.post("/interrupt", {})
    began = time.time()
    assert message(server.wait(running), "execution_interrupted")["node_id"] == "3"
    # The promise is one second; a busy machine may need a few to say so.
    assert time.time() - began < 10


def test_the_folder_for_weights_is_known_to_the_page(server):
    assert "matting" in [entry["name"] for entry in server.get("/api/experiment/models")]


def test_comfyui_reads_what_the_registry_is_to_know():
    script = (
        "from comfy_config.config_parser import extract_node_configuration as read\n"
        f"found = read({str(ROOT)!r})\n"
        "project, comfy = found.project, found.tool_comfy\n"
        "print(project.name, project.version, project.supported_os, comfy.publisher_id,"
        " comfy.display_name, project.supported_comfyui_version, sep='|')\n"
    )
    python = os.environ.get("COMFYUI_PYTHON", sys.executable)
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, cwd=COMFYUI)
    assert done.stdout.strip().split("|") == [
        "matting-nodes",
        __version__,
        "['OS Independent']",
        "matting-nodes",
        "Matting Nodes (background removal)",
        ">=0.33.0",
    ], done.stderr
