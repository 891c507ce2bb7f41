from __future__ import annotations


def available_devices() -> list[str]:
    """Return the torch devices of this machine, best first; the CPU is always there."""
    import torch

    devices = []
    if torch.cuda.is_available():
        devices += [f"cuda ({torch.cuda.get_device_name()})"]
    if torch.backends.mps.is_available():
        devices += ["mps"]
    return [*devices, f"cpu ({torch.get_num_threads()} threads)"]
