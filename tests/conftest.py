from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from matting_nodes import sample_data
from matting_nodes.framework import spec

from .checkpoints import with_weights

TESTS = Path(__file__).parent
# Real windows share one display, and its focus; the tests of ComfyUI share one server.
TOGETHER = {"hosts/napari": "windows", "hosts/comfyui": "comfyui"}
# Rooms whose tests are slow, every one of them.
SLOW = {"hosts/napari", "hosts/web", "networks"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file on one worker, where they share fixtures; and the windows."""
    for item in items:
        room = item.path.parent.relative_to(TESTS).as_posix() if TESTS in item.path.parents else ""
        item.add_marker(pytest.mark.xdist_group(TOGETHER.get(room, item.location[0])))
        if room in SLOW:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def _no_downloads(tmp_path_factory):
    """Tests fetch no weights, and leave the user's own model folder and log alone."""
    before = dict(os.environ)
    os.environ["MATTING_NODES_OFFLINE"] = "1"
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard():
    """A shell starts what runs in the background deaf to Ctrl-C, and its children with it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def _an_empty_pool():
    """Tests that count the pool's networks do not count those of other files."""
    yield
    if pool := sys.modules.get("matting_nodes.models.pool"):
        pool.POOL.free()


@pytest.fixture
def one_thread():
    """Threads that wait for each other take many times as long where others work too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def with_threads(monkeypatch):
    """Lets compiled loops run on a number of threads, even if they are short."""
    from matting_nodes.alpha.propagation import data_term
    from matting_nodes.foreground import _multilevel
    from matting_nodes.solvers import laplacian, multigrid, parallel

    for module in (laplacian, multigrid, data_term, _multilevel):
        monkeypatch.setattr(module, "PARALLEL_MIN", 16)
    return lambda count: monkeypatch.setattr(parallel, "thread_count", lambda: count)


@pytest.fixture(scope="session")
def lemur() -> NDArray[np.float32]:
    return sample_data.lemur()


@pytest.fixture(scope="session")
def lemur_trimap() -> NDArray[np.uint8]:
    return sample_data.lemur_trimap()


@pytest.fixture(scope="session")
def fur(lemur, lemur_trimap):
    """A real piece of fur that is solved in no time: image and trimap, 100 × 120."""
    part = np.s_[60:160, 220:340]
    return lemur[part], lemur_trimap[part]


@pytest.fixture
def registry():
    """Lets a test register nodes and methods, and takes them back after it."""
    nodes, methods = dict(spec.NODES), {name: dict(m) for name, m in spec.METHODS.items()}
    yield spec
    for now, before in ((spec.NODES, nodes), (spec.METHODS, methods)):
        now.clear()
        now.update(before)


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """Reads an example workflow; networks in it get weights made for these tests."""
    folder = tmp_path_factory.mktemp("weights")
    yield lambda name: with_weights(name, folder)
    # They are large, and pytest would keep them.
    shutil.rmtree(folder)
