"""Networks under ComfyUI's memory manager, their files in its model folders."""

from __future__ import annotations

import functools
import weakref
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.model_patcher
import folder_paths
import torch
from torch.nn import Module

from ...models import torch_device
from ...models._folder import add_search_folders
from ...models._memory import trim
from ...models.pool import POOL

FOLDER = "matting"
_SUFFIXES = {".pth", ".pt", ".tar", ".bin", ".safetensors"}
# ComfyUI frees as much as it is asked for; this asks for all.
_EVERYTHING = 1e30


class ComfyMemory:
    """Hands every network to ComfyUI, which loads it, and unloads it when others need memory."""

    def __init__(self) -> None:
        self.patchers: weakref.WeakSet[Any] = weakref.WeakSet()

    def device(self, name: str) -> torch.device:
        """Return the device of that name; auto is the one ComfyUI computes on."""
        preferred = comfy.model_management.get_torch_device()
        # ComfyUI numbers its devices: "cuda" is to be the same one.
        return preferred if name in ("auto", preferred.type) else torch_device(name)

    def budget(self, device: torch.device) -> int:
        """Return no limit: ComfyUI makes room by moving networks away, not by dropping them."""
        return 1 << 62

    def place(self, network: Module, device: torch.device) -> Any:
        """Wrap the network for ComfyUI; it is brought to the device by `ready`.

        Parameters
        ----------
        network : Module
            In main memory.
        device : torch.device
            Where it is to compute.
        """
        # Since February 2026 ComfyUI loads in parts through this one, where it can.
        patcher_type = getattr(
            comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher
        )
        patcher = patcher_type(
            network,
            load_device=device,
            offload_device=comfy.model_management.unet_offload_device(),
        )
        self.patchers.add(patcher)
        return patcher

    def ready(self, placed: Any) -> None:
        """Let ComfyUI load the network, unless it still is."""
        comfy.model_management.load_models_gpu([placed], force_full_load=True)

    def drop(self, placed: Any) -> None:
        """Take the network off its device; ComfyUI forgets it with the last reference."""
        self.patchers.discard(placed)
        loaded = comfy.model_management.current_loaded_models
        for entry in [entry for entry in loaded if entry.model is placed]:
            entry.model_unload()
            loaded.remove(entry)

    def release(self, device: torch.device) -> None:
        """Empty the cache, and give the system back what is free in main memory."""
        trim()
        comfy.model_management.soft_empty_cache()

    def on_device(self) -> list[Any]:
        """Return ComfyUI's entries of those of our networks that it has loaded."""
        loaded = comfy.model_management.current_loaded_models
        return [entry for entry in loaded if entry.model in self.patchers]

    def relieve(self, device: torch.device) -> bool:
        """Unload every model but ours, which by now are on lease."""
        gone = comfy.model_management.free_memory(_EVERYTHING, device, keep_loaded=self.on_device())
        comfy.model_management.soft_empty_cache()
        return bool(gone)


@functools.cache
def install() -> None:
    """Put the pool under ComfyUI's memory manager, and weights into its `models/matting`."""
    POOL.backend = ComfyMemory()
    folder_paths.add_model_folder_path(FOLDER, str(Path(folder_paths.models_dir) / FOLDER))
    # A key that is new begins with no suffixes, which would list every file.
    folder_paths.folder_names_and_paths[FOLDER][1].update(_SUFFIXES)
    add_search_folders(lambda: [Path(path) for path in folder_paths.get_folder_paths(FOLDER)])
