"""Our nodes beside the matting ones as ComfyUI nodes, over the types that graphs hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import folder_paths
from comfy.cli_args import args
from comfy_api.latest import InputImpl, io, ui

from ... import sample_data
from ...errors import MattingError
from ...framework.parameters import Parameter
from ...framework.words import COMFYUI, error_in, reworded
from ...graph import Folders, NodeType, node_types
from ...graph.folders import SAMPLE
from ...graph.node_types import Saved
from ...graph.types.mark_object import picture_of_marks
from ...graph.types.videos import Clip
from ...graph.wires import BOUNDING_BOX, IMAGE, MASK, STRING, VIDEO, id_of
from ...io.decoding import READABLE
from ...io.stacks import pictures_in
from ._editing import EDITS
from ._job import job_of, show_text
from ._schema import CATEGORY, widget
from ._tensors import as_array, as_tensors

SOCKETS = {
    IMAGE: io.Image,
    MASK: io.Mask,
    BOUNDING_BOX: io.BoundingBox,
    STRING: io.String,
    VIDEO: io.Video,
}
FILE = "image"
MARKER = id_of("Mark Object")
# Nodes that the page's editors work on.
EDITED = (id_of("Edit Trimap"), MARKER)
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
                saved = _run(type_, given, unique_id, _embedded(cls.hidden))
            except MattingError as error:
                told = error_in(error, COMFYUI)
                show_text(unique_id, str(told))
                raise told from None
            if any(isinstance(value, Clip) for value in saved.values):
                return _clips(saved.values)
            values = as_tensors(saved.values)
            if type_.name in EDITED:
                trimap = given.get("trimap")
                EDITS.remember(
                    unique_id,
                    as_array(given["image"]),
                    None if trimap is None else as_array(trimap),
                )
            if type_.name == MARKER:
                marked = picture_of_marks(as_array(given["image"][0]), given.get("marks") or "")
                seen = as_tensors([marked[None]])
            else:
                seen = values
            return io.NodeOutput(*values, ui=_shown(cls, saved.files, seen, given))

    if any(parameter.name == FILE for parameter in type_.parameters):
        FileNode.validate_inputs = classmethod(_validate)
        FileNode.fingerprint_inputs = classmethod(_fingerprint)
    FileNode.__name__ = FileNode.__qualname__ = type_.name
    return FileNode


def _schema(type_: NodeType) -> io.Schema:
    sockets = [
        SOCKETS[s.kind].Input(s.name, optional=s.optional, tooltip=reworded(s.help, COMFYUI))
        for s in type_.inputs
    ]
    return io.Schema(
        node_id=type_.name,
        display_name=type_.title,
        category=CATEGORY,
        description=reworded(f"{type_.summary} {type_.help}".strip(), COMFYUI),
        search_aliases=list(type_.aliases),
        inputs=sockets + [_widget(parameter) for parameter in type_.parameters],
        outputs=[SOCKETS[o.kind].Output(o.name, display_name=o.name) for o in type_.outputs],
        hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
        is_output_node=type_.is_end,
        has_intermediate_output=not type_.is_end,
    )


def _widget(parameter: Parameter) -> io.Input:
    if parameter.name != FILE:
        return widget(parameter)
    return io.Combo.Input(
        FILE,
        options=_listed(),
        default=parameter.default,
        upload=io.UploadType.image,
        tooltip=reworded(parameter.help, COMFYUI),
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


def _embedded(hidden: Any) -> dict[str, Any]:
    """Return what saved files hold of their making, unless ComfyUI was started without."""
    if args.disable_metadata:
        return {}
    return {"prompt": hidden.prompt, **(hidden.extra_pnginfo or {})}


def _run(
    type_: NodeType, given: Mapping[str, Any], unique_id: str, embedded: Mapping[str, Any]
) -> Saved:
    values: dict[str, Any] = {p.name: p.default for p in type_.parameters}
    values |= {name: value for name, value in given.items() if value is not None}
    if type_.check is not None:
        type_.check(values, _folders())
    for socket in type_.inputs:
        if socket.name in values:
            read = _clip if socket.kind == VIDEO else as_array
            values[socket.name] = read(values[socket.name])
    context = {"folders": _folders(), "job": job_of(unique_id), "embedded": embedded}
    return type_.run(values, context)


def _folders() -> Folders:
    return Folders(
        Path(folder_paths.get_input_directory()),
        Path(folder_paths.get_output_directory()),
        temporary=Path(folder_paths.get_temp_directory()),
    )


def _clip(video: Any) -> Clip:
    """Return where a clip of ComfyUI's lies, and which part of it is meant."""
    start, duration = video.get_active_trim_window()
    return Clip(video.get_stream_source(), start, duration)


def _clips(clips: tuple[Any, ...]) -> io.NodeOutput:
    """Return clips that lie in ComfyUI's folder of temporary files, and show the first."""
    shown = Path(clips[0].source).name
    preview = ui.PreviewVideo([ui.SavedResult(shown, "", io.FolderType.temp)])
    return io.NodeOutput(*(InputImpl.VideoFromFile(clip.source) for clip in clips), ui=preview)


def _shown(cls: type, files: tuple[Path, ...], values: list[Any], given: Mapping[str, Any]) -> Any:
    """Return what the node shows: the saved files, or a preview of what the page cannot show."""
    if files and files[0].suffix in SHOWN:
        root = Path(folder_paths.get_output_directory())
        return {"images": [_saved(path.relative_to(root)) for path in files]}
    if values:
        # One frame says enough: a preview of each would be written to disk.
        show = ui.PreviewImage if values[0].ndim == 4 else ui.PreviewMask
        return show(values[0][:1], cls=cls)
    if given.get("image") is None:
        return ui.PreviewMask(given["alpha"], cls=cls)
    return ui.PreviewImage(given["image"], cls=cls)


def _saved(path: Path) -> dict[str, str]:
    subfolder = "" if path.parent == Path() else path.parent.as_posix()
    return {"filename": path.name, "subfolder": subfolder, "type": "output"}


def _validate(cls: type, /, image: str) -> bool | str:
    """Return True, or why the picture cannot be loaded."""
    try:
        _folders().find(image)
    except MattingError as error:
        return str(error_in(error, COMFYUI))
    return True


def _fingerprint(cls: type, /, image: str, **more: object) -> list[object]:
    """Return what changes when a file, or one of a folder, does."""
    path = _folders().find(image)
    paths = pictures_in(path) if path.is_dir() else [path]
    return [[str(p), p.stat().st_mtime_ns, p.stat().st_size] for p in paths]


def rename_inputs(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request to run a workflow with the names of today; ComfyUI asks before it checks."""
    types = node_types()
    nodes = request.get("prompt")
    for node in nodes.values() if isinstance(nodes, dict) else ():
        type_ = types.get(str(node.get("class_type"))) if isinstance(node, dict) else None
        if type_ and type_.renamed and isinstance(node.get("inputs"), dict):
            node["inputs"] = type_.current(node["inputs"])
    return request
