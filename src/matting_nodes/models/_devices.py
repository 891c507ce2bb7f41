from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ParameterError

if TYPE_CHECKING:
    import torch


def available_devices() -> list[str]:
    """Return the torch devices of this machine, best first; the CPU is always there."""
    import torch

    devices = []
    if torch.cuda.is_available():
        devices += [f"cuda ({torch.cuda.get_device_name()})"]
    if torch.backends.mps.is_available():
        devices += ["mps"]
    return [*devices, f"cpu ({torch.get_num_threads()} threads)"]


def torch_device(name: str) -> torch.device:
    """Return the device of that name; auto is the best there is.

    Raises
    ------
    ParameterError
        If this machine does not have it.
    """
    import torch

    there = [device.split()[0] for device in available_devices()]
    if name == "auto":
        name = there[0]
    if name not in there:
        raise ParameterError(
            f"device is {name}",
            f"This machine has {', '.join(there)}",
            "Choose auto or one of these",
        )
    return torch.device(name)


def numbered(device: str | torch.device) -> torch.device:
    """Return a device as the tensors on it tell it: `cuda` is `cuda:0`, or the one in use."""
    import torch

    return torch.empty(0, device=device).device
