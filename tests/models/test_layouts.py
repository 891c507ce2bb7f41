"""Checkpoints laid out as their authors' training scripts write them, on a small network."""

from __future__ import annotations

import pickle
import types
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from matting_nodes.models.weights import load_into

from .conftest import tiny_network


class Python2Pickler(pickle._Pickler):
    """Writes text and ordered dictionaries as Python 2 wrote them."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_string(self, text):
        data = text if isinstance(text, bytes) else text.encode("latin1")
        self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        self.memoize(text)

    dispatch[str] = dispatch[bytes] = save_string

    def reducer_override(self, value):
        if type(value) is OrderedDict:
            return OrderedDict, ([list(item) for item in value.items()],)
        return NotImplemented


PYTHON_2 = types.SimpleNamespace(
    __name__="pickle",
    Pickler=Python2Pickler,
    dump=lambda value, file, protocol: Python2Pickler(file, protocol).dump(value),
)


def save_as_of_old(content, path, pickle_module=pickle):
    """Save in PyTorch's format before 1.6, with the names that numpy had before 2.0."""
    torch.save(content, path, pickle_module=pickle_module, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))


def trained(network):
    """Return an optimizer after a step, and its schedule."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    network(torch.rand(1, 4, 8, 8)).sum().backward()
    optimizer.step()
    schedule.step()
    return optimizer, schedule


def in_parallel(network):
    return torch.nn.DataParallel(network).state_dict()


def fba(network, path):
    save_as_of_old(network.state_dict(), path)


def indexnet(network, path, save=save_as_of_old):
    optimizer, _ = trained(network)
    content = {
        "state_dict": in_parallel(network),
        "optimizer": optimizer.state_dict(),
        "epoch": 30,
        "train_loss": {"running_loss": [0.5], "epoch_loss": [np.float32(0.25)]},
        "val_loss": {"running_loss": [], "epoch_loss": []},
        "measure": {"sad": [np.float64(45.8)], "mse": [np.mean([0.013])], "grad": [], "conn": []},
    }
    save(content, path)


def indexnet_now(network, path):
    indexnet(network, path, save=torch.save)


def gca(network, path):
    optimizer, schedule = trained(network)
    content = {
        "iter": 200000,
        "loss": 0.0091,
        "state_dict": in_parallel(network),
        "opt_state_dict": optimizer.state_dict(),
        "lr_state_dict": schedule.state_dict(),
    }
    save_as_of_old(content, path)


def dim_vgg16(network, path):
    # Its best score is a number of numpy's, whose bytes are no ASCII.
    content = {"epoch": 12, "state_dict": network.state_dict(), "best_sad": np.float64(52.99)}
    save_as_of_old(content, path, PYTHON_2)
    assert b"numpy.core.multiarray" in path.read_bytes()


def arrays(network, path):
    """Not published like this: what else scripts store beside weights."""
    content = {
        "state_dict": network.state_dict(),
        "losses": np.arange(3.0),
        "scores": {np.float64(1.5): np.array(["a", "b"])},
        "seen": {1, 2},
    }
    save_as_of_old(content, path)


def vitmatte_base(network, path):
    torch.save(network.state_dict(), path)


def sam2(network, path):
    save_file(network.state_dict(), path)


@pytest.mark.parametrize(
    "layout",
    [fba, indexnet, indexnet_now, gca, dim_vgg16, arrays, vitmatte_base, sam2],
    ids=lambda layout: layout.__name__,
)
def test_a_checkpoint_as_its_authors_write_it_gives_the_network_back(register, tmp_path, layout):
    network = tiny_network()
    path = tmp_path / "weights"
    layout(network, path)
    other = tiny_network(seed=1)
    load_into(other, path, register())
    picture = torch.rand(1, 4, 16, 16)
    assert torch.equal(other(picture), network(picture))


def test_what_python_2_wrote_is_read_by_no_other_way(tmp_path):
    """The file is as difficult as the published one: neither way of PyTorch's own reads it."""
    dim_vgg16(tiny_network(), tmp_path / "weights")
    with pytest.raises(pickle.UnpicklingError, match=r"GLOBAL numpy\.core\.multiarray\.scalar"):
        torch.load(tmp_path / "weights", weights_only=True)
    with pytest.raises(UnicodeDecodeError):
        torch.load(tmp_path / "weights", weights_only=False)
