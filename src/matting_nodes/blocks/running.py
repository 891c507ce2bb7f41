"""The blocks of a stage, done here or on a Dask cluster; those that are done already are not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from ..errors import MattingError
from ..job import Job

RETRIES = 3
"""How often a block is given to another worker after one was lost with it."""
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

        futures = [
            client.submit(_quietly, work, block, pure=False, retries=RETRIES) for block in blocks
        ]
        pending: Any = as_completed(futures)  # type: ignore[no-untyped-call]
        try:
            for done, future in enumerate(_finished(pending, job)):
                future.result()
                job.step(done + 1, len(blocks))
        except KilledWorker as error:
            raise MattingError(
                f"Several workers were lost over one block: {error}",
                "Every worker needs memory for one block, 1 to 2 GB",
                "Give the workers more memory and run again: what is done is kept",
            ) from error
        finally:
            client.cancel(futures)

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
