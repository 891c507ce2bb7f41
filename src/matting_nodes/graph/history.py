"""What can be undone: whole contents, one after the other, which share what did not change."""

from __future__ import annotations

from collections.abc import Callable

from .contents import Contents

# Steps that can be undone: fewer of large graphs, since every step holds the graph's nodes.
MOST_STEPS, LEAST_STEPS, MOST_ENTRIES = 5000, 50, 2_000_000


class History:
    """Contents that are replaced as a whole by each change, and come back by undo.

    Parameters
    ----------
    contents : Contents, optional
        What is there at first; nothing by default.
    """

    def __init__(self, contents: Contents | None = None) -> None:
        self._contents = contents or Contents()
        self._past: list[Contents] = []
        self._future: list[Contents] = []
        self._merging: tuple[object, ...] = ()
        self.on_change: list[Callable[[], None]] = []
        """Called after every change, also by undo, redo and open."""

    @property
    def contents(self) -> Contents:
        """All that it holds; it never changes, another takes its place."""
        return self._contents

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether a change was taken back."""
        return bool(self._future)

    def undo(self) -> bool:
        """Take the last change back; return whether there was one."""
        return self._step(self._past, self._future)

    def redo(self) -> bool:
        """Make the change again that was taken back last; return whether there was one."""
        return self._step(self._future, self._past)

    def settle(self) -> None:
        """Let the next edit be a step of its own, even if it is of the same value as the last."""
        self._merging = ()

    def _change(self, contents: Contents, merging: tuple[object, ...] = ()) -> None:
        if contents == self._contents:
            return
        if not (merging and merging == self._merging):
            self._past.append(self._contents)
            most = max(LEAST_STEPS, MOST_ENTRIES // (len(contents.graph.nodes) + 1))
            del self._past[: -min(most, MOST_STEPS)]
        self._future.clear()
        self._merging = merging
        self._show(contents)

    def _step(self, source: list[Contents], target: list[Contents]) -> bool:
        if not source:
            return False
        target.append(self._contents)
        self._merging = ()
        self._show(source.pop())
        return True

    def _show(self, contents: Contents) -> None:
        self._contents = contents
        for called in list(self.on_change):
            called()
