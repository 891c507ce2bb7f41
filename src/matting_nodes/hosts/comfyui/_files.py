"""Load Picture and Save Picture as ComfyUI nodes, over the types that graphs hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io, ui

from ... import sample_data
from ...errors import MattingError
from ...framework.parameters import Parameter
from ...graph import Folders, NodeType
from ...graph.folders import SAMPLE
from ...graph.node_types import Saved
from ...graph.wires import IMAGE, MASK
from ...io.decoding import READABLE
from ...io.stacks import pictures_in
from ._job import job_of, show_text
from ._schema import CATEGORY, widget
from ._tensors import as_array, as_tensors

SOCKETS = {IMAGE: io.Image, MASK: io.Mask}
FILE = "file"
# Pictures that the page itself can show.
SHOWN = (".png", ".jpg")


def file_node_class(type_: NodeType) -> type[io.ComfyNode]:
    """Return the ComfyUI node of a type that loads or saves."""

    class FileNode(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return _schema(type_)

        @classmethod
        def execute(cls, **given: Any) -> io.NodeOutput:
            unique_id = cls.hidden.unique_id
            try:
                saved = _run(type_, given, unique_id)
            except MattingError as error:
                show_text(unique_id, str(error))
                raise error.with_traceback(None) from None
            values = as_tensors(saved.values)
            return io.NodeOutput(*values, ui=_shown(cls, saved.files, values, given))

    if any(parameter.name == FILE for parameter in type_.parameters):
        FileNode.validate_inputs = classmethod(_validate)
        FileNode.fingerprint_inputs = classmethod(_fingerprint)
    FileNode.__name__ = FileNode.__qualname__ = type_.name
    return FileNode


def _schema(type_: NodeType) -> io.Schema:
    sockets = [
        SOCKETS[s.type].Input(s.name, optional=s.optional, tooltip=s.help) for s in type_.sockets
    ]
    return io.Schema(
        node_id=type_.name,
        display_name=type_.title,
        category=CATEGORY,
        description=f"{type_.summary} {type_.help}".strip(),
        search_aliases=list(type_.aliases),
        inputs=sockets + [_widget(parameter) for parameter in type_.parameters],
        outputs=[SOCKETS[o.type].Output(o.name, display_name=o.name) for o in type_.outputs],
        hidden=[io.Hidden.unique_id],
        is_output_node=type_.is_end,
        has_intermediate_output=not type_.is_end,
    )


def _widget(parameter: Parameter) -> io.Input:
    if parameter.name != FILE:
        return widget(parameter)
    return io.Combo.Input(
        FILE, options=_listed(), upload=io.UploadType.image, tooltip=parameter.help
    )


def _listed() -> list[str]:
    """Return what can be loaded: pictures and folders of pictures, then the samples."""
    folder = Path(folder_paths.get_input_directory())
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    listed = [e.name for e in entries if e.suffix.lower() in READABLE or _is_sequence(e)]
    return listed + [name + SAMPLE for name in sample_data.names()]


def _is_sequence(folder: Path) -> bool:
    try:
        return folder.is_dir() and bool(pictures_in(folder))
    except (MattingError, OSError):
        return False


def _run(type_: NodeType, given: Mapping[str, Any], unique_id: str) -> Saved:
    values = {p.name: p.default for p in type_.parameters}
    values |= {name: value for name, value in given.items() if value is not None}
    if type_.check is not None:
        type_.check(values, _folders())
    for socket in type_.sockets:
        if socket.name in values:
            values[socket.name] = as_array(values[socket.name])
    context = {"folders": _folders(), "job": job_of(unique_id)}
    result = type_.function(**values, **{name: context[name] for name in type_.passed})
    return result if isinstance(result, Saved) else Saved(tuple(result))


def _folders() -> Folders:
    return Folders(
        Path(folder_paths.get_input_directory()), Path(folder_paths.get_output_directory())
    )


def _shown(cls: type, files: tuple[Path, ...], values: list[Any], given: Mapping[str, Any]) -> Any:
    """Return what the node shows: the saved files, or a preview of what the page cannot show."""
    if files and files[0].suffix in SHOWN:
        root = Path(folder_paths.get_output_directory())
        return {"images": [_saved(path.relative_to(root)) for path in files]}
    if values:
        # One frame says enough: a preview of each would be written to disk.
        return ui.PreviewImage(values[0][:1], cls=cls)
    if given.get("image") is None:
        return ui.PreviewMask(given["alpha"], cls=cls)
    return ui.PreviewImage(given["image"], cls=cls)


def _saved(path: Path) -> dict[str, str]:
    subfolder = "" if path.parent == Path() else path.parent.as_posix()
    return {"filename": path.name, "subfolder": subfolder, "type": "output"}


def _validate(cls: type, file: str) -> bool | str:
    """Return True, or why the file cannot be loaded."""
    try:
        _folders().find(file)
    except MattingError as error:
        return str(error)
    return True


def _fingerprint(cls: type, file: str, **settings: Any) -> list[Any]:
    """Return what changes when a file, or one of a folder, does."""
    path = _folders().find(file)
    paths = pictures_in(path) if path.is_dir() else [path]
    return [[str(p), p.stat().st_mtime_ns, p.stat().st_size] for p in paths]
