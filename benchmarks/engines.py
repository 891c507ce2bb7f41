"""Networks on other engines and in other precisions, on the CPU: time, and how far alpha is off.

`python benchmarks/engines.py [--networks gca …] [--side 768]`

Each network runs whole over the bundled lemur, in one pass, with random weights: seconds, of all
cores together, are the least of two runs after a first one; errors are mean and maximum of the
difference of alpha from PyTorch in float32, as it runs in a node. int8 is onnxruntime's, calibrated
on the very picture. OpenVINO is measured if it is installed.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from networks import NETWORKS, planes, scene

from matting_nodes.models import catalog
from matting_nodes.models._fusion import fuse_norms

Run = Callable[[], Any]


def alpha_of(answer: Any) -> np.ndarray:
    """Return the first plane of a network's last answer."""
    answer = getattr(answer, "alphas", answer)
    answer = answer[-1] if isinstance(answer, tuple | list) else answer
    return np.asarray(answer, np.float32)[0, 0]


def torch_ways(network: Any, fused: Any, x: torch.Tensor) -> Iterator[tuple[str, Run]]:
    """Yield PyTorch's ways to run a network; the first is that of a node."""
    nhwc = x.to(memory_format=torch.channels_last)
    yield "float32, fused, channels last", lambda: fused(nhwc)
    yield "norms not fused", lambda: network(nhwc)
    plain = copy.deepcopy(fused).to(memory_format=torch.contiguous_format)
    yield "channels first", lambda: plain(x)

    def halves() -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answer = alpha_of_tensor(fused(nhwc))
        return answer.float()

    yield "bf16 (autocast)", halves


def alpha_of_tensor(answer: Any) -> torch.Tensor:
    """Return a network's last answer."""
    answer = getattr(answer, "alphas", answer)
    tensor: torch.Tensor = answer[-1] if isinstance(answer, tuple | list) else answer
    return tensor


def exported(fused: Any, x: torch.Tensor, folder: Path) -> Path:
    """Return the network as ONNX with its last answer alone."""

    class Last(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = fused

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return alpha_of_tensor(self.network(x))

    path = folder / "network.onnx"
    names = {"input_names": ["input"], "output_names": ["alpha"]}
    torch.onnx.export(
        Last().eval(), (x,), path, **names, dynamo=True, external_data=False, verbose=False
    )
    return path


def onnx_way(path: Path, x: np.ndarray) -> Run:
    """Return a run of onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"input": x})[0]


def in_int8(path: Path, x: np.ndarray) -> Path:
    """Return the network with convolutions and products in int8, by onnxruntime."""
    from onnxruntime import quantization

    class Once(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.left = [{"input": x}]

        def get_next(self) -> Any:
            return self.left.pop() if self.left else None

    result = path.with_name("int8.onnx")
    kinds = ["Conv", "MatMul", "Gemm"]
    quantization.quantize_static(path, result, Once(), op_types_to_quantize=kinds, per_channel=True)
    return result


def openvino_way(path: Path, x: np.ndarray, precision: str) -> Run:
    """Return a run of OpenVINO."""
    import openvino

    hint = {"INFERENCE_PRECISION_HINT": precision}
    model = openvino.Core().compile_model(str(path), "CPU", hint)
    return lambda: model({"input": x})[0]


def seconds_of(run: Run) -> tuple[float, np.ndarray]:
    """Return the least time of two runs after a first one, and the alpha."""
    times = []
    with torch.inference_mode():
        for _ in range(3):
            began = time.process_time()
            answer = run()
            times.append(time.process_time() - began)
    return min(times[1:]), alpha_of(answer)


def ways(network: Any, x: torch.Tensor, folder: Path) -> Iterator[tuple[str, Callable[[], Run]]]:
    """Yield every way to run a network, each made when it is asked for."""
    fused = copy.deepcopy(network)
    fuse_norms(fused)
    network.to(memory_format=torch.channels_last)
    fused.to(memory_format=torch.channels_last)
    for name, run in torch_ways(network, fused, x):
        yield name, lambda run=run: run
    path = folder / "network.onnx"

    def first() -> Run:
        return onnx_way(exported(copy.deepcopy(fused), x, folder), x.numpy())

    yield "onnxruntime, float32", first
    yield "OpenVINO, float32", lambda: openvino_way(path, x.numpy(), "f32")
    yield "OpenVINO, bf16", lambda: openvino_way(path, x.numpy(), "bf16")
    yield "onnxruntime, int8", lambda: onnx_way(in_int8(path, x.numpy()), x.numpy())


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--side", type=int, default=768, help="pixels, a multiple of 32")
    options = parser.parse_args()
    print("| network | way | seconds | faster | mean error | greatest |\n|---|---|---|---|---|---|")
    for name in options.networks:
        torch.manual_seed(0)
        network: Any = catalog.model(name).build().eval().requires_grad_(False)
        image, trimap = scene(1, 0.15)
        size = (options.side, options.side)
        image = cv2.resize(image, size)
        trimap = cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)
        x = torch.from_numpy(planes(name, image, trimap))[None].float()
        expected, least = None, 0.0
        with tempfile.TemporaryDirectory() as folder:
            for way, make in ways(network, x, Path(folder)):
                try:
                    seconds, alpha = seconds_of(make())
                except Exception as error:
                    print(f"| {name} | {way} | {type(error).__name__} | | | |", flush=True)
                    continue
                if expected is None:
                    expected, least = alpha, seconds
                off = abs(alpha - expected)[trimap == 128]
                cells = (
                    f"{seconds:.2f} | {least / seconds:.2f}× | {off.mean():.5f} | {off.max():.4f}"
                )
                print(f"| {name} | {way} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
