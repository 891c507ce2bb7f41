"""The colors of nodes and wires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....graph.canvas.ports import Port, Shown

TYPE_COLORS = {
    "IMAGE": "#5aa9e6",
    "MASK": "#6fbf73",
    "STRING": "#d8a657",
    "BOUNDING_BOX": "#d3869b",
    "INT": "#a58bd6",
    "FLOAT": "#a58bd6",
    "BOOLEAN": "#a58bd6",
}
OTHER = "#9a9a9a"
ON_DARK, ON_LIGHT = "#f0696f", "#c4141f"
"""Red that can be read: napari's own is for backgrounds."""


@dataclass(frozen=True)
class Colors:
    """The colors of napari's theme."""

    background: str
    foreground: str
    primary: str
    secondary: str
    text: str
    current: str
    error: str

    @classmethod
    def of(cls, theme: str) -> Colors:
        """Return those of a theme of napari's."""
        from napari.utils.theme import get_theme

        found: Any = get_theme(theme)
        names = ("background", "foreground", "primary", "secondary", "text", "current")
        red = ON_DARK if found.type == "dark" else ON_LIGHT
        return cls(**{name: getattr(found, name).as_hex() for name in names}, error=red)


def color_from(about: Shown, slot: int) -> str:
    """Return the color of a wire that comes from an output of a node."""
    return color_of(about.outputs[slot]) if slot < len(about.outputs) else OTHER


def color_of(port: Port) -> str:
    """Return the color of a port's type."""
    return TYPE_COLORS.get(port.type, OTHER)
