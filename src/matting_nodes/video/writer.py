"""Frames into movies and picture sequences that can be used even if the work is cut short."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Kind
from ..errors import DependencyError, FileError, ParameterError
from ..io.images import check_target, replacing, write
from .errors import import_av, reading, writing
from .reader import Reader, is_address

Codec = Literal["auto", "h264", "h265", "prores", "vp9", "ffv1", "png", "tiff"]
Content = Literal["composite", "cutout", "alpha"]

SEGMENT = 1.0
"""Seconds of a movie that can be lost by a kill: the distance between two keyframes."""

SAME_BITS = {"x264-params": "cpu-independent=1"}
"""Else x264's bits depend on the processor, and on what lies in memory beyond a frame."""


@dataclass(frozen=True)
class Format:
    """How a codec stores frames.

    Parameters
    ----------
    encoder : str
        FFmpeg's name.
    colors, transparent, grey : str
        Pixel formats of composites, cutouts and mattes; "" for what it cannot store.
    endings : tuple of str
        Files that may hold it, the usual one first.
    options : dict
        The encoder's.
    """

    encoder: str
    colors: str
    transparent: str
    grey: str
    endings: tuple[str, ...]
    options: dict[str, str]


FORMATS = {
    "h264": Format(
        "libx264",
        "yuv420p",
        "",
        "yuv420p",
        (".mp4", ".mov", ".mkv"),
        {"crf": "18", "preset": "veryfast", **SAME_BITS},
    ),
    "h265": Format(
        "libx265",
        "yuv420p",
        "",
        "yuv420p",
        (".mp4", ".mov", ".mkv"),
        {"crf": "20", "preset": "fast", "x265-params": "log-level=error", "tag": "hvc1"},
    ),
    "prores": Format(
        "prores_ks",
        "yuv444p10le",
        "yuva444p10le",
        "yuv444p10le",
        (".mov",),
        {"profile": "4444", "alpha_bits": "16", "vendor": "apl0"},
    ),
    "vp9": Format(
        "libvpx-vp9",
        "yuv420p",
        "yuva420p",
        "yuv420p",
        (".webm",),
        {"crf": "20", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
    ),
    "ffv1": Format(
        "ffv1", "bgr0", "gbrap16le", "gray16le", (".mkv",), {"level": "3", "slicecrc": "1"}
    ),
}
"""Movies by codec."""
PICTURES = {"png": ".png", "tiff": ".tif"}
"""Picture sequences by codec."""
DEEP = ("prores", "ffv1", *PICTURES)
"""Codecs that store more than eight bits."""


def chosen_codec(target: str, codec: Codec, content: Content) -> str:
    """Return the codec that a file's ending and content ask for.

    Parameters
    ----------
    target : str
        A movie, a folder for pictures, or an address.
    codec : str
        "auto" leaves it to the ending.
    content : {"composite", "cutout", "alpha"}
        A cutout is transparent.

    Raises
    ------
    ParameterError
        If the ending cannot hold the codec, or the codec the content.

    Examples
    --------
    >>> chosen_codec("clip.mov", "auto", "cutout"), chosen_codec("frames", "auto", "alpha")
    ('prores', 'png')
    """
    ending = "" if is_address(target) else Path(target).suffix.lower()
    fitting = [name for name, form in FORMATS.items() if ending in form.endings]
    if is_address(target):
        fitting = ["h264"]
    elif not ending:
        fitting = list(PICTURES)
    if not fitting:
        endings = sorted({e for form in FORMATS.values() for e in form.endings})
        raise ParameterError(
            f"{target} ends in {ending}",
            f"Movies end in {', '.join(endings)}; a name without an ending is a folder of pictures",
            "Choose one of these",
        )
    able = [n for n in fitting if n in PICTURES or content != "cutout" or FORMATS[n].transparent]
    chosen = codec if codec != "auto" else next(iter(able), None)
    if chosen in able:
        return chosen
    if chosen is None or chosen in fitting:
        raise ParameterError(
            f"{chosen or ' and '.join(fitting)} in {ending or target} cannot be transparent",
            "prores (.mov), vp9 (.webm), ffv1 (.mkv), png and tiff (a folder) can",
            "Choose one of these, or a background",
        )
    raise ParameterError(
        f"{target} cannot hold {chosen}",
        f"It can hold {', '.join(fitting)}",
        "Choose one of these, or another ending",
    )


class Writer:
    """A movie, a sequence of pictures or a stream that takes one frame after the other.

    Use it as a context manager: at its end, also after an error or a cancel, the file is closed
    so that it plays. Even if the process is killed, all but the last second plays.

    Parameters
    ----------
    target : str
        A movie, a folder for pictures, or an address (udp://…, /dev/video9).
    codec : str
        One that `chosen_codec` returned.
    content : {"composite", "cutout", "alpha"}
    source : Reader
        Gives size, rate and audio.
    start, stop : float, seconds
        In and out points: the part of the audio that is copied.
    resume : bool
        Keep what is there, up to its last whole segment; `Writer.done` says how much that is.
    force : bool
        Overwrite what is there.

    Attributes
    ----------
    done : int
        Frames that were there before.

    Raises
    ------
    FileError
        If it cannot be written, or exists and neither `resume` nor `force` is set.
    DependencyError
        If this build of FFmpeg lacks the codec.
    """

    def __init__(
        self,
        target: str,
        codec: str,
        content: Content,
        source: Reader,
        *,
        start: float = 0,
        stop: float | None = None,
        resume: bool = False,
        force: bool = False,
    ) -> None:
        self.target, self.codec, self.content = target, codec, content
        self._source, self._start, self._stop = source, start, stop
        self.done = 0
        self._last_pts = -1
        self._closing = ExitStack()
        self._audio: Iterator[Any] = iter(())
        if codec in PICTURES:
            self._begin_pictures(Path(target), resume, force)
        else:
            self._begin_movie(resume, force)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self.codec not in PICTURES:
            self._end_movie(whole=kind is None)
            if kind and not self.done and not self._part and not is_address(self.target):
                # What failed before its first frame leaves nothing that would be in the way.
                Path(self.target).unlink(missing_ok=True)
        self._closing.close()

    def write(self, picture: NDArray[Any], time: Fraction) -> None:
        """Add a frame.

        Parameters
        ----------
        picture : (H, W, 3), (H, W, 4) or (H, W) uint8 or uint16
            Colors, straight colors with alpha, or a matte.
        time : Fraction, seconds
            Since the first frame that is written, as in the source.
        """
        if self.codec in PICTURES:
            path = Path(self.target) / f"{self.done:06d}{PICTURES[self.codec]}"
            kind = Kind.ALPHA if picture.ndim == 2 else Kind.IMAGE
            scale = np.float32(1 / np.iinfo(picture.dtype).max)
            bits: Literal[8, 16] = 16 if picture.dtype == np.uint16 else 8
            write(path, picture.astype(np.float32) * scale, kind, bits=bits, force=True)
            self.done += 1
            return
        with writing(self.target):
            frame = self._frame(picture)
            # Two frames at one time would stop the encoder.
            frame.pts = max(self._last_pts + 1, round(time / self._time_base))
            frame.time_base = self._time_base
            self._last_pts = frame.pts
            for packet in self._stream.encode(frame):
                self._container.mux(packet)
            self._mux_audio(float(time))
        self.done += 1

    def _begin_pictures(self, folder: Path, resume: bool, force: bool) -> None:
        ending = PICTURES[self.codec]
        with writing(self.target):
            folder.mkdir(parents=True, exist_ok=True)
            there = sorted(folder.glob(f"*{ending}"))
        if there and not (resume or force):
            raise FileError(
                f"{folder} holds pictures already",
                "They are not overwritten",
                "Choose another folder, --resume to go on, or --force",
            )
        if resume:
            while (folder / f"{self.done:06d}{ending}").exists():
                self.done += 1

    def _begin_movie(self, resume: bool, force: bool) -> None:
        av = import_av()
        live = is_address(self.target)
        path = Path(self.target)
        self._part: Path | None = None
        before: list[Any] = []
        if not live:
            if path.is_dir():
                raise FileError(
                    f"{path} is a folder",
                    "A name with an ending is a movie's",
                    "Choose another name; a folder of pictures has none",
                )
            resume = resume and path.exists() and path.stat().st_size > 0
            check_target(path, force or resume)
            if resume:
                # The encoder goes on in a new file, into which the old one is copied.
                self._part = path.with_name(f".{path.name}.part{path.suffix}")
                with reading(self.target):
                    self._closing.enter_context(old := av.open(self.target))
                    self._check_same_kind(old)
                    before = _whole_segments(old)
        self._open(str(self._part or self.target), live)
        with writing(self.target):
            self._copy(before)

    def _check_same_kind(self, old: Any) -> None:
        """Refuse to go on with a movie of another size or codec."""
        av, info = import_av(), self._source.info
        if self.codec not in available_codecs():
            return  # `_open` says so.
        codec = av.codec.Codec(FORMATS[self.codec].encoder, "w").canonical_name
        wanted = f"{codec} of {info.width} × {info.height} pixels"
        there = "no video"
        for stream in old.streams.video:
            context = stream.codec_context
            there = f"{context.codec.canonical_name} of {context.width} × {context.height} pixels"
        if there != wanted:
            raise FileError(
                f"{self.target} holds {there}",
                f"To go on with it, it must hold what would be written: {wanted}",
                "Choose another target, or --force to begin again",
            )

    def _open(self, name: str, live: bool) -> None:
        av = import_av()
        form, info = FORMATS[self.codec], self._source.info
        self._fragmented = Path(name).suffix in (".mp4", ".mov")
        # Nothing waits in memory for longer than a segment, not even for audio that has ended.
        container_options = {"flush_packets": "1", "max_interleave_delta": "1000000"}
        if self._fragmented:
            # Whole after every fragment, which is at least a segment long.
            container_options["movflags"] = "+frag_keyframe+delay_moov+default_base_moof"
            container_options["min_frag_duration"] = "900000"
        form_name, options = None, dict(form.options)
        if live:
            form_name = "v4l2" if name.startswith("/dev/video") else "mpegts"
            options |= {"tune": "zerolatency"}
        with writing(self.target):
            self._container = av.open(name, "w", format=form_name, options=container_options)
        try:
            self._stream = self._container.add_stream(form.encoder, rate=info.rate)
        except (ValueError, av.error.FFmpegError, LookupError) as error:
            self._container.close()
            raise DependencyError(
                f"FFmpeg has no encoder {form.encoder}: {error}",
                f"{self.codec} needs it; {', '.join(available_codecs())} are available",
                "Choose one of these by --codec, or install PyAV's wheel: pip install av",
            ) from error
        context = self._stream.codec_context
        context.width, context.height = info.width, info.height
        context.pix_fmt = self._pixel_format()
        context.time_base = self._time_base = _time_base(info.time_base)
        context.gop_size = max(1, round(SEGMENT * info.rate))
        # BT.709, and said so: players otherwise guess by size.
        if not context.pix_fmt.startswith(("gbr", "bgr", "gray")):
            context.colorspace = context.color_primaries = context.color_trc = 1
            context.color_range = 1
        if tag := options.pop("tag", None):
            with suppress(ValueError):
                context.codec_tag = tag if self._fragmented else context.codec_tag
        context.options = options
        if info.has_audio and not info.is_live and not live:
            self._open_audio()

    def _pixel_format(self) -> str:
        form, info = FORMATS[self.codec], self._source.info
        chosen = {
            "composite": form.colors,
            "cutout": form.transparent,
            "alpha": form.grey,
        }[self.content]
        # H.264 and H.265 with halved colors have even sides only.
        odd = info.width % 2 or info.height % 2
        return "yuv444p" if odd and form.encoder in ("libx264", "libx265") else chosen

    def _open_audio(self) -> None:
        """Copy the source's audio, where the file's type can hold it."""
        source = self._source.open()
        self._closing.callback(source.close)
        audio = source.streams.audio[0]
        try:
            copied = self._container.add_stream_from_template(audio)
        except ValueError:  # such as AAC in WebM
            return
        self._audio = self._audio_packets(source, audio, copied)
        self._waiting: Any = None

    def _audio_packets(self, source: Any, audio: Any, copied: Any) -> Iterator[Any]:
        video = source.streams.video[0]
        zero = float((video.start_time or 0) * video.time_base) + self._start
        if self._start:
            source.seek(int(zero * 1e6))
        for packet in source.demux(audio):
            if packet.dts is None:
                continue
            time = float(packet.pts * audio.time_base) - zero
            if time < 0:
                continue
            if self._stop is not None and time >= self._stop - self._start:
                return
            shift = round(zero / audio.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = copied
            yield time, packet

    def _mux_audio(self, until: float) -> None:
        """Copy the audio up to a time."""
        while True:
            if getattr(self, "_waiting", None) is None:
                self._waiting = next(self._audio, None)
            if self._waiting is None or self._waiting[0] > until:
                return
            self._container.mux(self._waiting[1])
            self._waiting = None

    def _copy(self, before: list[Any]) -> None:
        """Copy the packets of an earlier file."""
        for packet in before:
            ticks = packet.pts * packet.time_base / self._time_base
            self._last_pts = max(self._last_pts, round(ticks))
            packet.stream = self._stream
            self.done += 1
        if before:
            # Opens the encoder, whose headers the file begins with.
            self._stream.codec_context.open(strict=False)
            for packet in before:
                self._container.mux(packet)
            self._mux_audio(float(self._last_pts * self._time_base))

    def _frame(self, picture: NDArray[Any]) -> Any:
        av = import_av()
        form = self._stream.codec_context.pix_fmt
        deep = picture.dtype == np.uint16
        if picture.ndim == 2 and form.startswith("yuv"):
            picture = np.repeat(picture[..., None], 3, axis=2)
        channels = 1 if picture.ndim == 2 else picture.shape[2]
        name = {1: ("gray", "gray16le"), 3: ("rgb24", "rgb48le"), 4: ("rgba", "rgba64le")}
        made = name[channels][deep]
        if made == "rgba64le" and form == "gbrap16le":
            made = form  # FFmpeg's conversion would round the alpha.
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=made)
        if form.startswith(("gbr", "bgr", "gray")):
            return frame if made == form else frame.reformat(format=form)
        return frame.reformat(format=form, dst_colorspace="ITU709", dst_color_range="MPEG")

    def _end_movie(self, whole: bool) -> None:
        """Write what the encoder holds back, and close the file."""
        try:
            with writing(self.target):
                try:
                    for packet in self._stream.encode():
                        self._container.mux(packet)
                    rate = self._source.info.rate
                    self._mux_audio(float(self._last_pts * self._time_base + 1 / rate))
                finally:
                    self._container.close()
                if self._part:
                    self._part.replace(self.target)
                if whole and self._fragmented:
                    _remuxed(Path(self.target))
        except FileError:
            # What stopped the work before says more.
            if whole:
                raise


def available_codecs() -> list[str]:
    """Return the codecs of `FORMATS` that this build of FFmpeg has, and those for pictures."""
    av = import_av()
    found = []
    for name, form in FORMATS.items():
        with suppress(ValueError, av.error.FFmpegError):
            av.codec.Codec(form.encoder, "w")
            found.append(name)
    return [*found, *PICTURES]


def _time_base(source: Fraction) -> Fraction:
    """Return the source's time base, but no finer than encoders accept."""
    return max(source, Fraction(1, 90000))


def _whole_segments(container: Any) -> list[Any]:
    """Return the packets of the whole segments of a movie that may have been cut short."""
    av = import_av()
    stream = container.streams.video[0]
    packets: list[Any] = []
    segment = 0
    with suppress(av.error.FFmpegError):
        for packet in container.demux(stream):
            if not packet.size:
                continue
            if packet.is_keyframe:
                segment = len(packets)
            packets.append(packet)
    whole = packets[:segment]
    # Matroska does not tell when to decode the first ones.
    known = next((i for i, packet in enumerate(whole) if packet.dts is not None), 0)
    for i in range(known):
        whole[i].dts = whole[known].dts - (known - i)
    if stream.codec_context.name in ("h264", "hevc"):
        # Files hold lengths where encoders write start codes.
        to_annexb = av.BitStreamFilterContext(f"{stream.codec_context.name}_mp4toannexb", stream)
        whole = [made for packet in whole for made in to_annexb.filter(packet)]
    return whole


def _remuxed(path: Path) -> None:
    """Turn a fragmented movie into an ordinary one, which every editor opens."""
    av = import_av()
    if shutil.disk_usage(path.parent).free < 2 * path.stat().st_size:
        return  # A fragmented one plays too.
    with replacing(path) as part:
        # FFmpeg knows a file's type by its ending.
        form = "mov" if path.suffix == ".mov" else "mp4"
        options = {"movflags": "+faststart"}
        with (
            av.open(os.fspath(path)) as old,
            av.open(os.fspath(part), "w", format=form, options=options) as new,
        ):
            streams = {s.index: new.add_stream_from_template(s) for s in old.streams}
            for packet in old.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream.index]
                    new.mux(packet)
