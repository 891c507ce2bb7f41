"""The details for a bug report when a run stops for an unforeseen reason."""

from __future__ import annotations

import platform
import traceback
from collections.abc import Mapping
from importlib.metadata import version

from ...version import __version__
from ._places import leading_shape, pixels, plane_shape
from ._protocols import Layer


def report(
    error: Exception,
    title: str,
    parameters: Mapping[str, object],
    layers: Mapping[str, Layer],
) -> str:
    """Return what a report needs: the traceback, what was set and given, and the versions.

    Parameters
    ----------
    error : Exception
        What stopped the run.
    title : str
        What was run: a node's title, or a command's.
    parameters : mapping
        By name.
    layers : mapping of Layer
        By the input's name.
    """
    packages = ("napari", "numpy", "scipy", "torch", "opencv-python")
    return "\n".join(
        [
            f"{title} of matting-nodes {__version__}",
            f"parameters: {dict(parameters)}",
            *(f"{name}: {_described(layer)}" for name, layer in layers.items()),
            f"Python {platform.python_version()} on {platform.platform()}",
            ", ".join(f"{package} {_version(package)}" for package in packages),
            "",
            "".join(traceback.format_exception(error)),
        ]
    )


def copy(text: str) -> None:
    """Put a text into the clipboard."""
    from qtpy.QtWidgets import QApplication

    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)


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
