"""Documents in and out of files: API format, UI format, and PNG files that ComfyUI saved."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import FileError, GraphError, MattingError, ParameterError, shown
from ..io.images import make_folder_for, write_whole
from .contents import Contents, Kept
from .document import EXPORT, parsed, read_bytes
from .model import Graph
from .page_reading import is_page, read_page
from .page_writing import is_unnamed, page_of
from .registry import current

PNG = b"\x89PNG\r\n"
MOST_OUTPUTS = 1000


def contents_of(source: str | os.PathLike[str] | bytes) -> Contents:
    """Return what a file holds.

    Parameters
    ----------
    source : path or bytes
        JSON in API or UI format, or a PNG that a workflow saved; or the bytes of one.

    Raises
    ------
    FileError
        If it cannot be read, or holds no workflow.
    GraphError
        If something in it is no node or no wire, or it is of a newer version.
    """
    name = "The text" if isinstance(source, bytes) else str(source)
    try:
        data = source if isinstance(source, bytes) else read_bytes(Path(source))
        if not data.startswith(PNG):
            return from_json(parsed(data.decode("utf-8")))
        texts = _texts(data)
        if "workflow" not in texts:
            return from_json(parsed(texts["prompt"]))
        prompt = parsed(texts["prompt"]) if "prompt" in texts else None
        return from_json(parsed(texts["workflow"]), prompt)
    except MattingError:
        raise
    except Exception as error:  # A broken PNG raises errors of many kinds.
        told = f"no text {error}" if isinstance(error, KeyError) else error
        raise FileError(
            f"{name} holds no workflow: {told}",
            "It must be a JSON file, or a PNG that a workflow saved",
            EXPORT,
        ) from error


def _texts(data: bytes) -> dict[str, str]:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return {str(name): text for name, text in picture.info.items() if isinstance(text, str)}


def from_json(data: object, prompt: object = None) -> Contents:
    """Return what JSON in either format holds.

    Parameters
    ----------
    data : any
        JSON as Python has it, of any origin.
    prompt : any, optional
        The same workflow in API format. It names the values of nodes that are not known here,
        which UI format lists without names.

    Raises
    ------
    GraphError
    """
    contents = read_page(data) if is_page(data) else _from_api(data)
    if prompt is not None:
        contents = _named(contents, Graph.from_json(prompt))
    contents = replace(contents, graph=current(contents.graph))
    _check_wires(contents.graph)
    missing = contents.graph.nodes.keys() - contents.places.keys()
    if missing:
        contents = contents.laid_out()
    else:
        contents.graph.order()  # refuses circles
    return contents


def _from_api(data: object) -> Contents:
    graph = Graph.from_json(data)
    assert isinstance(data, dict)  # it was read
    # As it is sent to a server, the graph is inside.
    entries = data["prompt"] if isinstance(data.get("prompt"), dict) else data
    kept = {str(key): Kept(entry=_rest(entry)) for key, entry in entries.items()}
    return Contents(graph, kept={key: k for key, k in kept.items() if k.entry})


def _rest(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry holds beside what the graph takes from it."""
    rest = {k: v for k, v in entry.items() if k not in ("class_type", "inputs", "_meta")}
    meta = {k: v for k, v in (entry.get("_meta") or {}).items() if k != "title"}
    return rest | ({"_meta": meta} if meta else {})


def _named(contents: Contents, prompt: Graph) -> Contents:
    """Return contents in which nodes without named values have those of the same graph."""
    graph = contents.graph
    for key, node in graph.nodes.items():
        other = prompt.nodes.get(key)
        if other and other.class_type == node.class_type and is_unnamed(contents, key):
            graph = graph.with_node(replace(node, inputs={**other.inputs, **node.links}))
    return replace(contents, graph=graph)


def _check_wires(graph: Graph) -> None:
    for node in graph.nodes.values():
        for name, link in node.links.items():
            if link.node not in graph.nodes or not 0 <= link.slot < MOST_OUTPUTS:
                raise GraphError(
                    f"{node.label}: {name[:80]} is wired to output {link.slot} of the node "
                    f"{link.node[:80]}, which is not there",
                    "A wire comes from an output of another node of the file",
                    EXPORT,
                )


def api_of(contents: Contents) -> dict[str, object]:
    """Return the JSON in API format: what runs, with what the file said beside it.

    Raises
    ------
    GraphError
        If the names of a node's values are not known.
    """
    graph = contents.to_run()
    entries: dict[str, Any] = graph.to_json()
    for key, node in graph.nodes.items():
        if is_unnamed(contents, key):
            raise GraphError(
                f"{node.label} is not known here, and the file lists its values without names",
                "API format says by name what every value is",
                'Save it in UI format (format="ui"), or export it from ComfyUI',
            )
        entry = dict(contents.kept[key].entry) if key in contents.kept else {}
        meta = {**entry.pop("_meta", {}), **entries[key].get("_meta", {})}
        entries[key] |= entry | ({"_meta": meta} if meta else {})
    return entries


def write_contents(path: str | os.PathLike[str], contents: Contents, format: str) -> None:  # noqa: A002
    """Write a document into a file, whole or not at all.

    Parameters
    ----------
    path : path
        The file.
    contents : Contents
        What the document holds.
    format : {"api", "ui"}
        The format.

    Raises
    ------
    FileError
        If the file cannot be written.
    GraphError
        If it cannot be said in this format.
    ParameterError
        If there is no such format.
    """
    if format not in ("api", "ui"):
        raise ParameterError(
            f"format is {shown(format)}", "It is one of api, ui", "Choose one of these"
        )
    data = page_of(contents) if format == "ui" else api_of(contents)
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    write_whole(make_folder_for(Path(path)), text.encode("utf-8"))
