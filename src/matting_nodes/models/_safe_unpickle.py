"""Reads a whole pickled module through stand-ins: of the file's classes, none is imported.

One published checkpoint is such a file, in PyTorch's format of 2019, which `weights_only` does
not read. This unpickler knows a list of names and nothing else; each stands for an empty class
or for a function that makes a tensor of bytes.
"""

from __future__ import annotations

import collections
import io
import pickle
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

# What a training script pickles along with its network.
_PYTORCH_OWN = (
    "torch.nn.parallel.data_parallel.DataParallel",
    "torch.nn.modules.activation.ReLU",
    "torch.nn.modules.activation.Sigmoid",
    "torch.nn.modules.batchnorm.BatchNorm2d",
    "torch.nn.modules.container.Sequential",
    "torch.nn.modules.conv.Conv2d",
    "torch.nn.modules.pooling.MaxPool2d",
    "torch.nn.modules.pooling.MaxUnpool2d",
    "torch.optim.adam.Adam",
    "torch.optim.sgd.SGD",
    "collections.defaultdict",
    "builtins.dict",
    "builtins.set",
)
_REBUILDERS = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter")


class Held(dict[Any, Any]):
    """Stands in for a class that a file names: holds what it is given and runs nothing."""

    # PyTorch asks this of the modules in its old files.
    dump_patches = False

    def __init__(self, *given: Any) -> None:
        super().__init__()


def load_held(path: Path, names: Iterable[str]) -> Any:
    """Return what a file holds, with a stand-in for each class of these names.

    Raises
    ------
    pickle.UnpicklingError
        If the file names anything else.
    """
    import torch

    reader: Any = types.SimpleNamespace(
        Unpickler=_unpickler((*_PYTORCH_OWN, *names)), __name__="stand-ins"
    )
    reader.load = lambda file, **options: reader.Unpickler(file, **options).load()
    # From memory, since PyTorch would unpack a file on disk that is a tar archive.
    data = io.BytesIO(path.read_bytes())
    return torch.load(data, map_location="cpu", pickle_module=reader, weights_only=False)


def _unpickler(names: Iterable[str]) -> type[pickle.Unpickler]:
    known = _tensor_makers() | {name: _stand_in(name) for name in names}

    class StandIns(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            # Files keep the names that Python 2 had.
            full = f"{module}.{name}".replace("__builtin__.", "builtins.", 1)
            if full not in known:
                raise pickle.UnpicklingError(f"GLOBAL {full} is not allowed")
            return known[full]

    return StandIns


def _tensor_makers() -> dict[str, Any]:
    import torch

    makers: dict[str, Any] = {"collections.OrderedDict": collections.OrderedDict}
    makers |= {"torch.Size": torch.Size, "torch.device": torch.device}
    for name in _REBUILDERS:
        makers[f"torch._utils.{name}"] = _disposable(getattr(torch._utils, name))
    return makers


def _disposable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that a file may set attributes on without harm to the real one."""
    return lambda *given: function(*given)


def _stand_in(name: str) -> type[Held]:
    module, _, title = name.rpartition(".")
    return type(title, (Held,), {"__module__": module})
