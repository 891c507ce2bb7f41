"""Stages that run beside each other, with short queues between them."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Generator, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

T = TypeVar("T")

DEPTH = 2
"""Items that wait between two stages: each is a frame in memory."""
_WAIT = 0.05


def _nothing() -> None:
    """Check nothing."""


def prefetched(items: Iterator[T], check: Callable[[], None] = _nothing) -> Generator[T]:
    """Yield the items of an iterator that runs in a thread of its own.

    Parameters
    ----------
    items : iterator
        If the result is closed before its end, it is closed too, in its thread.
    check : callable()
        Called while the caller waits; it may raise.

    Examples
    --------
    >>> list(prefetched(iter(range(4))))
    [0, 1, 2, 3]
    """
    queue: Queue[tuple[str, Any]] = Queue(DEPTH)
    stopped = Event()

    def put(item: tuple[str, Any]) -> None:
        while not stopped.is_set():
            try:
                return queue.put(item, timeout=_WAIT)
            except Full:
                pass

    def work() -> None:
        try:
            for item in items:
                put(("item", item))
                if stopped.is_set():
                    break
        except BaseException as error:
            put(("error", error))
        else:
            put(("end", None))
        finally:
            if isinstance(items, Generator):
                items.close()

    context = contextvars.copy_context()
    thread = Thread(target=context.run, args=(work,), daemon=True)
    thread.start()
    try:
        while True:
            check()
            try:
                kind, item = queue.get(timeout=_WAIT)
            except Empty:
                continue
            if kind == "error":
                raise item
            if kind == "end":
                return
            yield item
    finally:
        stopped.set()
        # A stage that waits for a camera may take long to hear of it: it is a daemon.
        thread.join(1)
