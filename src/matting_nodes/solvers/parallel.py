"""Compiled loops on several threads that sleep while they have nothing to do.

Numba's own threads spin at the end of a parallel loop (GNU OpenMP). A solve has hundreds of short
loops: as soon as another program wants a core, each loop waits for a thread that has lost its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from multiprocessing import parent_process
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

PIECES_PER_THREAD = 4
"""Pieces per thread into which a loop is divided, so that others do what a delayed one cannot."""
LIMITS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Environment variables that limit the number of threads a process computes with."""

_forked = False
_starting = Lock()


def in_parallel(
    kernel: Callable[..., None], count: int, *arguments: Any, smallest: int = 1
) -> None:
    """Run a compiled loop over `range(count)` on several threads.

    The calling thread takes part, and does not wait for threads that have not started: on a busy
    machine it may do all the work. Several threads may call this at once.

    Parameters
    ----------
    kernel : callable(start, stop, *arguments)
        Does `for i in range(start, stop)`, compiled with `nogil=True`. What it does for one i must
        not depend on the others: neither the result nor its last bits may depend on the division.
    count : int
        Length of the loop.
    *arguments
        The kernel's further arguments, including the arrays that it writes to.
    smallest : int
        The fewest iterations of a piece. They should take some 50 µs: waking a thread for fewer
        would take longer.
    """
    threads = thread_count()
    pieces = min(PIECES_PER_THREAD * threads, count // smallest)
    if threads == 1 or pieces < 2:
        kernel(0, count, *arguments)
        return
    cuts = [count * i // pieces for i in range(pieces + 1)]
    # One iterator for all threads: each gets the next piece when it is done with one.
    ranges = iter(list(pairwise(cuts)))
    done: SimpleQueue[BaseException | None] = SimpleQueue()

    def work() -> None:
        for start, stop in ranges:
            try:
                kernel(start, stop, *arguments)
            except BaseException as error:
                done.put(error)
            else:
                done.put(None)

    tasks = _tasks()
    for _ in range(min(threads, pieces) - 1):
        tasks.put(work)
    work()
    for _ in range(pieces):
        if error := done.get():
            raise error


@cache
def thread_count() -> int:
    """Return how many threads a compiled loop runs on in this process.

    That is the number of cores that the process may use, or fewer if OMP_NUM_THREADS or
    NUMBA_NUM_THREADS says so. A worker process, forked or started by multiprocessing, shares the
    cores with others: it has one thread, or as many as these variables say.
    """
    limits = list(_limits())
    if not limits and (_forked or parent_process()):
        return 1
    return min([core_count(), *limits])


def core_count() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _limits() -> Iterator[int]:
    for name in LIMITS:
        # OpenMP accepts a list too, whose first number is that of the outermost loops.
        text = os.environ.get(name, "").partition(",")[0].strip()
        if text.isdecimal() and int(text) > 0:
            yield int(text)


def _tasks() -> SimpleQueue[Callable[[], None]]:
    """Return the queue from which the other threads get their work."""
    with _starting:
        return _start(thread_count() - 1)


@cache
def _start(count: int) -> SimpleQueue[Callable[[], None]]:
    tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def serve() -> None:
        while True:
            tasks.get()()

    for _ in range(count):
        Thread(target=serve, name="matting-nodes", daemon=True).start()
    return tasks


def _after_fork() -> None:
    """Forget the parent's threads: a forked process has none of them."""
    global _forked, _starting
    _forked, _starting = True, Lock()
    thread_count.cache_clear()
    _start.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
