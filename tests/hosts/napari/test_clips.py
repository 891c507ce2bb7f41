"""Clips as lazy layers, trimaps carried through them, and movies out: real files, a real window."""

from __future__ import annotations

import threading
import time

import av
import numpy as np
import pytest
from napari._qt.widgets.qt_progress_bar import QtLabeledProgressBar
from qtpy.QtCore import QTimer

from matting_nodes.errors import ShapeError
from matting_nodes.hosts.napari._clip import write_movie
from matting_nodes.hosts.napari._trimap import (
    alpha_options,
    labels_to_trimap,
    trimap_options,
    trimap_to_labels,
)
from matting_nodes.sample_data.clips import lemur_clip
from matting_nodes.video.frames import ClipFrames
from matting_nodes.video.reader import Reader

from ...video.conftest import write_clip

PLUGIN = "matting-nodes"


@pytest.fixture(scope="module")
def lemurs():
    return list(lemur_clip(90, 160).frames(24))


@pytest.fixture(scope="module")
def file(tmp_path_factory, lemurs):
    """A clip with sound, in which every eighth frame can be sought."""
    path = tmp_path_factory.mktemp("clip") / "lemur.mp4"
    options = {"crf": "16", "g": "8"}
    return write_clip(path, [f.picture for f in lemurs], audio=True, options=options)


@pytest.fixture
def clip(viewer, file):
    return viewer.open(str(file), plugin=PLUGIN)[0]


@pytest.fixture
def carry(viewer, dock, clip, lemurs, qtbot):
    """The widget, with a trimap that is painted on the first frame."""
    labels = np.zeros(clip.data.shape[:3], np.uint8)
    labels[0] = trimap_to_labels(lemurs[0].trimap)
    viewer.add_labels(labels, name="trimap", **trimap_options())
    widget = dock("Carry")
    settle(widget, qtbot)
    return widget


def settle(widget, qtbot):
    qtbot.waitUntil(lambda: not widget.running, timeout=120_000)


def states(widget):
    return [widget.state(n) for n in range(24)]


def paint(viewer, layer, frame, place, label):
    """Paint as a user does, on the frame on show."""
    viewer.dims.set_point(0, frame)
    layer.brush_size = 10
    layer.paint((frame, *place), label)


def test_a_clip_opens_as_a_layer_whose_frames_are_read_when_shown(viewer, clip, file):
    assert clip.rgb
    assert clip.name == "lemur"
    assert clip.data.shape == (24, 90, 160, 3)
    assert clip.axis_labels == ("t", "y", "x")
    viewer.dims.set_point(0, 17)
    expected = list(Reader(file).frames())[17].picture
    np.testing.assert_array_equal(np.asarray(clip._data_view)[..., :3], expected)
    assert len(clip.data._kept) < 24


def test_one_painted_frame_is_carried_to_the_others(viewer, carry, lemurs, qtbot):
    assert states(carry) == ["key"] + ["empty"] * 23
    carry.carry()
    settle(carry, qtbot)
    assert states(carry) == ["key"] + ["carried"] * 23
    found = labels_to_trimap(viewer.layers["trimap"].data[20])
    truth = lemurs[20].trimap
    wrong = (found != 128) & (truth != 128) & (found != truth)
    assert wrong.mean() < 0.005
    assert (found != 128).mean() > 0.7
    viewer.dims.set_point(0, 20)
    assert carry.status.value == "Frame 20: carried from 0"
    assert not carry.carry_button.enabled


def test_a_correction_is_carried_up_to_its_neighbors(viewer, carry, lemurs, qtbot):
    layer = viewer.layers["trimap"]
    layer.data[12] = trimap_to_labels(lemurs[12].trimap)
    carry.carry()
    settle(carry, qtbot)
    assert states(carry)[12] == "key"
    before = layer.data.copy()
    middle = tuple(int(np.median(each)) for each in np.nonzero(before[18] == 2))
    paint(viewer, layer, 18, middle, 0)
    assert [n for n, s in enumerate(states(carry)) if s == "stale"] == [
        *range(13, 18),
        *range(19, 24),
    ]
    assert "which changed since" not in carry.status.value
    viewer.dims.set_point(0, 15)
    assert carry.status.value == "Frame 15: carried from 12, which changed since: press Carry"
    orange = tuple(layer.colormap.color_dict[2])
    carry.carry()
    settle(carry, qtbot)
    assert tuple(layer.colormap.color_dict[2]) != orange
    np.testing.assert_array_equal(layer.data[:13], before[:13])
    for number in (17, 20):
        assert before[number][middle] == 2
        assert layer.data[number][middle] == 0
    assert "stale" not in states(carry)
    # What is undone is as it was carried.
    viewer.dims.set_point(0, 18)
    layer.undo()
    assert states(carry)[18] == "carried"


def test_strokes_on_carried_frames_are_noticed_one_after_the_other(viewer, carry, qtbot):
    carry.carry()
    settle(carry, qtbot)
    for frame in (9, 17):
        paint(viewer, viewer.layers["trimap"], frame, (10, 10), 2)
        assert carry.state(frame) == "key"
    assert carry.carry_button.enabled


def test_what_is_painted_meanwhile_stays(viewer, carry, qtbot):
    layer = viewer.layers["trimap"]
    carry.carry()
    paint(viewer, layer, 23, (45, 80), 2)
    mine = layer.data[23].copy()
    settle(carry, qtbot)
    np.testing.assert_array_equal(layer.data[23], mine)
    assert states(carry)[23] == "key"
    # It counts for those before it, which are to be carried again.
    assert states(carry)[1] == "stale"


def test_cancel_is_heard_within_a_second_and_keeps_what_was_done(viewer, dock, lemurs, qtbot):
    frames = np.stack([f.picture for f in lemurs] * 20)
    viewer.add_image(frames, name="long", rgb=True)
    labels = np.zeros(frames.shape[:3], np.uint8)
    labels[0] = trimap_to_labels(lemurs[0].trimap)
    labels[100] = trimap_to_labels(lemurs[100 % 24].trimap)
    viewer.add_labels(labels, name="trimap", **trimap_options())
    widget = dock("Carry")
    settle(widget, qtbot)
    widget.carry()
    qtbot.waitUntil(lambda: widget.state(99) == "carried", timeout=120_000)
    assert widget.carry_button.text == "Cancel"
    began = time.monotonic()
    widget.carry_button.native.click()
    settle(widget, qtbot)
    assert time.monotonic() - began < 1
    assert widget.state(99) == "carried"
    assert widget.state(479) == "empty"


def test_labels_that_no_trimap_has_are_refused(viewer, carry, qtbot):
    viewer.layers["trimap"].data[5, 3, 3] = 7
    carry.carry()
    settle(carry, qtbot)
    assert carry.message.value.startswith("Frame 5 holds the label 7")


def test_the_movie_is_that_of_the_command(viewer, carry, clip, lemurs, tmp_path, qtbot):
    from matting_nodes.video.clip import ClipTask, matte_clip

    carry.background.value = "teal"
    carry.save(str(tmp_path / "here.mp4"))
    settle(carry, qtbot)
    assert carry.message.value.endswith("here.mp4: 24 frames")
    target = str(tmp_path / "there.mp4")
    matte_clip(ClipTask(clip.data.source, target, lemurs[0].trimap, background="teal"))
    here, there = (
        np.stack([f.picture for f in Reader(tmp_path / name).frames()]).astype(int)
        for name in ("here.mp4", "there.mp4")
    )
    np.testing.assert_array_equal(here, there)
    carry.background.value = "greenish"
    carry.save(str(tmp_path / "none.mp4"))
    settle(carry, qtbot)
    assert "greenish" in carry.message.value


def test_a_stack_is_saved_as_a_movie_with_the_sound_of_its_clip(viewer, clip, lemurs, tmp_path):
    alphas = np.stack([f.alpha for f in lemurs])
    layer = viewer.add_image(alphas, name="alpha", **alpha_options(base="lemur"))
    (path,) = layer.save(str(tmp_path / "alpha.mov"), plugin=PLUGIN)
    found = np.stack([f.picture[..., 0] for f in Reader(path).frames()]) / np.float32(255)
    assert np.abs(found - alphas).mean() < 0.01
    with av.open(path) as container:
        assert len(container.streams.audio) == 1
    cutouts = np.concatenate([np.stack([f.picture for f in lemurs]) / 255, alphas[..., None]], 3)
    layer = viewer.add_image(cutouts[:5].astype(np.float32), name="cutout", rgb=True)
    (path,) = layer.save(str(tmp_path / "cutout.webm"), plugin=PLUGIN)
    with av.open(path) as container:
        assert len(container.streams.audio) == 0
        assert container.streams.video[0].metadata.get("alpha_mode") == "1"
    (path,) = clip.save(str(tmp_path / "copy.mkv"), plugin=PLUGIN)
    assert len(list(Reader(path).frames())) == 24


class Held(np.lib.mixins.NDArrayOperatorsMixin):
    """A stack none of whose frames is given before the window has done something else."""

    def __init__(self, frames):
        self._frames = frames
        self.shape, self.dtype, self.ndim = frames.shape, frames.dtype, frames.ndim
        self.moved, self.readers, self.waited = threading.Event(), set(), []

    def __len__(self):
        return len(self._frames)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._frames, dtype)

    def __getitem__(self, key):
        if isinstance(key, int):
            self.readers.add(threading.current_thread())
            self.moved.clear()
            self.waited.append(self.moved.wait(30))
        return self._frames[key]


def test_the_window_lives_while_a_movie_is_saved(viewer, lemurs, tmp_path):
    stack = Held(np.stack([f.picture for f in lemurs]))
    timer = QTimer()
    timer.timeout.connect(stack.moved.set)
    timer.start(5)
    meta = {"name": "held", "rgb": True}
    write_movie(str(tmp_path / "held.mp4"), stack, meta)
    assert all(stack.waited)
    assert threading.main_thread() not in stack.readers
    assert len(list(Reader(tmp_path / "held.mp4").frames())) == 24


def test_a_movie_is_stopped_by_its_button(viewer, lemurs, tmp_path):
    frames = np.stack([f.picture for f in lemurs])
    stack = Held(np.broadcast_to(frames[None], (40, *frames.shape)).reshape(-1, *frames.shape[1:]))

    clicked = []

    def step():
        stack.moved.set()
        if len(stack.waited) >= 20 and not clicked:
            window = viewer.__wrapped__.window._qt_window
            for bar in window.findChildren(QtLabeledProgressBar):
                if "Saving a movie" in bar.description_label.text():
                    clicked.append(bar.cancel_button.click())

    timer = QTimer()
    timer.timeout.connect(step)
    timer.start(5)
    write_movie(str(tmp_path / "held.mp4"), stack, {"name": "held", "rgb": True})
    assert 19 <= len(list(Reader(tmp_path / "held.mp4").frames())) < 100


def test_what_is_no_stack_over_time_is_no_movie(viewer, tmp_path):
    layer = viewer.add_image(np.zeros((2, 3, 8, 8)), name="volume")
    with pytest.raises(ShapeError, match=r"2 × 3 × 8 × 8"):
        layer.save(str(tmp_path / "a.mp4"), plugin=PLUGIN)
    assert not list(tmp_path.glob("*.mp4"))


def test_the_sample_is_ready_to_be_carried(viewer, dock, qtbot):
    viewer.open_sample(PLUGIN, "clip")
    assert isinstance(viewer.layers["lemur clip"].data, ClipFrames)
    widget = dock("Carry")
    settle(widget, qtbot)
    assert widget.state(0) == "key"
    assert widget.carry_button.enabled


def discs(count):
    """Sections of a ball: a disc that grows and moves, and its trimap."""
    y, x = np.indices((60, 80))
    for number in range(count):
        distance = np.hypot(y - 30, x - 30 - 2 * number) - 10 - number
        picture = np.uint8(np.where(distance < 0, 200, 60))
        trimap = np.where(distance < -3, 255, np.where(distance > 3, 0, 128))
        yield picture, trimap.astype(np.uint8)


@pytest.mark.parametrize("by", ["motion", "shape", "both"])
def test_planes_of_a_stack_are_filled_between_painted_ones(viewer, dock, qtbot, by):
    pictures, trimaps = (np.stack(each) for each in zip(*discs(11), strict=True))
    viewer.add_image(pictures, name="stack", axis_labels=("z", "y", "x"))
    labels = np.zeros(pictures.shape, np.uint8)
    for plane in (0, 5, 10):
        labels[plane] = trimap_to_labels(trimaps[plane])
    layer = viewer.add_labels(labels, name="trimap", **trimap_options())
    widget = dock("Carry")
    settle(widget, qtbot)
    widget.by.value = by
    assert widget.carry_button.text == "Fill planes"
    widget.carry()
    settle(widget, qtbot)
    assert [widget.state(n) for n in range(11)] == [
        "key" if n in (0, 5, 10) else "carried" for n in range(11)
    ]
    found = labels_to_trimap(layer.data)
    wrong = (found != 128) & (trimaps != 128) & (found != trimaps)
    assert wrong.mean() < 0.01
    assert (found[[1, 2, 8]] == 255).any(axis=(1, 2)).all()
    # A correction changes its neighbors only.
    before = layer.data.copy()
    paint(viewer, layer, 5, (30, 40), 0)
    widget.carry()
    settle(widget, qtbot)
    changed = [n for n in range(11) if (before[n] != layer.data[n]).any()]
    assert 5 in changed
    assert set(changed) <= {1, 2, 3, 4, 5, 6, 7, 8, 9}
    # Another way makes all of it stale, and no plane a painted one.
    widget.by.value = "motion" if by != "motion" else "shape"
    assert widget.state(2) == "stale"
    assert widget.carry_button.enabled
