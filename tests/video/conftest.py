from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from matting_nodes.sample_data.clips import lemur_clip


def write_clip(
    path: Path,
    pictures,
    *,
    times=None,
    codec="libx264",
    pix_fmt="yuv420p",
    audio=False,
    options=None,
) -> Path:
    """Write a real clip by PyAV; times are in milliseconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = options or {"crf": "16"}
        sound = container.add_stream("aac", rate=48000, layout="mono") if audio else None
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts, frame.time_base = (times or range(0, 10**6, 40))[index], Fraction(1, 1000)
            for packet in stream.encode(frame):
                container.mux(packet)
        if sound:
            _add_beep(container, sound, len(pictures) / 25)
        for packet in stream.encode():
            container.mux(packet)
    return path


def _add_beep(container, sound, seconds):
    """A click every half second."""
    wave = np.zeros((1, int(48000 * seconds)), np.float32)
    for click in range(0, wave.shape[1], 24000):
        wave[0, click : click + 480] = 0.8 * np.sin(np.arange(480) / 5)
    for start in range(0, wave.shape[1] - 1023, 1024):
        block = np.ascontiguousarray(wave[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        for packet in sound.encode(frame):
            container.mux(packet)
    for packet in sound.encode():
        container.mux(packet)


@pytest.fixture(scope="session")
def lemurs():
    """Thirty small frames of the sample clip, with their mattes."""
    return list(lemur_clip(90, 160).frames(30))


@pytest.fixture(scope="session")
def clip(tmp_path_factory, lemurs):
    """The same as a file with sound."""
    path = tmp_path_factory.mktemp("clip") / "lemur.mp4"
    return write_clip(path, [frame.picture for frame in lemurs], audio=True)
