"""ComfyUI's tensors as arrays, and arrays as tensors on its device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import comfy.model_management
import numpy as np
import torch


def as_array(tensor: torch.Tensor) -> np.ndarray:
    """Return a tensor as a float32 array in main memory."""
    return tensor.float().cpu().numpy()


def as_tensors(values: Iterable[Any]) -> list[Any]:
    """Return batches as tensors of the type and on the device that ComfyUI wants; texts stay."""
    return [_tensor(value) if isinstance(value, np.ndarray) else value for value in values]


def _tensor(batch: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(batch).to(
        device=comfy.model_management.intermediate_device(),
        dtype=comfy.model_management.intermediate_dtype(),
    )
