"""The plugin's page in napari's preferences: where networks compute, and where their files lie.

napari keeps it in `matting-nodes.yaml` beside its own settings. Before 0.9 it has no such pages:
all is as by default then.
"""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from ...framework.parameters import Help, read_parameter
from ...framework.spec import MethodSpec
from ...models._folder import add_search_folders
from ...models.parameters import Device, Precision, Tile

PLUGIN = "matting-nodes"
_PAGE = "computing"
_ModelFolder = Annotated[
    str,
    Help(
        "Where to look for networks' weights first, and where to fetch them to unless "
        "MATTING_NODES_CACHE names another folder; empty for the usual one."
    ),
]
_SETTINGS: dict[str, tuple[object, str | int]] = {
    "device": (Device, "auto"),
    "precision": (Precision, "auto"),
    "tile": (Tile, 0),
    "model_folder": (_ModelFolder, ""),
}


def configurations() -> dict[str, object]:
    """Return the page for the manifest, in the words of the settings themselves."""
    properties = {name: _property(name, *setting) for name, setting in _SETTINGS.items()}
    return {
        _PAGE: {"title": "Computing (for widgets opened from now on)", "properties": properties}
    }


def _property(name: str, annotation: object, default: str | int) -> dict[str, object]:
    keyword = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
    setting = read_parameter(keyword, annotation, {})
    told: dict[str, object] = {
        "title": setting.label.capitalize(),
        "type": {int: "integer", str: "string"}[setting.type],
        "default": default,
        "description": setting.help,
    }
    if setting.choices:
        told["enum"] = list(setting.choices)
    if setting.slider:
        told |= {"minimum": int(setting.slider.minimum), "maximum": int(setting.slider.maximum)}
    return told


def preferences() -> dict[str, Any]:
    """Return what the user has set to something else than the default."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:  # before napari 0.9
        return {}
    try:
        page = getattr(get_plugin_settings(PLUGIN), _PAGE)
    except KeyError:  # the plugin is disabled, and its widget was made by a script
        return {}
    changed: dict[str, Any] = page.model_dump(exclude_defaults=True)
    return changed


def preferred_device(method: MethodSpec | None) -> str:
    """Return the device to begin a method with: auto for one that has no choice."""
    chosen = preferences().get("device", "auto") if method and "device" in method.passed else "auto"
    return str(chosen)


@cache
def use_model_folder() -> None:
    """Let weights be found in, and fetched to, the folder of the preferences."""
    add_search_folders(_model_folders)


def _model_folders() -> list[Path]:
    folder = preferences().get("model_folder")
    return [Path(folder).expanduser()] if folder else []
