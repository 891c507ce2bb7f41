"""The node classes, one a spec, and the entry point that hands them to ComfyUI."""

from __future__ import annotations

import time
from typing import Any

from comfy_api.latest import ComfyExtension, io, ui
from server import PromptServer

from ...arrays import Kind
from ...errors import MattingError, ParameterError
from ...framework.frames import count_frames, map_frames
from ...framework.spec import NodeSpec
from ...framework.words import COMFYUI, error_in
from ...graph import file_types
from ...graph.wires import collect, frames, node_id
from ...nodes import all_nodes
from ._editing import serve
from ._files import file_node_class, rename_inputs
from ._free import listen
from ._job import job_of, show_text
from ._models import install
from ._samples import show_samples
from ._schema import schema
from ._tensors import as_array, as_tensors

# ComfyUI's own nodes that take colors without their opacity.
WITHOUT_ALPHA = {"CreateVideo"}


def node_class(spec: NodeSpec) -> type[io.ComfyNode]:
    """Return the ComfyUI node of a spec."""

    class MattingNode(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return schema(spec)

        @classmethod
        def validate_inputs(cls, method: Any = None) -> bool | str:
            # ComfyUI itself drops a choice that it does not know, and would run the default.
            try:
                spec.chosen(_choice(spec, method))
            except MattingError as error:
                return str(error_in(error, COMFYUI))
            return True

        @classmethod
        def execute(cls, **given: Any) -> io.NodeOutput:
            began, unique_id = time.perf_counter(), cls.hidden.unique_id
            try:
                remarks: list[str] = []
                inputs = frames(spec, given, as_array, remarks)
                results = map_frames(spec, inputs, _settings(spec, given), job_of(unique_id))
                values = as_tensors(collect(spec, results, count_frames(inputs), remarks))
            except MattingError as error:
                # The page keeps the message behind a button, so the node shows it too;
                # where in the code it arose helps no user.
                told = error_in(error, COMFYUI)
                show_text(unique_id, str(told))
                raise told from None
            remarks += _lost(values, unique_id, cls.hidden.prompt)
            tables = [value for value in values if isinstance(value, str)]
            show_text(unique_id, "\n".join(remarks) or f"{time.perf_counter() - began:.1f} s")
            return io.NodeOutput(*values, ui=_shown(cls, spec, values, tables + remarks))

    MattingNode.__name__ = MattingNode.__qualname__ = node_id(spec)
    return MattingNode


def _settings(spec: NodeSpec, given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that are set; ComfyUI nests a method's own under the choice."""
    parameters = {p.name: given.get(p.name) for p in spec.parameters}
    if spec.default_method:
        method = given.get("method")
        parameters |= method if isinstance(method, dict) else {"method": _choice(spec, method)}
    return {name: value for name, value in parameters.items() if value is not None}


def _choice(spec: NodeSpec, method: Any) -> str:
    """Return the name of the method: ComfyUI gives a choice with what stands under it, or alone.

    Raises
    ------
    ParameterError
        If none is named.
    """
    name = method.get("method") if isinstance(method, dict) else method
    if spec.default_method and not isinstance(name, str):
        raise ParameterError(
            "method is missing" if name is None else f"method of {spec.title} is {name!r}",
            f"It is one of {', '.join(spec.methods)}",
            "Choose one of these",
        )
    return name or ""


def _lost(values: list[Any], unique_id: str, prompt: Any) -> list[str]:
    """Return a remark if a transparent picture goes to a node that leaves transparency out."""
    if not any(getattr(value, "ndim", 0) == 4 and value.shape[3] == 4 for value in values):
        return []
    takers = [node for node in prompt.values() if [unique_id, 0] in node["inputs"].values()]
    if not any(node["class_type"] in WITHOUT_ALPHA for node in takers):
        return []
    return ["Create Video leaves transparency out: choose a color, or Save WEBM with vp9"]


def _shown(cls: type, spec: NodeSpec, values: list[Any], texts: list[str]) -> dict[str, Any]:
    """Return what the node shows, in the history too: the first output, and texts."""
    show = ui.PreviewImage if spec.outputs[0].kind is Kind.IMAGE else ui.PreviewMask
    # One frame says enough: a preview of each would be written to disk.
    return {**show(values[0][:1], cls=cls).as_dict(), "text": tuple(texts)}


class MattingExtension(ComfyExtension):
    """Hands over every registered node, and those that load and save."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [*map(node_class, all_nodes()), *map(file_node_class, file_types())]


async def comfy_entrypoint() -> MattingExtension:
    """Return the extension; ComfyUI calls this once when it starts."""
    install()
    listen()
    serve()
    show_samples()
    PromptServer.instance.add_on_prompt_handler(rename_inputs)
    return MattingExtension()
