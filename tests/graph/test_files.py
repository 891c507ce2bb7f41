"""Both of ComfyUI's formats, read and written."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from matting_nodes.errors import FileError, GraphError, MattingError, ParameterError
from matting_nodes.graph import Document, Graph, Link, node_types
from matting_nodes.graph.files import from_json

ROOT = Path(__file__).parent.parent.parent
API = sorted((ROOT / "examples/api").glob("*.json"))
PAGES = sorted((ROOT / "examples").glob("*.json"))


def read(data):
    return Document.read(json.dumps(data).encode())


def loaded(path):
    return json.loads(path.read_text("utf-8"))


def complete(graph):
    """Return the graph with the parameters that came after it was drawn, as the page has them."""
    for key in graph.nodes:
        node = graph.nodes[key]
        for name, p in node_types()[node.class_type].parameters_for(node.inputs).items():
            graph = graph.with_input(key, name, graph.nodes[key].inputs.get(name, p.default))
    return graph


@pytest.mark.parametrize("path", API, ids=lambda path: path.stem)
def test_api_format_is_saved_as_it_was_opened(path, tmp_path):
    document = Document.read(path)
    document.save(tmp_path / "it.json")
    assert loaded(tmp_path / "it.json") == loaded(path)
    document.save(tmp_path / "page.json", "ui")
    assert Document.read(tmp_path / "page.json").graph == complete(document.graph)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_ui_format_is_saved_as_it_was_opened(path, tmp_path):
    """To the last point of a wire: places, groups, notes, sizes, and the button to upload."""
    document = Document.read(path)
    document.save(tmp_path / "it.json", "ui")
    assert loaded(tmp_path / "it.json") == loaded(path)
    twin = path.parent / "api" / path.name
    if twin.exists():
        assert document.graph == complete(Graph.read(twin))


def test_an_edited_page_keeps_the_rest(tmp_path):
    before = loaded(ROOT / "examples/portrait.json")
    document = Document.read(ROOT / "examples/portrait.json")
    document.set("5", "method.inner", 9)
    document.move({"5": (1.0, 2.0)})
    document.remove(["8", "10"])
    document.save(tmp_path / "it.json", "ui")
    after = loaded(tmp_path / "it.json")
    old, new = ({node["id"]: node for node in page["nodes"]} for page in (before, after))
    assert old.keys() - new.keys() == {8, 10}
    assert new[5]["widgets_values"] == ["band", 9, *old[5]["widgets_values"][2:]]
    assert new[5]["pos"] == [1, 2]
    assert new[13] == old[13]  # the note
    gone = {link[0] for link in before["links"] if {8, 10} & {link[1], link[3]}}
    assert [link for link in before["links"] if link[0] not in gone] == after["links"]
    ends = after["extra"].get("reroutes", [])
    assert not gone & {number for point in ends for number in point["linkIds"]}
    assert new[7]["outputs"][0]["links"] == [15]


FOREIGN = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}, "_meta": {"title": "Cat"}},
    "2": {
        "class_type": "OtherPackGlow",
        "inputs": {
            "picture": ["1", 0],
            "seed": 5,
            "list": {"__value__": ["1", 0]},
            "o": {"a": [1]},
        },
        "_meta": {"title": "光る", "color": "red"},
        "is_changed": ["x"],
    },
    "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 1]}},
}


def test_unknown_nodes_and_fields_are_kept_in_api_format(tmp_path):
    document = read(FOREIGN)
    assert document.contents.sockets("2")[0][0].name == "picture"
    assert len(document.contents.sockets("2")[1]) == 2
    document.rename("1", "Dog")
    document.set("2", "seed", 6)
    document.save(tmp_path / "it.json")
    expected = copy.deepcopy(FOREIGN)
    expected["1"]["_meta"]["title"] = "Dog"
    expected["2"]["inputs"]["seed"] = 6
    assert loaded(tmp_path / "it.json") == expected


def test_unknown_nodes_go_through_ui_format_with_their_values(tmp_path):
    read(FOREIGN).save(tmp_path / "page.json", "ui")
    page = loaded(tmp_path / "page.json")
    assert page["nodes"][1]["widgets_values"] == [5, "fixed", ["1", 0], {"a": [1]}]
    assert Document.read(tmp_path / "page.json").graph == Graph.from_json(FOREIGN)


KSAMPLER = {
    "id": 4,
    "type": "KSamplerOfAnotherPack",
    "pos": {"0": 30, "1": 40},
    "size": {"0": 300, "1": 200},
    "flags": {"collapsed": True},
    "mode": 0,
    "inputs": [{"name": "image", "type": "IMAGE", "link": 1, "localized_name": "图像"}],
    "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [2]}],
    "properties": {"aux_id": "someone/pack"},
    "widgets_values": [1234, "randomize", 20, [1, 2]],
    "color": "#223",
}


def page_with(node, **more):
    """Return a page: a picture, a node, a preview."""
    load = {
        "id": 1,
        "type": "LoadImage",
        "pos": [0, 0],
        "outputs": [
            {"name": "IMAGE", "type": "IMAGE", "links": [1]},
            {"name": "MASK", "type": "MASK", "links": None},
        ],
        "widgets_values": ["cat.png", "image"],
    }
    show = {
        "id": 9,
        "type": "PreviewImage",
        "pos": [600, 0],
        "inputs": [{"name": "images", "type": "IMAGE", "link": 2}],
    }
    links = [[1, 1, 0, node["id"], 0, "IMAGE"], [2, node["id"], 0, 9, 0, "IMAGE"]]
    return {"nodes": [load, node, show], "links": links, "version": 0.4, **more}


def test_an_unknown_node_of_a_page_is_kept_whole_and_said_to_have_no_names(tmp_path):
    document = read(page_with(KSAMPLER, extra={"ds": {"scale": 2}}, models=[{"name": "x"}]))
    assert document.places["4"] == (30, 40)
    assert [socket.kind for socket in document.contents.sockets("4")[1]] == ["IMAGE"]
    document.rename("4", "Glow")
    document.save(tmp_path / "it.json", "ui")
    page = loaded(tmp_path / "it.json")
    assert page["extra"] == {"ds": {"scale": 2}}
    assert page["models"] == [{"name": "x"}]
    kept = {n: v for n, v in KSAMPLER.items() if n not in ("pos", "size")}
    assert page["nodes"][1] | kept == page["nodes"][1]
    assert page["nodes"][1]["title"] == "Glow"
    with pytest.raises(GraphError, match=r"Node 4 \(Glow\).*without names.*format=\"ui\""):
        document.save(tmp_path / "api.json")
    assert not (tmp_path / "api.json").exists()
    with pytest.raises(GraphError, match=r"lists its values without names.*in ComfyUI"):
        document.set("4", "steps", 30)


def test_names_of_widgets_on_newer_pages_name_the_values(tmp_path):
    named = copy.deepcopy(KSAMPLER)
    for name in ("seed", "steps", "where"):
        wire = {"name": name, "type": "INT", "widget": {"name": name}, "link": None}
        named["inputs"].append(wire)
    document = read(page_with(named))
    assert document.graph.nodes["4"].inputs == {
        "image": Link("1"),
        "seed": 1234,
        "steps": 20,
        "where": [1, 2],
    }
    document.set("4", "steps", 30)
    document.save(tmp_path / "it.json", "ui")
    widgets = loaded(tmp_path / "it.json")["nodes"][1]["widgets_values"]
    assert widgets == [1234, "randomize", 30, [1, 2]]
    document.save(tmp_path / "api.json")
    assert loaded(tmp_path / "api.json")["4"]["inputs"]["where"] == {"__value__": [1, 2]}


def png(path, **texts):
    info = PngImagePlugin.PngInfo()
    for name, value in texts.items():
        info.add_text(name, json.dumps(value))
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path, pnginfo=info)
    return path


def test_pictures_that_comfyui_saved_open(tmp_path):
    named = {"4": {"class_type": KSAMPLER["type"], "inputs": {"image": ["1", 0], "steps": 20}}}
    both = png(tmp_path / "BOTH.PNG", workflow=page_with(KSAMPLER), prompt=named)
    document = Document.read(both)
    assert document.places["4"] == (30, 40)
    assert document.graph.nodes["4"].inputs == {"image": Link("1"), "steps": 20}
    assert Document.read(both.read_bytes()).graph == document.graph
    document.save(tmp_path / "it.json")  # now its values have names
    assert Document.read(png(tmp_path / "a.png", prompt=FOREIGN)).graph == Graph.from_json(FOREIGN)
    with pytest.raises(FileError, match="holds no workflow"):
        Document.read(png(tmp_path / "b.png", other={}))


def test_muted_nodes_are_left_out_and_bypassed_ones_hand_on():
    invert = {
        "id": 4,
        "type": "ImageInvert",
        "inputs": [{"name": "image", "type": "IMAGE", "link": 1}],
        "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [2]}],
    }
    for mode, expected in ((0, Link("4")), (4, Link("1"))):
        document = read(page_with(invert | {"mode": mode}))
        assert document.graph.nodes["9"].links["images"] == Link("4")
        assert document.contents.to_run().nodes["9"].links["images"] == expected
    document = read(page_with(invert | {"mode": 2}))
    assert not document.contents.to_run().nodes["9"].links


def test_reroutes_and_primitives_of_the_page_are_resolved():
    point = {
        "id": 4,
        "type": "Reroute",
        "inputs": [{"name": "", "type": "*", "link": 1}],
        "outputs": [{"name": "", "type": "IMAGE", "links": [2]}],
    }
    assert read(page_with(point)).graph.nodes["9"].links["images"] == Link("1")
    repeat = {
        "id": 4,
        "type": "RepeatImageBatch",
        "inputs": [
            {"name": "image", "type": "IMAGE", "link": 1},
            {"name": "amount", "type": "INT", "link": 3, "widget": {"name": "amount"}},
        ],
        "widgets_values": [1],
    }
    page = page_with(repeat)
    page["links"].append([3, 5, 0, 4, 1, "INT"])
    page["nodes"].append({"id": 5, "type": "PrimitiveNode", "widgets_values": [3, "fixed"]})
    assert read(page).graph.nodes["4"].inputs == {"image": Link("1"), "amount": 3}


def test_a_subgraph_becomes_its_nodes():
    """With the ids that ComfyUI gives them when it exports."""
    page = loaded(ROOT / "subgraphs/Cutout in steps.json")
    held = page["nodes"][0]
    held["inputs"][0]["link"], held["outputs"][1]["links"] = 1, [2]
    whole = page_with(held)
    whole["links"][1][2] = 1
    document = read(whole | {"definitions": page["definitions"]})
    graph = document.graph
    assert graph.nodes.keys() == {"1", "9", *(f"7:{n}" for n in range(1, 7))}
    assert graph.nodes["7:1"].links == {"image": Link("1")}
    assert graph.nodes["7:5"].links == {
        "image": Link("1"),
        "alpha": Link("7:3"),
        "foreground": Link("7:4"),
    }
    assert "background" not in graph.nodes["7:6"].links  # nothing is wired to the subgraph's
    assert graph.nodes["9"].links == {"images": Link("7:6")}
    assert [(g.title, len(g.ids)) for g in document.groups] == [("Cutout in steps", 6)]


def test_version_1_has_its_links_as_objects(tmp_path):
    page = loaded(ROOT / "examples/cutout.json")
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    page["links"] = [dict(zip(names, link, strict=True)) for link in page["links"]]
    last = {"lastNodeId": page.pop("last_node_id"), "lastLinkId": page.pop("last_link_id")}
    page |= {"version": 1, "state": {**last, "lastGroupId": 4}}
    document = read(page)
    assert document.graph == Document.read(ROOT / "examples/cutout.json").graph
    document.save(tmp_path / "it.json", "ui")
    assert loaded(tmp_path / "it.json") == page


INVERT = {"class_type": "InvertMask", "inputs": {"mask": ["b", 0]}}
HOSTILE = {
    "broken": b'{"nodes": [',
    "nothing": b"",
    "no text": b"\xff\xfe\x00",
    "half a picture": b"\x89PNG\r\n\x1a\n123",
    "a list": b"[1, 2]",
    "newer": json.dumps({"nodes": [], "links": [], "version": 2}).encode(),
    "circle": json.dumps({"a": INVERT, "b": INVERT | {"inputs": {"mask": ["a", 0]}}}).encode(),
    "missing node": json.dumps({"a": INVERT}).encode(),
    "far slot": json.dumps(
        {"a": INVERT | {"inputs": {"mask": ["b", 10**9]}}, "b": INVERT}
    ).encode(),
    "no type": json.dumps({"nodes": [{"id": 1}], "links": []}).encode(),
    "same ids": json.dumps({"nodes": [{"id": 1, "type": "InvertMask"}] * 2}).encode(),
    "missing link": json.dumps(
        {"nodes": [{"id": 1, "type": "InvertMask", "inputs": [{"name": "mask", "link": 3}]}]}
    ).encode(),
    "subgraph in itself": json.dumps(
        {
            "nodes": [{"id": 1, "type": "s"}],
            "definitions": {"subgraphs": [{"id": "s", "nodes": [{"id": 1, "type": "s"}]}]},
        }
    ).encode(),
    "subgraphs that double": json.dumps(
        {
            "nodes": [{"id": 1, "type": "s0"}],
            "definitions": {
                "subgraphs": [
                    {
                        "id": f"s{n}",
                        "nodes": [{"id": m, "type": f"s{n + 1}"} for m in range(40)],
                    }
                    for n in range(12)
                ]
            },
        }
    ).encode(),
    "deep": b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_cannot_be_opened_leaves_the_document_as_it_is(data, tmp_path):
    document = Document.read(ROOT / "examples/cutout.json")
    before = document.contents
    (tmp_path / "it.json").write_bytes(data)
    for source in (tmp_path / "it.json", data):
        with pytest.raises(MattingError) as caught:
            document.open(source)
        assert caught.value.rule
        assert caught.value.fix
    assert document.contents is before
    assert not document.can_undo


def test_missing_files_and_formats_are_said(tmp_path):
    document = Document.read(ROOT / "examples/cutout.json")
    with pytest.raises(FileError, match="No such file"):
        document.open(tmp_path / "none.json")
    with pytest.raises(FileError, match=r"it\.json"):
        (tmp_path / "file").write_text("")
        document.save(tmp_path / "file" / "it.json")
    with pytest.raises(ParameterError, match="'xml'"):
        document.save(tmp_path / "it.xml", "xml")
    before = document.graph
    document.open(ROOT / "examples/portrait.json")
    document.undo()
    assert document.graph == before


def test_thousands_of_nodes_open(tmp_path):
    chain = {"0": {"class_type": "SolidMask", "inputs": {}}} | {
        str(n): {"class_type": "InvertMask", "inputs": {"mask": [str(n - 1), 0]}}
        for n in range(1, 5000)
    }
    document = read(chain)
    document.save(tmp_path / "it.json", "ui")
    assert Document.read(tmp_path / "it.json").graph == complete(document.graph)


def test_names_in_any_script_stay(tmp_path):
    names = {"مرحبا": "अल्फ़ा", "1": "前景 🦊", "ü": ""}
    data = {
        key: {"class_type": "SolidMask", "inputs": {}, "_meta": {"title": title}}
        for key, title in names.items()
    }
    document = read(data)
    document.group("Ελληνικά", names)
    document.save(tmp_path / "日本.json")
    assert {
        k: n.title for k, n in Document.read(tmp_path / "日本.json").graph.nodes.items()
    } == names
    document.save(tmp_path / "it.json", "ui")
    again = Document.read(tmp_path / "it.json")
    assert sorted(n.title for n in again.graph.nodes.values()) == sorted(names.values())
    assert again.groups[0].title == "Ελληνικά"
    assert len(again.groups[0].ids) == 3


def test_a_list_that_looks_like_a_link_stays_a_list():
    graph = from_json({"1": {"class_type": "X", "inputs": {"a": {"__value__": ["1", 0]}}}}).graph
    assert graph.nodes["1"].inputs == {"a": ["1", 0]}
    assert Graph.from_json(graph.to_json()) == graph
