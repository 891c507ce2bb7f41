"""How much memory networks may take, and how a network gets to its device."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from typing import TYPE_CHECKING, Any, Protocol

from ._devices import torch_device

if TYPE_CHECKING:
    import torch
    from torch.nn import Module

# The rest is for activations, pictures, and other programs.
_SHARE = 0.5


class MemoryBackend(Protocol):
    """What the pool asks of whoever looks after the devices' memory."""

    def device(self, name: str) -> torch.device:
        """Return the device of that name; "auto" is the one to prefer."""

    def budget(self, device: torch.device) -> int:
        """Return how many bytes the networks on a device may take together."""

    def place(self, network: Module, device: torch.device) -> Any:
        """Bring a new network to its device and return what `ready` and `drop` know it by."""

    def ready(self, placed: Any) -> None:
        """See to it that a network is on its device; called before each lease."""

    def drop(self, placed: Any) -> None:
        """Let go of a network that the pool has no more use for."""

    def release(self, device: torch.device) -> None:
        """Give freed memory back to the device and to the system."""

    def relieve(self, device: torch.device) -> bool:
        """Memory ran out: free what can be, and tell whether anything was."""


class TorchMemory:
    """PyTorch's own memory: a network that is there stays where it was put.

    Parameters
    ----------
    budget : int, bytes, optional
        For the networks of each device; half of its memory if not given.
    """

    def __init__(self, budget: int | None = None) -> None:
        self.limit = budget

    def device(self, name: str) -> torch.device:
        """Return the device of that name; auto is the best there is."""
        return torch_device(name)

    def budget(self, device: torch.device) -> int:
        """Return how many bytes the networks on a device may take together."""
        return int(_SHARE * _memory(device)) if self.limit is None else self.limit

    def place(self, network: Module, device: torch.device) -> Module:
        """Move a network to its device."""
        return network.to(device)

    def ready(self, placed: Module) -> None:
        """Nothing moves a network away again."""

    def drop(self, placed: Module) -> None:
        """Nothing else holds on to it."""

    def release(self, device: torch.device) -> None:
        """Empty PyTorch's cache, and give the system back what is free in main memory."""
        import torch

        trim()

        if device.type == "cuda":
            torch.cuda.empty_cache()
        elif device.type == "mps":
            torch.mps.empty_cache()

    def relieve(self, device: torch.device) -> bool:
        """Empty PyTorch's cache; there is nothing else."""
        self.release(device)
        return False


def trim() -> None:
    """Have glibc give freed memory back, which it keeps; other systems do so by themselves."""
    if sys.platform == "linux":
        # musl, for one, does not have it.
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)


def size_of(network: Module) -> int:
    """Return the bytes of a network's parameters and buffers."""
    return sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell an exhausted memory, of any device, from all other failures."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # The CPU's and Apple's allocators have no exception of their own.
    return isinstance(error, RuntimeError) and any(
        text in str(error) for text in ("can't allocate memory", "MPS backend out of memory")
    )


def _memory(device: torch.device) -> int:
    """Return the whole memory of a device, in bytes."""
    import torch

    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 8 << 30
