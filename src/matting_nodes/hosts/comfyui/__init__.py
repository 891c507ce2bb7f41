"""ComfyUI's nodes, made from the specs: `comfy_entrypoint` is all that ComfyUI calls."""

from ._nodes import comfy_entrypoint

__all__ = ["comfy_entrypoint"]
