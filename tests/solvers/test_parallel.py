from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time

import numba
import numpy as np
import pytest

from matting_nodes import MattingSession, alpha_matte, estimate_foreground
from matting_nodes.solvers import parallel
from matting_nodes.solvers.parallel import core_count, in_parallel, thread_count


@numba.njit(nogil=True)
def add_squares(start, stop, values):
    for i in range(start, stop):
        values[i] += i * i


def check_squares(count, **keywords):
    values = np.zeros(count, np.int64)
    in_parallel(add_squares, count, values, **keywords)
    np.testing.assert_array_equal(values, np.arange(count) ** 2)


@pytest.mark.parametrize("smallest", [1, 3, 1000])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 500])
def test_each_index_is_visited_once(with_threads, count, smallest):
    for threads in (1, 2, 5):
        with_threads(threads)
        check_squares(count, smallest=smallest)


def test_several_threads_may_call_it_at_once(with_threads):
    with_threads(3)
    failures = []

    def call():
        try:
            for _ in range(50):
                check_squares(1000)
        except BaseException as error:
            failures.append(error)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert failures == []


def test_a_loop_waits_for_no_thread_that_has_not_begun(with_threads):
    """As on a busy machine, where a thread may get no core for long."""
    with_threads(3)
    release = threading.Event()
    for _ in range(2):
        parallel._tasks().put(release.wait)
    try:
        check_squares(1000)
    finally:
        release.set()


def test_the_work_is_shared(with_threads):
    """Both threads are in the loop at the same time, or the barrier breaks."""
    with_threads(2)
    barrier = threading.Barrier(2, timeout=30)
    in_parallel(lambda start, stop: barrier.wait(), 2)


def test_threads_use_no_core_while_they_wait(with_threads):
    with_threads(3)
    check_squares(1000)
    began = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - began < 0.1


def test_an_error_in_any_thread_is_raised(with_threads):
    with_threads(2)

    def fail(start, stop):
        if stop == 100:
            raise ValueError("the last piece")

    for _ in range(20):
        with pytest.raises(ValueError, match="the last piece"):
            in_parallel(fail, 100)
    check_squares(100)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, core_count()),
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "9"}, 1),
        ({"OMP_NUM_THREADS": "1,4"}, 1),
        ({"OMP_NUM_THREADS": "100000"}, core_count()),
        ({"OMP_NUM_THREADS": "many", "NUMBA_NUM_THREADS": "0"}, core_count()),
    ],
)
def test_the_environment_limits_the_threads(monkeypatch, environment, expected):
    for name in parallel.LIMITS:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert thread_count.__wrapped__() == expected


def threads_after_a_loop(_):
    check_squares(1000)
    return thread_count()


METHODS = [m for m in ("fork", "spawn") if m in multiprocessing.get_all_start_methods()]


@pytest.mark.parametrize("method", METHODS)
def test_worker_processes_have_one_thread_each(monkeypatch, method):
    """A forked one too: its parent's threads are not there, and it does not wait for them."""
    for name in parallel.LIMITS:
        monkeypatch.delenv(name, raising=False)
    check_squares(1000)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map_async(threads_after_a_loop, range(4)).get(60) == [1] * 4


@pytest.mark.parametrize("method", METHODS)
def test_worker_processes_may_be_given_more(monkeypatch, method):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.map_async(threads_after_a_loop, [0]).get(60) == [min(2, core_count())]


# All that a host may have set for its own threads, and what the libraries made of it.
LOOK = """
import json, os, cv2, numba, numba.np.ufunc.parallel, scipy.linalg, torch
from threadpoolctl import threadpool_info
print(json.dumps({
    "environment": {k: v for k, v in os.environ.items() if "OMP" in k or "THREAD" in k},
    "torch": [torch.get_num_threads(), torch.get_num_interop_threads()],
    "libraries": sorted({(lib["internal_api"], lib["num_threads"]) for lib in threadpool_info()}),
    "numba": [numba.config.THREADING_LAYER, numba.np.ufunc.parallel._is_initialized],
}))
"""
MATTE = """
from matting_nodes import MattingSession, alpha_matte, estimate_foreground, sample_data
image, trimap = sample_data.lemur()[60:160, 220:340], sample_data.lemur_trimap()[60:160, 220:340]
alpha = alpha_matte(image, trimap)
alpha_matte(image, trimap, method="closed_form")
estimate_foreground(image, alpha)
"""


def output_of(script):
    environment = os.environ | {"OMP_NUM_THREADS": "3", "GOMP_SPINCOUNT": "1000"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_hosts_settings_stay_whichever_is_imported_first():
    alone = output_of(LOOK)
    assert output_of("import torch" + MATTE + LOOK) == alone
    assert output_of(MATTE + LOOK) == alone


def test_every_loop_gives_the_same_bits_on_any_number_of_threads(fur, with_threads):
    image, trimap = np.tile(fur[0], (2, 2, 1)), np.tile(fur[1], (2, 2))
    stroked = trimap.copy()
    stroked[40:60, 50:60] = 255

    def results():
        alpha = alpha_matte(image, trimap)
        session = MattingSession.begin(image, trimap)
        session.update(stroked)
        exact = alpha_matte(image, trimap, method="closed_form")
        return [alpha, session.alpha, exact, *estimate_foreground(image, alpha)]

    with_threads(1)
    alone = results()
    for threads in (2, 5):
        with_threads(threads)
        for one, several in zip(alone, results(), strict=True):
            np.testing.assert_array_equal(one, several)
