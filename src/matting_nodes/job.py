"""Progress and cancel: a small object that hosts make and every long loop is given."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

T = TypeVar("T")

# Seconds between two questions to the job while work runs in a thread of its own.
_WAIT = 0.05
# Seconds that cancelled work has to clean up after itself before nobody waits for it any more.
_GRACE = 0.4


class Cancelled(Exception):  # noqa: N818 (it is no error)
    """The user cancelled the work; none of it is kept."""


def _ignore(fraction: float, message: str) -> None:
    """Report nothing."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Job:
    """A piece of work that reports progress and can be cancelled.

    Parameters
    ----------
    report : callable(fraction, message)
        Called with the fraction done, 0..1, and what is being done.
    cancelled : callable() -> bool
        Called between steps. Hosts may also raise an exception of their own in it.
    start, stop : float, 0..1
        The part of the host's progress bar that this job fills.
    notes : dict
        Facts for the result's provenance; filled by `note`.

    Examples
    --------
    >>> Job(report=lambda fraction, message: print(f"{fraction:.0%} {message}")).step(1, 4, "solve")
    25% solve
    """

    report: Callable[[float, str], None] = _ignore
    cancelled: Callable[[], bool] = _never
    start: float = 0.0
    stop: float = 1.0
    notes: dict[str, Any] = field(default_factory=dict)

    def note(self, **facts: Any) -> None:
        """Record facts for the result's provenance, such as the model and its checksum."""
        self.notes.update(facts)

    def announce(self, text: str) -> None:
        """Tell the user what could not be done as asked, and note it under "notices"."""
        self.notes.setdefault("notices", []).append(text)
        self.step(0, message=text)

    def check(self) -> None:
        """Raise Cancelled if the user has cancelled the work."""
        if self.cancelled():
            raise Cancelled

    def step(self, done: float, total: float = 1.0, message: str = "") -> None:
        """Check for a cancel, then report that `done` of `total` is done.

        Parameters
        ----------
        done : float
            The work done, from 0 to `total`.
        total : float
            All of the work, in the same unit.
        message : str
            What is being done.
        """
        self.check()
        self.report(self.start + (self.stop - self.start) * done / total, message)

    def forward(self) -> Job:
        """Return this job with progress that never decreases."""
        furthest = 0.0

        def report(fraction: float, message: str) -> None:
            nonlocal furthest
            furthest = max(furthest, fraction)
            self.report(furthest, message)

        return replace(self, report=report)

    def part(self, start: float, stop: float) -> Job:
        """Return the job for the part from `start` to `stop` of this one.

        Parameters
        ----------
        start, stop : float, 0..1
            Fractions of this job.
        """
        length = self.stop - self.start
        return replace(self, start=self.start + length * start, stop=self.start + length * stop)

    def each(self, items: Collection[T]) -> Iterator[tuple[T, Job]]:
        """Yield every item with the job for its part of this one, all of equal length."""
        for index, item in enumerate(items):
            yield item, self.part(index / len(items), (index + 1) / len(items))


def in_background(work: Callable[[Job], T], job: Job) -> T:
    """Return the result of work that runs in another thread while this one checks for a cancel.

    Its reports reach the job in this thread, as hosts expect. After a cancel the work stops at its
    next report; if it has not done so after a moment, it is no longer waited for.

    Parameters
    ----------
    work : callable(job)
        For example a download, which may wait long for data, or reading a large file.
    job : Job
        Reports progress, and stops the work when it is cancelled.

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
