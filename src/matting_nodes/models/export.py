"""Networks as ONNX, checked against PyTorch: the road to TensorRT and other runtimes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DependencyError, FileError, ParameterError
from ..io.images import replacing
from . import weights as files
from .catalog import Model

if TYPE_CHECKING:
    import torch

TOLERANCE = 1e-3


def export_onnx(
    model: Model, path: Path, *, size: tuple[int, int] = (512, 512), weights: str | Path = ""
) -> float:
    """Write a network and its weights as ONNX and return how far onnxruntime is from PyTorch.

    Parameters
    ----------
    model : Model
        From the catalog.
    path : Path
        An .onnx file; it appears only once it has passed the check.
    size : (int, int), pixels
        Height and width of its input, (1, C, height, width): multiples of 32.
    weights : path
        A file of your own; empty for the published one.

    Returns
    -------
    float
        ‖onnx − torch‖ / ‖torch‖ over all outputs.

    Raises
    ------
    DependencyError
        If onnx, onnxscript or onnxruntime is not installed.
    ParameterError
        If the size is no multiple of 32, or if the network takes prompts beside the picture.
    WeightsError
        If the weights are not available or do not fit.
    FileError
        If the file cannot be written, or its network does not agree with PyTorch.
    """
    _check_extras()
    if model.prompted:
        raise ParameterError(
            f"{model.title} is asked by points and a box",
            "What is exported takes a picture and nothing else",
            "Choose a network without prompts, or use the ONNX files of its publishers",
        )
    if any(side <= 0 or side % 32 for side in size):
        raise ParameterError(
            f"size is {size[0]} × {size[1]}",
            "The networks halve their input up to five times",
            "Choose multiples of 32",
        )
    import torch

    network: Any = model.build()
    files.load_into(network, files.fetch(model, weights), model)
    network.eval()
    example = torch.rand(1, model.channels, *size, generator=torch.Generator().manual_seed(0))
    with replacing(path) as part:
        error = _written(network, example, part)
        if not error <= TOLERANCE:
            raise FileError(
                f"{model.title} as ONNX is off by {error:.2g}",
                f"It must agree with PyTorch to {TOLERANCE:g}; nothing was kept",
                "Try another version of torch or onnxruntime",
            )
    return error


def _check_extras() -> None:
    import importlib.util

    missing = [
        name
        for name in ("onnx", "onnxscript", "onnxruntime")
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise DependencyError(
            f"{' and '.join(missing)} cannot be imported",
            "The export writes with onnxscript and checks with onnxruntime",
            'Run: pip install "matting-nodes[export]"',
        )


def _written(network: Any, example: torch.Tensor, path: Path) -> float:
    """Export in one file and return the relative error of what onnxruntime makes of it."""
    import torch

    with torch.inference_mode():
        expected = _flat(network(example))
    torch.onnx.export(
        network,
        (example,),
        path,
        input_names=["input"],
        output_names=[f"output_{number}" for number in range(len(expected))],
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = session.run(None, {"input": example.numpy()})
    off = sum(float(((a - b.numpy()) ** 2).sum()) for a, b in zip(given, expected, strict=True))
    norm = sum(float((b**2).sum()) for b in expected)
    return float(np.sqrt(off / norm))


def _flat(output: Any) -> list[torch.Tensor]:
    """Return a network's outputs in order, whatever it wraps them in."""
    if isinstance(output, Mapping):
        output = list(output.values())
    if not isinstance(output, list | tuple):
        return [output]
    return [tensor for part in output for tensor in _flat(part)]
