"""What users are told while Numba compiles."""

from __future__ import annotations

import pytest

from matting_nodes.job import Cancelled, Job
from matting_nodes.solvers.compiling import telling_of_compiling

numba = pytest.importorskip("numba")


def loops():
    """Return a loop that calls another, neither compiled yet."""

    @numba.njit
    def inner(count):
        return count + 1

    @numba.njit
    def outer(count):
        return inner(count) * 2

    return outer


def test_compiling_is_told_once_and_not_when_it_is_done():
    told = []
    job, outer = Job(report=lambda done, message: told.append((done, message))), loops()
    for _ in range(2):
        with telling_of_compiling(job, "Solver") as inner:
            inner.step(0.25, message="Solver")
            assert outer(1) == 4
    compiling = [entry for entry in told if "compiling" in entry[1]]
    # Once, with the progress as it was, though a function within was compiled too.
    assert compiling == [(0.25, "Solver: compiling, at the first use only (up to a minute)")]
    outer(1.5)  # nobody listens any more
    assert len(told) == 3


def test_a_cancel_stops_before_the_next_loop_is_compiled():
    outer, job = loops(), Job(cancelled=lambda: True)
    with pytest.raises(Cancelled), telling_of_compiling(job, "Solver"):
        outer(1)
    assert not outer.signatures
    assert outer(1) == 4  # it compiles as ever
