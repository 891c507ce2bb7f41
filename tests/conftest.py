from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from matting_nodes import sample_data
from matting_nodes.framework import spec

from .checkpoints import with_weights


@pytest.fixture(scope="session", autouse=True)
def _no_downloads(tmp_path_factory):
    """Tests fetch no weights, and leave the user's own model folder alone."""
    before = dict(os.environ)
    os.environ["MATTING_NODES_OFFLINE"] = "1"
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def one_thread():
    """Threads that wait for each other take many times as long where others work too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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
