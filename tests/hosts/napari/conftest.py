from __future__ import annotations

import gc
import os
import sys

import pytest

pytest.importorskip("napari")
pytest.importorskip("pytestqt")

if sys.platform == "linux" and not os.environ.get("DISPLAY"):
    pytest.skip("napari's window needs a display: run `make test`", allow_module_level=True)


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """Wait a minute, not five seconds: others may be at work on the machine."""
    from pytestqt.qtbot import QtBot

    monkeypatch.setitem(QtBot.waitUntil.__kwdefaults__, "timeout", 60_000)


@pytest.fixture
def preferences_file(tmp_path, monkeypatch):
    """Where napari keeps our page of its preferences: not among the user's own."""
    from napari import settings

    # Before napari 0.9 there is none.
    monkeypatch.setattr(settings, "_CFG_PATH", str(tmp_path / "settings.yaml"), raising=False)
    monkeypatch.setattr(settings, "_PLUGIN_SETTINGS", {}, raising=False)
    return tmp_path / "matting-nodes.yaml"


@pytest.fixture
def viewer(preferences_file, make_napari_viewer_proxy):
    """A real window; like a plugin's viewer, it lets nobody reach private attributes."""
    # napari collects garbage for every layer that goes; modules need not be looked through then.
    gc.collect()
    gc.freeze()
    return make_napari_viewer_proxy()


@pytest.fixture
def dock(viewer):
    """Opens a node's widget as the Plugins menu does."""

    def open_widget(title):
        _, widget = viewer.window.add_plugin_dock_widget("matting-nodes", title)
        return widget

    return open_widget


@pytest.fixture
def press(viewer):
    """Presses a key over the canvas, as far down as it goes without a window manager."""
    from vispy.util import keys

    window = viewer.__wrapped__.window

    def press_key(letter, shift=False):
        modifiers = (keys.SHIFT,) if shift else ()
        window._qt_viewer.canvas._scene_canvas.events.key_press(
            key=keys.Key(letter), modifiers=modifiers
        )

    return press_key


@pytest.fixture
def finish(qtbot):
    """Runs a widget to its end and returns its message."""

    def run(widget):
        # A live run may have shown its result and not yet ended.
        qtbot.waitUntil(lambda: not widget.running, timeout=120_000)
        widget.run()
        qtbot.waitUntil(lambda: not widget.running, timeout=120_000)
        return widget.message.value

    return run
