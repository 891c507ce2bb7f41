"""What the file of a workflow may hold: its structure, types and sizes, checked before it is used.

API format is {id: {"class_type": …, "inputs": {name: value}, "_meta": {"title": …}}}. A value is a
number, a text, true, false or null; a link, [id, number of an output]; or a list or an object of
these, which only nodes that are not ours take.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import FileError, GraphError, shown

LARGEST_FILE = 64 * 2**20
"""Bytes; the values of such a file take up to twenty times as much memory."""
MOST_NODES = 200_000
DEEPEST = 32
"""Lists and objects within each other in one node."""

EXPORT = "In ComfyUI choose Workflow > Export (API)"
# A file name ends at NUL, and no encoding has lone surrogates.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def parsed(text: str | bytes) -> Any:
    """Return what a JSON text holds.

    Raises
    ------
    ValueError
        If it is no JSON, or nested too deep.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("lists are nested too deep") from error


def read_text(path: Path) -> str:
    """Return the JSON of a workflow from a file, or from a PNG that a workflow saved.

    Raises
    ------
    FileError
        If it is too large.
    Exception
        The reader's own, if it cannot be read.
    """
    if path.suffix == ".png":
        from PIL import Image

        with Image.open(path) as picture:
            return str(picture.info["prompt"])
    return read_bytes(path).decode("utf-8")


def read_bytes(path: Path) -> bytes:
    """Return what the file of a workflow holds.

    Raises
    ------
    FileError
        If it is too large.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise FileError(
            f"{path} holds more than {LARGEST_FILE} bytes",
            "A workflow is no larger: pictures are files of their own",
            "Check that it is the file that is meant",
        )
    return data


def checked(data: object) -> Mapping[str, Mapping[str, Any]]:
    """Return the entries of a document by id, if each of them is one of a node.

    Parameters
    ----------
    data : any
        JSON as Python has it, of any origin.

    Returns
    -------
    mapping of str to mapping
        Each with "class_type" (str), "inputs" (mapping) and "title" (str).

    Raises
    ------
    GraphError
        If it is in UI format, or something is not of the type, size or depth that it must be.
    """
    if isinstance(data, dict) and isinstance(data.get("nodes"), list):
        raise GraphError(
            "The workflow is in UI format, which holds the page's layout",
            "Only the API format says by name what every input is",
            "Open it in ComfyUI and choose Workflow > Export (API)",
        )
    if isinstance(data, dict) and isinstance(data.get("prompt"), dict):
        data = data["prompt"]  # as it is sent to a server
    if not isinstance(data, dict) or not data:
        raise GraphError(
            "The workflow holds no nodes",
            'API format is {"1": {"class_type": …, "inputs": {…}}, …}',
            EXPORT,
        )
    if len(data) > MOST_NODES:
        raise GraphError(
            f"The workflow holds {len(data)} nodes", f"It has at most {MOST_NODES}", EXPORT
        )
    return {str(key): _entry(str(key), entry) for key, entry in data.items()}


def _entry(key: str, entry: object) -> Mapping[str, Any]:
    if reason := no_value({key: entry}):
        raise GraphError(
            f"The entry {key[:80]} of the workflow holds {reason}",
            f"Its values are plain texts and numbers, and lists at most {DEEPEST} deep",
            EXPORT,
        )
    # Hand-written files leave out inputs, or write null.
    node = entry if isinstance(entry, dict) else {}
    class_type, inputs, meta = (
        node.get("class_type"),
        *(node.get(n) or {} for n in ("inputs", "_meta")),
    )
    title = (meta.get("title") or "") if isinstance(meta, dict) else None
    if not (isinstance(class_type, str) and isinstance(inputs, dict) and isinstance(title, str)):
        raise GraphError(
            f"The entry {key[:80]} of the workflow is {shown(entry)}",
            'Every node is {"class_type": "…", "inputs": {…}, "_meta": {"title": "…"}}',
            EXPORT,
        )
    return {"class_type": class_type, "inputs": inputs, "title": title}


def no_value(data: object) -> str:
    """Return what makes a value none of a workflow; empty if it is one.

    Parameters
    ----------
    data : any
        JSON as Python has it, of any origin.
    """
    # By hand, not by a function that calls itself: it may be nested as deep as it likes.
    waiting = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            if _NO_TEXT.search(value):
                return f"the text {shown(value)}, with a NUL or half a character"
        elif isinstance(value, dict | list):
            if depth > DEEPEST:
                return "lists within lists"
            parts = [*value, *value.values()] if isinstance(value, dict) else value
            waiting += [(part, depth + 1) for part in parts]
        elif not (value is None or isinstance(value, bool | int | float)):
            return shown(value)
    return ""
