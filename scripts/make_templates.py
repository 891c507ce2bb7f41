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

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from matting_nodes.framework.spec import MethodSpec
from matting_nodes.graph import Folders, Graph, GraphNode, NodeType, evaluate, node_types
from matting_nodes.graph.wires import node_id
from matting_nodes.io.stacks import read_stack
from matting_nodes.models import catalog
from matting_nodes.nodes import all_nodes

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
# Pixels on the page: nodes with a preview are taller.
WIDTH, GAP, HEAD, LINE, PREVIEW = 320, 80, 60, 24, 260
THUMBNAIL = 512
# The parameter that names a file, with a button to upload one.
UPLOADED = "image"


def template(graph: Graph) -> dict[str, Any]:
    """Return a graph in UI format."""
    types = node_types()
    links = _links(graph, types)
    places = _places(graph, types)
    order = graph.order()
    nodes = [
        _node(graph.nodes[key], types[graph.nodes[key].class_type], links, places[key], index)
        for index, key in enumerate(order)
    ]
    return {
        "last_node_id": max(int(key) for key in order),
        "last_link_id": len(links),
        "nodes": nodes,
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


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
        "properties": {"Node name for S&R": node.class_type},
        "widgets_values": _widgets(node, type_),
    }
    return entry | ({"title": node.title} if node.title else {})


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


def _places(graph: Graph, types: dict[str, NodeType]) -> dict[str, list[float]]:
    """Return where nodes stand: each a column right of those it takes from."""
    column: dict[str, int] = {}
    for key in graph.order():
        sources = [column[link.node] for link in graph.nodes[key].links.values()]
        column[key] = max(sources, default=-1) + 1
    # A source stands just left of the first that needs it, not far away at the border.
    for key in reversed(graph.order()):
        takers = [n.id for n in graph.nodes.values() if key in {v.node for v in n.links.values()}]
        if not graph.nodes[key].links and takers:
            column[key] = max(0, min(column[taker] for taker in takers) - 1)
    places, used = {}, dict.fromkeys(column.values(), 0.0)
    for key in graph.order():
        node = graph.nodes[key]
        places[key] = [column[key] * (WIDTH + GAP), used[column[key]]]
        used[column[key]] += _height(node, types[node.class_type]) + GAP
    return places


def thumbnail(graph: Graph) -> Image.Image:
    """Return a picture of what a workflow gives: the first frames that it shows or saves."""
    with tempfile.TemporaryDirectory() as folder:
        outcomes = evaluate(graph, Folders(Path(folder), Path(folder)))
        frames = [_frame(outcome) for outcome in outcomes if _frame(outcome) is not None]
    pictures = [_over_checkers(np.asarray(frame)) for frame in frames]
    width, height = pictures[0].size
    columns = min(2, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    for index, picture in enumerate(pictures):
        place = index % columns * width, index // columns * height
        sheet.paste(ImageOps.pad(picture, (width, height), color="white"), place)
    sheet.thumbnail((THUMBNAIL, THUMBNAIL))
    return sheet


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
        node, title = graph.nodes[key], node_types()[graph.nodes[key].class_type].title
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
    if outcome.files:
        frames = read_stack(outcome.files[0])
    elif outcome.node.class_type == "PreviewImage":
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
    """Write every template and its picture."""
    for path in sorted((EXAMPLES / "api").glob("*.json")):
        graph = Graph.read(path)
        (EXAMPLES / path.name).write_text(_text(template(graph)), encoding="utf-8")
        asks = any(network_of(node) for node in graph.nodes.values())
        picture = drawn_steps(graph) if asks else thumbnail(graph)
        picture.save((EXAMPLES / path.name).with_suffix(".jpg"), quality=88)
        print(path.stem)


if __name__ == "__main__":
    main()
