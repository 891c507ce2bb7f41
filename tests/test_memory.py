"""The memory rule, by limits that the tests set themselves."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from matting_nodes import alpha_matte, memory
from matting_nodes.errors import MemoryLimitError, ParameterError
from matting_nodes.memory import GIB, LIMIT, check_memory, free_memory, reserved


@pytest.fixture
def one_gib_left(monkeypatch):
    monkeypatch.setenv(LIMIT, str(1 + memory._own() / GIB))


@pytest.mark.usefixtures("one_gib_left")
def test_what_does_not_fit_is_refused_with_both_numbers():
    check_memory(0.8 * GIB, "A small thing")
    with pytest.raises(MemoryLimitError, match=r"A picture needs 2\.0 GiB .* GiB may be used"):
        check_memory(2 * GIB, "A picture")


def test_free_memory_is_no_more_than_the_machine_has():
    psutil = pytest.importorskip("psutil")
    assert 0 < free_memory() < psutil.virtual_memory().total


@pytest.mark.parametrize("text", ["much", "0", "-3", "nan"])
def test_a_limit_that_is_no_number_is_refused(monkeypatch, text):
    monkeypatch.setenv(LIMIT, text)
    with pytest.raises(ParameterError, match="It is a number of GiB above 0"):
        check_memory(GIB, "A picture")


def test_a_container_has_what_its_limit_leaves(tmp_path):
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 100\n")
    names = (str(tmp_path), "memory.max", "memory.current", "inactive_file")
    assert memory._of_cgroup(*names) == 400 * memory._USABLE
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._of_cgroup(*names) == np.inf


@pytest.mark.usefixtures("one_gib_left")
def test_two_that_fit_alone_wait_for_each_other():
    inside, most = [], []

    def work():
        with reserved(0.7 * GIB, "A picture"):
            inside.append(1)
            most.append(len(inside))
            memory.check_memory(0.1 * GIB, "Something else")
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == [1] * 8
    assert memory._in_use == pytest.approx(0, abs=1)


@pytest.mark.usefixtures("one_gib_left")
def test_a_method_is_refused_before_it_fills_the_memory(lemur):
    """KNN on a picture that closed form could do."""
    large = np.broadcast_to(lemur[:1, :1], (2000, 3000, 3))
    trimap = np.broadcast_to(np.uint8(128), (2000, 3000))
    with pytest.raises(MemoryLimitError, match=r"KNN\) on 3000 × 2000 pixels needs \d+\.\d GiB"):
        alpha_matte(large, trimap, method="knn")
    with pytest.raises(MemoryLimitError, match=r"Alpha Matte .* on 30000 × 20000 pixels needs"):
        alpha_matte(*(np.broadcast_to(part[:1, :1], (20000, 30000, 3)[: part.ndim])
                      for part in (large, trimap)))  # fmt: skip
