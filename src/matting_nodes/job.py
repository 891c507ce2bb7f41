"""Progress and cancel: a small object that hosts make and every long loop takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

T = TypeVar("T")


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
        """Check for a cancel, then report that `done` of `total` is done.

        Parameters
        ----------
        done : float
            What has been done, from 0 to `total`.
        total : float
            What there is to do, in the same unit.
        message : str
            What is being done.
        """
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
        """Return the job for the stretch from `start` to `stop` of this one.

        Parameters
        ----------
        start, stop : float, 0..1
            The stretch, in parts of this job's own.
        """
        length = self.stop - self.start
        return replace(self, start=self.start + length * start, stop=self.start + length * stop)

    def each(self, items: Collection[T]) -> Iterator[tuple[T, Job]]:
        """Yield every item with the job for its stretch of this one, all equally long."""
        for index, item in enumerate(items):
            yield item, self.part(index / len(items), (index + 1) / len(items))
