"""napari's widgets, made from the specs; the manifest `napari.yaml` points here.

Every node has a widget class, `SegmentWidget`, `MakeTrimapWidget` and so on, that is made
when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ._manifest import manifest, widget_name
from ._samples import open_cell, open_lemur

__all__ = [
    "BlocksWidget",
    "CarryWidget",
    "InspectWidget",
    "MattingGraph",
    "MattingPanel",
    "ask_for_workflow",
    "copy_as_python",
    "cut_out",
    "manifest",
    "new_trimap",
    "open_cell",
    "open_clip",
    "open_lemur",
    "read_clip",
    "read_result",
    "read_trimap",
    "read_workflow",
    "read_zarr",
    "run_on_another_picture",
    "save_as_workflow",
    "widget_name",
    "write_layers",
    "write_movie",
    "write_picture",
    "write_trimap",
    "write_zarr",
    "write_zarr_labels",
]

_MODULES = {
    "BlocksWidget": "_blocks",
    "CarryWidget": "_carry",
    "InspectWidget": "_inspect",
    "MattingGraph": "graph",
    "MattingPanel": "_panel",
    "ask_for_workflow": "_workflows",
    "copy_as_python": "_reproduce",
    "cut_out": "_cut_out",
    "new_trimap": "_new_trimap",
    "open_clip": "_clip",
    "read_clip": "_clip",
    "read_result": "_files",
    "read_trimap": "_files",
    "read_workflow": "_workflows",
    "read_zarr": "_zarr",
    "run_on_another_picture": "_reproduce",
    "save_as_workflow": "_reproduce",
    "write_layers": "_editor_files",
    "write_movie": "_clip",
    "write_picture": "_files",
    "write_trimap": "_files",
    "write_zarr": "_zarr",
    "write_zarr_labels": "_zarr",
}


def __getattr__(name: str) -> Any:
    from ...nodes import all_nodes

    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    for spec in all_nodes():
        if name == widget_name(spec):
            from ._widget import widget_class

            return widget_class(spec)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
