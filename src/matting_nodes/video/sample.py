"""A clip to try things on, generated from the sample pictures."""

from __future__ import annotations

from io import BytesIO

from ..arrays import Trimap
from ..sample_data.clips import lemur_clip
from .errors import import_av
from .writer import SAME_BITS

FRAMES, RATE = 100, 25


def sample_clip(count: int = FRAMES, height: int = 360, width: int = 640) -> tuple[BytesIO, Trimap]:
    """Return a clip of a lemur at the sea as an MP4 in memory, and a trimap of its first frame.

    Parameters
    ----------
    count : int
        Number of frames.
    height, width : int, pixels
    """
    av = import_av()
    data, first = BytesIO(), None
    with av.open(data, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.options = {"crf": "23", **SAME_BITS}
        for frame in lemur_clip(height, width).frames(count):
            first = frame.trimap if first is None else first
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame.picture)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    assert first is not None
    return data, first
