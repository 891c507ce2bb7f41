"""The node classes, one a spec, and the entry point that hands them to ComfyUI."""

from __future__ import annotations

import time
from typing import Any

from comfy_api.latest import ComfyExtension, io, ui

from ...arrays import Kind
from ...errors import MattingError
from ...framework.frames import count_frames, map_frames
from ...framework.spec import NodeSpec
from ...graph import node_types
from ...graph.wires import collect, frames, node_id
from ...nodes import all_nodes
from ._files import file_node_class
from ._free import listen
from ._job import job_of, show_text
from ._models import install
from ._schema import schema
from ._tensors import as_array, as_tensors


def node_class(spec: NodeSpec[Any]) -> type[io.ComfyNode]:
    """Return the ComfyUI node of a spec."""

    class MattingNode(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return schema(spec)

        @classmethod
        def execute(cls, **given: Any) -> io.NodeOutput:
            began, unique_id = time.perf_counter(), cls.hidden.unique_id
            try:
                inputs = frames(spec, given, as_array)
                results = map_frames(spec, inputs, _settings(spec, given), job_of(unique_id))
                remarks: list[str] = []
                values = as_tensors(collect(spec, results, count_frames(inputs), remarks))
            except MattingError as error:
                # The page keeps the message behind a button, so the node shows it too;
                # where in the code it arose helps no user.
                show_text(unique_id, str(error))
                raise error.with_traceback(None) from None
            texts = [value for value in values if isinstance(value, str)] + remarks
            show_text(unique_id, *texts or [f"{time.perf_counter() - began:.1f} s"])
            return io.NodeOutput(*values, ui=_preview(cls, spec, values))

    MattingNode.__name__ = MattingNode.__qualname__ = node_id(spec)
    return MattingNode


def _settings(spec: NodeSpec[Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that are set; ComfyUI nests a method's own under the choice."""
    settings = {p.name: given.get(p.name) for p in spec.parameters} | given.get("method", {})
    return {name: value for name, value in settings.items() if value is not None}


def _preview(cls: type, spec: NodeSpec[Any], values: list[Any]) -> Any:
    """Return a preview of the first output."""
    show = ui.PreviewImage if spec.outputs[0].kind is Kind.IMAGE else ui.PreviewMask
    return show(values[0], cls=cls)


class MattingExtension(ComfyExtension):
    """Hands over every registered node, and those that load and save."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        specs = all_nodes()
        ids = {node_id(spec) for spec in specs}
        types = [type_ for type_ in node_types().values() if type_.ours and type_.name not in ids]
        return [*map(node_class, specs), *map(file_node_class, types)]


async def comfy_entrypoint() -> MattingExtension:
    """Return the extension; ComfyUI calls this once when it starts."""
    install()
    listen()
    return MattingExtension()
