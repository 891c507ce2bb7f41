"""How a layer was made, as something that makes it again: a script, a workflow, another picture."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import Kind, Pixels
from ...errors import GraphError, MattingError
from ...graph import Folders, Graph, GraphNode, Link, as_python, evaluate, node_types
from ...graph.types.picture_files import DEPTHS
from ...graph.wires import MASK
from ...io import images
from ._files import write_tiff
from ._places import leading_shape, pixels
from ._protocols import Layer, without_proxy
from ._trimap import labels_to_grey, tag
from .graph._from_layers import graph_to
from .graph._sources import LOADED, LOADERS, layer_of

if TYPE_CHECKING:
    import napari

WORKFLOW = "workflow.json"
LOADING = {"channel": 0, "first": 0, "count": 0, "stretch": False}
SAVED = "result"


def copy_as_python(viewer: napari.viewer.Viewer) -> None:
    """Copy a script that makes the selected layer again to the clipboard."""
    from napari.utils.notifications import show_info
    from qtpy.QtWidgets import QApplication

    layer = _selected(viewer)
    if layer is None:
        return
    graph, sources = workflow_of(viewer, layer.name)
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    clipboard.setText(as_python(graph))
    files = ", ".join(f"{file} ({name})" for file, name in sources.items())
    show_info(f"Copied. The script takes a folder with {files}; Save as workflow writes them.")


def save_as_workflow(viewer: napari.viewer.Viewer) -> None:
    """Ask for a folder, and write the workflow of the selected layer and its pictures there."""
    from napari.utils.notifications import show_error, show_info
    from qtpy.QtWidgets import QFileDialog

    layer = _selected(viewer)
    folder = QFileDialog.getExistingDirectory(None, "Folder for the workflow") if layer else ""
    if not (layer and folder):
        return
    try:
        path = write_workflow(viewer, layer.name, Path(folder))
    except MattingError as error:
        show_error(str(error))
        return
    show_info(f"Written: {path}. Run it by: matting-nodes run {path.name} --input {folder}")


def run_on_another_picture(viewer: napari.viewer.Viewer) -> None:
    """Ask for a picture, and make of it what the selected layer was made of its own."""
    from napari.qt.threading import create_worker
    from napari.utils.notifications import show_error
    from qtpy.QtWidgets import QFileDialog

    layer = _selected(viewer)
    path = QFileDialog.getOpenFileName(None, "Another picture")[0] if layer else ""
    if not (layer and path):
        return
    scratch = TemporaryDirectory()
    try:
        graph, folders = on_another(viewer, layer.name, Path(path), Path(scratch.name))
    except MattingError as error:
        show_error(str(error))
        return
    name = f"{Path(path).stem} {tag(layer).get('output') or 'result'}"

    def show(values: Pixels) -> None:
        made_by = {"workflow": json.dumps(graph.to_json())}
        viewer.add_image(values, name=name, rgb=values.shape[-1] in (3, 4), metadata=made_by)
        scratch.cleanup()

    def refuse(error: Exception) -> None:
        show_error(str(error))
        scratch.cleanup()

    create_worker(result_of, graph, folders, _connect={"returned": show, "errored": refuse})


def workflow_of(viewer: napari.viewer.Viewer, name: str) -> tuple[Graph, dict[str, str]]:
    """Return the workflow that makes a layer and saves it, and the layers of its files.

    Parameters
    ----------
    viewer : Viewer
        Whose layers they are.
    name : str
        The layer's.

    Returns
    -------
    graph : Graph
        Its pictures are loaded from files.
    sources : dict of str to str
        The layer that each file holds.

    Raises
    ------
    GraphError
        If the layer was not made by nodes.
    """
    graph, end = graph_to(viewer, name)
    layers = {layer.name: without_proxy(layer) for layer in viewer.layers}
    if layer_of(graph.nodes[end.node]) == name:
        raise GraphError(
            f"{name} was not made by a node, or was painted over since",
            "A workflow makes a result again",
            "Select a result",
        )
    sources: dict[str, str] = {}
    for node in list(graph.nodes.values()):
        if source := layer_of(node):
            if source not in layers:
                raise GraphError(
                    f"The layer {source} is no longer there",
                    f"{name} was made from it",
                    "Open it again under this name",
                )
            file = _file_of(layers[source])
            sources[file] = source
            graph = _from_file(graph, node, file, layers[source])
    kind = node_types()[graph.nodes[end.node].class_type].outputs[end.slot].kind
    wire = "alpha" if kind == MASK else "image"
    saving = {
        wire: end,
        "filename_prefix": SAVED,
        "file_type": "tiff",
        "bits": DEPTHS["tiff"][-1],
        "one_file": True,
    }
    return graph.with_node(GraphNode(_free_id(graph), "MattingNodesSavePicture", saving)), sources


def write_workflow(viewer: napari.viewer.Viewer, name: str, folder: Path) -> Path:
    """Write the workflow of a layer, and the pictures that it begins with, into a folder.

    Parameters
    ----------
    viewer : Viewer
        Whose layers they are.
    name : str
        The layer's.
    folder : Path
        It exists; nothing in it is overwritten.

    Returns
    -------
    Path
        The workflow in ComfyUI's API format.

    Raises
    ------
    MattingError
        If the layer was not made by nodes, or a file cannot be written or is there already.
    """
    graph, sources = workflow_of(viewer, name)
    target = images.check_target(folder / WORKFLOW)
    layers = {layer.name: without_proxy(layer) for layer in viewer.layers}
    for file in sources:
        images.check_target(folder / file)
    for file, source in sources.items():
        _write_source(folder / file, layers[source])
    text = json.dumps(graph.to_json(), indent=2, ensure_ascii=False)
    images.write_whole(target, text.encode())
    return target


def on_another(
    viewer: napari.viewer.Viewer, name: str, picture: Path, folder: Path
) -> tuple[Graph, Folders]:
    """Return a layer's workflow for another picture, and the folders that it runs in.

    Parameters
    ----------
    viewer : Viewer
        Whose layers they are.
    name : str
        The layer's.
    picture : Path
        Stands for the first picture that its nodes began with; what was painted stays.
    folder : Path
        An empty one, for what the workflow loads and saves.

    Raises
    ------
    MattingError
        If the layer was not made by nodes.
    """
    _, sources = workflow_of(viewer, name)
    graph = Graph.read(write_workflow(viewer, name, folder))
    layers = {layer.name: without_proxy(layer) for layer in viewer.layers}
    first = next(file for file, source in sources.items() if _kind(layers[source]) is None)
    for node in list(graph.nodes.values()):
        if node.inputs.get(LOADED) == first:
            graph = graph.with_input(node.id, LOADED, str(picture))
    return graph, Folders(folder, folder / "out", named=frozenset({str(picture)}))


def result_of(graph: Graph, folders: Folders) -> Pixels:
    """Return what a workflow of `workflow_of` saves.

    Parameters
    ----------
    graph : Graph
    folders : Folders

    Raises
    ------
    MattingError
        Naming the node whose inputs cannot be used.
    """
    from tifffile import imread

    (file,) = [file for outcome in evaluate(graph, folders) for file in outcome.files]
    values: Pixels = imread(file)
    return values[0] if len(values) == 1 else values


def _selected(viewer: napari.viewer.Viewer) -> Any:
    from napari.utils.notifications import show_warning

    layer = viewer.layers.selection.active
    if layer is None or not tag(layer):
        show_warning("No result is selected. Select a layer that Image matting made.")
        return None
    return layer


def _kind(layer: Layer) -> Kind | None:
    """Return what a layer of ours holds, None for a picture."""
    kind = tag(layer).get("kind")
    return None if kind in (None, Kind.IMAGE.value) else Kind(kind)


def _file_of(layer: Layer) -> str:
    stem = "".join(c if c.isalnum() or c in "-_ " else "_" for c in layer.name).strip() or "layer"
    data, kind = pixels(layer), _kind(layer)
    is_png = kind in (Kind.TRIMAP, Kind.MASK) or data.dtype == np.uint8
    return f"{stem}.png" if is_png and not leading_shape(layer) else f"{stem}.tif"


def _write_source(path: Path, layer: Layer) -> None:
    data, kind = np.asarray(pixels(layer)), _kind(layer)
    if kind is Kind.TRIMAP or (kind is Kind.MASK and data.dtype.kind in "iu"):
        data = labels_to_grey(data, kind, layer.name)
    if path.suffix == ".png":
        images.write_image(path, data)
        return
    write_tiff(path, data, bool(getattr(layer, "rgb", False)), {})


def _from_file(graph: Graph, loader: GraphNode, file: str, layer: Layer) -> Graph:
    """Return a graph in which a node loads a file; grey becomes a mask where one is wired."""
    # As widgets read counts: wires carry 0..1.
    counts = _kind(layer) is None and pixels(layer).dtype.kind in "iu" and file.endswith(".tif")
    loading = {LOADED: file, **LOADING, "stretch": counts}
    graph = graph.with_node(replace(loader, class_type=LOADERS[0], inputs=loading))
    if _kind(layer) is None:
        return graph
    key = _free_id(graph)
    inputs = {"image": Link(loader.id, 0), "channel": "red"}
    for node in list(graph.nodes.values()):
        for name, value in node.links.items():
            if value.node == loader.id and value.slot > 0:
                graph = graph.with_input(node.id, name, Link(key, 0))
    return graph.with_node(GraphNode(key, "ImageToMask", inputs))


def _free_id(graph: Graph) -> str:
    return str(1 + max((int(key) for key in graph.nodes if key.isdecimal()), default=0))
