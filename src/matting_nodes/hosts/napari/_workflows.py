"""Workflows opened in napari: their pictures as layers, their values in the panel, their results.

JSON in API or UI format, or a PNG that ComfyUI saved. The graph runs in the dock *Matting graph*,
so that results know how they were made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import Kind, Pixels, as_trimap
from ...errors import FileError, MattingError
from ...graph import Document, Folders, Graph, GraphNode, Link, node_types
from ...graph.matting import spec_of
from ...graph.wires import node_id
from ...io.stacks import read_stack
from ._files import Reader, as_list, read_by_napari
from ._preferences import PLUGIN
from ._protocols import Layer, LayerData
from ._results import ResultLayers, layer_data
from .graph._sources import LAYER, LOADED, LOADERS, layer_of, takes_layer

if TYPE_CHECKING:
    import napari

    from ._panel import MattingPanel
    from .graph import MattingGraph

OURS = "MattingNodes"
NOTHING: list[Any] = [(None,)]
"""What tells napari that a file was opened, and adds no layer itself."""
CHANNELS = ("red", "green", "blue")
PLAIN = {"channel": 0, "first": 0, "count": 0, "stretch": False}
"""Parameters of Load Picture with which it loads the file as it is."""
WORKFLOWS = "Workflows (*.json *.png)"


def read_workflow(path: str | list[str]) -> Reader:
    """Return what opens a workflow; a PNG that holds none of ours opens as the picture it is."""
    return _open_workflows


def _open_workflows(path: str | list[str]) -> list[LayerData]:
    return [layer for one in as_list(path) for layer in _open_one(Path(one))] or NOTHING


def _open_one(path: Path) -> list[LayerData]:
    import napari

    viewer = napari.current_viewer()
    is_png = path.suffix.lower() == ".png"
    try:
        document = checked(path)
    except MattingError as error:
        if is_png:
            return read_by_napari(path)
        if viewer is None:
            raise
        # Else napari would say only that a plugin failed.
        _refuse(error)
        return []
    if viewer is None:
        raise FileError(
            f"{path} is a workflow, and no viewer is open",
            "Its pictures and results become layers of one",
            "Open napari first; without it: matting-nodes run",
        )
    missing = _opened(viewer, document.graph, path)
    # What cannot be made again is shown as it was saved.
    return read_by_napari(path) if is_png and missing else []


def _refuse(error: MattingError) -> None:
    from napari.utils.notifications import show_error

    show_error(str(error))


def ask_for_workflow(viewer: napari.viewer.Viewer) -> None:
    """Ask for a workflow, and open it as layers and settings."""
    from qtpy.QtWidgets import QFileDialog

    path, _ = QFileDialog.getOpenFileName(None, "Open a workflow", "", WORKFLOWS)
    if not path:
        return
    try:
        open_workflow(viewer, Path(path))
    except MattingError as error:
        _refuse(error)


def checked(path: Path) -> Document:
    """Return the workflow of a file, which has nodes of ours.

    Parameters
    ----------
    path : Path
        JSON in API or UI format, or a PNG that a workflow saved.

    Raises
    ------
    MattingError
        If it holds no workflow, or none of our nodes is in it.
    """
    document = Document.read(path)
    types = {node.class_type for node in document.graph.nodes.values()}
    if not any(name.startswith(OURS) for name in types):
        raise FileError(
            f"{path.name} is a workflow without a node of Image matting: it has "
            f"{', '.join(sorted(types)[:8])}",
            "Workflows open in napari if one of their nodes is",
            "Open it in ComfyUI",
        )
    return document


def open_workflow(viewer: napari.viewer.Viewer, path: Path) -> list[str]:
    """Open a workflow: its pictures as layers, its values in the panel; and run it.

    Parameters
    ----------
    viewer : Viewer
        Gets the layers and the docks.
    path : Path
        JSON in API or UI format, or a PNG that a workflow saved. Its pictures are looked for beside
        it, in a folder `input` there, and in `input` beside a folder `output` that it lies in, as
        ComfyUI has them.

    Returns
    -------
    list of str
        Pictures that were not found.

    Raises
    ------
    MattingError
        If it holds no workflow, or none of our nodes is in it; no layer is added then.
    """
    return _opened(viewer, checked(path).graph, path)


def _opened(viewer: napari.viewer.Viewer, workflow: Graph, path: Path) -> list[str]:
    """Open a workflow that was checked, as `open_workflow` does."""
    from napari.utils.notifications import show_warning

    panel = _dock(viewer, "Image matting")
    graph = _dock(viewer, "Matting graph")
    if refused := set_parameters(panel, workflow):
        show_warning(f"Left as they were: {'; '.join(refused)}")
    return _opened_in(graph, path)


def open_in(graph: MattingGraph, path: Path) -> list[str]:
    """Open a workflow in a dock that is there, its pictures as layers, and run it.

    Parameters
    ----------
    graph : MattingGraph
        The dock.
    path : Path
        As for `open_workflow`.

    Returns
    -------
    list of str
        Pictures that were not found.

    Raises
    ------
    MattingError
        As of `open_workflow`.
    """
    checked(path)
    return _opened_in(graph, path)


def _opened_in(graph: MattingGraph, path: Path) -> list[str]:
    """Open a workflow that was checked, as `open_in` does."""
    from napari.utils.notifications import show_warning

    graph.open(path)
    missing = load_layers(graph.viewer, graph.document, path)
    if missing:
        show_warning(
            f"Not found: {', '.join(missing)}. Pictures lie beside {path.name}, or in a folder "
            "input there. Choose layers in their place in the dock Matting graph."
        )
    graph.run()
    return missing


def _dock(viewer: napari.viewer.Viewer, title: str) -> Any:
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, title, tabify=True)
    return widget


def set_parameters(panel: MattingPanel, graph: Graph) -> list[str]:
    """Set the panel's nodes as the first of their kind in a workflow; return what was refused.

    Parameters
    ----------
    panel : MattingPanel
        Its nodes are set.
    graph : Graph
        The workflow.
    """
    refused: list[str] = []
    seen: set[str] = set()
    for key in graph.order():
        node = graph.nodes[key]
        name = next((n for n, w in panel.nodes.items() if node_id(w.spec) == node.class_type), "")
        if not name or name in seen:
            continue
        seen.add(name)
        values = {
            each.removeprefix("method."): value
            for each, value in node.inputs.items()
            if not isinstance(value, Link)
        }
        refused += [f"{node.label}: {told}" for told in panel.nodes[name].set_parameters(values)]
    return refused


@dataclass(frozen=True)
class Use:
    """What one input makes of a loaded file."""

    node: str
    name: str
    kind: Kind
    slot: int
    """Of the loader."""
    channel: str
    """Which color of it, if it goes through Convert Image to Mask."""
    through: str
    """That node's id."""


def uses(graph: Graph, loader: str) -> Iterator[Use]:
    """Yield the inputs that use what a node loads.

    Parameters
    ----------
    graph : Graph
        The workflow.
    loader : str
        The node's id.
    """
    for node in graph.nodes.values():
        for name, link in node.links.items():
            if link.node != loader:
                continue
            if node.class_type != "ImageToMask":
                yield Use(node.id, name, _kind(node, name), link.slot, "", "")
                continue
            channel = str(node.inputs.get("channel", "red"))
            for use in uses(graph, node.id):
                yield Use(use.node, use.name, use.kind, link.slot, channel, node.id)


def _kind(node: GraphNode, name: str) -> Kind:
    """Return what an input of a node of ours is; a picture's of any other."""
    spec = spec_of(node.class_type)
    wires = () if spec is None else spec.inputs
    return next((wire.kind for wire in wires if wire.name == name), Kind.IMAGE)


def load_layers(viewer: napari.viewer.Viewer, document: Document, path: Path) -> list[str]:
    """Add what a document loads as layers, which then take the files' places in it.

    Parameters
    ----------
    viewer : Viewer
        Gets the layers.
    document : Document
        Is changed.
    path : Path
        The document's file: pictures are looked for from there.

    Returns
    -------
    list of str
        Pictures that were not found.
    """
    missing = []
    for node in list(document.graph.nodes.values()):
        name = node.inputs.get(LOADED)
        if not takes_layer(node) or layer_of(node) or not isinstance(name, str):
            continue
        folders = _folders(path, name)
        if folders is None:
            missing.append(name)
            continue
        used = list(uses(document.graph, node.id))
        layer = _layer(viewer, node, used, folders)
        if _is_mask(used):
            _rewire(document, node, used)
        document.set(node.id, LOADED, f"{layer.name}{LAYER}")
        if node.class_type == LOADERS[0]:
            for parameter, value in PLAIN.items():
                document.set(node.id, parameter, value)
    return missing


def _folders(path: Path, name: str) -> Folders | None:
    """Return the folders in which a workflow's picture is; None if it is nowhere."""
    above = [part.parent / "input" for part in path.parents if part.name == "output"]
    for folder in (path.parent, path.parent / "input", *above):
        try:
            Folders(folder, path.parent).find(name)
        except MattingError:
            continue
        return Folders(folder, path.parent)
    return None


def _is_mask(used: list[Use]) -> bool:
    """Tell whether all that is used of a file is one trimap, mask or matte."""
    alike = len({(use.kind, use.slot, use.channel) for use in used}) == 1
    return alike and used[0].kind in (Kind.TRIMAP, Kind.MASK, Kind.ALPHA)


def _layer(
    viewer: napari.viewer.Viewer, node: GraphNode, used: list[Use], folders: Folders
) -> Layer:
    """Return a new layer of what a node loads."""
    name = str(node.inputs[LOADED])
    stem = folders.find(name).stem
    if not _is_mask(used):
        data = _picture(node, folders)
        rgb = data.ndim > 2 and data.shape[-1] in (3, 4)
        layer: Layer = viewer.add_image(data, name=stem, rgb=rgb)
        return layer
    values = _loaded(node, folders)[used[0].slot]
    if used[0].channel:
        values = values[..., CHANNELS.index(used[0].channel)]
    kind = used[0].kind
    if kind is Kind.TRIMAP:
        values = np.stack([as_trimap(frame) for frame in values])
    soft = kind is Kind.MASK and bool(((values > 0) & (values < 1)).any())
    data = np.stack([layer_data(frame, kind, soft=soft) for frame in values])
    return ResultLayers(viewer, "workflow").add(
        stem, kind, data[0] if len(data) == 1 else data, False, None, {}, (0, 1)
    )


def _picture(node: GraphNode, folders: Folders) -> Pixels:
    """Return a picture's pixels, in the file's own type where a node takes them as they are."""
    plain = all(node.inputs.get(name, value) == value for name, value in PLAIN.items())
    if node.class_type == LOADERS[0] and plain:
        frames = read_stack(folders.find(str(node.inputs[LOADED])))
        return frames[0] if len(frames) == 1 else np.stack(frames)
    loaded = _loaded(node, folders)
    colors = loaded[0] if loaded[0].ndim == 4 else loaded[0][..., None]
    if colors.shape[-1] == 3 and (colors == colors[..., :1]).all():
        colors = colors[..., :1]
    transparent = loaded[-1] if len(loaded) > 1 else np.zeros(colors.shape[:3], np.float32)
    if transparent.shape == colors.shape[:3] and transparent.any():
        three = np.broadcast_to(colors, (*colors.shape[:3], 3))
        colors = np.concatenate([three, 1 - transparent[..., None]], axis=3)
    elif colors.shape[-1] == 1:
        colors = colors[..., 0]
    return colors[0] if len(colors) == 1 else colors


def _loaded(node: GraphNode, folders: Folders) -> tuple[Pixels, ...]:
    """Return what a node that loads a file gives."""
    type_ = node_types()[node.class_type]
    values = {p: node.inputs.get(p, s.default) for p, s in type_.parameters_for({}).items()}
    loaded: Any = type_.run(values, {"folders": folders}).values
    return tuple(loaded)


def _rewire(document: Document, node: GraphNode, used: list[Use]) -> None:
    """Take a layer that is a mask by its own output, not by way of a color of a picture."""
    if node.class_type == LOADERS[2]:
        document.set(node.id, "channel", "alpha")
    for use in used:
        if use.through:
            document.connect(Link(node.id, 1), use.node, use.name)
    document.remove({use.through for use in used if use.through})
