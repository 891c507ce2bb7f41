"""A GPU gives what the CPU gives. Skipped where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from matting_nodes import alpha_matte, estimate_foreground, sample_data

from .checkpoints import checkpoint

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device"),
]


@pytest.fixture(autouse=True)
def _whole_floats(monkeypatch):
    """Without TensorFloat-32, whose ten bits are no rounding error."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def test_the_default_matte(fur):
    on_gpu = alpha_matte(*fur, device="cuda")
    np.testing.assert_allclose(on_gpu, alpha_matte(*fur, device="cpu"), atol=1e-3)


@pytest.mark.parametrize("method", ["multilevel", "blur_fusion"])
def test_foreground_colors(lemur, method):
    alpha = sample_data.lemur_alpha()
    on_gpu, on_cpu = (
        estimate_foreground(lemur, alpha, method=method, device=device)
        for device in ("cuda", "cpu")
    )
    for found, expected in zip(on_gpu, on_cpu, strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize(
    ("method", "network"),
    [("gca", "gca"), ("deep_image_matting", "dim_vgg16"), ("fba", "fba")],
)
def test_a_network(fur, tmp_path, method, network):
    weights = str(checkpoint(network, tmp_path))
    on_gpu, on_cpu = (
        alpha_matte(*fur, method=method, weights=weights, device=device)
        for device in ("cuda", "cpu")
    )
    np.testing.assert_allclose(on_gpu, on_cpu, atol=1e-3)
