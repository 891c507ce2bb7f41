"""The example workflows: the page's format and the API's agree, and each of them runs."""

from __future__ import annotations

import importlib.util
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matting_nodes import read_image, sample_data
from matting_nodes.compositing.backgrounds import fitted
from matting_nodes.errors import GraphError, WeightsError
from matting_nodes.graph import Folders, Graph, check, evaluate, node_types
from matting_nodes.io.stacks import read_stack

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parent.parent / "examples"
WORKFLOWS = sorted((EXAMPLES / "api").glob("*.json"))


def api_format(page):
    """Return what the page would export: its widgets and links named by the node types."""
    types = node_types()
    links = {link[0]: link for link in page["links"]}
    exported = {}
    for node in page["nodes"]:
        if node["type"] == "MarkdownNote":
            continue
        type_ = types[node["type"]]
        inputs = {}
        for wire in node["inputs"]:
            if wire["link"] is not None:
                _, source, slot, target, target_slot, kind = links[wire["link"]]
                assert target == node["id"]
                assert node["inputs"][target_slot] is wire
                (giver,) = [n for n in page["nodes"] if n["id"] == source]
                assert giver["outputs"][slot]["type"] == wire["type"] == kind
                assert wire["link"] in giver["outputs"][slot]["links"]
                inputs[wire["name"]] = [str(source), slot]
        values = iter(node["widgets_values"])
        if type_.methods:
            inputs["method"] = next(values)
            for parameter in type_.methods[inputs["method"]]:
                inputs[f"method.{parameter.name}"] = next(values)
        for parameter in type_.parameters:
            inputs[parameter.name] = next(values)
        # The upload button of those that load a file stands last.
        assert list(values) in ([], ["image"])
        entry = {"class_type": node["type"], "inputs": inputs}
        exported[str(node["id"])] = entry | (
            {"_meta": {"title": node["title"]}} if "title" in node else {}
        )
    return exported


def test_every_workflow_has_a_template_and_a_picture(module):
    names = {path.stem for path in WORKFLOWS}
    assert names >= {"portrait", "product", "microscopy", "video", "comparison", "cutout"}
    assert names >= {"remove_background", "mark_object", "difference_matte"}
    assert names >= {"deeplab_indexnet", "tnet_id_photo", "deep_image_matting", "unet_gca"}
    names |= {module.FROM_CORE}
    assert {path.stem for path in EXAMPLES.glob("*.json")} == names
    assert {path.stem for path in EXAMPLES.glob("*.jpg")} == names
    for path in EXAMPLES.glob("*.jpg"):
        with Image.open(path) as picture:
            assert max(picture.size) == 512


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_both_formats_say_the_same(path):
    page = json.loads((EXAMPLES / path.name).read_text(encoding="utf-8"))
    assert Graph.from_json(api_format(page)) == complete(Graph.read(path))


def complete(graph):
    """Return the graph with the settings that came after it was drawn, as the page fills them."""
    types = node_types()
    for node in graph.nodes.values():
        for name, setting in types[node.class_type].parameters_for(node.inputs).items():
            graph = graph.with_input(node.id, name, node.inputs.get(name, setting.default))
            node = graph.nodes[node.id]
    return graph


@pytest.fixture(scope="module")
def module():
    """The script that writes the templates."""
    at = EXAMPLES.parent / "scripts/make_templates.py"
    module_spec = importlib.util.spec_from_file_location("make_templates", at)
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module


def test_the_subgraph_is_up_to_date(module):
    """If this fails: python scripts/make_templates.py."""
    path = EXAMPLES.parent / f"subgraphs/{module.STEPS}.json"
    assert json.loads(path.read_text(encoding="utf-8")) == module.blueprint()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_templates_are_up_to_date(path, module):
    """If this fails: python scripts/make_templates.py."""
    page = json.loads((EXAMPLES / path.name).read_text(encoding="utf-8"))
    assert page == module.template(Graph.read(path), module.NOTES[path.stem])


def test_the_template_that_begins_in_core_is_up_to_date_and_runs_in_comfyui_alone(module, tmp_path):
    page = json.loads((EXAMPLES / f"{module.FROM_CORE}.json").read_text(encoding="utf-8"))
    assert page == module.template(module.from_core(), module.NOTES[module.FROM_CORE])
    with pytest.raises(GraphError, match=r"RemovalModel, which is not known here.*in ComfyUI"):
        check(module.from_core(), Folders(tmp_path, tmp_path))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_no_wire_crosses_a_node(path):
    """From its output over the points that lead it to its input, in straight lines."""
    page = json.loads(path.read_text(encoding="utf-8"))
    nodes = {node["id"]: node for node in page["nodes"]}
    points = {point["id"]: point for point in page["extra"].get("reroutes", [])}
    last = {end["id"]: end["parentId"] for end in page["extra"].get("linkExtensions", [])}
    for number, source, slot, target, into, _ in page["links"]:
        way, point = [input_at(nodes[target], into)], points.get(last.get(number))
        while point:
            assert number in point["linkIds"]
            way.append(point["pos"])
            point = points.get(point.get("parentId"))
        way.append(output_at(nodes[source], slot))
        for node in page["nodes"]:
            for a, b in pairwise(way):
                steps = np.linspace(a, b, 500)
                low = np.subtract(node["pos"], (0, TITLE_BAR))
                high = np.add(node["pos"], node["size"])
                inside = ((steps > low) & (steps < high)).all(axis=1)
                assert not inside.any(), (number, node["type"])


TITLE_BAR, SLOT = 30, 20
"""Heights in LiteGraph's drawing, in pixels."""


def input_at(node, slot):
    return np.add(node["pos"], (0, SLOT * (slot + 0.7)))


def output_at(node, slot):
    return np.add(node["pos"], (node["size"][0], SLOT * (slot + 0.7)))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_can_run_and_names_its_methods(path, tmp_path):
    """So that another default does not change it."""
    graph, types = Graph.read(path), node_types()
    check(graph, Folders(tmp_path, tmp_path))
    for node in graph.nodes.values():
        assert ("method" in node.inputs) == bool(types[node.class_type].methods)


@pytest.fixture
def run(example, tmp_path):
    """Run an example and return what its ends have left."""

    def outcomes_of(name):
        outcomes = evaluate(example(name), Folders(tmp_path, tmp_path))
        return {outcome.node.id: outcome for outcome in outcomes}

    return outcomes_of


def test_the_portrait_is_cut_out_and_printed(run):
    outcomes = run("portrait")
    cutout = read_image(outcomes["10"].files[0])
    # Her face is opaque, the wall and the flag are clear, the hair is between.
    assert cutout[110, 225, 3] == 255
    assert cutout[60, 310, 3] == cutout[40, 40, 3] == 0
    assert ((cutout[..., 3] > 20) & (cutout[..., 3] < 235)).sum() > 500
    photo = read_image(outcomes["12"].files[0])
    assert photo.shape == (531, 413, 3)
    assert tuple(photo[5, 5]) == (67, 142, 219)


def test_the_product_stands_on_white(run):
    picture = read_image(run("product")["8"].files[0])
    assert (picture[:5] == 255).all()
    assert (picture[:, :30] == 255).all()
    assert picture[130:180, 250:330].std() > 5


def test_the_cell_gets_an_alpha_in_32_bits(run):
    alpha = read_image(run("microscopy")["8"].files[0])
    assert alpha.dtype == np.float32
    assert alpha.shape == (660, 550)
    assert (alpha == 1).sum() > 1000
    assert ((alpha > 0.05) & (alpha < 0.95)).sum() > 1000


def test_the_video_keeps_its_frames(run):
    outcomes = run("video")
    assert [path.name for path in outcomes["8"].files] == [
        f"frame_0000{number}_.png" for number in range(1, 6)
    ]
    alphas = read_stack(outcomes["9"].files[0])
    assert len(alphas) == 5
    # Around the eyes it is opaque while the camera moves on.
    assert all(alpha[80:120, 150:170].min() == 65535 for alpha in alphas)


def test_the_comparison_measures_three_methods(run):
    outcomes = run("comparison")
    tables = [
        dict(line.split() for line in outcomes[key].texts[0].splitlines())
        for key in ("9", "10", "11")
    ]
    unknown = sample_data.lemur_trimap() == 102
    assert all(int(table["pixels"]) == unknown.sum() for table in tables)
    # The pale arm is beside no known color of its own; the preview is the roughest.
    sads = [float(table["SAD"]) for table in tables]
    assert sads == sorted(sads)
    # White is no error.
    pictures = [read_image(outcomes[key].files[0]) for key in ("12", "13", "14")]
    errors = [float((255 - picture.astype(float)).mean()) for picture in pictures]
    assert errors == sorted(errors)


def test_two_shots_give_the_alpha_that_they_were_made_with(run):
    outcomes = run("difference_matte")
    cutout = read_image(outcomes["7"].files[0])
    # The shots are JPEGs: their noise is the limit.
    error = np.abs(cutout[..., 3] / 255 - sample_data.lemur_alpha()[20:320, 180:560])
    assert error.max() < 0.05
    assert error.mean() < 0.003
    residual = outcomes["6"].values[0]
    assert residual.max() < 0.02
    beach = fitted(sample_data.beach(), 300, 380, "fill")
    shown = read_image(outcomes["9"].files[0]) / 255
    clear = cutout[..., 3] == 0
    assert clear.mean() > 0.2
    np.testing.assert_allclose(shown[clear], beach[clear], atol=2 / 255)


SUIT, WALL = (430, 150), (8, 150)


def test_deeplab_and_indexnet_lay_the_person_over_a_color(run):
    picture = read_image(run("deeplab_indexnet")["7"].files[0])
    photo = read_image(sample_data.find("astronaut.png"))
    assert tuple(picture[WALL]) == (0x3C, 0x8D, 0x5A)
    np.testing.assert_allclose(picture[SUIT], photo[SUIT], atol=1)


def test_tnet_and_closed_form_print_an_id_photo_in_three_colors(run):
    outcomes = run("tnet_id_photo")
    photos = [read_image(outcomes[key].files[0]) for key in ("8", "9", "10")]
    assert [photo.shape for photo in photos] == [(531, 413, 3)] * 3
    corners = [photo[2, 2] for photo in photos]
    # Save Image cuts off after multiplying with 255.
    np.testing.assert_allclose(corners, [(255, 255, 255), (67, 142, 219), (255, 0, 0)], atol=1)
    # The person is the same in all of them.
    same = (photos[0] == photos[1]).all(axis=2) & (photos[0] == photos[2]).all(axis=2)
    assert same.mean() > 0.3


def test_deep_image_matting_cuts_out_what_any_mask_marks(run):
    cutout = read_image(run("deep_image_matting")["9"].files[0])
    assert cutout.shape == (440, 680, 4)
    assert cutout[200, 340, 3] == 255
    assert cutout[5, 5, 3] == 0
    # The refinement stage has spoken in the band, and only there.
    assert ((cutout[..., 3] > 0) & (cutout[..., 3] < 255)).sum() > 1000


def test_the_unet_and_gca_lay_the_person_over_a_picture(run):
    picture = read_image(run("unet_gca")["8"].files[0])
    photo = read_image(sample_data.find("astronaut.png"))
    beach = fitted(sample_data.beach(), 512, 512, "fill") * 255
    # Some of either is there unmixed, the rest is between.
    for whole in (photo, beach):
        unmixed = (abs(picture - whole) <= 1).all(axis=2)
        assert 0.05 < unmixed.mean() < 0.9


def test_networks_without_their_weights_are_refused_by_the_node(tmp_path):
    """As they stand, where nothing was fetched: the message says what to do."""
    graph = Graph.read(EXAMPLES / "api/tnet_id_photo.json")
    with pytest.raises(WeightsError, match=r"Node 2 .*tnet\.pth, are not in"):
        evaluate(graph, Folders(tmp_path, tmp_path))
    assert not list(tmp_path.iterdir())
