"""The blocks of a stage, done here or on a Dask cluster; those that are done already are not."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import cache, partial
from threading import Event
from typing import Any, Protocol

from ..errors import MattingError
from ..job import Job
from ..solvers.parallel import thread_count

RETRIES = 3
"""How often a block is given to another worker after one was lost with it."""
AT_ONCE, MEMORY = 2, 1 << 30
"""Blocks that are done at once in one process: what takes one thread in one block leaves a core to
the other; and about how many bytes they may take."""
WAIT = 0.02
"""Seconds between two questions to the job while workers are busy."""


class Work(Protocol):
    """A piece of work on one block, which reports and can be cancelled."""

    def __call__(self, block: int, job: Job) -> None:
        """Do it."""


class Runner(Protocol):
    """Something that does a piece of work for each of some blocks."""

    def __call__(self, work: Work, blocks: list[int], job: Job) -> None:
        """Do the work, whatever the order."""


def here(work: Work, blocks: list[int], job: Job) -> None:
    """Do the work in this process, block after block.

    Parameters
    ----------
    work : callable(block, job)
        The work.
    blocks : list of int
        Their numbers.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    """
    for block, part in job.each(blocks):
        work(block, part)


def beside(run: Runner, memory: Callable[[int], int]) -> Runner:
    """Return a runner that does two blocks of a large plane at once where `here` does one.

    Parameters
    ----------
    run : Runner
        `here`, or a cluster's, which is returned as it is.
    memory : callable(block)
        About how many bytes a block takes.
    """
    if run is not here or thread_count() == 1:
        return run
    return partial(_beside, memory)


def _beside(memory: Callable[[int], int], work: Work, blocks: list[int], job: Job) -> None:
    """Do blocks at once whose memory together stays in `MEMORY`; one alone may take more.

    Reports reach the job in this thread, as hosts expect.
    """
    memory, stopped, said, left = cache(memory), Event(), dict.fromkeys(blocks, 0.0), deque(blocks)
    messages: deque[str] = deque([""], 1)
    busy: dict[Future[None], int] = {}

    def report(block: int, fraction: float, message: str) -> None:
        said[block] = fraction
        messages.append(message)

    def begin(block: int) -> Future[None]:
        inner = Job(partial(report, block), stopped.is_set, notes=job.notes)
        return pool.submit(copy_context().run, work, block, inner)

    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        while left or busy:
            while left and len(busy) < AT_ONCE:
                if busy and memory(left[0]) + sum(map(memory, busy.values())) > MEMORY:
                    break
                block = left.popleft()
                busy[begin(block)] = block
            for future in wait(busy, WAIT, FIRST_COMPLETED).done:
                said[busy.pop(future)] = 1
                future.result()
            job.step(sum(said.values()), len(blocks), messages[-1])
    finally:
        # After a cancel or an error the others end at their next report.
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _quietly(work: Work, block: int) -> None:
    """Do the work on a worker, who has nobody to report to."""
    work(block, Job())


def on_dask(client: Any) -> Runner:
    """Return the runner that gives blocks to the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        Its workers see the same folders. What a lost worker had begun, another does.
    """

    def run(work: Work, blocks: list[int], job: Job) -> None:
        from distributed import KilledWorker, as_completed

        futures = {
            client.submit(_quietly, work, block, pure=False, retries=RETRIES) for block in blocks
        }
        pending: Any = as_completed(futures)  # type: ignore[no-untyped-call]
        try:
            for done, future in enumerate(_finished(pending, job)):
                future.result()
                # What is done would be done again if the worker who did it were lost.
                futures.discard(future)
                future.release()
                job.step(done + 1, len(blocks))
        except KilledWorker as error:
            raise MattingError(
                f"Several workers were lost over one block: {error}",
                "Every worker needs memory for one block, 1 to 2 GB",
                "Give the workers more memory and run again: what is done is kept",
            ) from error
        finally:
            client.cancel(list(futures))

    return run


def _finished(futures: Any, job: Job) -> Iterator[Any]:
    """Yield futures as they finish, asking the job in between whether to go on."""
    while not futures.is_empty():
        job.check()
        ready = futures.next_batch(block=False)
        if not ready:
            time.sleep(WAIT)
        yield from ready


def stage(run: Runner, work: Work, blocks: int, is_done: Callable[[int], bool], job: Job) -> None:
    """Do the work for each block for which it is not done.

    Parameters
    ----------
    run : Runner
        Does the blocks, here or on a cluster.
    work : callable(block, job)
        The work.
    blocks : int
        How many there are.
    is_done : callable(int)
        Whether a block is done already.
    job : Job
        Reports progress, and stops the work when it is cancelled.
    """
    left = [block for block in range(blocks) if not is_done(block)]
    job.step(blocks - len(left), blocks)
    run(work, left, job.part((blocks - len(left)) / blocks, 1))
