"""Layers as sources of a graph: what nodes that load a picture take instead of a file.

In the document such a source is named as files are, "lemur [layer]" beside "lemur.png [sample]":
elsewhere the graph opens all the same, and asks for another picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....arrays import UNKNOWN, Kind, Pixels
from ....errors import GraphError, MattingError, ShapeError
from ....graph import Graph, GraphNode, Host, Source
from ....graph.types.picture_files import as_batches
from .._layers import Convert, conversion
from .._places import leading_shape, pixels
from .._protocols import Layer, Viewer, is_labels, is_shapes, without_proxy
from .._trimap import is_trimap, tag

LOADED, LAYER = "image", " [layer]"
LOADERS = ("MattingNodesLoadPicture", "LoadImage", "LoadImageMask")


def takes_layer(node: GraphNode) -> bool:
    """Return whether a node loads a picture, so that a layer can take its place."""
    return node.class_type in LOADERS


def layer_of(node: GraphNode) -> str:
    """Return the name of the layer that a node takes; empty if it takes none."""
    value = node.inputs.get(LOADED)
    named = isinstance(value, str) and value.endswith(LAYER) and takes_layer(node)
    return str(value).removesuffix(LAYER) if named else ""


def pictures(viewer: Viewer) -> dict[str, Layer]:
    """Return the layers that hold pixels, by name; the topmost of two of one name."""
    layers = [without_proxy(layer) for layer in viewer.layers]
    return {layer.name: layer for layer in layers if hasattr(layer, "data") and _has_pixels(layer)}


def _has_pixels(layer: Layer) -> bool:
    board = tag(layer).get("kind") == "backdrop"
    return (is_labels(layer) or hasattr(layer, "rgb")) and not is_shapes(layer) and not board


@dataclass(frozen=True, eq=False)
class LayerSource:
    """A layer as it was when a run began.

    Parameters
    ----------
    class_type : str
        The type of the node that takes it.
    channel : str
        Which channel a Load Image (as Mask) takes.
    name : str
        The layer's name.
    data : array
        Its pixels; those of labels are a copy, since the user may paint on.
    rgb : bool
        Whether its last axis is color.
    reading : str
        What the layer is read as: "" for a picture, else a trimap, a mask (of which label) or
        an alpha.
    convert : callable, optional
        Makes numbers in 0..1 of a mask, a trimap or an alpha.
    """

    class_type: str
    channel: str
    name: str
    data: Pixels
    rgb: bool
    reading: str
    convert: Convert | None

    @classmethod
    def of(cls, node: GraphNode, layer: Layer) -> LayerSource:
        """Return what a node takes of a layer."""
        rgb = bool(getattr(layer, "rgb", False))
        data = np.asarray(pixels(layer))
        flat = data.reshape(-1, *data.shape[len(leading_shape(layer)) :])
        channel = str(node.inputs.get("channel", "alpha"))
        if is_labels(layer):
            flat = flat.copy()
        return cls(node.class_type, channel, layer.name, flat, rgb, *_reading(layer))

    @property
    def state(self) -> str:
        """What differs when it holds something else."""
        read = self.data.shape, self.data.dtype, self.rgb, self.reading
        digest = hashlib.blake2b(repr(read).encode())
        digest.update(np.ascontiguousarray(self.data).data)
        return digest.hexdigest()

    def make(self) -> tuple[object, ...]:
        """Return what the node gives, as if the layer had been a file."""
        picture = as_batches(list(self.data), self.name)
        alpha, mask = picture.alpha, picture.mask
        if self.convert is not None:
            # A mask, a trimap or an alpha is one itself, not an opaque picture of one.
            alpha = mask = np.asarray(self.convert(self.data), np.float32)
        if self.class_type == "LoadImage":
            return picture.image, mask
        if self.class_type == "LoadImageMask":
            colors = ("red", "green", "blue")
            known = self.channel in colors
            return (picture.image[..., colors.index(self.channel)] if known else mask,)
        return picture.image, alpha, mask


def _reading(layer: Layer) -> tuple[str, Convert | None]:
    """Return what a layer is read as, and how its numbers become 0..1; nothing of a picture."""
    if is_trimap(layer):
        to_trimap = conversion(layer, Kind.TRIMAP)
        return "trimap", lambda flat: _shares(to_trimap(flat))
    if is_labels(layer):
        label = layer.show_selected_label and layer.selected_label
        return f"mask of {label}", conversion(layer, Kind.MASK)
    kind = tag(layer).get("kind")
    if kind in ("alpha", "mask", "confidence"):
        return str(kind), lambda flat: np.asarray(flat, np.float32).clip(0, 1)
    return "", None


def _shares(trimap: Pixels) -> NDArray[np.float32]:
    return np.where(trimap == UNKNOWN, np.float32(0.5), trimap / np.float32(255))


@dataclass(frozen=True)
class LayerHost(Host):
    """The layers of a viewer as they were when a run began.

    Parameters
    ----------
    sources : mapping of LayerSource
        By the node that takes one.
    refused : mapping of MattingError
        What is wrong with other nodes that take one.
    writes : bool
        Whether nodes that save write files; else what they get becomes a layer.
    """

    sources: Mapping[str, LayerSource]
    refused: Mapping[str, MattingError]
    writes: bool = False

    def source(self, node: GraphNode) -> Source | None:
        """Return the layer that a node takes."""
        if node.id in self.refused:
            raise self.refused[node.id]
        layer = self.sources.get(node.id)
        return None if layer is None else Source(layer.state, layer.make)

    def sink(self, node: GraphNode, given: Mapping[str, object]) -> bool:
        """Return whether no file is written; the layers are made when all has run."""
        return not self.writes


def sources_of(
    graph: Graph, viewer: Viewer
) -> tuple[dict[str, LayerSource], dict[str, MattingError]]:
    """Return what the nodes that take a layer take, and what is wrong with others, by node.

    Parameters
    ----------
    graph : Graph
        The document's.
    viewer : Viewer
        Whose layers they are.
    """
    found: dict[str, LayerSource] = {}
    wrong: dict[str, MattingError] = {}
    layers = pictures(viewer)
    for node in graph.nodes.values():
        name = layer_of(node)
        if name and name in layers:
            found[node.id] = LayerSource.of(node, layers[name])
        elif name:
            wrong[node.id] = GraphError(
                f"There is no layer {name}",
                f"There are {', '.join(layers) or 'no layers of pixels'}",
                "Choose another layer, or open the picture again",
            )
    return found, wrong


def reference_of(graph: Graph, node: str, viewer: Viewer) -> Layer | None:
    """Return the layer that a node's results lie on: the first that it was made from.

    Parameters
    ----------
    graph : Graph
        The document's.
    node : str
        Whose results they are.
    viewer : Viewer
        Whose layers they are.
    """
    layers, needed = pictures(viewer), graph.needed([node])
    names = [layer_of(other) for other in graph.nodes.values() if other.id in needed]
    found = [layers[name] for name in names if name in layers]
    return min(found, key=lambda layer: bool(tag(layer) or is_labels(layer)), default=None)


def stacked(value: NDArray[Any], reference: Layer | None) -> NDArray[Any]:
    """Return a batch with the leading axes of a layer, if it has as many planes; one without any.

    Parameters
    ----------
    value : (B, …) array
        The frames.
    reference : Layer, optional
        The layer they were made from.

    Raises
    ------
    ShapeError
        If there is no frame.
    """
    if not len(value):
        raise ShapeError("There is no frame", "A layer shows at least one", "Select some frames")
    lead = leading_shape(reference) if reference is not None else ()
    if int(np.prod(lead)) == len(value):
        return value.reshape(*lead, *value.shape[1:])
    return value[0] if len(value) == 1 else value
