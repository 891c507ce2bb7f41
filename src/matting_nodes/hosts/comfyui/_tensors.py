"""ComfyUI's tensors as frames, and frames as tensors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import comfy.model_management
import numpy as np
import torch

from ...arrays import UNKNOWN, Kind
from ...errors import MissingInputError, ParameterError
from ...frames import Frames
from ...running import Result
from ...spec import Input, NodeSpec


class TensorFrames:
    """The frames of an IMAGE (B, H, W, C) or MASK (B, H, W) tensor, read one at a time."""

    def __init__(self, tensor: torch.Tensor, kind: Kind) -> None:
        # Core nodes hand over single masks without a batch axis too.
        axes = 4 if kind is Kind.IMAGE else 3
        self.tensor = tensor if tensor.ndim == axes else tensor[None]
        self.kind = kind

    def __len__(self) -> int:
        return len(self.tensor)

    def __getitem__(self, index: int) -> np.ndarray:
        # Samplers leave values a little outside 0..1.
        values = self.tensor[index].float().clamp(0, 1).cpu().numpy()
        return np.round(values * 255).astype(np.int32) if self.kind is Kind.LABELS else values


def frames(spec: NodeSpec[Any], given: Mapping[str, Any]) -> dict[str, Frames | None]:
    """Return a node's wired inputs as frames."""
    tensors = {wire: given.get(wire.name) for wire in spec.inputs}
    sizes = [t.shape[1:3] for w, t in tensors.items() if w.kind is Kind.IMAGE and t is not None]
    return {wire.name: _frames(wire, value, sizes) for wire, value in tensors.items()}


def _frames(wire: Input, value: Any, sizes: list[Any]) -> Frames | None:
    if value is None:
        return None
    if wire.kind is not Kind.IMAGE and _is_placeholder(value, sizes):
        if wire.group:
            return None
        raise MissingInputError(
            f"The {wire.name} is the empty one of 64 × 64 pixels that Load Image gives",
            "It stands for a picture without transparency and holds nothing",
            f"Wire a {wire.kind.value} made by another node, or load a picture with transparency",
        )
    if wire.kind is Kind.POINTS:
        return [_points(value)] if value.strip() else None
    if wire.kind is Kind.BOX:
        return [_box(box) for box in _boxes(value)]
    return TensorFrames(value, wire.kind)


def _is_placeholder(value: Any, sizes: list[Any]) -> bool:
    """Tell the 64 × 64 zeros that Load Image gives for a picture without transparency."""
    return (
        isinstance(value, torch.Tensor)
        and tuple(value.shape) == (1, 64, 64)
        and (64, 64) not in [tuple(size) for size in sizes]
        and not value.any()
    )


def _points(text: str) -> list[tuple[float, float]]:
    try:
        return [(point["x"], point["y"]) for point in json.loads(text)]
    except (ValueError, TypeError, KeyError) as error:
        raise ParameterError(
            f"The points are {text[:60]!r}",
            'They must be a JSON text such as [{"x": 10, "y": 20}]',
            "Wire a points editor, or write them so",
        ) from error


def _boxes(value: Any) -> list[Mapping[str, float]]:
    """Return one box a frame, whether one box, a list, or a list of lists was wired."""
    if isinstance(value, Mapping):
        return [value]
    return [entry if isinstance(entry, Mapping) else entry[0] for entry in value]


def _box(box: Mapping[str, float]) -> tuple[float, float, float, float]:
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


def collect(spec: NodeSpec[Any], results: Iterable[Result], count: int) -> list[Any]:
    """Return the node's outputs: batches on ComfyUI's device, tables as texts."""
    gathered: dict[str, Any] = {}
    for index, result in enumerate(results):
        for output in spec.outputs:
            value = result.values[output.name]
            if output.kind is Kind.TABLE:
                gathered.setdefault(output.name, []).append(_text(value))
                continue
            frame = torch.from_numpy(np.ascontiguousarray(_floats(value, output.kind)))
            if output.name not in gathered:
                gathered[output.name] = torch.empty(
                    (count, *frame.shape),
                    dtype=comfy.model_management.intermediate_dtype(),
                    device=comfy.model_management.intermediate_device(),
                )
            gathered[output.name][index] = frame
    return ["\n\n".join(v) if isinstance(v, list) else v for v in gathered.values()]


def _floats(value: np.ndarray, kind: Kind) -> np.ndarray:
    if kind is Kind.TRIMAP:
        return np.where(value == UNKNOWN, np.float32(0.5), value / np.float32(255))
    if kind is Kind.IMAGE and value.shape[2] == 1:
        return np.broadcast_to(value, (*value.shape[:2], 3))
    return value


def _text(table: Mapping[str, float]) -> str:
    return "\n".join(f"{name} {number:.6g}" for name, number in table.items())
