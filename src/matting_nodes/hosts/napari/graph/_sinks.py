"""What a graph gives, as layers: made once, then updated in place, and what was painted is kept."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from ....arrays import Kind, Pixels, as_trimap
from ....framework.spec import Output
from ....graph import Graph, GraphNode, Link, node_types
from ....graph.matting import spec_of
from ....graph.wires import IMAGE, MASK
from .._protocols import Layer, Viewer, without_proxy
from .._results import ResultLayers, below_what_is_edited, fits, layer_data
from .._showing import show_well
from .._trimap import TAG, tag
from ._from_layers import GRAPH
from ._sources import reference_of, stacked


def sinks(graph: Graph) -> dict[str, Link]:
    """Return what becomes a layer when a graph has run: what its ends save or show, by label.

    Where it has none, it is the pictures that nothing is made of.
    """
    types, found = node_types(), dict[str, Link]()
    known = [node for node in graph.nodes.values() if node.class_type in types]
    wired = [node for node in known if types[node.class_type].is_end and node.links]
    for node in wired:
        kinds = {s.name: s.kind for s in types[node.class_type].inputs}
        for name, link in node.links.items():
            if kinds.get(name) in (IMAGE, MASK) and link not in found.values() and _saves(node):
                found[_label(graph, node, link, name)] = link
    if found:
        return found
    used = {link.node for node in known for link in node.links.values()}
    for node in known:
        outputs = types[node.class_type].outputs
        if node.id not in used and node.links and outputs and outputs[0].kind in (IMAGE, MASK):
            found[node.title or types[node.class_type].title.lower()] = Link(node.id)
    return found


def _saves(node: GraphNode) -> bool:
    """Return whether an end saves or shows what comes in, and does not measure it."""
    type_ = node_types()[node.class_type]
    return not (type_.ours and type_.outputs)


def _label(graph: Graph, node: GraphNode, link: Link, name: str) -> str:
    source = graph.nodes.get(link.node)
    own = node.title or (source and source.title)
    prefix = node.inputs.get("filename_prefix")
    label = own or (prefix if isinstance(prefix, str) else "") or _output(source, link).name
    return label if len(node.links) == 1 else f"{label} {name}"


def _output(node: GraphNode | None, link: Link) -> Output:
    """Return what an output gives: of a matting node its kind, of another its wire's."""
    spec = spec_of(node.class_type) if node else None
    if spec is not None:
        return spec.outputs[link.slot]
    type_ = node_types().get(node.class_type) if node else None
    socket = type_.outputs[link.slot] if type_ else None
    is_image = socket is not None and socket.kind == IMAGE
    trimap = socket is not None and socket.name == "trimap"
    kind = Kind.IMAGE if is_image else Kind.TRIMAP if trimap else Kind.ALPHA
    return Output(socket.name if socket else "result", kind)


class Sinks:
    """The layers that a graph made in a viewer, by the output that each shows.

    Parameters
    ----------
    viewer : Viewer
        Where the layers are.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer, self._results = viewer, ResultLayers(viewer, "graph")
        self._made: dict[Link, tuple[Layer, int]] = {}

    def show(self, graph: Graph, link: Link, value: Any, label: str = "") -> Layer | None:
        """Show a value as a layer; None for a text or a box.

        Parameters
        ----------
        graph : Graph
            The one that was run.
        link : Link
            Which output it is.
        value : (B, H, W, C) or (B, H, W) array
            What it gave.
        label : str
            What a new layer is called; by default after the output.
        """
        if not (isinstance(value, np.ndarray) and value.ndim in (3, 4)):
            return None
        output = _output(graph.nodes.get(link.node), link)
        reference = reference_of(graph, link.node, self._viewer)
        data, rgb = _data(value, output.kind, reference)
        part = {key: graph.nodes[key] for key in graph.nodes if key in graph.needed([link.node])}
        told = {"nodes": Graph(part).to_json(), "node": link.node, "output": link.slot}
        base = tag(reference).get("base", reference.name) if reference is not None else "graph"
        provenance = {"output": output.name, "base": base, GRAPH: told}
        layer, written = self._made.get(link, (None, 0))
        present = layer is not None and layer in [without_proxy(o) for o in self._viewer.layers]
        painted = present and layer is not None and written != _checksum(layer.data)
        if present and layer is not None and not painted and fits(layer, output.kind, data, rgb):
            layer.data = data
            layer.metadata = {**layer.metadata, TAG: {"kind": output.kind.value, **provenance}}
        else:
            lies = reference if reference is not None and _lies_on(data, rgb, reference) else None
            with below_what_is_edited(self._viewer):
                named = f"{base} {label or output.name}"
                layer = self._results.add(named, output.kind, data, rgb, lies, provenance, (0, 1))
            layer = without_proxy(layer)
            show_well(self._viewer, [layer], {})
        self._made[link] = layer, _checksum(layer.data)
        return layer


def _data(value: Pixels, kind: Kind, reference: Layer | None) -> tuple[Pixels, bool]:
    """Return a batch as its layer holds it, and whether its last axis is color."""
    soft = kind is Kind.MASK and bool(((value > 0) & (value < 1)).any())
    if kind is Kind.TRIMAP:
        value = np.stack([as_trimap(frame) for frame in value])
    frames = np.stack([layer_data(frame, kind, soft=soft) for frame in value])
    return stacked(frames, reference), frames.ndim == 4


def _lies_on(data: Pixels, rgb: bool, reference: Layer) -> bool:
    """Return whether data have the axes of a layer, so that they get its place."""
    own = reference.ndim
    return bool(data.ndim - rgb == own)


def _checksum(data: Pixels) -> int:
    return zlib.crc32(np.ascontiguousarray(data).data) or 1
