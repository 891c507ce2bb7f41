"""The details for a bug report when a run stops for an unforeseen reason."""

from __future__ import annotations

import platform
import traceback
from collections.abc import Mapping
from importlib.metadata import version

from ...framework.spec import NodeSpec
from ...version import __version__
from ._places import leading_shape, pixels, plane_shape
from ._protocols import Layer


def details(
    error: Exception,
    spec: NodeSpec,
    parameters: Mapping[str, object],
    layers: Mapping[str, Layer],
) -> str:
    """Return what a report needs: the traceback, what was set and given, and the versions.

    Parameters
    ----------
    error : Exception
        What stopped the run.
    spec : NodeSpec
        The node.
    parameters : mapping
        By name.
    layers : mapping of Layer
        By the input's name.
    """
    packages = ("napari", "numpy", "scipy", "torch", "opencv-python")
    return "\n".join(
        [
            f"{spec.title} of matting-nodes {__version__}",
            f"parameters: {dict(parameters)}",
            *(f"{name}: {_described(layer)}" for name, layer in layers.items()),
            f"Python {platform.python_version()} on {platform.platform()}",
            ", ".join(f"{package} {_version(package)}" for package in packages),
            "",
            "".join(traceback.format_exception(error)),
        ]
    )


def _described(layer: Layer) -> str:
    """Return a layer's type and size; nothing of what it shows or is called."""
    kind = type(layer).__name__
    if not hasattr(layer, "dtype"):
        return f"{kind} layer of {len(layer.data)}"
    shape = leading_shape(layer) + plane_shape(layer)
    return f"{kind} layer, {pixels(layer).dtype}, {' × '.join(map(str, shape))}"


def _version(package: str) -> str:
    try:
        return version(package)
    except ModuleNotFoundError:
        return "is not installed"
