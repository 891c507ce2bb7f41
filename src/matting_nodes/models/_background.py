"""Work in a thread of its own, so that a cancel need not wait for it."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from ..job import Job

T = TypeVar("T")

_WAIT = 0.05
# Seconds that cancelled work has to clean up after itself before nobody waits for it any more.
_GRACE = 0.4


def in_background(work: Callable[[Job], T], job: Job) -> T:
    """Return what work returns, which runs in another thread while this one asks the job.

    Its reports reach the job in this thread, as hosts expect. After a cancel the work is asked to
    stop at its next report; what has not done so after a moment is left to itself.

    Parameters
    ----------
    work : callable(job)
        Such as a download, which may hear nothing for long, or the reading of a large file.
    job : Job
        Takes progress; asked for a cancel all the time.

    Raises
    ------
    Cancelled
        If the job was cancelled, within half a second.
    """
    said: deque[tuple[float, str]] = deque()
    stopped = threading.Event()
    inner = Job(lambda *report: said.append(report), stopped.is_set, notes=job.notes)
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work(inner))
        except BaseException as error:
            future.set_exception(error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), daemon=True).start()
    try:
        while not wait([future], _WAIT).done:
            _relay(said, job)
            job.check()
        _relay(said, job)
        return future.result()
    finally:
        stopped.set()
        wait([future], _GRACE)


def _relay(said: deque[tuple[float, str]], job: Job) -> None:
    while said:
        fraction, message = said.popleft()
        job.step(fraction, message=message)
