"""Clips as they are found: turned, of uneven rate, of odd sizes, truncated."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from matting_nodes.errors import FileError, ParameterError
from matting_nodes.video.reader import Reader

from .conftest import write_clip


def test_frames_come_back_in_order(clip, lemurs):
    frames = list(Reader(clip).frames())
    assert len(frames) == len(lemurs)
    for frame, truth in zip(frames, lemurs, strict=True):
        assert np.abs(frame.picture.astype(int) - truth.picture).mean() < 6
    assert [float(frame.time) for frame in frames[:3]] == [0, 0.04, 0.08]


def test_uneven_times_are_kept(tmp_path, lemurs):
    times = [0, 40, 200, 210, 1000]
    path = write_clip(tmp_path / "vfr.mkv", [f.picture for f in lemurs[:5]], times=times)
    assert [round(1000 * float(f.time)) for f in Reader(path).frames()] == times


def test_in_and_out_points(clip, lemurs):
    frames = list(Reader(clip).frames(0.4, 0.6))
    assert [round(float(frame.time) / 0.04) for frame in frames] == [10, 11, 12, 13, 14]
    assert np.abs(frames[0].picture.astype(int) - lemurs[10].picture).mean() < 6
    with pytest.raises(ParameterError, match=r"lasts 1\.20 s"):
        list(Reader(clip).frames(7))


def test_odd_sizes(tmp_path, lemurs):
    small = [frame.picture[:89, :157] for frame in lemurs[:3]]
    path = write_clip(tmp_path / "odd.mp4", small, pix_fmt="yuv444p")
    assert next(Reader(path).frames()).picture.shape == (89, 157, 3)


def test_more_than_8_bits(tmp_path, lemurs):
    deep = [frame.picture.astype(np.uint16) * 257 for frame in lemurs[:2]]
    frames = [np.ascontiguousarray(p) for p in deep]
    path = tmp_path / "deep.mkv"
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 90, 160, "gbrp16le"
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb48le").reformat(
                format="gbrp16le"
            )
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    found = next(Reader(path).frames()).picture
    assert found.dtype == np.uint16
    assert np.array_equal(found, frames[0])


def test_a_rotation_flag_turns_the_frames(clip, tmp_path, lemurs):
    data = bytearray(clip.read_bytes())
    header = data.find(b"tkhd")
    # The matrix of the track header: a quarter clockwise, as phones write it.
    one = 1 << 16
    quarter = struct.pack(">9i", 0, one, 0, -one, 0, 0, 90 * one, 0, 1 << 30)
    data[header + 44 : header + 80] = quarter
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(data)
    reader = Reader(turned)
    picture = next(reader.frames()).picture
    assert (reader.info.height, reader.info.width) == picture.shape[:2] == (160, 90)
    truth = np.rot90(lemurs[0].picture, -1)
    assert np.abs(picture.astype(int) - truth).mean() < 6


def test_a_truncated_file_gives_its_frames_and_says_so(tmp_path, lemurs):
    pictures = [lemurs[i % 30].picture for i in range(100)]
    whole = write_clip(tmp_path / "whole.mkv", pictures, options={"crf": "16", "g": "10"})
    data = whole.read_bytes()
    (tmp_path / "half.mkv").write_bytes(data[: len(data) // 2])
    frames = []
    with pytest.raises(FileError, match="truncated"):
        frames.extend(_collect(Reader(tmp_path / "half.mkv"), frames))
    assert 20 < len(frames) < 80


def _collect(reader, frames):
    for frame in reader.frames():
        frames.append(frame)
    return []


def _sound_alone(path):
    import av

    from .conftest import _add_beep

    with av.open(str(path), "w") as container:
        _add_beep(container, container.add_stream("aac", rate=48000, layout="mono"), 1)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("none.mp4", None, "is not there"),
        ("empty.mp4", lambda path: path.write_bytes(b""), "is empty"),
        ("text.mp4", lambda path: path.write_text("no video"), "cannot be read"),
        ("sound.m4a", _sound_alone, "holds no video"),
    ],
)
def test_what_is_no_clip_is_refused(tmp_path, name, make, message):
    path = tmp_path / name
    if make:
        make(path)
    with pytest.raises(FileError, match=message):
        Reader(path)


def test_a_camera_that_is_not_there():
    with pytest.raises(FileError, match=r"/dev/video77 .*(there|read)"):
        Reader("/dev/video77")
