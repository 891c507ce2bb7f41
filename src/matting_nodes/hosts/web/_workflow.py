from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...framework.run import complete_parameters
from ...framework.spec import NODES
from ...graph.wires import id_of, node_id, stored_parameters

PROMPTS = (
    "box",
    "foreground_points",
    "background_points",
    "foreground_scribbles",
    "background_scribbles",
)


def workflow(
    parameters: Mapping[str, Mapping[str, Any]],
    image: str,
    background: str = "",
    marks: str = "",
    strokes: str = "",
    empty: bool = False,
) -> dict[str, Any]:
    """Return the page's work as a workflow in ComfyUI's API format.

    Parameters
    ----------
    parameters : mapping
        By node; defaults are filled in.
    image, background : str
        Names of the pictures' files; no background if empty.
    marks, strokes : str
        What was drawn on the picture and on the trimap, as the nodes keep it.
    empty : bool
        Whether the trimap was painted without a mask, on one that is unknown throughout.
    """
    graph: dict[str, Any] = {}

    def add(kind: str, title: str = "", **inputs: Any) -> str:
        key = str(len(graph) + 1)
        graph[key] = {"class_type": kind, "inputs": inputs}
        if title:
            graph[key]["_meta"] = {"title": title}
        return key

    def node(name: str, **inputs: Any) -> str:
        spec = NODES[name]
        values = complete_parameters(spec, parameters.get(name, {}))
        return add(node_id(spec), **inputs, **stored_parameters(spec, values))

    load = id_of("Load Picture")
    photo = [add(load, "Picture", image=image), 0]
    edit = id_of("Edit Trimap")
    if empty:
        trimap = [add(edit, image=photo, strokes=strokes), 0]
    else:
        trimap = [node("make_trimap", mask=[_segment(add, node, photo, marks), 0], image=photo), 0]
        if strokes:
            trimap = [add(edit, image=photo, trimap=trimap, strokes=strokes), 0]
    alpha = [node("alpha_matte", image=photo, trimap=trimap), 0]
    foreground = [node("estimate_foreground", image=photo, alpha=alpha, trimap=trimap), 0]
    behind = {"background": [add(load, "Background", image=background), 0]} if background else {}
    made = [node("composite", image=photo, alpha=alpha, foreground=foreground, **behind), 0]
    save = id_of("Save Picture")
    add(save, "Save the composite", image=made, filename_prefix="composite")
    add(save, "Save the cutout", image=foreground, alpha=alpha, filename_prefix="cutout")
    add(save, "Save the alpha", alpha=alpha, filename_prefix="alpha")
    return graph


def _segment(
    add: Callable[..., str], node: Callable[..., str], photo: list[Any], marks: str
) -> str:
    """Add Segment, with what marks its object, and return its key."""
    prompts = {}
    if marks:
        marked = add(id_of("Mark Object"), image=photo, marks=marks)
        prompts = {name: [marked, index] for index, name in enumerate(PROMPTS)}
    return node("segment", image=photo, **prompts)
