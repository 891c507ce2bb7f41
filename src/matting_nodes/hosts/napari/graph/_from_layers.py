"""*Show as graph*: the nodes that the layers of a viewer were made by, as their metadata says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ....arrays import Kind
from ....framework.spec import Socket
from ....graph import Graph, GraphNode, Link, node_types
from ....graph.wires import node_id, stored_parameters
from ....nodes import all_nodes
from .._protocols import Layer, Viewer, is_shapes, without_proxy
from .._results import painted_over
from .._trimap import TAG, tag
from ._sources import LAYER, LOADED, LOADERS

GRAPH = "graph"
"""Where a layer's tag holds the graph that it was made by, the node and the output."""


def graph_of(viewer: Viewer) -> Graph:
    """Return the graph of the present layers: pictures as sources, results as nodes.

    A result that was painted over is a source, too: its nodes would not make it again.

    Parameters
    ----------
    viewer : Viewer
        Whose layers they are.
    """
    reading = _Reading(viewer)
    for name, layer in reading.layers.items():
        if reading.is_made(name) or _is_picture(layer):
            reading.end(name)
    return reading.graph


def graph_to(viewer: Viewer, name: str) -> tuple[Graph, Link]:
    """Return the graph that one layer was made by, and the output that it is.

    Parameters
    ----------
    viewer : Viewer
        Whose layers they are.
    name : str
        The layer's.
    """
    reading = _Reading(viewer)
    end = reading.end(name)
    return reading.graph, end


class _Reading:
    """Gathers nodes; equal ones, of equal sources, become one."""

    def __init__(self, viewer: Viewer) -> None:
        self.layers: dict[str, Layer] = {}
        for layer in viewer.layers:
            self.layers[layer.name] = without_proxy(layer)
        self.nodes: dict[str, GraphNode] = {}
        self._specs = {spec.name: spec for spec in all_nodes()}
        self._known: dict[str, str] = {}
        self._ends: dict[str, Link] = {}
        self._reading: set[str] = set()

    @property
    def graph(self) -> Graph:
        """The nodes found."""
        return Graph(self.nodes)

    def is_made(self, name: str) -> bool:
        """Tell whether a layer is, as it is now, what nodes made."""
        made = tag(self.layers[name]) if name in self.layers else {}
        known = GRAPH in made or made.get("node") in self._specs
        return known and not painted_over(self.layers[name])

    def end(self, name: str, kind: Kind = Kind.IMAGE) -> Link:
        """Return the output that a layer is, with the nodes before it."""
        if name not in self._ends and self.is_made(name) and name not in self._reading:
            self._reading.add(name)  # layers may name each other
            self._ends[name] = self._made(self.layers[name])
        if name in self._ends:
            return self._ends[name]
        node = GraphNode("", LOADERS[0], {LOADED: name + LAYER}, title=name)
        return Link(self._node(node), 0 if kind is Kind.IMAGE else 1)

    def _made(self, layer: Layer) -> Link:
        made = tag(layer)
        if GRAPH in made:
            return self._part_of(made[GRAPH])
        spec = self._specs[str(made["node"])]
        named: Mapping[str, str] = made.get("inputs", {})
        inputs: dict[str, object] = {
            wire.name: self._prompt(named[wire.name], wire)
            if wire.kind in (Kind.BOX, Kind.POINTS)
            else self.end(named[wire.name], wire.kind)
            for wire in spec.inputs
            if wire.name in named
        }
        inputs = {name: value for name, value in inputs.items() if value is not None}
        known = node_types()[node_id(spec)]
        stored = stored_parameters(spec, dict(made.get("parameters", {})))
        allowed = {"method", *known.parameters_for(stored)}
        inputs |= {name: value for name, value in stored.items() if name in allowed}
        outputs = [output.name for output in spec.outputs]
        output = str(made.get("output"))
        number = outputs.index(output) if output in outputs else 0
        return Link(self._node(GraphNode("", node_id(spec), inputs)), number)

    def _prompt(self, name: str, wire: Socket[Kind]) -> Link | None:
        """Return a node that holds a drawn box, or points."""
        layer = self.layers.get(name)
        if layer is None or not len(layer.data):
            return None
        if wire.kind is Kind.BOX and is_shapes(layer):
            corners = np.asarray(layer.data[0])[:, -2:]
            (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
            sides = {"x": left, "y": top, "width": right - left, "height": bottom - top}
            box = {side: round(float(value)) for side, value in sides.items()}
            return Link(self._node(GraphNode("", "PrimitiveBoundingBox", box, title=name)))
        places = np.asarray(layer.data)[:, -2:]
        points = json.dumps([{"x": float(x), "y": float(y)} for y, x in places])
        return Link(self._node(GraphNode("", "PrimitiveString", {"value": points}, title=name)))

    def _part_of(self, told: Mapping[str, Any]) -> Link:
        """Return the output of a graph that a layer tells of, with the nodes before it."""
        graph = Graph.from_json(told["nodes"])
        new: dict[str, str] = {}
        for key in graph.order():
            node = graph.nodes[key]
            inputs = {
                name: Link(new[value.node], value.slot)
                if isinstance(value, Link) and value.node in new
                else value
                for name, value in node.inputs.items()
            }
            new[key] = self._node(replace(node, inputs=inputs))
        return Link(new[str(told["node"])], int(told["output"]))

    def _node(self, node: GraphNode) -> str:
        """Return the id of this node, which is added unless there is one like it."""
        inputs = {
            name: [value.node, value.slot] if isinstance(value, Link) else value
            for name, value in node.inputs.items()
        }
        told = json.dumps([node.class_type, inputs], sort_keys=True, default=str)
        if told not in self._known:
            key = self._known[told] = str(len(self.nodes) + 1)
            self.nodes[key] = replace(node, id=key)
        return self._known[told]


def _is_picture(layer: Layer) -> bool:
    return hasattr(layer, "rgb") and not layer.metadata.get(TAG)
