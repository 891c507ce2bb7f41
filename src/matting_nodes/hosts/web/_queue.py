from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from ...job import Cancelled, Job
from ._limits import Limits, RefusedError

T = TypeVar("T")


class Queue:
    """Work that waits its turn, and stops when whoever asked for it is gone.

    Parameters
    ----------
    limits : Limits
        How much is done at once, and how much may wait.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.workers, "matting")
        self.pending = 0
        """Pieces of work that are being done or wait."""

    @property
    def is_full(self) -> bool:
        """Whether one more piece of work would be refused."""
        return self.pending >= self._limits.workers + self._limits.waiting

    async def run(
        self,
        work: Callable[[Job], T],
        gone: Awaitable[object],
        report: Callable[[float, str], None] | None = None,
    ) -> T:
        """Return the result of work that is done in a thread.

        Parameters
        ----------
        work : callable(job)
            What is to be done.
        gone : awaitable
            Is over when the result is not wanted any more.
        report : callable(fraction, message), optional
            Called in the event loop.

        Raises
        ------
        RefusedError
            If too much is waiting, or the work takes too long.
        Cancelled
            If it was not wanted any more.
        """
        if self.is_full:
            if asyncio.iscoroutine(gone):
                gone.close()
            raise RefusedError(
                503,
                f"{self.pending} pictures are waiting",
                f"At most {self._limits.waiting} may wait",
                "Try again in a minute",
            )
        loop, stopped = asyncio.get_running_loop(), threading.Event()

        def tell(fraction: float, message: str) -> None:
            if report is not None and not stopped.is_set():
                loop.call_soon_threadsafe(report, fraction, message)

        future = self._threads.submit(work, Job(tell, stopped.is_set))
        self.pending += 1
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._count_down))
        done = asyncio.wrap_future(future)
        watcher: asyncio.Future[Any] = asyncio.ensure_future(gone)
        try:
            await asyncio.wait(
                (done, watcher), timeout=self._limits.seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if done.done():
                return done.result()
            if watcher.done():
                raise Cancelled
            raise RefusedError(
                503,
                f"The work took longer than {self._limits.seconds:g} seconds",
                "This server stops it then",
                "Make the picture smaller, or choose a faster method",
            )
        finally:
            stopped.set()
            watcher.cancel()
            done.cancel()  # if it has not begun
            with suppress(asyncio.CancelledError, Exception):
                await asyncio.gather(done, watcher, return_exceptions=True)

    def _count_down(self) -> None:
        self.pending -= 1

    def close(self) -> None:
        """Begin no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)
