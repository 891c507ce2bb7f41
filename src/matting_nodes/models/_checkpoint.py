"""Checkpoints as tensors by name. No code ever comes from a file."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import WeightsError
from ._safe_unpickle import Held, load_held
from .catalog import MODELS, Model

if TYPE_CHECKING:
    import torch
    from torch.nn import Module

    State = dict[str, torch.Tensor]

_ENTRIES = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("module.", "_orig_mod.")


def load_state(path: Path, model: Model) -> State:
    """Return a checkpoint's tensors by name, on the CPU.

    Prefixes that a training script leaves ("module.") are taken off, and what the catalog
    ignores is left out. Files of safetensors and of `torch.save` are told apart by content.

    Parameters
    ----------
    path : Path
        The file.
    model : Model
        From the catalog: which entry holds the tensors, and, for the one published file that
        is a whole pickled module, its authors' classes, whose place inert stand-ins take.

    Raises
    ------
    WeightsError
        If the file is damaged, names anything that could run code, or holds no tensors.
    """
    loaded = _safetensors(path) if _is_safetensors(path) else _torch(path, model)
    state = {
        _without_prefix(name): tensor
        for name, tensor in _tensors(_entry(loaded, model))
        if not _without_prefix(name).startswith(model.ignored)
    }
    if not state:
        raise WeightsError(
            f"{path} holds no tensors that {model.title} could use",
            f"It must hold a state dict{f' under {model.state_key!r}' * bool(model.state_key)}",
            "Choose the checkpoint that training wrote",
        )
    return state


def load_into(network: Module, path: Path, model: Model) -> frozenset[str]:
    """Load a checkpoint into a network; every tensor must find its place.

    Parameters
    ----------
    network : Module
        Takes the tensors.
    path : Path
        The checkpoint.
    model : Model
        Its entry in the catalog.

    Returns
    -------
    frozenset of str
        Optional keys that the file lacks: those tensors keep their initial values.

    Raises
    ------
    WeightsError
        As `load_state` does, and if keys are missing or unexpected or shapes differ. It says
        which catalog models the keys do fit, if any.
    """
    state, expected = load_state(path, model), network.state_dict()
    absent = frozenset(k for k in expected if k not in state and k.startswith(model.optional))
    faults = _faults(state, {k: v for k, v in expected.items() if k not in absent})
    if faults:
        others = [name for name in fitting(state) if name != model.name]
        fix = (
            f"It looks like {' or '.join(others)}: choose that model"
            if others
            else (f"Choose a file that was saved from {model.title}")
        )
        raise WeightsError(
            f"{path} does not fit {model.title}: {'; '.join(faults)}",
            f"The network has {len(expected)} tensors, and each must have its own in the file",
            fix,
        )
    network.load_state_dict(state, strict=False)
    return absent


def check_loads(path: Path, model: Model) -> None:
    """Refuse a file from which the model's network cannot be loaded.

    Parameters
    ----------
    path : Path
        The checkpoint.
    model : Model
        Its entry in the catalog.

    Raises
    ------
    WeightsError
        As `load_into` does.
    """
    load_into(model.build(), path, model)


def fitting(state: Iterable[str]) -> list[str]:
    """Return the catalog's models whose telltale keys are all there."""
    keys = set(state)
    return [m.name for m in MODELS.values() if m.telltale and keys.issuperset(m.telltale)]


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < 1 << 27


def _safetensors(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error


def _torch(path: Path, model: Model) -> Any:
    import torch

    with _explained(path, model):
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        # It names more than tensors, or PyTorch stumbles over a format of old.
        except Exception as first:
            try:
                return _with_stand_ins(path, model)
            except pickle.UnpicklingError as second:
                raise (second if _named_in(second) else first) from second


def _with_stand_ins(path: Path, model: Model) -> Any:
    with warnings.catch_warnings():
        # PyTorch warns that it cannot compare the source of the classes.
        warnings.simplefilter("ignore")
        return load_held(path, model.pickled)


@contextmanager
def _explained(path: Path, model: Model) -> Iterator[None]:
    try:
        yield
    except pickle.UnpicklingError as error:
        named = _named_in(error)
        if not named:
            raise _damaged(path, error) from error
        raise WeightsError(
            f"{path} holds more than tensors: it names {named}",
            "Loading it would run code from the file, which is never done",
            f"Get {model.file} from its publisher, or save the bare state dict again",
        ) from error
    # A damaged file can make PyTorch stumble anywhere.
    except Exception as error:
        raise _damaged(path, error) from error


def _named_in(error: pickle.UnpicklingError) -> str:
    """Return the name that an unpickler refused, or nothing if it stumbled otherwise."""
    found = re.search(r"GLOBAL (\S+)|got (<class [^>]+>)", str(error))
    return (found[1] or found[2]) if found else ""


def _damaged(path: Path, error: Exception) -> WeightsError:
    reason = str(error).rpartition("WeightsUnpickler error:")[2].strip().partition("\n")[0]
    return WeightsError(
        f"{path} cannot be read as a checkpoint: {reason[:200] or type(error).__name__}",
        "It must be a whole file of safetensors or of torch.save",
        "It may be cut short or of another kind: get it again",
    )


def _entry(loaded: Any, model: Model) -> Any:
    """Return the part of a checkpoint that holds the tensors."""
    entries = (model.state_key, *_ENTRIES)
    held = isinstance(loaded, Mapping) and next((e for e in entries if e in loaded), None)
    return loaded[held] if held else loaded


def _tensors(entry: Any, prefix: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors of a state dict, or of a module that stand-ins hold."""
    import torch

    if isinstance(entry, Held):
        inside = vars(entry)
        own = {**inside.get("_parameters", {}), **inside.get("_buffers", {})}
        yield from _tensors(own, prefix)
        for name, part in inside.get("_modules", {}).items():
            yield from _tensors(part, f"{prefix}{name}.")
    elif isinstance(entry, Mapping):
        for name, value in entry.items():
            if isinstance(value, torch.Tensor):
                yield f"{prefix}{name}", value.detach()


def _without_prefix(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _faults(state: State, expected: State) -> list[str]:
    """Return what keeps the tensors of a file from taking their places."""
    there = {expected[name].data_ptr() for name in state if name in expected}
    missing = [
        name
        for name, tensor in expected.items()
        if name not in state
        # One tensor may go under two names, and the file then holds it once.
        and tensor.data_ptr() not in there
        # PyTorch before 0.4.1 did not count batches; no result depends on it.
        and not name.endswith("num_batches_tracked")
    ]
    shaped = [
        f"{name} has shape {tuple(state[name].shape)}, not {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in state and state[name].shape != tensor.shape
    ]
    unexpected = [name for name in state if name not in expected]
    kinds = {"missing": missing, "unexpected": unexpected, "of wrong shape": shaped}
    return [
        f"{len(names)} {kind} ({', '.join(names[:3])}{', …' * (len(names) > 3)})"
        for kind, names in kinds.items()
        if names
    ]
