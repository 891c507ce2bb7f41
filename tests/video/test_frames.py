"""Frames of a clip by number, and trimaps of which some are painted."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from matting_nodes.errors import FileError
from matting_nodes.job import Cancelled, Job
from matting_nodes.video.frames import ClipFrames
from matting_nodes.video.keyed import Carrying, Span, carried_in, sources_of, spans
from matting_nodes.video.reader import Reader

from .conftest import write_clip


@pytest.fixture(scope="module", params=["h264.mp4", "vfr.mkv", "vp9.webm", "mpeg4.avi"])
def seekable(request, tmp_path_factory, lemurs):
    """Clips with few frames that can be sought, B-frames and uneven times among them."""
    pictures = [f.picture for f in lemurs]
    path = tmp_path_factory.mktemp("frames") / request.param
    codec = {"webm": "libvpx-vp9", "avi": "mpeg4"}.get(request.param[-4:].strip("."), "libx264")
    times = [40 * i + 15 * (i % 3 == 1) for i in range(30)] if "vfr" in path.name else None
    return write_clip(path, pictures, codec=codec, times=times, options={"g": "12"})


def test_any_frame_is_that_of_reading_in_order(seekable):
    clip, expected = ClipFrames(seekable), list(Reader(seekable).frames())
    assert clip.shape == (len(expected), 90, 160, 3)
    assert clip.times == [frame.time for frame in expected]
    for number in (17, 3, 29, 0, 28, 12, 11, -1):
        np.testing.assert_array_equal(clip[number], expected[number].picture)


def test_it_is_indexed_as_an_array_is(clip):
    frames = ClipFrames(clip)
    whole = np.asarray(frames)
    for key in (np.s_[2:9:3], np.s_[5, 10:20, ..., 0], np.s_[..., 1], np.s_[::-10, 3], np.s_[4:4]):
        np.testing.assert_array_equal(frames[key], whole[key])
    with pytest.raises(IndexError, match="frame 30 of 30"):
        frames[30]


def test_little_is_kept_in_memory(clip):
    frames = ClipFrames(clip, cache=4 * 90 * 160 * 3)
    for number in range(30):
        frames[number]
    assert len(frames._kept) == 4


def test_two_threads_read_without_disturbing_each_other(clip):
    expected = [frame.picture for frame in Reader(clip).frames()]
    frames, wrong = ClipFrames(clip, cache=1), []

    def read(source, numbers):
        wrong.extend(n for n in numbers if not np.array_equal(source[n], expected[n]))

    threads = [
        threading.Thread(target=read, args=(frames, range(30))),
        threading.Thread(target=read, args=(frames, range(29, 0, -7))),
        threading.Thread(target=read, args=(frames.again(), range(0, 30, 3))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_truncated_clip_has_the_frames_that_it_has(tmp_path, lemurs):
    pictures = [f.picture for f in lemurs] * 2
    whole = write_clip(tmp_path / "whole.mkv", pictures, options={"crf": "16", "g": "10"})
    data = whole.read_bytes()
    (tmp_path / "half.mkv").write_bytes(data[: len(data) // 2])
    clip = ClipFrames(tmp_path / "half.mkv")
    assert 10 < len(clip) < 60
    assert np.abs(clip[5].astype(int) - pictures[5]).mean() < 6
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(FileError, match="cannot be read"):
        ClipFrames(tmp_path / "text.mp4")


def test_what_is_stale_after_a_change():
    keys, carrying = {0: 11, 5: 12, 10: 13}, Carrying()
    assert carrying.stale(keys, 15) == [1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14]
    for number, sources in enumerate(sources_of(keys, 15)):
        carrying.remember(number, 100 + number, sources)
    assert carrying.stale(keys, 15) == []
    # The first is painted on, and one that was carried.
    assert carrying.stale(keys | {0: 21}, 15) == [1, 2, 3, 4]
    assert carrying.stale(keys | {12: 14}, 15) == [11, 13, 14]
    assert spans([11, 13, 14], {0, 5, 10, 12}, 15) == [Span(10, 12), Span(12, 14)]
    # A key frame is gone: what it gave is to be carried from others.
    assert carrying.stale({0: 11, 10: 13}, 15) == list(range(1, 10))


def test_a_cancel_is_heard_on_the_way_back(lemurs):
    """From the last frame to the first; the forward pass asks the job once a frame."""
    asked = iter(range(1000))
    job = Job(cancelled=lambda: next(asked) > 35)
    with pytest.raises(Cancelled):
        list(carried_in([f.picture for f in lemurs], {29: lemurs[29].trimap}, Span(0, 29), job))


def test_spans_give_what_the_whole_clip_gives(lemurs):
    pictures = [f.picture for f in lemurs]
    keys = {n: lemurs[n].trimap for n in (3, 12, 20)}
    whole = dict(carried_in(pictures, keys, Span(0, 29)))
    parts = {}
    for span in spans(range(30), keys, 30):
        parts |= dict(carried_in(pictures, keys, span))
    assert sorted(whole) == sorted(parts) == [n for n in range(30) if n not in keys]
    for number, trimap in whole.items():
        np.testing.assert_array_equal(parts[number], trimap)
