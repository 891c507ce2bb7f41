"""`matting-nodes video`: clips of real encoders in, movies that play out."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

pytest.importorskip("av")

from matting_nodes.hosts.cli import main
from matting_nodes.io.images import read_image, write_image
from matting_nodes.sample_data.clips import lemur_clip
from matting_nodes.video.reader import Reader

from ...video.conftest import write_clip
from ...video.test_writer import _clicks as clicks


@pytest.fixture(scope="module")
def lemurs():
    return list(lemur_clip(90, 160).frames(20))


@pytest.fixture
def video(tmp_path, monkeypatch, lemurs):
    """Runs the command in a folder with a clip with sound and the trimap of its first frame."""
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "clip.mp4", [f.picture for f in lemurs], audio=True)
    write_image(tmp_path / "first.png", lemurs[0].trimap)

    def run(*arguments, source="clip.mp4", trimap="first.png"):
        given = ["--trimap", trimap] if trimap else []
        return main(["video", source, *given, *arguments, "--quiet"])

    return run


def frames(path):
    return list(Reader(path).frames())


def test_a_composite_has_the_background_and_the_sound(video, lemurs, capsys):
    assert video("-o", "out.mp4", "--background", "#00ff00") == 0
    assert "out.mp4: 20 frames, " in capsys.readouterr().out
    found = frames("out.mp4")
    assert len(found) == 20
    assert np.abs(found[9].picture[:20, :10].astype(int) - [0, 255, 0]).max() < 12
    # Halved colors mix at the edge.
    inside = cv2.erode((lemurs[9].alpha > 0.99).astype(np.uint8), np.ones((5, 5))) > 0
    assert inside.sum() > 50
    assert np.abs(found[9].picture.astype(int) - lemurs[9].picture)[inside].mean() < 8
    assert np.allclose(clicks("out.mp4"), clicks("clip.mp4"), atol=0.02)


@pytest.mark.parametrize(
    ("name", "form"), [("out.mov", "prores"), ("out.webm", "libvpx-vp9"), ("out.mkv", "ffv1")]
)
def test_a_cutout_keeps_its_alpha(video, lemurs, name, form):
    import av

    assert video("-o", name, "--to", "0.2") == 0
    with av.open(name) as container:
        stream = container.streams.video[0]
        # FFmpeg's own decoder leaves VP9's alpha out.
        context = av.CodecContext.create(form, "r") if form == "libvpx-vp9" else None
        packets = list(container.demux(stream))
        decode = context.decode if context else stream.decode
        found = [frame.to_ndarray(format="rgba") for packet in packets for frame in decode(packet)]
    assert len(found) == 5
    assert np.abs(found[3][..., 3] / 255 - lemurs[3].alpha).mean() < 0.03


def test_in_and_out_points_keep_the_sound_within_a_frame(video, lemurs, tmp_path):
    write_image(tmp_path / "tenth.png", lemurs[10].trimap)
    part = ("--from", "0:00.4", "--to", "0.72", "--content", "alpha")
    assert video("-o", "out.mp4", *part, trimap="tenth.png") == 0
    found = frames("out.mp4")
    assert [round(25 * float(f.time)) for f in found] == list(range(8))
    truth = np.stack([f.alpha for f in lemurs[10:18]])
    assert np.abs(np.stack([f.picture[..., 0] for f in found]) / 255 - truth).mean() < 0.03
    # The click at 0.5 s.
    assert abs(clicks("out.mp4")[0] - 0.1) < 0.04


def test_uneven_times_odd_sizes_and_a_rotation_flag_come_through(video, lemurs, tmp_path):
    times = [0, 40, 200, 210, 700]
    odd = [np.ascontiguousarray(f.picture[:89, :157]) for f in lemurs[:5]]
    write_clip(tmp_path / "odd.mkv", odd, times=times, pix_fmt="yuv444p")
    write_image(tmp_path / "odd.png", np.ascontiguousarray(lemurs[0].trimap[:89, :157]))
    assert video("-o", "a.mp4", "--content", "alpha", source="odd.mkv", trimap="odd.png") == 0
    found = frames("a.mp4")
    assert [round(1000 * float(f.time)) for f in found] == times
    assert found[0].picture.shape == (89, 157, 3)
    data = bytearray((tmp_path / "clip.mp4").read_bytes())
    # A quarter clockwise, in the matrix of the track header, as phones write it.
    header, one = data.find(b"tkhd"), 1 << 16
    data[header + 44 : header + 80] = struct.pack(
        ">9i", 0, one, 0, -one, 0, 0, 90 * one, 0, 1 << 30
    )
    (tmp_path / "turned.mp4").write_bytes(data)
    write_image(tmp_path / "turned.png", np.ascontiguousarray(np.rot90(lemurs[0].trimap, -1)))
    arguments = ("-o", "b.mp4", "--content", "alpha", "--to", "0.2")
    assert video(*arguments, source="turned.mp4", trimap="turned.png") == 0
    found = frames("b.mp4")[0].picture[..., 0] / 255
    assert np.abs(found - np.rot90(lemurs[0].alpha, -1)).mean() < 0.03


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(video, tmp_path, capsys):
    before = sorted(tmp_path.iterdir())
    assert video("-o", "out.mov", "--background", "teal", "--from", "0.2", "--dry-run") == 0
    told = capsys.readouterr().out
    assert "clip.mp4: 160 × 90, 25.00 frames a second, from 0.20 s, 0.60 s" in told
    assert "out.mov: composite, " in told
    assert "audio copied" in told
    assert sorted(tmp_path.iterdir()) == before


def test_what_cannot_be_used_is_told(video, tmp_path, capsys, lemurs):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video")
    write_clip(tmp_path / "small.mp4", [np.ascontiguousarray(f.picture[:80, :80]) for f in lemurs])
    for source, arguments, told in (
        ("none.mp4", (), "none.mp4 is not there"),
        ("empty.mp4", (), "empty.mp4 is empty"),
        ("text.mp4", (), "text.mp4 cannot be read"),
        ("small.mp4", (), "The trimap at 0.00 s is 160 × 90 pixels"),
        ("clip.mp4", ("--background", "none.png"), "none.png is not there"),
        ("clip.mp4", ("--from", "9"), "The in point is 9 s"),
        ("clip.mp4", ("--from", "2", "--to", "1"), "The out point is 1 s"),
    ):
        assert video("-o", "out.mov", *arguments, source=source) == 1
        assert told in capsys.readouterr().err
        # Nothing is left that would be in the way of the next attempt.
        assert not (tmp_path / "out.mov").exists()
    assert video("-o", "out.mp4") == 1
    assert "cannot be transparent" in capsys.readouterr().err


def test_a_truncated_clip_leaves_a_movie_of_what_there_was(video, tmp_path, lemurs, capsys):
    pictures = [lemurs[i % 20].picture for i in range(60)]
    whole = write_clip(tmp_path / "whole.mkv", pictures, options={"crf": "16", "g": "10"})
    data = whole.read_bytes()
    (tmp_path / "half.mkv").write_bytes(data[: len(data) // 2])
    assert video("-o", "out.mp4", "--content", "alpha", source="half.mkv") == 1
    assert "truncated" in capsys.readouterr().err
    assert 10 < len(frames("out.mp4")) < 50


def test_a_shorter_background_begins_again_and_what_exists_is_kept(video, tmp_path, capsys):
    reds = [np.full((90, 160, 3), (60 * i, 0, 0), np.uint8) for i in range(4)]
    write_clip(tmp_path / "reds.mp4", reds)
    assert video("-o", "out.mp4", "--background", "reds.mp4") == 0
    assert "begins again" in capsys.readouterr().err
    shown = [int(f.picture[3, 3, 0]) for f in frames("out.mp4")]
    assert np.allclose(shown, [60 * (i % 4) for i in range(20)], atol=15)
    before = (tmp_path / "out.mp4").read_bytes()
    assert video("-o", "out.mp4", "--background", "teal") == 1
    assert "out.mp4 exists" in capsys.readouterr().err
    assert (tmp_path / "out.mp4").read_bytes() == before
    assert video("-o", "out.mp4", "--background", "teal", "--to", "0.2", "--force") == 0
    assert len(frames("out.mp4")) == 5


def test_key_frames_are_kept_and_those_of_another_clip_refused(video, tmp_path, lemurs, capsys):
    assert video("-o", "a.mp4", "--content", "alpha", "--keyframes", "keys", "--to", "0.2") == 0
    np.testing.assert_array_equal(read_image("keys/00000.0000.png"), lemurs[0].trimap)
    write_clip(tmp_path / "other.mp4", [255 - f.picture for f in lemurs[:3]])
    arguments = ("-o", "b.mp4", "--content", "alpha", "--keyframes", "keys")
    assert video(*arguments, source="other.mp4", trimap=None) == 1
    assert "another first frame" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_command_goes_on_with_resume(video, tmp_path, lemurs):
    pictures = [lemurs[min(i % 40, 39 - i % 40)].picture for i in range(120)]
    write_clip(tmp_path / "long.mp4", pictures)
    arguments = ("-o", "out.mkv", "--content", "alpha", "--codec", "h264")
    command = ["video", "long.mp4", "--trimap", "first.png", *arguments, "--quiet"]
    process = subprocess.Popen([sys.executable, "-m", "matting_nodes", *command])
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline and not _has(tmp_path, 40):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was done before it was killed"
    left = len(frames_there(tmp_path / "out.mkv"))
    assert 25 < left < 120
    assert video(*arguments, "--resume", source="long.mp4") == 0
    found = frames("out.mkv")
    assert [round(25 * float(f.time)) for f in found] == list(range(120))
    truth = np.stack([lemurs[min(i % 40, 39 - i % 40)].alpha for i in range(120)])
    errors = np.abs(np.stack([f.picture[..., 0] for f in found]) / 255 - truth).mean((1, 2))
    assert errors.max() < 0.05
    assert sorted(p.name for p in tmp_path.glob("*out*")) == ["out.mkv"]


def frames_there(path):
    """Return the frames of a movie that may be cut short."""
    import av

    found = []
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                found.append(frame.pts)
    except (av.error.FFmpegError, OSError, IndexError):
        pass
    return found


def _has(folder, count):
    return len(frames_there(folder / "out.mkv")) >= count
