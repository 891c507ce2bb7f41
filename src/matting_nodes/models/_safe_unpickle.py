"""Reads pickles of training scripts through stand-ins: of a file's classes, none is imported.

Some published checkpoints hold more than tensors, which `weights_only` does not read: numpy's
numbers, or the whole module in PyTorch's format of 2019. This unpickler knows a list of names and
nothing else; each stands for an empty class or for a function that makes a tensor of bytes.
"""

from __future__ import annotations

import collections
import io
import pickle
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

# What a training script pickles beside the weights, as Python 2 and 3 and old libraries named it.
_KNOWN = (
    *(
        f"numpy.{core}.multiarray.{function}"
        for core in ("core", "_core")
        for function in ("scalar", "_reconstruct")
    ),
    "numpy.dtype",
    "numpy.ndarray",
    "_codecs.encode",
    "builtins.dict",
    "builtins.object",
    "builtins.set",
    "collections.defaultdict",
    "copyreg._reconstructor",
    "torch.nn.backends.backend.FunctionBackend",
    "torch.nn.backends.thnn.THNNFunctionBackend",
    "torch.nn.backends.thnn._get_thnn_function_backend",
    "torch.nn.modules.activation.ReLU",
    "torch.nn.modules.activation.Sigmoid",
    "torch.nn.modules.batchnorm.BatchNorm2d",
    "torch.nn.modules.container.Sequential",
    "torch.nn.modules.conv.Conv2d",
    "torch.nn.modules.pooling.MaxPool2d",
    "torch.nn.modules.pooling.MaxUnpool2d",
    "torch.nn.parallel.data_parallel.DataParallel",
    "torch.optim.adam.Adam",
    "torch.optim.sgd.SGD",
)
_REBUILDERS = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter")
# Python 2 called two modules otherwise.
_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}


class Held(dict[Any, Any]):
    """Stands in for a class that a file names: holds what it is given and runs nothing."""

    # PyTorch asks this of the modules in its old files.
    dump_patches = False
    # It may stand for a number that is a key.
    __hash__ = object.__hash__  # type: ignore[assignment]  # a dict has none

    def __init__(self, *given: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        """Keep the attributes of a module; of a tuple, as numpy's types have, nothing."""
        if isinstance(state, dict):
            vars(self).update(state)


def load_held(path: Path, names: Iterable[str] = ()) -> Any:
    """Return what a file holds, with a stand-in for each known name and for these.

    Parameters
    ----------
    path : Path
        A file of torch.save.
    names : tuple of str
        Classes of its authors that it may name, beside the fixed list.

    Raises
    ------
    pickle.UnpicklingError
        If the file names anything else, or is a program (TorchScript).
    """
    import torch

    reader: Any = types.SimpleNamespace(
        Unpickler=_unpickler((*_KNOWN, *names)), __name__="stand-ins"
    )
    reader.load = lambda file, **options: reader.Unpickler(file, **options).load()
    # From memory, since PyTorch would unpack a file on disk that is a tar archive.
    data = io.BytesIO(path.read_bytes())
    _refuse_torchscript(data)
    # Python 2 did not tell text from bytes: latin-1 takes both.
    return torch.load(
        data, map_location="cpu", pickle_module=reader, weights_only=False, encoding="latin1"
    )


def _refuse_torchscript(data: io.BytesIO) -> None:
    """PyTorch would hand such a file to an interpreter of its own, which runs code from it."""
    import torch

    # Asked of PyTorch's own reader, so that no file looks different to the two.
    if data.read(4) == b"PK\x03\x04":
        data.seek(0)
        if "constants.pkl" in torch._C.PyTorchFileReader(data).get_all_records():
            raise pickle.UnpicklingError("GLOBAL TorchScript is not allowed")
    data.seek(0)


def _unpickler(names: Iterable[str]) -> type[pickle.Unpickler]:
    known = _tensor_makers() | {name: _stand_in(name) for name in names}

    class StandIns(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            full = f"{_PYTHON_2.get(module, module)}.{name}"
            if full not in known:
                raise pickle.UnpicklingError(f"GLOBAL {full} is not allowed")
            return known[full]

    return StandIns


def _tensor_makers() -> dict[str, Any]:
    import torch

    makers: dict[str, Any] = {"collections.OrderedDict": collections.OrderedDict}
    makers |= {"torch.Size": torch.Size, "torch.device": torch.device}
    makers["torch.nn.parameter.Parameter"] = lambda tensor, *_: tensor
    for name in _REBUILDERS:
        makers[f"torch._utils.{name}"] = _disposable(getattr(torch._utils, name))
    return makers


def _disposable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that a file may set attributes on without harm to the real one."""
    return lambda *given: function(*given)


def _stand_in(name: str) -> type[Held]:
    module, _, title = name.rpartition(".")
    return type(title, (Held,), {"__module__": module})
