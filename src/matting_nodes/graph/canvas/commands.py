"""What keys and menus do to a graph."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ..editing import Document
from .wiring import order

NUDGE = 16.0
MENU = (
    {"Show layers as graph": "Ctrl+L"},
    {
        "Open…": "Ctrl+O",
        "Save for run and ComfyUI's API…": "Ctrl+S",
        "Save for ComfyUI's page…": "Ctrl+Shift+S",
        "Export as Python…": "Ctrl+E",
        "Run and save files…": "Ctrl+Shift+Return",
    },
    {
        "Undo": "Ctrl+Z",
        "Redo": "Ctrl+Shift+Z",
        "Group…": "Ctrl+G",
        "Lay out": "L",
        "Show all": "F",
    },
)
"""What the menu shows, part by part, and the keys of it."""
ARROWS = {"Left": (-1, 0), "Right": (1, 0), "Up": (0, -1), "Down": (0, 1)}


def example_files() -> list[Path]:
    """Return the workflows that come with the package."""
    return sorted((Path(__file__).parents[1] / "examples").glob("*.json"))


class View(Protocol):
    """What shows the graph, and in which nodes are selected."""

    @property
    def selection(self) -> list[str]:
        """The selected nodes."""

    @property
    def sizes(self) -> dict[str, tuple[float, float]]:
        """How large the nodes are drawn."""

    @property
    def middle(self) -> tuple[float, float]:
        """The place that is in the middle."""

    def select(self, keys: Collection[str]) -> None:
        """Select these nodes, and no others.

        Parameters
        ----------
        keys : collection of str
            Their ids.
        """

    def fit(self) -> None:
        """Show all nodes, or those that are selected."""


class Dock(Protocol):
    """Where the view is: it changes the document, and knows dialogs and the clipboard."""

    canvas: Any

    def change(self, act: Any, *arguments: Any) -> Any:
        """Call what changes the document; a refusal is said.

        Parameters
        ----------
        act : callable
            What changes it.
        *arguments
            Its own.
        """

    def clipboard(self, text: str | None = None) -> str:
        """Return the clipboard's text, after putting one there if it is given.

        Parameters
        ----------
        text : str, optional
            What is put there.
        """

    def ask_title(self) -> str:
        """Return the title of a new group; empty if it was cancelled."""


class Commands:
    """The commands by key.

    Parameters
    ----------
    document : Document
        What is changed.
    dock : Dock
        Where the view is.
    """

    def __init__(self, document: Document, dock: Dock) -> None:
        self._document, self._dock = document, dock
        self.by_key: Mapping[str, Callable[[], None]] = {
            "Del": self.remove,
            "Backspace": self.remove,
            "Ctrl+A": lambda: self._view.select(list(self._document.graph.nodes)),
            "Ctrl+C": self.copy,
            "Ctrl+X": self.cut,
            "Ctrl+V": self.paste,
            "Ctrl+Z": partial(self._change, self._document.undo),
            "Ctrl+Shift+Z": partial(self._change, self._document.redo),
            "Ctrl+Y": partial(self._change, self._document.redo),
            "Ctrl+G": self.group,
            "F": lambda: self._view.fit(),
            "L": self.lay_out,
            "PgDown": partial(self._select_next, 1),
            "PgUp": partial(self._select_next, -1),
            "Esc": lambda: self._view.select([]),
            **{key: partial(self._nudge, *step) for key, step in ARROWS.items()},
        }

    @property
    def _view(self) -> View:
        view: View = self._dock.canvas
        return view

    def _change(self, act: Callable[..., Any], *arguments: Any) -> None:
        self._document.settle()
        self._dock.change(act, *arguments)

    def remove(self) -> None:
        """Remove the selected nodes."""
        self._change(self._document.remove, self._view.selection)

    def copy(self) -> None:
        """Put the selected nodes into the clipboard."""
        if self._view.selection:
            self._dock.clipboard(self._document.copy(self._view.selection))

    def cut(self) -> None:
        """Put the selected nodes into the clipboard, and remove them."""
        self.copy()
        self.remove()

    def paste(self) -> None:
        """Add the nodes of the clipboard, and select them."""
        text, middle = self._dock.clipboard(), self._view.middle
        new = self._dock.change(self._document.paste, text, middle)
        if new:
            self._view.select(new)

    def group(self) -> None:
        """Put the selected nodes into a group."""
        chosen = self._view.selection
        title = self._dock.ask_title() if chosen else ""
        if title:
            self._change(self._document.group, title, chosen)

    def lay_out(self) -> None:
        """Put every node to the right of its sources."""
        self._change(self._document.lay_out, self._view.sizes)
        self._view.fit()

    def _nudge(self, across: int, down: int) -> None:
        places = {key: self._document.places[key] for key in self._view.selection}
        moved = {key: (x + NUDGE * across, y + NUDGE * down) for key, (x, y) in places.items()}
        if moved:
            self._dock.change(self._document.move, moved)

    def _select_next(self, step: int) -> None:
        nodes, chosen = order(self._document.graph), self._view.selection
        if nodes:
            at = nodes.index(chosen[0]) + step if chosen else 0
            self._view.select([nodes[at % len(nodes)]])
