"""Compiled loops (numba): one parallel loop at a time in the whole process."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_TURN = RLock()


def one_at_a_time(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function that calls parallel loops wait for its turn.

    Numba's work queue, which it uses where it finds no OpenMP, ends the process when two
    threads enter parallel loops at once; and one loop uses all cores anyway.
    """

    @wraps(function)
    def in_turn(*args: P.args, **keywords: P.kwargs) -> R:
        with _TURN:
            return function(*args, **keywords)

    return in_turn
