"""Files that cannot be used as IndexNet's weights, for the tests of every host."""

from __future__ import annotations

import os

import torch

from matting_nodes.models import catalog


class Malicious:
    """Unpickled as it asks to be, it would make a file."""

    def __reduce__(self):
        return os.system, ("touch ran",)


def truncated(state, path):
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:-2000])


def without_a_key(state, path):
    del state["pred.1.weight"]
    torch.save(state, path)


def of_another_network(state, path):
    torch.save({"state_dict": catalog.model("gca").build().state_dict()}, path)


def with_another_shape(state, path):
    state["layer0.0.weight"] = state["layer0.0.weight"][:, :3]
    torch.save({"state_dict": state}, path)


# How a file is made from IndexNet's tensors, and what is told of it
FILES = {
    "picture": (
        lambda state, path: path.write_bytes(b"\x89PNG not at all"),
        "cannot be read as a checkpoint",
    ),
    "empty": (lambda state, path: path.write_bytes(b""), "cannot be read as a checkpoint"),
    "cut": (truncated, "cannot be read as a checkpoint: "),
    "code": (
        lambda state, path: torch.save({"state_dict": Malicious()}, path),
        "holds more than tensors",
    ),
    "other": (of_another_network, "It looks like gca: choose that model"),
    "key": (without_a_key, "1 missing (pred.1.weight)"),
    "shape": (with_another_shape, "layer0.0.weight has shape (32, 3, 3, 3), not (32, 4, 3, 3)"),
    "no tensors": (lambda state, path: torch.save({"epoch": 3}, path), "holds no tensors"),
    "folder": (lambda state, path: path.mkdir(), "is not a file"),
    "absent": (lambda state, path: None, "is not a file"),
}
