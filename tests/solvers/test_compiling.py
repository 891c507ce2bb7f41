"""What users are told while Numba compiles."""

from __future__ import annotations

import os
import subprocess
import sys

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


CANCELLED_WHILE_COMPILING = """
import sys, threading, time
import numpy as np
from matting_nodes import alpha_matte, estimate_foreground, sample_data
from matting_nodes.job import Cancelled, Job

what = sys.argv[1]
image, trimap = sample_data.lemur()[::4, ::4], sample_data.lemur_trimap()[::4, ::4]
alpha = sample_data.lemur_alpha()[::4, ::4]
compiling, cancelled = threading.Event(), threading.Event()

def report(_, message):
    if "compiling" in message:
        compiling.set()

def run(job=None):
    if what == "multilevel":
        return estimate_foreground(image, alpha, method=what, job=job)[0]
    return alpha_matte(image, trimap, method=what, job=job)

ended = []

def until_cancelled():
    try:
        run(Job(report, cancelled.is_set))
        ended.append("not cancelled")
    except Cancelled:
        ended.append("cancelled")

thread = threading.Thread(target=until_cancelled)
thread.start()
assert compiling.wait(120), "nothing was compiled"
cancelled.set()
began = time.monotonic()
thread.join()
assert ended == ["cancelled"], ended
assert time.monotonic() - began < 1
# While the compiler is still at work, the next run begins, and is whole.
first, second = run(), run()
assert np.array_equal(first, second)
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["sampled_propagation", "closed_form", "multilevel"])
def test_the_first_compile_of_all_keeps_no_cancel_waiting(what, tmp_path):
    """With nothing in Numba's cache, one function can take seconds."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", CANCELLED_WHILE_COMPILING, what]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
