"""Progress and cancel: a small object that hosts make and every long loop takes."""

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
    """The user asked for the work to stop; nothing was kept of it."""


def _ignore(fraction: float, message: str) -> None:
    """Report to nobody."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Job:
    """One piece of work that can be watched and stopped.

    Parameters
    ----------
    report : callable(fraction, message)
        Called with the part done, 0..1, and what is being done.
    cancelled : callable() -> bool
        Asked between steps. Hosts may also raise an exception of their own in it.
    start, stop : float, 0..1
        The stretch of the host's progress bar that this job fills.
    notes : dict
        What a result's provenance is to say of how it came about; filled by `note`.

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
        """Remember facts for the result's provenance, such as the model and its checksum."""
        self.notes.update(facts)

    def announce(self, text: str) -> None:
        """Tell the user what was not done as asked, and note it among the `notices`."""
        self.notes.setdefault("notices", []).append(text)
        self.step(0, message=text)

    def check(self) -> None:
        """Raise Cancelled if the user asked to stop."""
        if self.cancelled():
            raise Cancelled

    def step(self, done: float, total: float = 1.0, message: str = "") -> None:
        """Check for a cancel, then report that `done` of `total` is done."""
        self.check()
        self.report(self.start + (self.stop - self.start) * done / total, message)

    def forward(self) -> Job:
        """Return this job with reports that never go back."""
        furthest = 0.0

        def report(fraction: float, message: str) -> None:
            nonlocal furthest
            furthest = max(furthest, fraction)
            self.report(furthest, message)

        return replace(self, report=report)

    def part(self, start: float, stop: float) -> Job:
        """Return the job for the stretch from `start` to `stop` of this one."""
        length = self.stop - self.start
        return replace(self, start=self.start + length * start, stop=self.start + length * stop)

    def each(self, items: Collection[T]) -> Iterator[tuple[T, Job]]:
        """Yield every item with the job for its stretch of this one, all equally long."""
        for index, item in enumerate(items):
            yield item, self.part(index / len(items), (index + 1) / len(items))


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
