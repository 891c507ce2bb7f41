"""Several movies of one clip in one pass: its composite, and its matte as grey."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from fractions import Fraction

from ..job import Job
from .backgrounds import Background
from .clip import ClipPlan, mattes, picture_of
from .reader import exact
from .threads import prefetched
from .writer import Content, Writer, chosen_codec


def write_movies(made: ClipPlan, targets: Mapping[Content, str], job: Job) -> list[str]:
    """Matte a clip once, and write movies of different contents.

    Parameters
    ----------
    made : ClipPlan
        The checked task; its own target is not written.
    targets : mapping of content to path
        Where the composite, the cutout and the matte go; existing files are replaced.
    job : Job
        Reports progress, and stops the work when it is cancelled: movies that were begun play.

    Returns
    -------
    list of str
        Notices, such as that a background clip began again.

    Raises
    ------
    MattingError
        If something cannot be used, read or written.
    Cancelled
        If the job was cancelled.
    """
    task, info, notices = made.task, made.info, list[str]()
    background = None
    if "composite" in targets:
        background = Background(task.background, info.height, info.width, notices.append)
    with ExitStack() as stack:
        writers: dict[Content, Writer] = {}
        for content, target in targets.items():
            codec = chosen_codec(target, "auto", content)
            writer = Writer(
                target, codec, content, made.reader, start=task.start, stop=task.stop, force=True
            )
            writers[content] = stack.enter_context(writer)
        found = stack.enter_context(closing(prefetched(mattes(made), job.check)))
        for matte in found:
            time = max(Fraction(0), matte.time - exact(task.start))
            for content, writer in writers.items():
                writer.write(picture_of(matte, content, writer.codec, background, time), time)
            done = float(time) / made.length if made.length else 0.0
            job.step(min(done, 1.0), message=f"Frame {matte.number + 1}")
    return notices
