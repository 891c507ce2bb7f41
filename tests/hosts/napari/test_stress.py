"""A thousand random things that a user does, in a real window: no error, no leak, no thread left.

The number of actions is small here; MATTING_NODES_STRESS=1000 does all of them.
"""

from __future__ import annotations

import gc
import os
import weakref

import numpy as np
import pytest
from napari.utils.notifications import NotificationSeverity, notification_manager
from qtpy.QtCore import QThreadPool

from matting_nodes import alpha_matte
from matting_nodes.hosts.napari._live import DELAY
from matting_nodes.hosts.napari._trimap import labels_to_trimap, trimap_options, trimap_to_labels

pytestmark = pytest.mark.stress
ACTIONS = int(os.environ.get("MATTING_NODES_STRESS", "100"))


class User:
    """Does what comes to mind, with a fixed seed."""

    def __init__(self, viewer, widgets, fur, qtbot, seed=7):
        self.viewer, self.widgets, self.qtbot = viewer, widgets, qtbot
        self.image, self.trimap = fur
        self.random = np.random.default_rng(seed)
        self.open_again()

    def open_again(self):
        """Open the picture and its trimap, if they are gone."""
        if "fur" not in self.viewer.layers:
            self.viewer.add_image(self.image, name="fur", rgb=True)
        if "painted" not in self.viewer.layers:
            options = trimap_options()
            labels = trimap_to_labels(self.trimap)
            self.viewer.add_labels(labels, name="painted", **options).brush_size = 9

    def stroke(self):
        layer = self.viewer.layers["painted"]
        start = self.random.integers((10, 10), np.array(layer.data.shape) - 10)
        label = int(self.random.integers(0, 3))
        with layer.block_history():
            for step in range(4):
                layer.paint(tuple(start + step), label)

    def undo(self):
        self.viewer.layers["painted"].undo()

    def redo(self):
        self.viewer.layers["painted"].redo()

    def slide(self):
        composite = self.widgets["Composite"]
        composite.fields["", "alpha_gamma"].value = float(self.random.uniform(0.5, 2))

    def change_method(self):
        methods = ["sampled_propagation", "guided_filter", "closed_form"]
        self.widgets["Alpha Matte"].method.value = methods[self.random.integers(3)]

    def run_or_cancel(self):
        widgets = list(self.widgets.values())
        widgets[self.random.integers(len(widgets))].run_button.changed.emit(True)

    def switch(self):
        switch = self.widgets["Composite"].live.switch
        switch.value = not switch.value

    def rename(self):
        made = [layer for layer in self.viewer.layers if layer.name not in ("fur", "painted")]
        if made:
            made[0].name = f"mine {self.random.integers(100)}"

    def remove(self):
        layers = list(self.viewer.layers)
        self.viewer.layers.remove(layers[self.random.integers(len(layers))])
        self.wait()
        self.open_again()

    def wait(self):
        self.qtbot.wait(int(self.random.integers(0, 60)))

    def act(self):
        """Do one thing, mostly painting."""
        often = [self.stroke] * 6 + [self.undo, self.redo, self.wait] * 2
        seldom = [self.slide, self.change_method, self.run_or_cancel, self.switch, self.rename]
        actions = [*often, *seldom, self.remove]
        actions[self.random.integers(len(actions))]()


@pytest.fixture
def user(viewer, dock, fur, qtbot):
    widgets = {title: dock(title) for title in ("Alpha Matte", "Composite")}
    user = User(viewer, widgets, fur, qtbot)
    widgets["Alpha Matte"].live.switch.value = True
    return user


@pytest.fixture
def settle(qtbot):
    """Waits until nothing runs and nothing has asked to."""

    def wait(widgets):
        quiet = 0
        while quiet < 3:
            qtbot.wait(DELAY)
            quiet = 0 if any(widget.running for widget in widgets) else quiet + 1

    return wait


def errors():
    records = notification_manager.records
    return [record.message for record in records if record.severity >= NotificationSeverity.ERROR]


def test_random_actions_leave_no_error_no_leak_and_no_thread(user, settle):
    widgets = list(user.widgets.values())
    settle(widgets)
    before = errors()
    removed = weakref.WeakSet()
    user.viewer.layers.events.removed.connect(lambda event: removed.add(event.value))
    for _ in range(ACTIONS):
        user.act()
    settle(widgets)
    assert errors() == before
    assert QThreadPool.globalInstance().activeThreadCount() == 0
    user.viewer.layers.clear()
    settle(widgets)
    gc.collect()
    assert [layer.name for layer in removed] == []


def test_after_it_all_the_matte_is_that_of_the_trimap(user, settle):
    for _ in range(ACTIONS // 4):
        user.act()
    matte = user.widgets["Alpha Matte"]
    user.viewer.layers.clear()
    user.open_again()
    matte.method.value = "sampled_propagation"
    settle(user.widgets.values())
    user.stroke()
    settle(user.widgets.values())
    trimap = labels_to_trimap(user.viewer.layers["painted"].data)
    fresh = alpha_matte(user.image, trimap)
    assert [layer.name for layer in user.viewer.layers][:2] == ["fur", "painted"]
    assert np.abs(user.viewer.layers["fur alpha"].data - fresh).mean() < 0.002


@pytest.mark.parametrize("what", ["remove the trimap", "rename", "clear"])
def test_layers_may_change_in_the_middle_of_a_run(user, settle, qtbot, what):
    matte, layers = user.widgets["Alpha Matte"], user.viewer.layers
    settle([matte])
    matte.run()
    assert matte.running
    if what == "rename":
        layers["fur"].name = layers["fur alpha"].name = "mine"
    elif what == "clear":
        layers.clear()
    else:
        layers.remove("painted")
    settle([matte])
    assert QThreadPool.globalInstance().activeThreadCount() == 0
    user.open_again()
    settle([matte])
    assert matte.message.value == ""


def test_the_window_may_close_in_the_middle_of_a_run(viewer, dock, lemur, qtbot):
    """A long run is stopped; what it comes to finds no window, and says nothing."""
    trimap = np.full(lemur.shape[:2], 128, np.uint8)
    trimap[:20], trimap[200:260, 300:380] = 0, 255
    viewer.add_image(lemur, name="lemur", rgb=True)
    viewer.add_labels(trimap_to_labels(trimap), name="rough", **trimap_options())
    matte = dock("Alpha Matte")
    matte.method.value = "closed_form"
    matte.run()
    qtbot.waitUntil(lambda: matte.progress_bar.value > 0, timeout=60_000)
    before = errors()
    viewer.close()
    assert QThreadPool.globalInstance().waitForDone(60_000)
    qtbot.wait(50)
    assert errors() == before
