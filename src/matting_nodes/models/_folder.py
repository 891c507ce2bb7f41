from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path

_SEARCHED: list[Callable[[], list[Path]]] = []


def model_folder() -> Path:
    """Return the folder for networks' weights; MATTING_NODES_CACHE puts it elsewhere."""
    chosen = os.environ.get("MATTING_NODES_CACHE")
    return Path(chosen) if chosen else user_cache_path("matting-nodes", False) / "models"


def add_search_folders(folders: Callable[[], list[Path]]) -> Callable[[], None]:
    """Search a host's folders too, before our own, and return what stops it.

    Parameters
    ----------
    folders : callable() -> list of Path
        Asked at each search, since a host may learn of new folders at any time. Downloads go
        into the first of them.
    """
    _SEARCHED.append(folders)
    return lambda: _SEARCHED.remove(folders)


def search_folders() -> list[Path]:
    """Return where weights are looked for: the host's folders, then our own."""
    hosts = [folder for folders in _SEARCHED for folder in folders()]
    return list(dict.fromkeys([*hosts, model_folder()]))


def download_folder() -> Path:
    """Return where downloads go: MATTING_NODES_CACHE, or the host's folder, or our own."""
    return model_folder() if os.environ.get("MATTING_NODES_CACHE") else search_folders()[0]


def offline() -> bool:
    """Tell whether MATTING_NODES_OFFLINE forbids downloads."""
    return os.environ.get("MATTING_NODES_OFFLINE", "").lower() not in ("", "0", "false", "no")
