"""napari's widgets, made from the specs; the manifest `napari.yaml` points here.

Every node has a widget class, `SegmentWidget`, `MakeTrimapWidget` and so on, that is made
when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._manifest import manifest, widget_name
from ._samples import open_cell, open_lemur

if TYPE_CHECKING:
    from ._widget import NodeWidget

__all__ = [
    "InspectWidget",
    "manifest",
    "new_trimap",
    "open_cell",
    "open_lemur",
    "read_trimap",
    "widget_name",
    "write_picture",
    "write_trimap",
]

_FILES = ("read_trimap", "write_picture", "write_trimap")


def __getattr__(name: str) -> type[NodeWidget]:
    from ...nodes import all_nodes

    if name == "new_trimap":
        from ._new_trimap import new_trimap

        return new_trimap  # type: ignore[return-value]
    if name == "InspectWidget":
        from ._inspect import InspectWidget

        return InspectWidget  # type: ignore[return-value]
    if name in _FILES:
        from . import _files

        return getattr(_files, name)  # type: ignore[no-any-return]
    for spec in all_nodes():
        if name == widget_name(spec):
            from ._widget import widget_class

            return widget_class(spec)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
