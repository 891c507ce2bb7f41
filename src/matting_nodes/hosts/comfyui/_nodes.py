"""The node classes, one a spec, and the entry point that hands them to ComfyUI."""

from __future__ import annotations

import time
from typing import Any

import comfy.model_management
import comfy.utils
from comfy_api.latest import ComfyExtension, io, ui
from server import PromptServer

from ...arrays import Kind
from ...errors import MattingError
from ...frames import count_frames, map_frames
from ...job import Job
from ...nodes import all_nodes
from ...spec import NodeSpec
from ._models import install
from ._schema import node_id, schema
from ._tensors import collect, frames


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
                inputs = frames(spec, given)
                results = map_frames(spec, inputs, _settings(spec, given), _job(unique_id))
                values = collect(spec, results, count_frames(inputs))
            except MattingError as error:
                # The page keeps the message behind a button, so the node shows it too;
                # where in the code it arose helps no user.
                _show_text(unique_id, str(error))
                raise error.with_traceback(None) from None
            texts = [value for value in values if isinstance(value, str)]
            _show_text(unique_id, *texts or [f"{time.perf_counter() - began:.1f} s"])
            return io.NodeOutput(*values, ui=_preview(cls, spec, values))

    MattingNode.__name__ = MattingNode.__qualname__ = node_id(spec)
    return MattingNode


def _settings(spec: NodeSpec[Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that are set; ComfyUI nests a method's own under the choice."""
    settings = {p.name: given.get(p.name) for p in spec.parameters} | given.get("method", {})
    return {name: value for name, value in settings.items() if value is not None}


def _job(unique_id: str) -> Job:
    bar = comfy.utils.ProgressBar(1000, unique_id)
    shown = ""

    def report(fraction: float, message: str) -> None:
        nonlocal shown
        bar.update_absolute(round(1000 * fraction))
        if message != shown:
            _show_text(unique_id, message)
            shown = message

    def interrupted() -> bool:
        # Raises ComfyUI's own exception, which unwinds to the executor.
        comfy.model_management.throw_exception_if_processing_interrupted()
        return False

    return Job(report, interrupted)


def _show_text(unique_id: str, text: str) -> None:
    """Show a text on the node."""
    PromptServer.instance.send_progress_text(text, unique_id)


def _preview(cls: type, spec: NodeSpec[Any], values: list[Any]) -> Any:
    """Return a preview of the first output."""
    show = ui.PreviewImage if spec.outputs[0].kind is Kind.IMAGE else ui.PreviewMask
    return show(values[0], cls=cls)


class MattingExtension(ComfyExtension):
    """Hands over every registered node."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [node_class(spec) for spec in all_nodes()]


async def comfy_entrypoint() -> MattingExtension:
    """Return the extension; ComfyUI calls this once when it starts."""
    install()
    return MattingExtension()
