"""Telling users that loops are being compiled, when and only when they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import get_ident
from typing import Any, TypeVar

from ..job import Job, in_background

T = TypeVar("T")


@contextmanager
def telling_of_compiling(job: Job, title: str, takes: str = "up to a minute") -> Iterator[Job]:
    """Report to a job while Numba compiles; what comes from its cache is not mentioned.

    Compiling stops before the next function after a cancel.

    Parameters
    ----------
    job : Job
        Takes the reports.
    title : str
        Whose loops they are.
    takes : str
        How long it may take.

    Yields
    ------
    Job
        The same job; what it reports next replaces the message.
    """
    from numba.core import event

    thread, fraction, depth, told = get_ident(), job.start, 0, False

    def report(done: float, message: str) -> None:
        nonlocal fraction, told
        fraction, told = done, False
        job.report(done, message)

    class Teller(event.Listener):  # type: ignore[misc]
        def on_start(self, _: Any) -> None:
            nonlocal depth, told
            # Others' threads report for themselves.
            if get_ident() != thread:
                return
            # A function that another calls is compiled with it: Numba would hide a cancel there.
            depth += 1
            if depth == 1:
                job.check()
            if depth == 1 and not told:
                told = True
                job.report(fraction, f"{title}: compiling, at the first use only ({takes})")

        def on_end(self, _: Any) -> None:
            nonlocal depth
            depth -= get_ident() == thread

    with event.install_listener("numba:compile", Teller()):
        yield replace(job, report=report)


def compiled(work: Callable[[Job], T], job: Job, title: str, takes: str = "up to a minute") -> T:
    """Return the result of work whose loops Numba may have to compile first.

    A cancel does not wait for the compiler, which cannot be stopped: it goes on with its function
    in a thread that nobody waits for, and what it has compiled is there the next time.

    Parameters
    ----------
    work : callable(job)
        Imports and calls compiled loops.
    job : Job
        Takes the reports, and stops the work.
    title : str
        Whose loops they are.
    takes : str
        How long compiling may take.

    Raises
    ------
    Cancelled
        If the job was cancelled, within half a second.
    """

    def told(inner: Job) -> T:
        with telling_of_compiling(inner, title, takes) as inner:
            return work(inner)

    return in_background(told, job)
