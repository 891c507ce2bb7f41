"""The one rule of memory: what does not fit into what is free is refused before it is begun."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition

from .errors import MemoryLimitError, ParameterError

LIMIT = "MATTING_NODES_MEMORY"
"""Environment variable: GiB that a process may use at most, however much is free."""
GIB = 2**30
# A part of what is free stays free: it is an estimate, and others want memory too.
_USABLE = 0.9
_CGROUPS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    (
        "/sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)


def free_memory() -> int | None:
    """Return the bytes that may be used: what the system, its container and the limit leave.

    Returns
    -------
    int or None
        None where the system does not tell and no limit is set.

    Raises
    ------
    ParameterError
        If the limit is no number.
    """
    left = [*_of_system(), *_of_limit()]
    if sys.platform == "linux":
        left += [_of_cgroup(*names) for names in _CGROUPS if Path(names[0], names[1]).is_file()]
    return max(0, int(min(left))) if left else None


def check_memory(needed: float, what: str) -> None:
    """Refuse an operation that needs more memory than is free.

    Parameters
    ----------
    needed : float
        Bytes of its result and of what it works with.
    what : str
        What needs them, for the error.

    Raises
    ------
    MemoryLimitError
    """
    free = free_memory() if needed > GIB / 64 else None  # small ones are not worth the question
    if free is not None and needed > free:
        raise MemoryLimitError(
            f"{what} needs {needed / GIB:.1f} GiB of memory",
            f"{free / GIB:.1f} GiB may be used",
            "Use a smaller picture or fewer frames at a time, or close other programs"
            + (f"; {LIMIT} sets a limit" if os.environ.get(LIMIT) else ""),
        )


_turn = Condition()
_in_use = 0.0


@contextmanager
def reserved(needed: float, what: str) -> Iterator[None]:
    """Hold memory for an operation, so that several at a time do not count on the same bytes.

    What fits alone waits until the others that hold memory are done. Not to be nested.

    Parameters
    ----------
    needed : float
        Bytes of its result and of what it works with.
    what : str
        What needs them, for the error.

    Raises
    ------
    MemoryLimitError
        If it does not fit even alone.
    """
    global _in_use
    with _turn:
        while _in_use and not _fits(needed + _in_use):
            _turn.wait()
        check_memory(needed, what)
        _in_use += needed
    try:
        yield
    finally:
        with _turn:
            _in_use -= needed
            _turn.notify_all()


def _fits(needed: float) -> bool:
    free = free_memory()
    return free is None or needed <= free


def _of_system() -> list[float]:
    """Return what the system says is free, if it does."""
    with suppress(OSError, ValueError, IndexError):
        if sys.platform == "linux":
            said = _numbers(Path("/proc/meminfo"), ":")
            return [1024 * said["MemAvailable"] * _USABLE] if "MemAvailable" in said else []
    with suppress(ImportError):
        import psutil  # type: ignore[import-untyped, unused-ignore]

        return [psutil.virtual_memory().available * _USABLE]
    return []


def _of_limit() -> list[float]:
    """Return what the user's limit leaves, if there is one."""
    text = os.environ.get(LIMIT, "").strip()
    if not text:
        return []
    try:
        limit = float(text)
        if not limit > 0:
            raise ValueError(text)
    except ValueError as error:
        raise ParameterError(
            f"{LIMIT} is {text!r}",
            "It is a number of GiB above 0",
            "Set such a number, or unset it",
        ) from error
    return [limit * GIB - _own()]


def _own() -> int:
    """Return the bytes that this process holds; 0 where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with suppress(ImportError):
        import psutil  # type: ignore[import-untyped, unused-ignore]

        return int(psutil.Process().memory_info().rss)
    return 0


def _of_cgroup(folder: str, limit: str, usage: str, cache: str) -> float:
    """Return what a container's limit leaves; files that are only cached make room."""
    with suppress(OSError, ValueError):
        most, used = (float(Path(folder, name).read_text()) for name in (limit, usage))
        cached = _numbers(Path(folder, "memory.stat")).get(cache, 0)
        return (most - used + cached) * _USABLE
    return float("inf")


def _numbers(path: Path, end: str = "") -> dict[str, int]:
    """Return the numbers of a file of lines such as "MemAvailable: 123 kB"."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {line[0].removesuffix(end): int(line[1]) for line in lines}
