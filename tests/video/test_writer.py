"""What editors open: alpha movies, sequences, sound in step, files that survive a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from matting_nodes.errors import DependencyError, FileError, ParameterError
from matting_nodes.io.images import read_image
from matting_nodes.video.reader import Reader
from matting_nodes.video.writer import FORMATS, Writer, chosen_codec

from .conftest import write_clip


def written(clip, target, pictures, codec="auto", content="composite", **options):
    codec = chosen_codec(str(target), codec, content)
    with Writer(str(target), codec, content, Reader(clip), **options) as writer:
        for index, picture in enumerate(pictures):
            writer.write(picture, Fraction(index, 25))
    return target


def decoded(path, format_):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.codec_context.name == "vp9":  # FFmpeg's own decoder leaves the alpha out
            decoder = av.CodecContext.create("libvpx-vp9", "r")
            frames = [f for packet in container.demux(stream) for f in decoder.decode(packet)]
        else:
            frames = list(container.decode(stream))
    return [frame.to_ndarray(format=format_) for frame in frames]


@pytest.mark.parametrize("codec", ["h264", "h265", "vp9", "prores", "ffv1"])
def test_a_composite_plays(clip, tmp_path, lemurs, codec):
    target = written(
        clip, tmp_path / f"out{FORMATS[codec].endings[0]}", [f.picture for f in lemurs], codec
    )
    frames = list(Reader(target).frames())
    assert len(frames) == len(lemurs)
    for frame, truth in zip(frames, lemurs, strict=True):
        scale = 257 if frame.picture.dtype == np.uint16 else 1
        assert np.abs(frame.picture / scale - truth.picture).mean() < 6


@pytest.mark.parametrize(
    ("name", "format_", "tolerance"),
    [("a.mov", "rgba64le", 2 / 1023), ("a.webm", "rgba", 3 / 255), ("a.mkv", "gbrap16le", 0)],
)
def test_alpha_comes_back(clip, tmp_path, lemurs, name, format_, tolerance):
    smooth = np.linspace(0, 65535, 160, dtype=np.uint16) * np.ones((90, 1), np.uint16)
    pictures = [np.dstack([frame.picture.astype(np.uint16) * 257, smooth]) for frame in lemurs[:5]]
    if name == "a.webm":
        pictures = [(picture >> 8).astype(np.uint8) for picture in pictures]
    target = written(clip, tmp_path / name, pictures, content="cutout")
    found = decoded(target, format_)
    assert len(found) == 5
    scale = np.iinfo(found[0].dtype).max
    for picture, frame in zip(pictures, found, strict=True):
        error = np.abs(frame[..., 3] / scale - picture[..., 3] / np.iinfo(picture.dtype).max)
        assert error.max() <= tolerance + 1e-6


def test_a_grey_matte_keeps_black_and_white(clip, tmp_path, lemurs):
    mattes = [np.rint(255 * frame.alpha).astype(np.uint8) for frame in lemurs[:5]]
    for name in ("a.mp4", "a.mkv", "a.mov"):
        target = written(clip, tmp_path / name, mattes, content="alpha")
        for matte, frame in zip(mattes, decoded(target, "rgb24"), strict=True):
            assert np.abs(frame[..., 0].astype(int) - matte).mean() < 2


@pytest.mark.parametrize(("codec", "ending"), [("png", ".png"), ("tiff", ".tif")])
def test_picture_sequences(clip, tmp_path, lemurs, codec, ending):
    matte = np.rint(65535 * lemurs[0].alpha).astype(np.uint16)
    cut = np.dstack([lemurs[0].picture.astype(np.uint16) * 257, matte])
    written(clip, tmp_path / "frames", [cut, cut], codec, "cutout")
    assert np.array_equal(read_image(tmp_path / "frames" / f"000001{ending}"), cut)


def test_audio_stays_in_step(clip, tmp_path, lemurs):
    pictures = [frame.picture for frame in lemurs]
    target = written(clip, tmp_path / "out.mp4", pictures)
    assert np.allclose(_clicks(target), _clicks(clip), atol=0.02)
    late = written(clip, tmp_path / "late.mp4", pictures[10:], start=0.4)
    # The click at 0.5 s is 0.1 s after the in point, within a frame.
    assert abs(_clicks(late)[0] - 0.1) < 0.04
    short = written(clip, tmp_path / "short.mp4", pictures[:10], stop=0.4)
    assert len(_clicks(short)) == 1


def _clicks(path):
    """Return the times at which clicks begin, in seconds."""
    found, sounding = [], False
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            wave = frame.to_ndarray()[0]
            for index in range(0, len(wave), 256):
                loud = np.abs(wave[index : index + 256]).max() > 0.2
                if loud and not sounding:
                    found.append(round(frame.time + index / 48000, 2))
                sounding = loud
    return np.array(found)


def test_uneven_times_and_odd_sizes_go_through(tmp_path, lemurs):
    times = [0, 40, 200, 210, 1000]
    pictures = [np.ascontiguousarray(f.picture[:89, :157]) for f in lemurs[:5]]
    source = write_clip(tmp_path / "vfr.mkv", pictures, times=times, pix_fmt="yuv444p")
    for name in ("out.mp4", "out.mkv", "out.webm", "out.mov"):
        with Writer(
            str(tmp_path / name),
            chosen_codec(name, "auto", "composite"),
            "composite",
            Reader(source),
        ) as writer:
            for frame in Reader(source).frames():
                writer.write(frame.picture, frame.time)
        frames = list(Reader(tmp_path / name).frames())
        assert [round(1000 * float(frame.time)) for frame in frames] == times
        assert frames[0].picture.shape == (89, 157, 3)


def test_a_finished_movie_is_an_ordinary_one(clip, tmp_path, lemurs):
    target = written(clip, tmp_path / "out.mp4", [f.picture for f in lemurs])
    data = target.read_bytes()
    assert data.find(b"moof") < 0
    assert data.find(b"moov") < data.find(b"mdat")


KILLED = """
import sys, time
from fractions import Fraction
sys.path.insert(0, {tests!r})
from matting_nodes.video.reader import Reader
from matting_nodes.video.writer import Writer, chosen_codec
pictures = [frame.picture for frame in Reader({clip!r}).frames()]
codec = chosen_codec({target!r}, "auto", "composite")
writer = Writer({target!r}, codec, "composite", Reader({clip!r}))
for index in range(10**6):
    writer.write(pictures[index % len(pictures)], Fraction(index, 25))
    if index == 150:
        print("far enough", flush=True)
        time.sleep(100)
"""


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.mov"])
def test_what_a_kill_leaves_plays_and_is_resumed(clip, tmp_path, lemurs, name):
    target = tmp_path / name
    script = KILLED.format(tests=str(Path(__file__).parent), clip=str(clip), target=str(target))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "far enough\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    left = decoded(target, "rgb24")
    # A second and what the encoder looks ahead can be lost.
    assert 70 < len(left) <= 151
    pictures = [frame.picture for frame in lemurs]
    with pytest.raises(FileError, match="exists"):
        written(clip, target, [])
    codec = chosen_codec(str(target), "auto", "composite")
    with Writer(str(target), codec, "composite", Reader(clip), resume=True) as writer:
        done = writer.done
        assert len(left) - 30 <= done < len(left)
        assert done % 25 == 0
        for index in range(done, 160):
            writer.write(pictures[index % 30], Fraction(index, 25))
    frames = list(Reader(target).frames())
    assert [round(25 * float(frame.time)) for frame in frames] == list(range(160))
    for index in (0, done - 1, done, done + 1, 159):
        assert np.abs(frames[index].picture.astype(int) - pictures[index % 30]).mean() < 8
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_an_error_closes_the_file(clip, tmp_path, lemurs):
    target = tmp_path / "out.mp4"
    with pytest.raises(ZeroDivisionError):  # noqa: SIM117
        with Writer(str(target), "h264", "composite", Reader(clip)) as writer:
            for index, frame in enumerate(lemurs):
                writer.write(frame.picture, Fraction(index, 25))
                if index == 20:
                    raise ZeroDivisionError
    assert len(decoded(target, "rgb24")) == 21


@pytest.mark.parametrize(
    ("target", "codec", "content", "message"),
    [
        ("a.avi", "auto", "composite", "ends in .avi"),
        ("a.mp4", "auto", "cutout", "cannot be transparent"),
        ("a.mov", "h264", "cutout", "cannot be transparent"),
        ("a.webm", "prores", "cutout", "cannot hold prores"),
        ("frames", "h264", "cutout", "cannot hold h264"),
    ],
)
def test_what_a_file_cannot_hold(target, codec, content, message):
    with pytest.raises(ParameterError, match=message):
        chosen_codec(target, codec, content)


def test_a_codec_that_the_build_lacks(clip, tmp_path, monkeypatch):
    lacking = FORMATS["h264"].__class__("libnone", "yuv420p", "", "yuv420p", (".mp4",), {})
    monkeypatch.setitem(FORMATS, "h264", lacking)
    with pytest.raises(DependencyError, match="no encoder libnone"):
        Writer(str(tmp_path / "a.mp4"), "h264", "composite", Reader(clip))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_no_space_left(clip, tmp_path, lemurs):
    full = tmp_path / "full.mkv"
    full.symlink_to("/dev/full")
    with pytest.raises(FileError, match="No space left"):  # noqa: SIM117
        with Writer(str(full), "ffv1", "composite", Reader(clip), force=True) as writer:
            for index in range(200):
                writer.write(lemurs[index % 30].picture, Fraction(index, 25))
