"""Write ComfyUI's templates from the workflows in API format: `python scripts/make_templates.py`.

`examples/*.json` are the graphs of `examples/api/*.json` as the page saves them, laid out in
columns, with the picture that a run of them gives. A test holds the two to each other.
What needs weights is not run: its picture shows what goes in, and names the steps.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from matting_nodes.framework.parameters import Parameter
from matting_nodes.framework.spec import MethodSpec, Socket
from matting_nodes.graph import Folders, Graph, GraphNode, Link, NodeType, evaluate, node_types
from matting_nodes.graph.wires import node_id
from matting_nodes.io.stacks import read_stack
from matting_nodes.models import catalog
from matting_nodes.nodes import all_nodes
from matting_nodes.nodes._cutout import MASK_BAND
from matting_nodes.video.reader import Reader

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
# Pixels on the page: nodes with a preview are taller.
WIDTH, GAP, HEAD, LINE, PREVIEW = 320, 80, 60, 24, 260
THUMBNAIL = 512
# Groups on the page, from left to right, and the nodes that they begin with.
GROUPS = {
    "Photo": ("MarkObject",),
    "Find the object": ("Segment", "LoadBackgroundRemovalModel", "RemoveBackground"),
    "Trimap and matte": ("MakeTrimap", "EditTrimap", "AlphaMatte"),
    "Cut out": ("Cutout", "DifferenceMatte", "MatteVideo"),
    "Colors and result": ("EstimateForeground", "Composite"),
    "Measure": ("Compare", "Measure"),
}
# The subgraph that is Cutout in single nodes.
STEPS = "Cutout in steps"
MARGIN, TITLE = 20, 70
# What a note beside each template tells: what to do first, and where to look then.
NOTES = {
    "comparison": (
        "Three methods on one trimap, each measured against the alpha that the scene was made "
        "with: the lemur is laid over another background first. Change a method, or its values, "
        "and run: the numbers stand on *Compare Mattes*. Smaller is better; on this scene "
        "closed form leads, since the pale arm's colors are in neither known region."
    ),
    "core_remove_background": (
        "Core's *Remove Background* finds the object; its mask becomes a trimap whose grey is what "
        "the network is in doubt about, then a matte with hair, and colors without the old "
        "background. Where its file is missing, the page says so: put a BiRefNet file into "
        "`models/background_removal` and choose it."
    ),
    "cutout": (
        "The whole pipeline in single nodes. Choose a photo in *Load Picture*, run, and "
        "follow the previews from left to right: the object, the trimap (grey is unknown), "
        "the matte."
    ),
    "deep_image_matting": (
        "Any rough mask becomes a matte by Deep Image Matting. The weights are fetched on "
        "first use, or put by hand into `models/matting`."
    ),
    "deeplab_indexnet": (
        "DeepLabV3 finds a person, animal or thing, IndexNet its edge. The weights are "
        "fetched on first use, or put by hand into `models/matting`."
    ),
    "mark_object": (
        "Press *Mark object* once the workflow has run. Click on the object, right-click "
        "beside it, drag a box around it, or scribble with keys 1 and 3; Ctrl+Enter saves and "
        "runs again."
    ),
    "difference_matte": (
        "The same object before a white and a black background gives an exact alpha, of glass and "
        "smoke too: no trimap, no guess. Choose your own two shots, taken from a tripod, and set "
        "the colors behind them; what is not one color comes as a *plate*, a shot without the "
        "object. The residual is black where alpha and colors explain both shots."
    ),
    "matte_video": (
        "A clip in, a clip out: its frames never are a batch in memory. Put core's *Load Video* in "
        "place of *Frames* and *Clip*. The object is looked for; to say what it is, draw the "
        "trimap of the first frame in *Edit Trimap*, and wire it in. Both clips keep their sound."
    ),
    "microscopy": (
        "A cell under the microscope: what is brighter than the threshold is the object. The "
        "alphas are saved as 32-bit TIFF, to measure with."
    ),
    "portrait": (
        "Points on her and beside her tell GrabCut who is meant. Choose your own photo, and "
        "take *Mark Object* in place of the two texts to set points with the mouse."
    ),
    "product": (
        "A box around the product is enough. Draw your own in *Bounding Box*, or take *Mark "
        "Object* to draw it on the photo."
    ),
    "remove_background": (
        "Choose a photo in *Load Picture* and run: the object comes out with nothing behind "
        "it, and over the color that you choose. A network that is on disk finds it, else "
        "GrabCut. If the edge is not right, take the template *cutout*, which shows every "
        "step."
    ),
    "tnet_id_photo": (
        "ID photos on three colors. T-Net makes the trimap of a person; its weights are put "
        "by hand into `models/matting`."
    ),
    "unet_gca": (
        "A portrait U-Net finds the person, GCA the hair. The weights are fetched on first "
        "use, or put by hand into `models/matting`."
    ),
    "video": (
        "A sequence, frame by frame. Choose a folder of pictures, or an animation, in "
        "*Frames*. The alphas come out as one 16-bit TIFF."
    ),
}
# The parameter that names a file, with a button to upload one.
UPLOADED = "image"
# By how much the wires of one lane stand beside those of the next, where they come down
SHIFT = 6
# From how far down or up a wire to the next column has points of its own
STEEP = 300
# Nodes of ComfyUI's own that nothing here runs, for a template that begins with them.
FROM_CORE, CORE_FILE = "core_remove_background", "birefnet.safetensors"
# As core's own template has it: where the file is missing, the page says so, and whence it comes.
CORE_MODEL = {
    "name": CORE_FILE,
    "url": "https://huggingface.co/Comfy-Org/BiRefNet/resolve/main/background_removal/" + CORE_FILE,
    "directory": "background_removal",
}
CORE = {
    "LoadBackgroundRemovalModel": NodeType(
        "LoadBackgroundRemovalModel",
        "Load Background Removal Model",
        print,
        (),
        (Parameter("bg_removal_name", str, CORE_FILE),),
        (Socket("bg_model", "BACKGROUND_REMOVAL"),),
    ),
    "RemoveBackground": NodeType(
        "RemoveBackground",
        "Remove Background",
        print,
        (Socket("bg_removal_model", "BACKGROUND_REMOVAL"), Socket("image", "IMAGE")),
        (),
        (Socket("mask", "MASK"),),
    ),
}


def template(graph: Graph, note: str = "") -> dict[str, Any]:
    """Return a graph in UI format, with groups, and a note on its left."""
    types = node_types() | CORE
    links = _links(graph, types)
    places = _places(graph, types)
    order = graph.order()
    nodes = [
        _node(graph.nodes[key], types[graph.nodes[key].class_type], links, places[key], index)
        for index, key in enumerate(order)
    ]
    last = max(int(key) for key in order)
    if note:
        last += 1
        nodes.append(_note(last, note))
    return {
        "last_node_id": last,
        "last_link_id": len(links),
        "nodes": nodes,
        "links": links,
        "groups": _groups(graph, types, places),
        "config": {},
        "extra": _lanes(links, places),
        "version": 0.4,
    }


def from_core() -> Graph:
    """Return the workflow that refines the mask of core's Remove Background: for ComfyUI alone."""
    photo, mask, matte, colors = (Link(key, 0) for key in ("1", "3", "5", "6"))
    soft = {"method": "soft", "method.low": 0.05, "method.high": 0.95}
    nodes = [
        GraphNode("1", "MattingNodesLoadPicture", {"image": "lemur.png [sample]"}, "Photo"),
        GraphNode("2", "LoadBackgroundRemovalModel", {"bg_removal_name": CORE_FILE}, ""),
        GraphNode("3", "RemoveBackground", {"bg_removal_model": Link("2", 0), "image": photo}, ""),
        GraphNode("4", "MattingNodesMakeTrimap", {"mask": mask, **soft}, ""),
        GraphNode(
            "5",
            "MattingNodesAlphaMatte",
            {"image": photo, "trimap": Link("4", 0), "method": "sampled_propagation"},
            "",
        ),
        GraphNode(
            "6",
            "MattingNodesEstimateForeground",
            {"image": photo, "alpha": matte, "method": "multilevel"},
            "",
        ),
        GraphNode(
            "7",
            "MattingNodesSavePicture",
            {"image": colors, "alpha": matte, "filename_prefix": "refined"},
            "Without background",
        ),
    ]
    return Graph({node.id: node for node in nodes})


def _lanes(links: list[list[Any]], places: dict[str, list[float]]) -> dict[str, Any]:
    """Return points that lead wires around the nodes.

    Long ones run over all nodes, in a lane for each output. A long way up or down has points of
    its own: one curve would swing too wide.
    """
    reroutes: list[dict[str, Any]] = []
    ends: list[dict[str, int]] = []

    def point(x: float, y: float, numbers: list[int], parent: int = 0) -> int:
        before = {"parentId": parent} if parent else {}
        reroutes.append({"id": len(reroutes) + 1, **before, "pos": [x, y], "linkIds": numbers})
        return len(reroutes)

    lane = 0
    for source, slot in dict.fromkeys((link[1], link[2]) for link in links):
        left, top = places[str(source)]
        takers: dict[str, list[int]] = {}
        for link in links:
            if (link[1], link[2]) == (source, slot):
                takers.setdefault(str(link[3]), []).append(link[0])
        next_column = left + WIDTH + GAP
        far = {
            taker: numbers for taker, numbers in takers.items() if places[taker][0] > next_column
        }
        for taker in (t for t in takers if t not in far):
            down = places[taker][1] - top
            if abs(down) > STEEP:
                x, turn = next_column - GAP / 2, TITLE if down > 0 else -TITLE
                first = point(x, top + turn, takers[taker])
                key = point(x, places[taker][1] - turn, takers[taker], first)
                ends += [{"id": number, "parentId": key} for number in takers[taker]]
        shift, y, parent = SHIFT * (lane % 5 - 2), -TITLE - 2 * MARGIN - MARGIN * lane, 0
        lane += bool(far)
        for column in sorted({next_column, *(places[taker][0] for taker in far)}) if far else ():
            x = column - GAP / 2 + shift
            on = [
                n for taker, numbers in far.items() if places[taker][0] >= column for n in numbers
            ]
            parent = point(x, y, on, parent)
            for taker in (t for t in far if places[t][0] == column):
                low = places[taker][1]
                last = point(x, low - TITLE, far[taker], parent) if low > 0 else parent
                ends += [{"id": number, "parentId": last} for number in far[taker]]
    return {"reroutes": reroutes, "linkExtensions": ends} if reroutes else {}


def _links(graph: Graph, types: dict[str, NodeType]) -> list[list[Any]]:
    """Return every link as [id, from node, from slot, to node, to slot, type]."""
    links: list[list[Any]] = []
    for key in graph.order():
        node = graph.nodes[key]
        sockets = [socket.name for socket in types[node.class_type].inputs]
        for name, link in node.links.items():
            source = types[graph.nodes[link.node].class_type].outputs[link.slot]
            ends = [int(link.node), link.slot, int(key), sockets.index(name)]
            links.append([len(links) + 1, *ends, source.kind])
    return links


def _node(
    node: GraphNode, type_: NodeType, links: list[list[Any]], place: list[float], order: int
) -> dict[str, Any]:
    key = int(node.id)
    into = {link[4]: link[0] for link in links if link[3] == key}
    outof = {slot: [link[0] for link in links if link[1:3] == [key, slot]] for slot in range(9)}
    entry = {
        "id": key,
        "type": node.class_type,
        "pos": place,
        "size": [WIDTH, _height(node, type_)],
        "flags": {},
        "order": order,
        "mode": 0,
        "inputs": [
            {"name": socket.name, "type": socket.kind, "link": into.get(slot)}
            for slot, socket in enumerate(type_.inputs)
        ],
        "outputs": [
            {"name": socket.name, "type": socket.kind, "links": outof[slot], "slot_index": slot}
            for slot, socket in enumerate(type_.outputs)
        ],
        "properties": {"Node name for S&R": node.class_type} | _models(node),
        "widgets_values": _widgets(node, type_),
    }
    return entry | ({"title": node.title} if node.title else {})


def _models(node: GraphNode) -> dict[str, Any]:
    """Return what the page is to look for on disk before the workflow runs."""
    return {"models": [CORE_MODEL]} if CORE_FILE in node.inputs.values() else {}


def _widgets(node: GraphNode, type_: NodeType) -> list[Any]:
    """Return the values of the widgets in the order of the page: a method's own follow it."""
    values: list[Any] = []
    if type_.methods:
        method = node.inputs["method"]
        values.append(method)
        values += [node.inputs.get(f"method.{p.name}", p.default) for p in type_.methods[method]]
    values += [node.inputs.get(p.name, p.default) for p in type_.parameters]
    if UPLOADED in {parameter.name for parameter in type_.parameters}:
        values.append("image")  # the upload button stands last
    return values


def _height(node: GraphNode, type_: NodeType) -> float:
    lines = max(len(type_.inputs), len(type_.outputs)) + len(_widgets(node, type_))
    shows = type_.ours or type_.is_end
    return HEAD + LINE * lines + (PREVIEW if shows else 0)


def blueprint() -> dict[str, Any]:
    """Return the steps of Cutout as a subgraph in UI format; ComfyUI offers it like a node."""
    image, background = Link("-10", 0), Link("-10", 1)

    def step(key: str, title: str, **inputs: Any) -> GraphNode:
        return GraphNode(key, "MattingNodes" + title, inputs, "")

    over = {"image": image, "alpha": Link("3", 0), "foreground": Link("4", 0)}
    band = {"method.inner": MASK_BAND, "method.outer": MASK_BAND, "method.unit": "percent"}
    graph = Graph(
        {
            "1": step("1", "Segment", image=image, method="grabcut"),
            "2": step("2", "MakeTrimap", mask=Link("1", 0), method="band", **band),
            "3": step(
                "3", "AlphaMatte", image=image, trimap=Link("2", 0), method="sampled_propagation"
            ),
            "4": step(
                "4", "EstimateForeground", image=image, alpha=Link("3", 0), method="multilevel"
            ),
            "5": step("5", "Composite", **over, color="transparent"),
            "6": step("6", "Composite", **over, background=background),
        }
    )
    outputs = [("cutout", "IMAGE", "5"), ("image", "IMAGE", "6"), ("alpha", "MASK", "3")]
    return _subgraph(graph, [("image", "IMAGE"), ("background", "IMAGE")], outputs)


def _subgraph(
    graph: Graph, inputs: list[tuple[str, str]], outputs: list[tuple[str, str, str]]
) -> dict[str, Any]:
    """Return a graph as the one node of a workflow, which opens into those of the graph.

    Links from the node -10 are the subgraph's inputs; outputs name the node they come from.
    """
    types = node_types()
    links: list[dict[str, Any]] = []

    def link(origin: int, slot: int, target: int, into: int, kind: str) -> None:
        ends = {"origin_id": origin, "origin_slot": slot, "target_id": target, "target_slot": into}
        links.append({"id": len(links) + 1, **ends, "type": kind})

    for node in graph.nodes.values():
        sockets = [socket.name for socket in types[node.class_type].inputs]
        for name, source in node.links.items():
            into = sockets.index(name)
            kind = types[node.class_type].inputs[into].kind
            link(int(source.node), source.slot, int(node.id), into, kind)
    for slot, (_, kind, giver) in enumerate(outputs):
        link(int(giver), 0, -20, slot, kind)
    listed = [
        [v["id"], v["origin_id"], v["origin_slot"], v["target_id"], v["target_slot"], v["type"]]
        for v in links
    ]
    nodes, across = [], {"1": 0, "2": 1, "3": 2, "4": 3, "5": 4, "6": 4}
    for order, node in enumerate(graph.nodes.values()):
        below = 700 if node.id == "6" else 0
        place = [across[node.id] * (WIDTH + GAP), float(below)]
        nodes.append(_node(node, types[node.class_type], listed, place, order))

    def ends(names: list[tuple[str, str]], side: str) -> list[dict[str, Any]]:
        at = "origin" if side == "in" else "target"
        number = -10 if side == "in" else -20
        return [
            {
                "id": str(uuid5(NAMESPACE_URL, f"matting-nodes/cutout/{side}/{name}")),
                "name": name,
                "type": kind,
                "linkIds": [
                    v["id"] for v in links if v[f"{at}_id"] == number and v[f"{at}_slot"] == slot
                ],
            }
            for slot, (name, kind) in enumerate(names)
        ]

    given = [(name, kind) for name, kind, _ in outputs]
    inner = {
        "id": str(uuid5(NAMESPACE_URL, "matting-nodes/cutout")),
        "version": 1,
        "state": {"lastGroupId": 0, "lastNodeId": 6, "lastLinkId": len(links), "lastRerouteId": 0},
        "revision": 0,
        "config": {},
        "name": STEPS,
        "description": "The steps of Cutout: mask, trimap, matte, colors, composites.",
        "category": "image/matting",
        "inputNode": {"id": -10, "bounding": [-260, 0, 120, 80]},
        "outputNode": {"id": -20, "bounding": [5 * (WIDTH + GAP), 0, 120, 100]},
        "inputs": ends(inputs, "in"),
        "outputs": ends(given, "out"),
        "widgets": [],
        "nodes": nodes,
        "groups": [],
        "links": links,
        "extra": {},
    }
    holder = {
        "id": 7,
        "type": inner["id"],
        "pos": [0, 0],
        "size": [260, 120],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [{"name": name, "type": kind, "link": None} for name, kind in inputs],
        "outputs": [{"name": name, "type": kind, "links": []} for name, kind in given],
        "properties": {},
        "widgets_values": [],
        "title": STEPS,
    }
    return {
        "revision": 0,
        "last_node_id": 7,
        "last_link_id": 0,
        "nodes": [holder],
        "links": [],
        "version": 0.4,
        "definitions": {"subgraphs": [inner]},
        "extra": {},
    }


def _note(key: int, text: str) -> dict[str, Any]:
    return {
        "id": key,
        "type": "MarkdownNote",
        "pos": [-WIDTH - GAP, -TITLE],
        "size": [WIDTH, 240],
        "flags": {},
        "order": key - 1,
        "mode": 0,
        "inputs": [],
        "outputs": [],
        "title": "What to do",
        "properties": {},
        "widgets_values": [text],
        "color": "#432",
        "bgcolor": "#000",
    }


def _grouped(graph: Graph) -> dict[str, int]:
    """Return the number of the group that each node stands in; wires go to the right alone."""
    own = {node_id: n for n, ids in enumerate(GROUPS.values()) for node_id in ids}
    group: dict[str, int] = {}
    for key in graph.order():
        node = graph.nodes[key]
        sources = [group[link.node] for link in node.links.values()]
        begins = own.get(node.class_type.removeprefix("MattingNodes"), 0)
        group[key] = max([begins, *sources])
    # A source stands with what takes it, but for the photo that many nodes take.
    for key in graph.order():
        takers = [n.id for n in graph.nodes.values() if key in {v.node for v in n.links.values()}]
        if not graph.nodes[key].links and len(takers) == 1 and len(set(group.values())) > 1:
            group[key] = group[takers[0]] if group[takers[0]] > 1 else 0
    return group


def _places(graph: Graph, types: dict[str, NodeType]) -> dict[str, list[float]]:
    """Return where nodes stand: groups from left to right, in them each right of its sources."""
    group, column = _grouped(graph), {}
    for key in graph.order():
        sources = [link.node for link in graph.nodes[key].links.values()]
        inside = [column[source][1] for source in sources if group[source] == group[key]]
        column[key] = group[key], max(inside, default=-1) + 1
    # A source stands just left of the first in its group that needs it.
    for key in graph.order():
        takers = [n.id for n in graph.nodes.values() if key in {v.node for v in n.links.values()}]
        near = [column[taker][1] for taker in takers if group[taker] == group[key]]
        if not graph.nodes[key].links and near:
            column[key] = group[key], max(0, min(near) - 1)
    across = {place: n for n, place in enumerate(sorted(set(column.values())))}
    places, used = {}, dict.fromkeys(column.values(), 0.0)
    for key in graph.order():
        node = graph.nodes[key]
        places[key] = [across[column[key]] * (WIDTH + GAP), used[column[key]]]
        used[column[key]] += _height(node, types[node.class_type]) + GAP
    return places


def _groups(
    graph: Graph, types: dict[str, NodeType], places: dict[str, list[float]]
) -> list[dict[str, Any]]:
    """Return a titled frame around the nodes of each group."""
    group, frames = _grouped(graph), []
    for number, title in enumerate(GROUPS):
        inside = [key for key in graph.order() if group[key] == number]
        if not inside:
            continue
        left, top = (min(places[key][axis] for key in inside) for axis in (0, 1))
        right = max(places[key][0] for key in inside) + WIDTH
        bottom = max(
            places[key][1] + _height(graph.nodes[key], types[graph.nodes[key].class_type])
            for key in inside
        )
        size = [right - left + 2 * MARGIN, bottom - top + TITLE + MARGIN]
        frames.append(
            {
                "id": len(frames) + 1,
                "title": title,
                "bounding": [left - MARGIN, top - TITLE, *size],
                "color": "#3f789e",
                "font_size": 24,
                "flags": {},
            }
        )
    return frames


def thumbnail(graph: Graph) -> Image.Image:
    """Return a picture of what goes into a workflow, and beside it of what it shows or saves."""
    with tempfile.TemporaryDirectory() as folder:
        outcomes = evaluate(graph, Folders(Path(folder), Path(folder)))
        frames = [_frame(outcome) for outcome in outcomes if _frame(outcome) is not None]
    frames = [read_stack(file)[0] for file in _shots(graph)] + frames
    pictures = [_over_checkers(np.asarray(frame)) for frame in frames]
    width, height = pictures[0].size
    columns = 2 if len(pictures) == 4 else min(3, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    for index, picture in enumerate(pictures):
        place = index % columns * width, index // columns * height
        sheet.paste(ImageOps.pad(picture, (width, height), color="white"), place)
    sheet.thumbnail((THUMBNAIL, THUMBNAIL))
    return sheet


def _shots(graph: Graph) -> list[Path]:
    """Return the file of the photo that a workflow begins with, and of the second of two shots."""
    loaded = [n for n in graph.nodes.values() if n.class_type == "MattingNodesLoadPicture"]
    second = {
        node.inputs["second_image"].node
        for node in graph.nodes.values()
        if "second_image" in node.links
    }
    shots = [node for node in loaded if node is loaded[0] or node.id in second]
    return [Folders(Path(), Path()).find(node.inputs["image"]) for node in shots]


def method_of(node: GraphNode) -> MethodSpec | None:
    """Return the method that a node of a graph has chosen, if it has a choice."""
    specs = {node_id(spec): spec for spec in all_nodes()}
    chosen = node.inputs.get("method")
    return specs[node.class_type].methods[chosen] if chosen else None


def network_of(node: GraphNode) -> str:
    """Return the title of the network that a node asks, or nothing."""
    method = method_of(node)
    if method is None or not method.is_network:
        return ""
    # Methods with several networks name the one they ask by a part of its name.
    part = str(node.inputs.get("method.network", ""))
    return catalog.model(next(name for name in method.networks if name.endswith(part))).title


def drawn_steps(graph: Graph) -> Image.Image:
    """Return a picture of what a workflow takes and does, where it cannot be run to show it."""
    pictures, lines = [], []
    for key in graph.order():
        node, title = graph.nodes[key], (node_types() | CORE)[graph.nodes[key].class_type].title
        if node.class_type == "MattingNodesLoadPicture":
            file = Folders(Path(), Path()).find(node.inputs["image"])
            pictures.append(_over_checkers(read_stack(file)[0]))
        elif title != "Save Image":
            method = method_of(node)
            told = network_of(node) or (method.title if method else "")
            lines.append((node.title or title, told))
    return _sheet_of_steps(pictures, lines)


def _sheet_of_steps(pictures: list[Image.Image], lines: list[tuple[str, str]]) -> Image.Image:
    """Return the pictures in a column on the left, a step below the other beside them."""
    sheet = Image.new("RGB", (THUMBNAIL, 40 * len(lines) + 40), "white")
    drawing, edge = ImageDraw.Draw(sheet), THUMBNAIL * 2 // 5
    high = (sheet.height - 20) // len(pictures)
    for row, picture in enumerate(pictures):
        shown = ImageOps.contain(picture, (edge - 20, high - 10))
        sheet.paste(shown, (10, 15 + row * high))
    for row, (title, told) in enumerate(lines):
        top = 12 + 40 * row
        drawing.line((edge + 6, top + 4, edge + 6, top + 34), fill="#4a78b5", width=3)
        drawing.text((edge + 18, top), title, "black", ImageFont.load_default(16))
        drawing.text((edge + 18, top + 20), told, "#666666", ImageFont.load_default(12))
    note = "Drawn, not run: fetches or asks for the weights of its networks"
    drawing.text((edge + 4, sheet.height - 24), note, "#a04000", ImageFont.load_default(10))
    return sheet


def _frame(outcome: Any) -> np.ndarray | None:
    """Return the first frame of an outcome as 8 bits, if it has one."""
    if outcome.files and outcome.node.class_type == "SaveVideo":
        frames = [frame.picture for frame in Reader(outcome.files[0]).frames()]
    elif outcome.files:
        frames = read_stack(outcome.files[0])
    elif outcome.node.class_type in ("PreviewImage", "MaskPreview"):
        frames = list(outcome.values[0])
    else:
        return None
    frame = frames[0]
    if frame.dtype == np.uint8:
        return frame
    top = 65535 if frame.dtype == np.uint16 else 1
    return np.round(frame / top * 255).astype(np.uint8)


def _over_checkers(frame: np.ndarray) -> Image.Image:
    picture = Image.fromarray(frame)
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    rows, columns = np.indices(frame.shape[:2]) // 16
    below = np.where((rows + columns) % 2, 200, 255).astype(np.uint8)
    sheet = Image.fromarray(below).convert("RGBA")
    return Image.alpha_composite(sheet, picture).convert("RGB")


def _text(page: dict[str, Any]) -> str:
    """Return JSON with a line for each node, so that a change of one can be read."""
    lines = []
    for name, value in page.items():
        text = json.dumps(value, ensure_ascii=False)
        if name == "nodes":
            nodes = ",\n  ".join(json.dumps(node, ensure_ascii=False) for node in value)
            text = f"[\n  {nodes}\n ]"
        lines.append(f' "{name}": {text}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Write every template and its picture, and the subgraph."""
    (ROOT / "subgraphs").mkdir(exist_ok=True)
    (ROOT / f"subgraphs/{STEPS}.json").write_text(
        json.dumps(blueprint(), indent=1) + "\n", encoding="utf-8"
    )
    graphs = {path.stem: Graph.read(path) for path in sorted((EXAMPLES / "api").glob("*.json"))}
    for name, graph in (graphs | {FROM_CORE: from_core()}).items():
        page = template(graph, NOTES[name])
        (EXAMPLES / f"{name}.json").write_text(_text(page), encoding="utf-8")
        asks = name == FROM_CORE or any(network_of(node) for node in graph.nodes.values())
        picture = drawn_steps(graph) if asks else thumbnail(graph)
        picture.save(EXAMPLES / f"{name}.jpg", quality=50, optimize=True, progressive=True)
        print(name)


if __name__ == "__main__":
    main()
