"""Tasks done by several processes, or by the workers of a Dask cluster."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.synchronize import Event

from ..errors import GraphError
from ..framework.cluster import connected
from ..job import Job
from ..solvers.parallel import LIMITS, core_count
from .batches import Batch, Done, Task

# How often a task is given to another worker after one was lost with it.
RETRIES = 3

THREADS = (*LIMITS, "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
"""Environment variables that limit the threads of what a worker process computes with."""

_stop: Event | None = None


def run_in_processes(
    batch: Batch, tasks: list[Task], finished: Callable[[Done], None], count: int
) -> None:
    """Do tasks in so many processes, sharing the processor's cores between them.

    Parameters
    ----------
    batch : Batch
        What they share.
    tasks : list of Task
        What is to be done.
    finished : callable(Done)
        Called after each, in the order they finish.
    count : int
        How many processes.

    Raises
    ------
    KeyboardInterrupt
        After all of them have stopped, at their next step; no half result is left.
    GraphError
        If a process died, for example for lack of memory.
    """
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    context = get_context("spawn")
    stop = context.Event()
    threads = max(1, core_count() // count)
    pool = ProcessPoolExecutor(count, context, _begin, (stop, threads))
    try:
        futures = [pool.submit(_run_in_worker, batch, task) for task in tasks]
        for future in as_completed(futures):
            finished(future.result())
    except BrokenProcessPool as error:
        raise GraphError(
            "A worker process ended by itself",
            "Every worker needs memory for one picture",
            "Run again with fewer --workers: what is finished is skipped",
        ) from error
    finally:
        # At the end nothing is left to stop; after an interrupt this ends what still runs.
        stop.set()
        pool.shutdown(cancel_futures=True)


def _begin(stop: Event, threads: int) -> None:
    """Prepare a worker process."""
    global _stop
    _stop = stop
    # The terminal sends Ctrl-C to all; the workers stop when the first process tells them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_threads(threads)


def _limit_threads(count: int) -> None:
    """Let this process compute with so many threads, or fewer where the user said so."""
    from threadpoolctl import threadpool_limits

    for name in THREADS:
        given = os.environ.get(name, "")
        if not (given.isdecimal() and 0 < int(given) <= count):
            os.environ[name] = str(count)
    # Libraries that are loaded by now have read these variables before.
    threadpool_limits(dict.fromkeys(("blas", "openmp"), count))


def _run_in_worker(batch: Batch, task: Task) -> Done:
    return batch.run(task, Job(cancelled=_stop.is_set if _stop else lambda: False))


def run_on_dask(
    batch: Batch, tasks: list[Task], finished: Callable[[Done], None], address: str
) -> None:
    """Do tasks on a Dask cluster, whose workers see the same folders.

    A task whose worker is lost is done again by another.

    Parameters
    ----------
    batch : Batch
        What they share; its folders lie where all workers find them.
    tasks : list of Task
        What is to be done.
    finished : callable(Done)
        Called after each, in the order they finish.
    address : str
        Address of the scheduler, such as "tcp://10.0.0.1:8786".

    Raises
    ------
    DependencyError
        If dask.distributed is not installed.
    FileError
        If no scheduler answers there.
    GraphError
        If a task has taken several workers down.
    """
    with connected(address) as client:
        from distributed import KilledWorker, as_completed

        futures = [client.submit(batch.run, task, pure=False, retries=RETRIES) for task in tasks]
        try:
            for future in as_completed(futures):  # type: ignore[no-untyped-call]
                finished(future.result())
        except KilledWorker as error:
            raise GraphError(
                f"Several workers were lost over one picture: {error}",
                "Every worker needs memory for one picture",
                "Give the workers more memory and run again: what is finished is skipped",
            ) from error
        finally:
            client.cancel(futures)
