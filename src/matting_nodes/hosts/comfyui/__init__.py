"""ComfyUI's nodes, made from the specs: `comfy_entrypoint` is all that ComfyUI calls."""

from ._nodes import comfy_entrypoint, node_id

__all__ = ["comfy_entrypoint", "node_id"]
