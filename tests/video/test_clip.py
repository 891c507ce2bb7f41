"""A clip in, a clip out."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from fractions import Fraction

import av
import numpy as np
import pytest

from matting_nodes import Job
from matting_nodes.errors import (
    EmptyRegionError,
    FileError,
    MattingError,
    ParameterError,
    SizeMismatchError,
)
from matting_nodes.io.images import read_image, write_image
from matting_nodes.job import Cancelled
from matting_nodes.sample_data.clips import lemur_clip
from matting_nodes.video.clip import ClipTask, matte_clip, plan
from matting_nodes.video.keyframes import KeyFrames
from matting_nodes.video.matting import Matting
from matting_nodes.video.reader import Frame, Reader
from matting_nodes.video.window import Window

from .conftest import write_clip


def alphas(path):
    return np.stack([f.picture[..., 0] for f in Reader(path).frames()]) / np.float32(255)


def error(path, lemurs):
    return np.abs(alphas(path) - np.stack([f.alpha for f in lemurs])).mean()


def test_one_trimap_serves_a_clip(clip, tmp_path, lemurs):
    target = tmp_path / "alpha.mp4"
    report = matte_clip(ClipTask(clip, str(target), trimap=lemurs[0].trimap, content="alpha"))
    assert report.frames == 30
    assert error(target, lemurs) < 0.03
    with av.open(str(target)) as container:
        assert len(container.streams.audio) == 1


def test_mattes_follow_without_delay():
    truth = list(lemur_clip().frames(12))
    frames = [Frame(f.picture, Fraction(i, 25)) for i, f in enumerate(truth)]
    trimaps = iter([(i, f.trimap) for i, f in enumerate(truth)])
    found = [m.alpha for m in Matting().mattes(frames, lambda *_: None, trimaps)]
    errors = [np.abs(found[8] - truth[8 - lag].alpha).mean() for lag in (0, 1, 2)]
    assert min(errors) == errors[0]


def test_composite_over_a_color_and_a_picture(clip, tmp_path, lemurs):
    matte_clip(ClipTask(clip, str(tmp_path / "a.mp4"), lemurs[0].trimap, background="#00ff00"))
    first = next(Reader(tmp_path / "a.mp4").frames()).picture
    assert np.abs(first[:30, :20].astype(int) - [0, 255, 0]).max() < 12
    blue = np.zeros((30, 40, 3), np.float32) + np.float32([0, 0, 1])
    write_image(tmp_path / "blue.png", blue)
    task = ClipTask(
        clip, str(tmp_path / "b.mp4"), lemurs[0].trimap, background=str(tmp_path / "blue.png")
    )
    matte_clip(task)
    first = next(Reader(tmp_path / "b.mp4").frames()).picture
    assert np.abs(first[:30, :20].astype(int) - [0, 0, 255]).max() < 12


def test_a_shorter_background_begins_again_and_says_so(clip, tmp_path, lemurs):
    reds = [np.full((90, 160, 3), (40 * i, 0, 0), np.uint8) for i in range(6)]
    behind = write_clip(tmp_path / "behind.mp4", reds)
    task = ClipTask(clip, str(tmp_path / "a.mp4"), lemurs[0].trimap, background=str(behind))
    report = matte_clip(task)
    assert report.notices == ["The background clip is shorter than the clip: it begins again"]
    shown = [int(f.picture[5, 5, 0]) for f in Reader(tmp_path / "a.mp4").frames()]
    assert np.allclose(shown, [40 * (i % 6) for i in range(30)], atol=14)


def test_cutouts_as_pictures(clip, tmp_path, lemurs):
    task = ClipTask(clip, str(tmp_path / "frames"), lemurs[0].trimap, stop=0.2)
    matte_clip(task)
    files = sorted(p.name for p in (tmp_path / "frames").iterdir())
    assert files == [f"{i:06d}.png" for i in range(5)]
    cut = read_image(tmp_path / "frames" / "000003.png")
    assert cut.dtype == np.uint16
    assert np.abs(cut[..., 3] / 65535 - lemurs[3].alpha).mean() < 0.03


def test_in_and_out_points_keep_audio_in_step(clip, tmp_path, lemurs):
    task = ClipTask(
        clip, str(tmp_path / "a.mp4"), lemurs[10].trimap, content="alpha", start=0.4, stop=0.8
    )
    assert matte_clip(task).frames == 10
    assert error(tmp_path / "a.mp4", lemurs[10:20]) < 0.03


def test_resuming_gives_the_same_clip(clip, tmp_path, lemurs):
    whole, parts = tmp_path / "whole.mkv", tmp_path / "parts.mkv"
    task = {"trimap": lemurs[0].trimap, "content": "alpha", "codec": "h264"}
    matte_clip(ClipTask(clip, str(whole), **task))

    def stop_late(fraction, message):
        if message.startswith("Frame 28"):
            raise Cancelled

    with pytest.raises(Cancelled):
        matte_clip(ClipTask(clip, str(parts), **task), Job(report=stop_late))
    assert len(alphas(parts)) == 28
    report = matte_clip(ClipTask(clip, str(parts), resume=True, **task))
    assert report.frames == 5  # One whole second was kept.
    assert np.abs(alphas(whole) - alphas(parts)).mean() < 0.005


def test_a_cancel_is_heard_and_leaves_a_clip_that_plays(clip, tmp_path, lemurs):
    done = threading.Event()
    job = Job(report=lambda fraction, _: fraction > 0.2 and done.set(), cancelled=done.is_set)
    with pytest.raises(Cancelled):
        matte_clip(ClipTask(clip, str(tmp_path / "a.mp4"), lemurs[0].trimap, background="red"), job)
    assert 5 < len(alphas(tmp_path / "a.mp4")) < 30
    assert not [t for t in threading.enumerate() if t.name.startswith("prefetched")]


def test_progress_says_how_long(clip, tmp_path, lemurs):
    told = []
    job = Job(report=lambda fraction, message: told.append((fraction, message)))
    task = ClipTask(clip, str(tmp_path / "a.mp4"), lemurs[0].trimap, background="red")
    matte_clip(task, job)
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] > 0.95
    assert told[9][1].startswith("Frame 10, ")
    assert told[9][1].endswith(" left")


def test_a_truncated_clip_gives_what_there_is(tmp_path, lemurs):
    pictures = [lemurs[i % 30].picture for i in range(60)]
    whole = write_clip(tmp_path / "whole.mkv", pictures, options={"crf": "16", "g": "10"})
    data = whole.read_bytes()
    (tmp_path / "half.mkv").write_bytes(data[: len(data) // 2])
    with pytest.raises(FileError, match="truncated"):
        matte_clip(
            ClipTask(
                str(tmp_path / "half.mkv"),
                str(tmp_path / "a.mp4"),
                lemurs[0].trimap,
                content="alpha",
            )
        )
    assert 15 < len(alphas(tmp_path / "a.mp4")) < 50


def test_key_frames_beside_a_clip(clip, tmp_path, lemurs):
    folder = tmp_path / "clip.keys"
    task = ClipTask(clip, str(tmp_path / "a.mp4"), lemurs[0].trimap, folder, content="alpha")
    matte_clip(task)
    listed = json.loads((folder / "keyframes.json").read_text())["keyframes"]
    assert listed == [{"time": "0.0000", "trimap": "00000.0000.png"}]
    assert np.array_equal(read_image(folder / "00000.0000.png"), lemurs[0].trimap)
    # A trimap that is drawn in by hand counts, both ways.
    content = json.loads((folder / "keyframes.json").read_text())
    empty = lemurs[20].trimap.copy()
    empty[:, 80:] = 0
    write_image(folder / "mine.png", empty)
    content["keyframes"].append({"time": "0.8", "trimap": "mine.png"})
    (folder / "keyframes.json").write_text(json.dumps(content))
    matte_clip(ClipTask(clip, str(tmp_path / "b.mp4"), keyframes=folder, content="alpha"))
    found = alphas(tmp_path / "b.mp4")
    assert found[20][:, 82:].max() < 0.05
    # Frames nearer to it are unknown where the two contradict each other; those before are not.
    alone = alphas(tmp_path / "a.mp4")[:, :, 100:].mean(axis=(1, 2))
    right = found[:, :, 100:].mean(axis=(1, 2))
    assert np.abs(right - alone)[:10].max() < 0.02
    assert (right < 0.75 * alone)[10:20].all()
    assert right[20:].max() < 0.01


def test_key_frames_of_another_clip_are_refused(clip, tmp_path, lemurs):
    folder = tmp_path / "keys"
    first = next(Reader(clip).frames()).picture
    KeyFrames({Fraction(0): lemurs[0].trimap}).write(folder, first, Reader(clip).info)
    other = write_clip(tmp_path / "other.mp4", [255 - f.picture for f in lemurs[:3]])
    with pytest.raises(FileError, match="another first frame"):
        plan(ClipTask(other, "a.mp4", keyframes=folder, content="alpha"))
    small = write_clip(tmp_path / "small.mp4", [f.picture[:80, :80].copy() for f in lemurs[:3]])
    with pytest.raises(FileError, match="160 × 90 pixels"):
        plan(ClipTask(small, "a.mp4", keyframes=folder, content="alpha"))
    (folder / "keyframes.json").write_text("{")
    with pytest.raises(FileError, match="cannot be read"):
        plan(ClipTask(clip, "a.mp4", keyframes=folder, content="alpha"))


def test_other_methods_and_no_trimap(clip, tmp_path, lemurs):
    matting = Matting("guided_filter", network="grabcut", segment_every=10)
    task = ClipTask(clip, str(tmp_path / "a.mp4"), content="alpha", matting=matting, stop=0.5)
    assert matte_clip(task).frames == 13


def test_an_object_that_leaves(tmp_path, lemurs):
    empty = np.zeros_like(lemurs[0].picture)
    source = write_clip(tmp_path / "a.mp4", [lemurs[0].picture, empty])
    keys = KeyFrames(
        {Fraction(0): lemurs[0].trimap, Fraction(1, 25): np.zeros((90, 160), np.uint8)}
    )
    target = tmp_path / "b.mp4"
    matte_clip(ClipTask(source, str(target), keyframes=keys, content="alpha"))
    assert alphas(target)[1].max() < 0.02


@pytest.mark.parametrize(
    ("change", "error_", "message"),
    [
        ({"trimap": np.zeros((5, 5), np.uint8)}, SizeMismatchError, "5 × 5"),
        ({"trimap": np.full((90, 160), 128, np.uint8)}, EmptyRegionError, "unknown everywhere"),
        ({"target": "folder.mp4", "force": True}, FileError, "is a folder"),
        ({"background": "none.jpg"}, FileError, "none.jpg is not there"),
        ({"background": "greenish"}, ParameterError, "greenish"),
        ({"start": 2.0, "stop": 1.0}, ParameterError, "out point"),
        ({"start": 100.0}, ParameterError, "in point is 100 s"),
        ({"target": "a.gif"}, ParameterError, "ends in .gif"),
        ({"source": "none.mp4"}, FileError, "is not there"),
        ({"matting": Matting(network="none")}, ParameterError, "network is 'none'"),
    ],
)
def test_bad_input_is_refused(clip, tmp_path, change, error_, message):
    task = {"source": clip, "target": "a.mp4", "background": "red"} | change
    task["target"] = str(tmp_path / task["target"])
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(error_, match=message):
        matte_clip(ClipTask(**task))


def test_what_exists_is_kept(clip, tmp_path, lemurs):
    target = tmp_path / "a.mp4"
    target.write_text("mine")
    with pytest.raises(MattingError, match="exists"):
        matte_clip(ClipTask(clip, str(target), lemurs[0].trimap, background="red"))
    assert target.read_text() == "mine"


def test_what_is_read_is_not_written_to(clip, tmp_path, lemurs):
    source = tmp_path / "source.mp4"
    source.write_bytes(clip.read_bytes())
    (tmp_path / "link.mp4").symlink_to(source)
    for target in (source, tmp_path / "link.mp4"):
        task = ClipTask(source, str(target), lemurs[0].trimap, background="red", force=True)
        with pytest.raises(FileError, match="also the source"):
            matte_clip(task)
    task = ClipTask(clip, str(source), lemurs[0].trimap, background=str(source), force=True)
    with pytest.raises(FileError, match="also the background"):
        matte_clip(task)
    assert source.read_bytes() == clip.read_bytes()


def test_another_movie_is_not_resumed(clip, tmp_path, lemurs):
    small = [f.picture[:80, :120].copy() for f in lemurs[:3]]
    target = write_clip(tmp_path / "a.mp4", small)
    before = target.read_bytes()
    task = ClipTask(clip, str(target), lemurs[0].trimap, background="red", resume=True)
    with pytest.raises(FileError, match="h264 of 120 × 80 pixels"):
        matte_clip(task)
    same_size = write_clip(tmp_path / "b.mp4", [f.picture for f in lemurs[:3]])
    task = ClipTask(clip, str(same_size), background="red", codec="h265", resume=True)
    with pytest.raises(FileError, match="hevc of 160 × 90 pixels"):
        matte_clip(task)
    assert target.read_bytes() == before


def test_a_stream_is_read_and_written(clip, tmp_path, lemurs):
    """MPEG-TS over UDP, sent by one thread and received by another."""
    address = "udp://127.0.0.1:23462"
    received = []

    def receive():
        with av.open(f"{address}?timeout=20000000", format="mpegts") as container:
            for frame in container.decode(video=0):
                received.append(frame.to_ndarray(format="rgb24"))
                if len(received) == 10:
                    return

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    for _ in range(5):
        matte_clip(ClipTask(clip, address, lemurs[0].trimap, background="#00ff00"))
        thread.join(0.5)
        if not thread.is_alive():
            break
    assert len(received) == 10
    assert np.abs(received[0][:30, :20].astype(int) - [0, 255, 0]).max() < 30


def test_mattes_of_a_clip_flicker_less_than_those_of_its_frames():
    """An object before a moving background: what frames say of each other lowers flicker."""
    truth = list(lemur_clip(120, 214).frames(20))
    frames = [Frame(f.picture, Fraction(i, 25)) for i, f in enumerate(truth)]
    trimaps = [f.trimap for f in truth]
    together = [
        m.alpha for m in Matting().mattes(frames, lambda *_: None, iter(enumerate(trimaps)))
    ]
    alone = [
        next(Matting().mattes([frame], lambda *_, t=t: t)).alpha
        for frame, t in zip(frames, trimaps, strict=True)
    ]
    known = np.stack([f.alpha for f in truth])

    def flicker(alphas):
        return np.sqrt(np.square(np.diff(np.stack(alphas) - known, axis=0)).mean())

    assert flicker(together) < 0.95 * flicker(alone)


PEAK = """
import sys
from matting_nodes.hosts.cli import main
source, target, trimap = sys.argv[1:]
main(["video", source, "-o", target, "--trimap", trimap, "--content", "alpha", "--quiet"])
# Not ru_maxrss, which begins with the peak of the parent.
print("peak", next(line.split()[1] for line in open("/proc/self/status") if "VmHWM" in line))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_long_clip_takes_no_more_memory(tmp_path):
    frames = list(lemur_clip(180, 320).frames(240))
    write_image(tmp_path / "trimap.png", frames[0].trimap)
    peaks = []
    for count in (5, 60, 240):  # the first one compiles
        source = write_clip(tmp_path / f"{count}.mp4", [f.picture for f in frames[:count]])
        target = tmp_path / f"{count}_alpha.mp4"
        command = [sys.executable, "-c", PEAK, source, target, tmp_path / "trimap.png"]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        peaks.append(int(told.split()[-1]))
    assert peaks[2] < 1.05 * peaks[1]


def test_a_live_picture_does_not_wait():
    truth = list(lemur_clip(90, 160).frames(6))
    frames = [Frame(f.picture, Fraction(i, 25)) for i, f in enumerate(truth)]
    read = []

    def counted():
        for frame in frames:
            read.append(frame)
            yield frame

    found = Window(0, Job())
    for index, frame in enumerate(counted()):
        (step,) = found.add(index, frame, truth[index].trimap, None)
        assert step.number == index
    assert len(read) == 6
    assert not list(found.rest())
