"""Image matting as nodes: Segment, MakeTrimap, AlphaMatte, EstimateForeground, Composite.

>>> from matting_nodes import alpha_matte, composite, make_trimap, segment
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .version import __version__ as __version__

if TYPE_CHECKING:  # The nodes among these are written by scripts/generate.py.
    from .alpha.propagation.session import MattingSession as MattingSession
    from .arrays import Prompts as Prompts
    from .blocks.matting import matte_zarr as matte_zarr
    from .errors import MattingError as MattingError
    from .framework.frames import map_frames as map_frames
    from .framework.run import run as run
    from .io.images import read_image as read_image
    from .io.images import write_image as write_image
    from .job import Cancelled as Cancelled
    from .job import Job as Job
    from .nodes import all_nodes as all_nodes
    from .nodes.alpha_matte import alpha_matte as alpha_matte
    from .nodes.compare import compare as compare
    from .nodes.composite import composite as composite
    from .nodes.difference_matte import difference_matte as difference_matte
    from .nodes.estimate_foreground import estimate_foreground as estimate_foreground
    from .nodes.id_photo import id_photo as id_photo
    from .nodes.make_trimap import make_trimap as make_trimap
    from .nodes.measure import measure as measure
    from .nodes.segment import segment as segment

# Where each public name lives: importing the package itself loads none of it.
_HOMES = {
    "Cancelled": "job",
    "Job": "job",
    "MattingError": "errors",
    "MattingSession": "alpha.propagation.session",
    "Prompts": "arrays",
    "all_nodes": "nodes",
    "map_frames": "framework.frames",
    "matte_zarr": "blocks.matting",
    "read_image": "io.images",
    "run": "framework.run",
    "write_image": "io.images",
}
# A node has the name of its file.
_HOMES |= {
    module.name: f"nodes.{module.name}"
    for module in pkgutil.iter_modules([str(Path(__file__).parent / "nodes")])
    if not module.name.startswith("_")
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
