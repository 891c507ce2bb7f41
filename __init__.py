"""ComfyUI's door: this folder, dropped into `custom_nodes`, is a node package."""

import sys
from pathlib import Path

# ComfyUI imports this folder under its path; the core must have one name everywhere,
# and be the one that lies here.
sys.path.insert(0, str(Path(__file__).parent / "src"))

from matting_nodes.hosts.comfyui import comfy_entrypoint

WEB_DIRECTORY = "./src/matting_nodes/hosts/comfyui/web"

__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
