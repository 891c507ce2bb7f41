"""Keys over the canvas; those that napari, or its user, has given to something else keep that."""

from __future__ import annotations

from collections.abc import Callable

from ._protocols import Viewer


def taken_keys() -> set[str]:
    """Return the keys that are given to something else."""
    from napari.settings import get_settings

    shortcuts = get_settings().shortcuts.shortcuts
    return {str(key) for keys in shortcuts.values() for key in keys}


def bind_to_viewer(viewer: Viewer, key: str, action: Callable[..., object]) -> None:
    """Let a key do something whatever layer is active.

    Parameters
    ----------
    viewer : Viewer
        Over whose canvas it is pressed.
    key : str
        As napari writes it: "Shift+H".
    action : callable(viewer)
        What it does.
    """
    if key not in taken_keys():
        viewer.bind_key(key, action, overwrite=True)


def unbind(viewer: Viewer, key: str) -> None:
    """Let a key do nothing again.

    Parameters
    ----------
    viewer, key
        As for `bind_to_viewer`.
    """
    if key not in taken_keys():
        viewer.bind_key(key, None, overwrite=True)
