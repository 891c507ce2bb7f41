"""Clips on wires: ComfyUI's nodes that load, make and save them, and the one that mattes them.

What travels is where a clip lies, never its frames: it is decoded one frame after the other.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from ...arrays import as_trimap
from ...errors import ParameterError
from ...framework.parameters import Color, Slider
from ...job import Job
from ...nodes._cutout import NETWORKS
from ..folders import Folders
from ..node_types import ImageBatch, MaskBatch, Saved, Wire, node_type, nothing
from ..wires import VIDEO

Finder = Literal["auto", "grabcut", *NETWORKS]  # type: ignore[valid-type]
Container = Literal["auto", "mp4", "mkv", "webm"]
Encoding = Literal["auto", "h264", "av1"]


@dataclass(frozen=True)
class Clip:
    """A clip that a wire carries.

    Parameters
    ----------
    source : path or binary file
    start, duration : float, seconds
        The part that is meant; a duration of 0 reaches to its end.
    """

    source: Any
    start: float = 0.0
    duration: float = 0.0


Video = Annotated[Clip, Wire(VIDEO)]


class Movies(NamedTuple):
    """The object over something else, and its opacity as a grey movie."""

    video: Video
    alpha: Video


def _is_there(parameters: Mapping[str, object], folders: Folders) -> None:
    folders.find(str(parameters["file"]))


@node_type(name="LoadVideo", title="Load Video", check=_is_there, memory=nothing)
def load_video(*, file: str = "", folders: Folders) -> Video:
    """Load a clip; its frames are read when they are needed.

    Parameters
    ----------
    file : str
        A file in the input folder.
    folders : Folders
        Where files are looked for.
    """
    return Clip(str(folders.find(file)))


@node_type(name="CreateVideo", title="Create Video", memory=nothing)
def create_video(
    images: ImageBatch,
    *,
    fps: Annotated[float, Slider(1, 120)] = 30.0,
    folders: Folders,
    job: Job,
) -> Video:
    """Make a clip of pictures, without sound.

    Parameters
    ----------
    images : (B, H, W, C) float32, 0..1
        Its frames; opacity is left out.
    fps : float
        Frames a second.
    folders : Folders
        Where it is kept meanwhile.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    """
    from ...video.errors import import_av
    from ...video.writer import SAME_BITS

    av = import_av()
    path = folders.scratch(".mp4")
    height, width = (side - side % 2 for side in images.shape[1:3])
    with av.open(str(path), "w") as container:
        rate = Fraction(fps).limit_denominator(1000)
        stream = container.add_stream("libx264", rate=rate, options={"crf": "12", **SAME_BITS})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index, part in job.each(range(len(images))):
            part.check()
            picture = np.rint(255 * images[index, :height, :width, :3].clip(0, 1))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture, np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return Clip(str(path))


@node_type(name="SaveVideo", title="Save Video", is_end=True, memory=nothing)
def save_video(
    video: Video,
    *,
    filename_prefix: str = "video/ComfyUI",
    format: Container = "auto",  # noqa: A002 (ComfyUI's name)
    codec: Encoding = "auto",
    folders: Folders,
) -> Annotated[Saved, Wire(VIDEO)]:
    """Save a clip as it is, without encoding it again.

    Parameters
    ----------
    video : Clip
        The clip.
    filename_prefix : str
        As `Folders.target` reads it.
    format : {"auto", "mp4", "mkv", "webm"}
        The file's type; auto keeps that of the clip, and another is refused.
    codec : {"auto", "h264", "av1"}
        How it is encoded; auto keeps that of the clip, and others are refused.
    folders : Folders
        Where files are written.
    """
    from ...video.reader import Reader

    info = Reader(video.source).info
    suffix = _suffix(video)
    kept = format in ("auto", suffix[1:]) and codec == "auto"
    if not kept or video.start or video.duration:
        raise ParameterError(
            f"A {suffix[1:]} clip is to be saved as {format}, {codec}",
            "Without ComfyUI a clip is saved as it is, whole",
            "Choose auto, or convert it by ffmpeg",
        )
    (path,) = folders.target(filename_prefix, suffix, 1, (info.width, info.height))
    if isinstance(video.source, str):
        shutil.copyfile(video.source, path)
    else:
        video.source.seek(0)
        path.write_bytes(video.source.read())
    return Saved((video,), (path,))


def _suffix(video: Clip) -> str:
    from pathlib import Path

    return Path(video.source).suffix.lower() if isinstance(video.source, str) else ".mp4"


@node_type(
    title="Matte Video",
    aliases=("video matting", "remove video background", "green screen", "rotoscope", "roto"),
    memory=nothing,
)
def matte_video(
    video: Video,
    trimap: MaskBatch | None = None,
    background: ImageBatch | None = None,
    *,
    times: str = "0",
    color: Annotated[str, Color()] = "white",
    network: Finder = "auto",
    segment_every: Annotated[int, Slider(0, 10000)] = 0,
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    folders: Folders,
    job: Job,
) -> Movies:
    """Take the object of a clip off its background: one trimap serves all frames.

    The trimap follows the object, and each matte knows those before it, so that it does not
    flicker. Frames are decoded, matted and encoded one after the other; no clip is held whole.

    Parameters
    ----------
    video : Clip
        The clip.
    trimap : (B, H, W) float32, 0..1
        Of its first frame; or of several frames, with their times. Without one, the object is
        looked for.
    background : (B, H, W, C) float32, 0..1
        What comes behind it, of any size; without one, the color.
    times : str
        When each trimap is from, in seconds from the clip's beginning, such as 0, 1.5, 4. Each
        counts up to its neighbors on both sides.
    color : str
        What comes behind the object where no background is wired; transparent gives a WebM with
        opacity.
    network : str
        Which network looks for the object where there is no trimap: as for Cutout.
    segment_every : int
        Look for it again every so many frames; 0 is never.
    device : {"auto", "cpu", "cuda", "mps"}
        Where networks compute.

    Returns
    -------
    video : Clip
        The object over the background, with the clip's sound.
    alpha : Clip
        Its opacity as a grey movie.
    """
    from ...video.clip import ClipTask, plan
    from ...video.keyframes import KeyFrames
    from ...video.matting import Matting
    from ...video.movies import write_movies
    from ...video.reader import exact

    keys = KeyFrames({exact(video.start + at): frame for at, frame in _timed(trimap, times)})
    clear = background is None and color.strip().lower() == "transparent"
    targets: Any = {
        "cutout" if clear else "composite": str(folders.scratch(".webm" if clear else ".mp4")),
        "alpha": str(folders.scratch(".mp4")),
    }
    task = ClipTask(
        video.source,
        next(iter(targets.values())),
        keyframes=keys,
        background=color if background is None else background[0][..., :3],
        content=next(iter(targets)),
        start=video.start,
        stop=video.start + video.duration if video.duration else None,
        matting=Matting(network=network, segment_every=segment_every, device=device),
    )
    write_movies(plan(task), targets, job)
    first, alpha = targets.values()
    return Movies(Clip(first), Clip(alpha))


def _timed(trimap: np.ndarray | None, times: str) -> list[tuple[float, np.ndarray]]:
    """Return the trimaps with their times.

    Raises
    ------
    ParameterError
        If there are not as many of each.
    """
    if trimap is None:
        return []
    try:
        seconds = [float(part) for part in times.replace(";", ",").split(",")]
        if min(seconds) < 0:
            raise ValueError
    except ValueError:
        raise ParameterError(
            f"times is {times!r}",
            "It is the second of each trimap, such as 0, 1.5, 4",
            "Write one number for each trimap",
        ) from None
    if len(seconds) != len(trimap):
        raise ParameterError(
            f"times names {len(seconds)}, and there are {len(trimap)} trimaps",
            "Each trimap has its time",
            "Write one number for each trimap",
        )
    return [(at, as_trimap(frame)) for at, frame in zip(seconds, trimap, strict=True)]
