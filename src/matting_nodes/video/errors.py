"""What FFmpeg says, as messages that state the rule and the fix."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from ..errors import DependencyError, FileError


def import_av() -> ModuleType:
    """Return PyAV.

    Raises
    ------
    DependencyError
        If it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise DependencyError(
            f"PyAV cannot be imported: {error}",
            "Clips and streams are read and written by it",
            'Run: pip install "matting-nodes[video]"',
        ) from error
    return av


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn FFmpeg's errors into a FileError about a clip that is read.

    Parameters
    ----------
    name : str
        The clip's file or address.
    """
    av = import_av()
    try:
        yield
    except FileNotFoundError as error:
        raise FileError(
            f"{name} is not there", "A file, camera or stream must exist", "Check the path"
        ) from error
    except (av.error.FFmpegError, OSError) as error:
        raise FileError(
            f"{name} cannot be read: {error.strerror or error}",
            "It must be a whole video file, a camera or a stream that FFmpeg reads",
            "Check it in a player; a stream or camera must be running and free",
        ) from error


@contextmanager
def writing(name: str) -> Iterator[None]:
    """Turn FFmpeg's and the system's errors into a FileError about a clip that is written.

    Parameters
    ----------
    name : str
        The clip's file or address.
    """
    av = import_av()
    try:
        yield
    except (av.error.FFmpegError, OSError) as error:
        full = getattr(error, "errno", None) == errno.ENOSPC
        raise FileError(
            f"{name} cannot be written: {getattr(error, 'strerror', None) or error}",
            "Frames that were written before are kept, and play",
            "Make room and go on with --resume" if full else "Check the place and the codec",
        ) from error
